from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge.error_notes import extract_first_words, make_error_note
from harness.records import Divergence, Finding, Judgement, Observation, Outcome, Stage, Verdict
from tests.judge.made import MUST_BE_REFUSED, PLAIN, TARGET, expected

FINDING = Finding(TARGET, PLAIN, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.UNEXPECTED_ERROR)


def words_of(error: str) -> str:
    return extract_first_words(replace(FINDING, error=error))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError: got 3 channels", "ValueError: got 12 channels"),
        ("RuntimeError: bad address 0x7f01ab", "RuntimeError: bad address 0x55ffee"),
        ("\x1b[1mValueError\x1b[0m: no", "ValueError: no"),
    ],
)
def test_numbers_addresses_and_colours_do_not_tell_errors_apart(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


def test_other_words_do() -> None:
    assert words_of("ValueError: no such padding") != words_of("ValueError: no such format")


def test_the_name_of_the_padding_is_masked() -> None:
    assert words_of(f"ValueError: padding '{PLAIN.padding}'") == words_of("ValueError: padding '#'")


def test_a_long_error_is_cut_and_says_so() -> None:
    assert words_of("word " * 40).endswith(" ...")
    assert len(words_of("w" * 500).split()[0]) <= 120


def test_what_must_be_refused_is_told_by_the_argument() -> None:
    expectation = expected(MUST_BE_REFUSED)
    finding = Finding(
        TARGET,
        MUST_BE_REFUSED,
        Outcome.RETURNED,
        Stage.REPLY,
        Verdict.DIVERGES,
        Divergence.MISSING_ERROR,
    )
    observation = Observation(TARGET, MUST_BE_REFUSED.id, Outcome.RETURNED, Stage.REPLY)
    note = make_error_note(Judgement(finding, expectation, observation))
    assert note == f"must be refused: {expectation.refusal_arguments[0]}"
