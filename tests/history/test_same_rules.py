from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from harness.cases.suites import expand_suites, load_library
from harness.data.case_data import make_case_data
from harness.history.same_rules import SameRuleFit, SameRuleFits, build_candidates, describe_same_rule
from harness.oracle import KERAS, Rule
from harness.oracle.refusal import decide_refusal, parse_padding
from harness.oracle.rules import Amount, Dilation, Orientation, Padding, Placement
from harness.records import Array, Case, DataKind, Layer, Mode, Observation, Outcome, Refusal, Stage
from harness.resources import find_cases_folder
from tests.history.lines import Doing, follows, judged_one, not_run, raises
from tests.judge.made import MUST_BE_REFUSED, PLAIN, smoke

HALF_FLIPPED = replace(
    KERAS,
    amount=Amount.KERNEL_MINUS_ONE,
    placement=Placement.ODD_BEFORE,
    orientation=Orientation.FLIPPED,
)
NAME = "made1.0"
SAME = [case for case in smoke() if case.padding.lower() == "same"]
CORE = expand_suites(load_library([find_cases_folder()]), ["core"])


def reading_of(cases: Iterable[Case], do: Doing) -> SameRuleFit:
    fits = SameRuleFits()
    for case in cases:
        fits.add(judged_one(NAME, case, do))
    return fits.compute_fits()[NAME]


def test_a_target_that_conforms_reads_as_keras_does() -> None:
    assert reading_of(SAME, follows()) == SameRuleFit(NAME, KERAS, len(SAME), len(SAME), len(SAME))


@pytest.mark.parametrize(
    "words", [words for place, words in enumerate(build_candidates()) if place % 40 == 7]
)
def test_the_rule_that_made_the_answers_is_recovered(words: str) -> None:
    rule = build_candidates()[words]
    reading = reading_of(SAME, follows(rule))
    assert (reading.rule, reading.explained) == (rule, len(SAME))
    assert reading.by_keras < len(SAME)


@pytest.mark.parametrize(
    "rule",
    [
        HALF_FLIPPED,
        replace(KERAS, placement=Placement.ODD_BEFORE),
        replace(KERAS, placement=Placement.ODD_BEFORE, amount=Amount.UNCLAMPED),
        replace(KERAS, placement=Placement.TOWARDS_ZERO, amount=Amount.UNCLAMPED),
        replace(KERAS, placement=Placement.CENTRED, amount=Amount.UNCLAMPED, dilation=Dilation.AS_STRIDE),
        replace(KERAS, same_is_valid=True),
    ],
)
def test_rules_that_were_seen_in_real_targets_are_recovered(rule: Rule) -> None:
    assert rule in build_candidates().values()
    assert reading_of(SAME, follows(rule)).rule == rule


def test_the_half_rule_is_recovered_from_loops_that_share_nothing_with_the_oracle() -> None:
    cases = [
        case
        for case in CORE
        if (case.layer, case.mode, case.data) == (Layer.CONV2D, Mode.EAGER, DataKind.EXACT)
        and parse_padding(case) is Padding.SAME
        and decide_refusal(case).refusal is not Refusal.REQUIRED
        and case.groups == 1
        and np.prod(case.input) * np.prod(case.kernel) < 300
    ][::9]

    def half(name: str, case: Case) -> Observation:
        return Observation(name, case.id, Outcome.RETURNED, Stage.REPLY, values=half_convolution(case))

    reading = reading_of(cases, half)
    assert (reading.rule, reading.explained) == (HALF_FLIPPED, len(cases))
    assert len(cases) > 50


def half_convolution(case: Case) -> Array:
    """Compute a true convolution of the input padded by half a kernel on both sides, cut to `ceil(n/s)`.

    That is Theano's `border_mode='half'` and the cut that Keras makes after it, in plain loops.
    """
    case_data = make_case_data(case)
    inputs = case_data.inputs
    if case.data_format == "channels_first":
        inputs = np.moveaxis(inputs, 1, -1)
    halves = [((k - 1) * d + 1) // 2 for k, d in zip(case.kernel, case.dilation, strict=True)]
    assert case_data.kernel is not None
    lengths = [-(-n // s) for n, s in zip(case.input, case.strides, strict=True)]
    output = np.zeros((case.batch, *lengths, case.filters))
    for entry, row, column, number in product(*map(range, output.shape)):
        total = 0 if case_data.bias is None else int(case_data.bias[number])
        for down, right, channel in product(*map(range, (*case.kernel, case.channels))):
            y = row * case.strides[0] + down * case.dilation[0] - halves[0]
            x = column * case.strides[1] + right * case.dilation[1] - halves[1]
            if 0 <= y < case.input[0] and 0 <= x < case.input[1]:
                tap = case_data.kernel[case.kernel[0] - 1 - down, case.kernel[1] - 1 - right, channel, number]
                total += int(inputs[entry, y, x, channel]) * int(tap)
        output[entry, row, column, number] = total
    if case.data_format == "channels_first":
        output = np.moveaxis(output, -1, 1)
    return output.astype(case.dtype)


def test_what_no_rule_explains_leaves_keras_with_what_it_explains() -> None:
    broken = {case.id for case in SAME[:5]}

    def do(name: str, case: Case) -> Observation:
        observation = follows()(name, case)
        assert observation.values is not None
        wrong = observation.values.astype(np.float64) + 1000
        return replace(observation, values=wrong) if case.id in broken else observation

    assert reading_of(SAME, do) == SameRuleFit(NAME, KERAS, len(SAME) - 5, len(SAME), len(SAME) - 5)


def test_a_tie_goes_to_keras() -> None:
    pointwise = replace(PLAIN, kernel=(1, 1), strides=(1, 1))
    broken = replace(pointwise, input=(9, 9))
    reading = reading_of([pointwise, broken], lambda name, case: doubled(name, case, only=broken))
    assert reading == SameRuleFit(NAME, KERAS, 1, 2, 1)


def doubled(name: str, case: Case, only: Case) -> Observation:
    observation = follows()(name, case)
    assert observation.values is not None
    return (
        replace(observation, values=observation.values.astype(np.float64) * 2)
        if case == only
        else observation
    )


def test_only_arrays_for_same_cases_count() -> None:
    fits = SameRuleFits()
    valid = replace(PLAIN, padding="valid")
    for case, do in (
        (PLAIN, raises("no")),
        (PLAIN, not_run),
        (valid, follows(HALF_FLIPPED)),
        (MUST_BE_REFUSED, raises("padding")),
    ):
        fits.add(judged_one(NAME, case, do))
    assert fits.compute_fits() == {}


def test_the_spelling_of_same_and_the_dtype_of_the_answer_do_not_matter() -> None:
    def narrow(name: str, case: Case) -> Observation:
        observation = follows(HALF_FLIPPED)(name, case)
        assert observation.values is not None
        return replace(observation, values=observation.values.astype(np.float64))

    cases = [replace(case, padding="SAME") for case in SAME]
    reading = reading_of(cases, narrow)
    assert (reading.rule, reading.explained) == (HALF_FLIPPED, len(SAME))


def test_keras_comes_first_and_no_reading_twice() -> None:
    rules: Sequence[Rule] = list(build_candidates().values())
    assert rules[0] == KERAS
    assert len(set(rules)) == len(rules)


def test_rules_read_as_formulas() -> None:
    assert (
        describe_same_rule(KERAS)
        == "total = max((ceil(n/s)-1)*s + e - n, 0), odd cell after; kernel not flipped"
    )
    assert describe_same_rule(HALF_FLIPPED) == (
        "total = e - 1 whatever the stride, before = e // 2, cut to ceil(n/s);"
        " kernel flipped (a true convolution)"
    )
