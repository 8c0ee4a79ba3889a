"""Judges one observation against the formula's answer.

Shape, dtype, non-finite, values, then what was said before the call (inferred shape, parameters).
Equality is the rule: the data are integers whose sums are exact. Algorithms that transform the data
(Winograd, FFT) round, so a value within 0.25 of the right integer is that integer; by how much it
was off is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import numpy as np

from harness.records import (
    Array,
    Case,
    Divergence,
    Expectation,
    Finding,
    Observation,
    Outcome,
    Refusal,
    Shape,
    Standing,
    Verdict,
)
from harness.verdicts.diagnose import cause_of
from harness.verdicts.limits import Limit, limit_on_computing, limit_on_dtype, limit_on_error
from harness.verdicts.summary import read_summary

NEAREST_INTEGER: Final = 0.25
"""How far a value may be from the right integer and still be it."""


@dataclass(frozen=True, slots=True)
class _Difference:
    """What is wrong with a returned value, or (divergence None) that nothing is."""

    divergence: Divergence | None = None
    max_abs_error: float | None = None
    first_index: tuple[int, ...] | None = None
    note: str = ""


def judge(case: Case, expectation: Expectation, observation: Observation, limits: Sequence[Limit]) -> Finding:
    """The finding of one (case, target). `limits` are those of the target."""
    match observation.outcome:
        case Outcome.NOT_RUN | Outcome.GARBLED:
            return _finding(case, expectation, observation, Verdict.INCONCLUSIVE, note=observation.reason)
        case Outcome.UNSUPPORTED:
            return _finding(case, expectation, observation, Verdict.UNSUPPORTED, note=observation.reason)
        case Outcome.TIMED_OUT:
            return _diverging(case, expectation, observation, Divergence.TIMEOUT, observation.reason)
        case Outcome.CRASHED:
            return _diverging(case, expectation, observation, Divergence.CRASH, observation.reason)
        case Outcome.RAISED:
            return _judge_error(case, expectation, observation, limits)
        case Outcome.RETURNED:
            return _judge_return(case, expectation, observation, limits)
        case _:
            assert_never(observation.outcome)


def _judge_error(
    case: Case, expectation: Expectation, observation: Observation, limits: Sequence[Limit]
) -> Finding:
    text = str(observation.error)
    match expectation.refusal:
        case Refusal.REQUIRED:
            if any(word.lower() in text.lower() for word in expectation.refusal_arguments):
                return _finding(case, expectation, observation, Verdict.CONFORMS, note=text)
            wanted = expectation.refusal_arguments[0]
            return _diverging(
                case, expectation, observation, Divergence.UNEXPECTED_ERROR, text, f"does not name {wanted}"
            )
        case Refusal.ALLOWED:
            return _finding(case, expectation, observation, Verdict.CONFORMS, note=text)
        case Refusal.WRONG:
            limit = limit_on_error(limits, case, text)
            if limit is not None:
                return _finding(
                    case, expectation, observation, Verdict.UNSUPPORTED, note=text, cause=limit.reason
                )
            return _diverging(case, expectation, observation, Divergence.UNEXPECTED_ERROR, text)
        case _:
            assert_never(expectation.refusal)


def _judge_return(
    case: Case, expectation: Expectation, observation: Observation, limits: Sequence[Limit]
) -> Finding:
    if expectation.values is None or observation.values is None:
        allowed = limit_on_computing(limits, case)
        if allowed is not None:
            return _finding(case, expectation, observation, Verdict.UNSUPPORTED, cause=allowed.reason)
        return _diverging(
            case,
            expectation,
            observation,
            Divergence.MISSING_ERROR,
            f"must be refused: {expectation.refusal_reason}",
        )
    difference = _difference(expectation, observation.values)
    if difference.divergence is None:
        difference = _difference_before_call(expectation, observation) or difference
    limit = limit_on_dtype(limits, case, observation.values.dtype.name)
    if difference.divergence is Divergence.DTYPE and limit is not None:
        return _finding(
            case, expectation, observation, Verdict.UNSUPPORTED, note=difference.note, cause=limit.reason
        )
    cause = ""
    if difference.divergence in {Divergence.VALUE, Divergence.SHAPE, Divergence.NONFINITE}:
        cause = cause_of(case, observation.values)
    return Finding(
        target=observation.target,
        case=case,
        outcome=observation.outcome,
        stage=observation.stage,
        verdict=Verdict.CONFORMS if difference.divergence is None else Verdict.DIVERGES,
        divergence=difference.divergence,
        expected_shape=expectation.shape,
        observed_shape=observation.values.shape,
        inferred_shape=observation.inferred_shape,
        max_abs_error=difference.max_abs_error,
        first_index=difference.first_index,
        cause=cause,
        standing=Standing.AGREED if difference.divergence is None else Standing.NEW,
        error=difference.note,
    )


def _difference(expectation: Expectation, observed: Array) -> _Difference:
    assert expectation.values is not None
    if observed.shape != expectation.shape:
        return _Difference(Divergence.SHAPE)
    if observed.dtype.name != expectation.dtype:
        return _Difference(Divergence.DTYPE, note=f"{observed.dtype.name}, not {expectation.dtype}")
    if np.array_equal(observed, expectation.values):
        return _Difference(max_abs_error=0.0)
    with np.errstate(invalid="ignore"):
        errors = np.abs(observed.astype(np.float64) - expectation.values)
    wrong = ~(errors < NEAREST_INTEGER)
    if not np.isfinite(observed).all():
        return _Difference(Divergence.NONFINITE, first_index=_first(wrong))
    worst = float(errors.max())
    if not wrong.any():
        ulps = _ulps(observed, expectation)
        return _Difference(max_abs_error=worst, note=f"rounded by {ulps:.0f} ULP at most")
    return _Difference(Divergence.VALUE, worst, _first(wrong))


def _first(wrong: Array) -> tuple[int, ...]:
    """The index of the first wrong cell in C order."""
    return tuple(int(place) for place in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def _ulps(observed: Array, expectation: Expectation) -> float:
    """The largest deviation in units in the last place of the expected value."""
    assert expectation.values is not None
    right = expectation.values.astype(observed.dtype)
    return float(np.max(np.abs(observed.astype(np.float64) - expectation.values) / np.spacing(np.abs(right))))


def _difference_before_call(expectation: Expectation, observation: Observation) -> _Difference | None:
    """Whether the shape inferred before the call, or the summary, says something else."""
    inferred = observation.inferred_shape
    if inferred is not None and inferred != expectation.inferred_shape:
        return _inferred(inferred, expectation, "the inferred shape")
    if observation.summary is None:
        return None
    summary = read_summary(observation.summary)
    if summary.output_shape != expectation.inferred_shape:
        return _inferred(summary.output_shape, expectation, "model.summary()")
    if summary.num_parameters != expectation.num_parameters:
        return _Difference(
            Divergence.PARAMETERS,
            note=f"model.summary() counts {summary.num_parameters} parameters,"
            f" not {expectation.num_parameters}",
        )
    return None


def _inferred(shape: Shape | None, expectation: Expectation, source: str) -> _Difference:
    return _Difference(
        Divergence.INFERRED_SHAPE, note=f"{source} is {shape}, not {expectation.inferred_shape}"
    )


def _diverging(
    case: Case,
    expectation: Expectation,
    observation: Observation,
    divergence: Divergence,
    note: str,
    cause: str = "",
) -> Finding:
    return _finding(case, expectation, observation, Verdict.DIVERGES, divergence, note, cause)


def _finding(
    case: Case,
    expectation: Expectation,
    observation: Observation,
    verdict: Verdict,
    divergence: Divergence | None = None,
    note: str = "",
    cause: str = "",
) -> Finding:
    return Finding(
        target=observation.target,
        case=case,
        outcome=observation.outcome,
        stage=observation.stage,
        verdict=verdict,
        divergence=divergence,
        expected_shape=expectation.shape,
        observed_shape=None if observation.values is None else observation.values.shape,
        inferred_shape=observation.inferred_shape,
        cause=cause,
        standing=Standing.NEW if verdict is Verdict.DIVERGES else Standing.AGREED,
        error=note,
    )
