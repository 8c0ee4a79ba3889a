from __future__ import annotations

from harness.suggestions import find_nearest, suggest

KNOWN = ("channels_first", "channels_last", "Conv2D")


def test_the_nearest_word_comes_before_all_of_them() -> None:
    assert suggest("channel_frist", KNOWN) == f"did you mean `channels_first`? Known: {', '.join(KNOWN)}"


def test_where_no_word_is_near_all_are_told() -> None:
    assert suggest("x", KNOWN) == "Known: channels_first, channels_last, Conv2D"
    assert suggest("x", ()) == "Known: none"


def test_the_case_of_letters_does_not_count() -> None:
    assert find_nearest("CONV2d", KNOWN, 1) == ["Conv2D"]


def test_the_likest_come_first_and_no_more_than_asked_for() -> None:
    assert find_nearest("channels_firs", KNOWN, 2) == ["channels_first", "channels_last"]
    assert find_nearest("channels_firs", KNOWN, 1) == ["channels_first"]
    assert len(find_nearest("x", KNOWN, 3, cutoff=0.0)) == 3
