"""What is masked, and what is not; `tests/report/test_rows.py` has more on lines of two runs."""

from __future__ import annotations

import pytest

from harness.masking import mask_first_words, mask_numbers, mask_run, strip_escapes, unwrap_error


def test_escape_sequences_of_every_form_are_stripped() -> None:
    assert (
        strip_escapes("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\ \x1bMup") == "red link up"
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("<Layer at 0x7f00deadbeef>", "<Layer at 0x#>"),
        ("code 0x1f", "code 0x1f"),
        ("11:33:25 gone", "#:#:# gone"),
        ("conv2d_28 of functional_7_1", "conv2d_# of functional_#"),
        ("my_conv2d_28, float_32, stage 7", "my_conv2d_28, float_32, stage 7"),
        ("__inference_call_4", "__inference_call_#"),
        ('in File "/a b/c.py", line 5, in call File "d.py", line 6, in x end', "in end"),
    ],
)
def test_what_differs_between_two_runs_is_masked_and_the_rest_stays(text: str, masked: str) -> None:
    assert mask_run(text) == masked


def test_numbers_are_masked_but_for_those_within_names() -> None:
    assert mask_numbers("Conv2D got -3 and 1.5.2 at 0x1f of x_7") == "Conv2D got # and # at # of x_#"


@pytest.mark.parametrize(
    "wrapped",
    [
        "Exception encountered when calling layer 'conv2d' (type Conv2D).no",
        "Exception encountered when calling Conv2D.call().no",
        "{{function_node x}}no [Op:Conv2D]",
        "no [[{{node x}}]]",
        "no (defined at keras.py:5)",
        "no Arguments received by Conv2D.call(): x=1",
        "no [CALL STACK] and so on",
        "Graph execution error: node m (most recent call last): File \"a.py\", line 1, in call Node: 'm'no",
        "\x1b[1mno\x1b[0m",
    ],
)
def test_what_frameworks_put_around_an_error_is_dropped(wrapped: str) -> None:
    assert unwrap_error(wrapped).strip() == "no"


def test_the_first_words_of_an_error_have_no_numbers() -> None:
    error = "ValueError: conv2d_28_1 got -3, not 4, of all"
    assert mask_first_words(error, 4) == ("ValueError:", "conv#d#", "got", "#,")
