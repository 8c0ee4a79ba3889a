from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.judge.compare import judge_observation
from harness.judge.documented_limits import DocumentedLimit
from harness.oracle import WRONG_RULES
from harness.records import (
    Array,
    Case,
    DataFormat,
    Divergence,
    Finding,
    Mode,
    Observation,
    ObservedError,
    Outcome,
    Refusal,
    Shape,
    Stage,
    Standing,
    Verdict,
)
from tests.judge.made import BY_REFUSAL, EMPTY, MUST_BE_REFUSED, PLAIN, TARGET, answer, expected, returned

ANYTHING = np.zeros((2, 3, 6, 3), np.float32)
SAID = "the process got signal 11"


def observed(case: Case, outcome: Outcome) -> Observation:
    """Make a plain observation with this outcome: the right answer, or an error that names the padding."""
    if outcome is Outcome.RETURNED:
        right = expected(case).values
        return returned(case, ANYTHING if right is None else right.astype(case.dtype))
    error = ObservedError("ValueError", "bad padding") if outcome is Outcome.RAISED else None
    return Observation(TARGET, case.id, outcome, Stage.CALL, error=error, reason="" if error else SAID)


VERDICTS = {
    (Outcome.RETURNED, Refusal.WRONG): (Verdict.CONFORMS, None),
    (Outcome.RETURNED, Refusal.ALLOWED): (Verdict.CONFORMS, None),
    (Outcome.RETURNED, Refusal.REQUIRED): (Verdict.DIVERGES, Divergence.MISSING_ERROR),
    (Outcome.RAISED, Refusal.WRONG): (Verdict.DIVERGES, Divergence.UNEXPECTED_ERROR),
    (Outcome.RAISED, Refusal.ALLOWED): (Verdict.CONFORMS, None),
    (Outcome.RAISED, Refusal.REQUIRED): (Verdict.CONFORMS, None),
} | {
    (outcome, refusal): verdict
    for refusal in Refusal
    for outcome, verdict in {
        Outcome.UNSUPPORTED: (Verdict.UNSUPPORTED, None),
        Outcome.TIMED_OUT: (Verdict.INCONCLUSIVE, None),
        Outcome.CRASHED: (Verdict.DIVERGES, Divergence.CRASH),
        Outcome.GARBLED: (Verdict.INCONCLUSIVE, None),
        Outcome.NOT_RUN: (Verdict.INCONCLUSIVE, None),
    }.items()
}


def judged(case: Case, observation: Observation, *limits: DocumentedLimit) -> Finding:
    return judge_observation(case, expected(case), observation, limits)


@pytest.mark.parametrize(("outcome", "refusal"), list(itertools.product(Outcome, Refusal)))
def test_every_outcome_has_its_verdict(outcome: Outcome, refusal: Refusal) -> None:
    case = BY_REFUSAL[refusal]
    assert expected(case).refusal is refusal
    observation = observed(case, outcome)
    finding = judged(case, observation)
    assert (finding.verdict, finding.divergence) == VERDICTS[outcome, refusal]
    assert (finding.target, finding.case, finding.outcome) == (TARGET, case, outcome)
    assert finding.stage is observation.stage
    assert finding.refusal is refusal
    assert finding.standing is (Standing.NEW if finding.verdict is Verdict.DIVERGES else Standing.AGREED)


@pytest.mark.parametrize(
    "outcome",
    [Outcome.UNSUPPORTED, Outcome.TIMED_OUT, Outcome.CRASHED, Outcome.GARBLED, Outcome.NOT_RUN],
)
def test_the_reason_is_kept(outcome: Outcome) -> None:
    assert judged(PLAIN, observed(PLAIN, outcome)).error == SAID


def with_value(value: float, place: tuple[int, ...] = (1, 2, 3, 1)) -> Array:
    """Return the right answer to PLAIN but for one cell."""
    values = answer(PLAIN).copy()
    values[place] = value
    return values


def divergence(values: Array, case: Case = PLAIN) -> Divergence | None:
    return judged(case, returned(case, values)).divergence


def test_the_right_answer_conforms_with_no_error() -> None:
    finding = judged(PLAIN, returned(PLAIN, answer(PLAIN)))
    assert finding.verdict is Verdict.CONFORMS
    assert finding.max_abs_error == 0.0
    assert finding.expected_shape == finding.observed_shape == (2, 3, 6, 3)
    assert finding.error == finding.cause == ""


@pytest.mark.parametrize("shape", [(2, 3, 6), (2, 3, 6, 3, 1), (1, 3, 6, 3), (2, 6, 3, 3), (0,), ()])
def test_another_shape_diverges_whatever_broadcasting_would_say(shape: tuple[int, ...]) -> None:
    finding = judged(PLAIN, returned(PLAIN, np.zeros(shape, np.float32)))
    assert finding.divergence is Divergence.SHAPE
    assert finding.observed_shape == shape
    assert finding.expected_shape == (2, 3, 6, 3)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "complex64", "bool"])
def test_another_dtype_diverges(dtype: str) -> None:
    finding = judged(PLAIN, returned(PLAIN, np.ones((2, 3, 6, 3), dtype)))
    assert finding.divergence is Divergence.DTYPE
    assert finding.error == f"{dtype}, not float32"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_diverges(value: float) -> None:
    finding = judged(PLAIN, returned(PLAIN, with_value(value)))
    assert finding.divergence is Divergence.NONFINITE
    assert finding.first_index == (1, 2, 3, 1)


def test_a_wrong_value_diverges_at_its_place() -> None:
    right = answer(PLAIN)
    values = right.copy()
    values[0, 2, 5, 1] += 3
    values[1, 0, 0, 0] -= 7
    finding = judged(PLAIN, returned(PLAIN, values))
    assert finding.divergence is Divergence.VALUE
    assert finding.first_index == (0, 2, 5, 1)
    assert finding.max_abs_error == 7.0
    assert finding.is_silent


def test_checks_go_from_shape_to_dtype_to_nonfinite_to_value_to_what_was_inferred() -> None:
    wrong: list[Array] = [
        np.full((2, 3, 6), np.nan, np.float64),
        np.full((2, 3, 6, 3), np.nan, np.float64),
        np.where(np.arange(3) == 1, np.nan, answer(PLAIN) + 5).astype(np.float32),
        answer(PLAIN) + np.float32(5),  # type: ignore[operator]
        answer(PLAIN),
    ]
    found = []
    for values in wrong:
        observation = replace(returned(PLAIN, values), inferred_shape=(9,))
        found.append(judged(PLAIN, observation).divergence)
    assert found == [
        Divergence.SHAPE,
        Divergence.DTYPE,
        Divergence.NONFINITE,
        Divergence.VALUE,
        Divergence.INFERRED_SHAPE,
    ]


def test_a_value_within_a_quarter_of_the_integer_is_that_integer() -> None:
    right = float(answer(PLAIN)[1, 2, 3, 1])
    for off in (0.25 - 2**-6, -0.25 + 2**-6):
        finding = judged(PLAIN, returned(PLAIN, with_value(right + off)))
        assert finding.verdict is Verdict.CONFORMS
        assert finding.max_abs_error == abs(off)
        ulps = abs(off) / float(np.spacing(np.float32(abs(right))))
        assert finding.error == f"rounded by {ulps:.0f} ULP at most"


def test_a_value_a_quarter_off_is_wrong() -> None:
    right = float(answer(PLAIN)[1, 2, 3, 1])
    for off in (0.25, -0.25):
        assert divergence(with_value(right + off)) is Divergence.VALUE


def test_an_empty_output_conforms_and_a_filled_one_does_not() -> None:
    assert answer(EMPTY).size == 0
    assert judged(EMPTY, returned(EMPTY, answer(EMPTY))).verdict is Verdict.CONFORMS
    assert divergence(np.zeros((2, 1, 4, 3), np.float32), EMPTY) is Divergence.SHAPE


@pytest.mark.parametrize("shape", [(None, 3, 6, 3), (2, 3, 6), (2, 3, 5, 3), ()])
def test_another_inferred_shape_diverges(shape: Shape) -> None:
    finding = judged(PLAIN, replace(returned(PLAIN, answer(PLAIN)), inferred_shape=shape))
    assert finding.divergence is Divergence.INFERRED_SHAPE
    assert finding.inferred_shape == shape
    assert finding.error == f"the inferred shape is {shape}, not (2, 3, 6, 3)"


WEIGHTS = ((2, 3, 2, 3), (3,))


@pytest.mark.parametrize("shapes", [((2, 3, 2, 1), (3,)), ((2, 3, 3, 2), (3,)), ((2, 3, 2, 3),), ()])
def test_weights_of_other_shapes_are_the_divergence_whatever_came_of_them(
    shapes: tuple[tuple[int, ...], ...],
) -> None:
    for values in (answer(PLAIN), with_value(7.5), np.zeros((2, 3), np.float64)):
        observation = replace(returned(PLAIN, values), weight_shapes=shapes, inferred_shape=(9,))
        finding = judged(PLAIN, observation)
        assert finding.divergence is Divergence.WEIGHTS
        assert finding.is_silent
        said = ", ".join(map(str, shapes)) or "none"
        assert finding.error == f"weights of the shapes {said}, not (2, 3, 2, 3), (3,)"
        assert (finding.max_abs_error, finding.first_index, finding.cause) == (None, None, "")


def test_right_weights_excuse_nothing_and_unsaid_ones_are_nothing_wrong() -> None:
    for shapes in (WEIGHTS, None):
        right, wrong = returned(PLAIN, answer(PLAIN)), returned(PLAIN, with_value(7.5))
        assert judged(PLAIN, replace(right, weight_shapes=shapes)).divergence is None
        assert judged(PLAIN, replace(wrong, weight_shapes=shapes)).divergence is Divergence.VALUE


def test_weights_of_what_must_be_refused_have_no_right_shapes() -> None:
    refused = replace(observed(MUST_BE_REFUSED, Outcome.RAISED), weight_shapes=())
    assert judged(MUST_BE_REFUSED, refused).verdict is Verdict.CONFORMS
    accepted = replace(returned(MUST_BE_REFUSED, ANYTHING), weight_shapes=())
    assert judged(MUST_BE_REFUSED, accepted).divergence is Divergence.MISSING_ERROR


def test_nothing_inferred_is_nothing_wrong() -> None:
    assert judged(PLAIN, replace(returned(PLAIN, answer(PLAIN)), inferred_shape=None)).divergence is None


MODEL = replace(PLAIN, mode=Mode.SEQUENTIAL)
SUMMARY = "conv2d (Conv2D)  (None, 3, 6, 3)  39\nTotal params: 39\n"


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        (SUMMARY, None),
        (SUMMARY.replace("3, 6", "3, 5"), Divergence.INFERRED_SHAPE),
        (SUMMARY.replace("None", "2"), Divergence.INFERRED_SHAPE),
        (SUMMARY.replace("params: 39", "params: 36"), Divergence.PARAMETERS),
        ("", Divergence.INFERRED_SHAPE),
        ("(None, 3, 6, 3)", Divergence.PARAMETERS),
    ],
)
def test_the_summary_is_part_of_the_answer(summary: str, found: Divergence | None) -> None:
    observation = replace(returned(MODEL, answer(MODEL)), summary=summary)
    finding = judged(MODEL, observation)
    assert finding.divergence is found
    if found is not None:
        assert "model.summary()" in finding.error


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (MUST_BE_REFUSED, ("padding",)),
        (replace(PLAIN, kernel=(0, 2)), ("kernel_size", "kernel")),
        (replace(PLAIN, strides=(0, 2)), ("strides", "stride")),
        (replace(PLAIN, dilation=(0, 2)), ("dilation_rate", "dilation")),
        (replace(PLAIN, filters=0), ("filters",)),
        (replace(PLAIN, groups=0), ("groups",)),
        (replace(PLAIN, groups=3, channels=3, filters=4), ("groups",)),
    ],
)
def test_a_refusal_names_its_argument(case: Case, words: tuple[str, ...]) -> None:
    blind = Observation(TARGET, case.id, Outcome.RAISED, Stage.BUILD, error=ObservedError("E", "out of luck"))
    finding = judged(case, blind)
    assert finding.divergence is Divergence.UNEXPECTED_ERROR
    assert finding.cause == f"does not name {expected(case).refusal_arguments[0]}"
    for word in (*words, *(word.replace("_", " ") for word in words)):
        named = replace(blind, error=ObservedError("ValueError", f"Invalid `{word.upper()}`"))
        assert judged(case, named).verdict is Verdict.CONFORMS


def test_a_case_that_must_be_refused_and_returns_is_silent() -> None:
    finding = judged(MUST_BE_REFUSED, returned(MUST_BE_REFUSED, ANYTHING))
    assert finding.is_silent
    assert finding.error == "must be refused: padding 'bogus' is unknown to Conv2D"


def test_an_error_is_loud() -> None:
    assert not judged(PLAIN, observed(PLAIN, Outcome.RAISED)).is_silent
    assert not judged(PLAIN, observed(PLAIN, Outcome.CRASHED)).is_silent


LIMIT = DocumentedLimit(
    backend="made",
    error="no such layer|bad padding",
    reason="a documented limit",
    link="https://example.org",
    data_format=DataFormat.CHANNELS_LAST,
)


def test_a_documented_refusal_is_unsupported_with_its_reason() -> None:
    finding = judged(PLAIN, observed(PLAIN, Outcome.RAISED), LIMIT)
    assert finding.verdict is Verdict.UNSUPPORTED
    assert finding.divergence is None
    assert finding.cause == "a documented limit"
    assert finding.error == "ValueError: bad padding"
    assert finding.standing is Standing.AGREED


def test_a_refusal_that_a_documented_limit_forestalls_need_not_name_its_argument() -> None:
    lacking = observed(MUST_BE_REFUSED, Outcome.RAISED)
    other = replace(lacking, error=ObservedError("NotImplementedError", "no such layer"))
    finding = judged(MUST_BE_REFUSED, other, LIMIT)
    assert (finding.verdict, finding.cause) == (Verdict.UNSUPPORTED, "a documented limit")
    assert judged(MUST_BE_REFUSED, other).divergence is Divergence.UNEXPECTED_ERROR
    assert judged(MUST_BE_REFUSED, lacking, LIMIT).verdict is Verdict.CONFORMS


SAID_BEFORE: tuple[tuple[dict[str, Any], Divergence | None], ...] = (
    ({"inferred_shape": (2, 3, 7, 3)}, Divergence.INFERRED_SHAPE),
    ({"symbolic_shape": (2, 3, 7, 3)}, Divergence.INFERRED_SHAPE),
    ({"weight_shapes": ((3, 2, 2, 3), (3,))}, Divergence.WEIGHTS),
    ({"inferred_shape": (2, 3, 6, 3), "symbolic_shape": (2, 3, 6, 3), "weight_shapes": WEIGHTS}, None),
    ({}, None),
)


@pytest.mark.parametrize(("said", "found"), SAID_BEFORE)
def test_what_was_said_before_a_call_that_need_not_be_made_is_judged(
    said: dict[str, Any], found: Divergence | None
) -> None:
    case = replace(PLAIN, mode=Mode.INFERRED)
    narrow = DocumentedLimit(backend="made", returns="float16", reason="narrow", link="https://example.org")
    for observation, limit in (
        (observed(case, Outcome.RAISED), LIMIT),
        (observed(case, Outcome.UNSUPPORTED), LIMIT),
        (replace(returned(case, answer(case).astype(np.float16)), inferred_shape=None), narrow),
    ):
        finding = judged(case, replace(observation, **said), limit)
        assert finding.divergence is found
        assert finding.outcome is observation.outcome
        assert finding.verdict is (Verdict.UNSUPPORTED if found is None else Verdict.DIVERGES)
        assert found is None or ", not " in finding.error


def test_a_wrong_shape_said_before_an_error_does_not_make_it_silent() -> None:
    wrong = replace(observed(PLAIN, Outcome.RAISED), inferred_shape=(9,), weight_shapes=())
    assert judged(PLAIN, wrong).divergence is Divergence.UNEXPECTED_ERROR


def test_what_must_be_refused_has_no_shapes_to_say() -> None:
    said = replace(observed(MUST_BE_REFUSED, Outcome.UNSUPPORTED), inferred_shape=(9,), weight_shapes=())
    assert judged(MUST_BE_REFUSED, said).verdict is Verdict.UNSUPPORTED


def test_a_limit_of_other_words_or_other_cases_excuses_nothing() -> None:
    first = replace(PLAIN, data_format=DataFormat.CHANNELS_FIRST)
    assert judged(first, observed(first, Outcome.RAISED), LIMIT).divergence is Divergence.UNEXPECTED_ERROR
    other = replace(observed(PLAIN, Outcome.RAISED), error=ObservedError("ValueError", "out of memory"))
    assert judged(PLAIN, other, LIMIT).divergence is Divergence.UNEXPECTED_ERROR


def test_a_limit_excuses_no_wrong_answer() -> None:
    assert judged(PLAIN, returned(PLAIN, with_value(0.5)), LIMIT).divergence is Divergence.VALUE


def test_a_documented_dtype_is_unsupported() -> None:
    limit = DocumentedLimit(backend="made", returns="float16", reason="narrow", link="https://example.org")
    narrow = returned(PLAIN, answer(PLAIN).astype(np.float16))
    finding = judged(PLAIN, narrow, limit)
    assert (finding.verdict, finding.cause) == (Verdict.UNSUPPORTED, "narrow")
    assert judged(PLAIN, narrow, LIMIT).divergence is Divergence.DTYPE


def test_a_target_that_documents_another_padding_computes_what_elsewhere_must_be_refused() -> None:
    limit = DocumentedLimit(
        backend="made", padding="full", computes=True, reason="pads fully", link="https://example.org"
    )
    full, bogus = replace(PLAIN, padding="full"), replace(PLAIN, padding="bogus")
    finding = judged(full, returned(full, answer(PLAIN)), limit)
    assert (finding.verdict, finding.cause) == (Verdict.UNSUPPORTED, "pads fully")
    assert judged(bogus, returned(bogus, answer(PLAIN)), limit).divergence is Divergence.MISSING_ERROR
    assert judged(PLAIN, returned(PLAIN, with_value(0.5)), limit).divergence is Divergence.VALUE


@pytest.mark.parametrize(
    "case", [replace(PLAIN, filters=0), replace(PLAIN, groups=4), replace(PLAIN, strides=(-1, 1))]
)
def test_a_padding_that_is_documented_excuses_nothing_else_that_must_be_refused(case: Case) -> None:
    limit = DocumentedLimit(
        backend="made", padding="full", computes=True, reason="pads fully", link="https://example.org"
    )
    full = replace(case, padding="full")
    assert judged(full, returned(full, ANYTHING), limit).divergence is Divergence.MISSING_ERROR


@pytest.mark.parametrize("name", ["odd-cell-before", "kernel-flipped", "strides-swapped", "bias-omitted"])
def test_a_divergence_comes_with_its_cause(name: str) -> None:
    finding = judged(PLAIN, returned(PLAIN, answer(PLAIN, WRONG_RULES[name])))
    assert finding.divergence in {Divergence.VALUE, Divergence.SHAPE}
    assert name in finding.cause.split(" or ")
