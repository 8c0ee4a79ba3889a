from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from harness.oracle import WRONG_RULES
from harness.records import Case
from harness.verdicts.diagnose import cause_of

from .made import MUST_BE_REFUSED, PLAIN, answer, smoke

PER_RULE = 3
"""Cases of each rule that are diagnosed: each runs every other rule too."""


@pytest.fixture(scope="module")
def cases() -> Sequence[Case]:
    return list(smoke())


@pytest.mark.parametrize("name", WRONG_RULES)
def test_the_rule_that_made_the_answer_is_among_its_causes(name: str, cases: Sequence[Case]) -> None:
    diagnosed = 0
    shown: set[str] = set()
    for case in cases:
        wrong = answer(case, WRONG_RULES[name])
        if not np.array_equal(wrong, answer(case)):
            cause = cause_of(case, wrong)
            shown |= set(cause.split(" or "))
            assert name in cause.split(" or ") or cause.endswith(" more"), (case.id, cause)
            diagnosed += 1
        if diagnosed >= PER_RULE and name in shown:
            return
    assert name in shown


def test_an_answer_that_no_rule_gives_has_no_cause() -> None:
    values = answer(PLAIN).copy()
    values[0, 1, 2, 0] += 1
    assert cause_of(PLAIN, values) == ""


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3, 6), (2, 3, 6, 3, 1), (2, 9, 9, 3)])
def test_a_shape_that_no_rule_gives_has_no_cause(shape: tuple[int, ...]) -> None:
    assert cause_of(PLAIN, np.zeros(shape, np.float32)) == ""


def test_a_padding_without_a_formula_has_no_cause() -> None:
    assert cause_of(MUST_BE_REFUSED, answer(PLAIN)) == ""


def test_rounding_does_not_hide_the_cause() -> None:
    wrong = answer(PLAIN, WRONG_RULES["odd-cell-before"]) + np.float32(0.0625)  # type: ignore[operator]
    assert "odd-cell-before" in cause_of(PLAIN, wrong).split(" or ")


def test_more_than_three_causes_are_counted(cases: Sequence[Case]) -> None:
    for case in cases:
        cause = cause_of(case, answer(case, WRONG_RULES["kernel-flipped"]))
        if cause.endswith(" more"):
            assert len(cause.split(" or ")) == 4
            return
    raise AssertionError("no case of smoke has four causes")


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize(
    "dtype",
    [
        "float16",
        "float32",
        "float64",
    ],
)
def test_wild_values_raise_no_warning(dtype: str, value: float) -> None:
    with np.errstate(over="ignore"):
        values = np.full((2, 3, 6, 3), value).astype(dtype)
    cause_of(PLAIN, values)
