from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest

from harness.judge import diagnose
from harness.judge.diagnose import (
    build_rule_pairs,
    diagnose_values,
    find_causes,
    find_rule,
    is_equivalent_cause,
)
from harness.judge.rule_matching import compute_result_shape, group_by_computation, make_observed_array
from harness.oracle import KERAS, WRONG_RULES, Rule
from harness.oracle.rules import Amount, Orientation, Placement
from harness.records import Case, DataKind, Layer, derive_arguments
from tests.judge.made import MUST_BE_REFUSED, PLAIN, answer, smoke

PER_RULE = 3
"""The number of cases of each rule that are diagnosed; each evaluates every other rule too."""


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
            cause = diagnose_values(case, wrong)
            shown |= set(cause.split(" or "))
            assert name in cause.split(" or ") or cause.endswith(" more"), (case.id, cause)
            diagnosed += 1
        if diagnosed >= PER_RULE and name in shown:
            return
    assert name in shown


def test_an_answer_that_no_rule_gives_has_no_cause() -> None:
    values = answer(PLAIN).copy()
    values[0, 1, 2, 0] += 1
    assert diagnose_values(PLAIN, values) == ""


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3, 6), (2, 3, 6, 3, 1), (2, 9, 9, 3)])
def test_a_shape_that_no_rule_gives_has_no_cause(shape: tuple[int, ...]) -> None:
    assert diagnose_values(PLAIN, np.zeros(shape, np.float32)) == ""


def test_a_padding_without_a_formula_has_no_cause() -> None:
    assert diagnose_values(MUST_BE_REFUSED, answer(PLAIN)) == ""


def test_rounding_does_not_hide_the_cause() -> None:
    wrong = answer(PLAIN, WRONG_RULES["odd-cell-before"]) + np.float32(0.0625)  # type: ignore[operator]
    assert "odd-cell-before" in diagnose_values(PLAIN, wrong).split(" or ")


def test_more_than_three_causes_are_counted(cases: Sequence[Case]) -> None:
    for case in cases:
        cause = diagnose_values(case, answer(case, WRONG_RULES["kernel-flipped"]))
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
    diagnose_values(PLAIN, values)


HALF_FLIPPED = replace(
    KERAS,
    amount=Amount.KERNEL_MINUS_ONE,
    placement=Placement.ODD_BEFORE,
    orientation=Orientation.FLIPPED,
)
BOTH = "stride-ignored-in-padding-odd-cell-before and kernel-flipped"


def test_two_respects_together_are_named_where_neither_alone_fits(cases: Sequence[Case]) -> None:
    named = 0
    for case in cases[::3]:
        causes = find_causes(case, answer(case, HALF_FLIPPED))
        if any(" and " in cause for cause in causes):
            assert BOTH in causes
            named += 1
    assert named > 15


def test_a_rule_that_fits_alone_stands_alone(cases: Sequence[Case]) -> None:
    for case in cases[:40]:
        wrong = answer(case, WRONG_RULES["odd-cell-before"])
        if not np.array_equal(wrong, answer(case)):
            assert " and " not in diagnose_values(case, wrong)


def test_a_pair_differs_from_keras_in_what_its_rules_differ_in_and_in_nothing_else() -> None:
    for name, pair in build_rule_pairs().items():
        one, other = (WRONG_RULES[part] for part in name.split(" and "))
        assert changed(pair) == changed(one) | changed(other)
        assert not changed(one).keys() & changed(other).keys()
        assert find_rule(name) == pair


def changed(rule: Rule) -> dict[str, object]:
    return {
        part.name: getattr(rule, part.name)
        for part in fields(Rule)
        if getattr(rule, part.name) != getattr(KERAS, part.name)
    }


def test_no_pair_is_a_rule_or_another_pair() -> None:
    assert len(set(build_rule_pairs().values())) == len(build_rule_pairs())
    assert not set(build_rule_pairs().values()) & set(WRONG_RULES.values())


def test_pairs_are_not_tried_on_an_answer_that_is_too_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    case = replace(PLAIN, input=(8, 6), kernel=(4, 3), strides=(2, 1))
    assert diagnose_values(case, answer(case, HALF_FLIPPED)) != ""
    monkeypatch.setattr(diagnose, "_MAX_PAIR_WORK", 10)
    diagnose._diagnose_array.cache_clear()
    assert diagnose_values(case, answer(case, HALF_FLIPPED)) == ""
    diagnose._diagnose_array.cache_clear()


def test_equal_answers_of_many_targets_are_diagnosed_once() -> None:
    diagnose._diagnose_array.cache_clear()
    for _ in range(3):
        diagnose_values(PLAIN, answer(PLAIN, HALF_FLIPPED))
    assert diagnose._diagnose_array.cache_info().misses == 1


def test_an_answer_in_another_dtype_or_shape_is_another_answer() -> None:
    zeros = np.zeros((2, 3, 6, 3), np.float32)
    assert answer_key(zeros) != answer_key(zeros.reshape(2, 3, 3, 6))
    assert answer_key(zeros) != answer_key(zeros.view(np.int32))


def answer_key(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> object:
    return make_observed_array(PLAIN, values)


def test_a_cause_explains_what_comes_to_the_same() -> None:
    pointwise = replace(PLAIN, kernel=(1, 1), strides=(1, 1))
    assert is_equivalent_cause("kernel-flipped and bias-omitted", pointwise, "bias-omitted")
    assert not is_equivalent_cause("kernel-flipped and bias-omitted", PLAIN, "bias-omitted")
    assert not is_equivalent_cause("kernel-flipped", PLAIN, diagnose.NEVER_WRITTEN)


def test_rules_that_are_held_to_be_alike_give_equal_answers(cases: Sequence[Case]) -> None:
    for case in cases[::20]:
        for group in group_by_computation(case, WRONG_RULES):
            for one, other in combinations(group.names, 2):
                assert np.array_equal(answer(case, WRONG_RULES[one]), answer(case, WRONG_RULES[other]))
            assert answer(case, WRONG_RULES[group.names[0]]).shape == compute_result_shape(
                case, group.computation
            )


def test_the_lowest_number_in_the_place_of_minus_infinity_is_named() -> None:
    case = derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, data=DataKind.NONFINITE, batch=4))
    right = answer(case).astype(np.float32)
    lowest = np.where(np.isneginf(right), np.finfo("float32").min, right)
    assert diagnose_values(case, lowest) == diagnose.LOWEST
    assert diagnose_values(case, np.where(np.isposinf(right), np.float32(0), lowest)) == ""
    assert diagnose_values(case, np.where(np.isneginf(right), np.float32(-1e38), right)) == ""


def test_a_wrong_rule_is_named_on_nonfinite_data_too() -> None:
    case = derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, data=DataKind.NONFINITE, batch=4))
    assert "maximum-with-zero" in diagnose_values(case, answer(case, WRONG_RULES["maximum-with-zero"]))
