"""Judges one observation against the formula's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from harness.judge.diagnose import diagnose_shape, diagnose_values
from harness.judge.differences import Difference, find_difference, find_difference_before_call
from harness.judge.documented_limits import (
    DocumentedLimit,
    find_limit_on_computing,
    find_limit_on_dtype,
    find_limit_on_error,
)
from harness.records import (
    Array,
    Case,
    Divergence,
    Expectation,
    Finding,
    Observation,
    Outcome,
    Refusal,
    Standing,
    Verdict,
)


def judge_observation(
    case: Case,
    expectation: Expectation,
    observation: Observation,
    limits: Sequence[DocumentedLimit],
    *,
    with_cause: bool = True,
) -> Finding:
    """Return the finding of one (case, target). `limits` are the target's; naming a cause takes time."""
    match observation.outcome:
        case Outcome.NOT_RUN | Outcome.GARBLED | Outcome.TIMED_OUT:
            return _make_finding(
                case, expectation, observation, Verdict.INCONCLUSIVE, note=observation.reason
            )
        case Outcome.UNSUPPORTED:
            return _judge_unsupported(case, expectation, observation, note=observation.reason)
        case Outcome.CRASHED:
            return _make_diverging_finding(
                case, expectation, observation, Divergence.CRASH, observation.reason
            )
        case Outcome.RAISED:
            return _judge_error(case, expectation, observation, limits)
        case Outcome.RETURNED:
            return _judge_return(case, expectation, observation, limits, with_cause=with_cause)
        case _:
            assert_never(observation.outcome)


def _judge_error(
    case: Case, expectation: Expectation, observation: Observation, limits: Sequence[DocumentedLimit]
) -> Finding:
    text = str(observation.error)
    match expectation.refusal:
        case Refusal.REQUIRED:
            arguments = expectation.refusal_arguments
            is_right = any(_normalize_words(word) in _normalize_words(text) for word in arguments)
            cause = f"does not name {arguments[0]}"
        case Refusal.ALLOWED:
            is_right, cause = True, ""
        case Refusal.WRONG:
            is_right, cause = False, ""
        case _:
            assert_never(expectation.refusal)
    if is_right:
        return _make_finding(case, expectation, observation, Verdict.CONFORMS, note=text)
    limit = find_limit_on_error(limits, case, text)
    if limit is not None:
        return _judge_unsupported(case, expectation, observation, note=text, cause=limit.reason)
    return _make_diverging_finding(case, expectation, observation, Divergence.UNEXPECTED_ERROR, text, cause)


def _normalize_words(text: str) -> str:
    """Normalize text so that `output_padding`, "output padding" and "Output padding" are equal."""
    return text.lower().replace("_", " ")


def _judge_return(
    case: Case,
    expectation: Expectation,
    observation: Observation,
    limits: Sequence[DocumentedLimit],
    *,
    with_cause: bool,
) -> Finding:
    if expectation.values is None or observation.values is None:
        allowed = find_limit_on_computing(limits, case)
        if allowed is not None:
            return _make_finding(case, expectation, observation, Verdict.UNSUPPORTED, cause=allowed.reason)
        return _make_diverging_finding(
            case,
            expectation,
            observation,
            Divergence.MISSING_ERROR,
            f"must be refused: {expectation.refusal_reason}",
        )
    difference = find_difference(case, expectation, observation)
    if difference.divergence is None and observation.inference_error is not None:
        return _judge_error(
            case, expectation, replace(observation, error=observation.inference_error), limits
        )
    limit = find_limit_on_dtype(limits, case, observation.values.dtype.name)
    if difference.divergence is Divergence.DTYPE and limit is not None:
        return _judge_unsupported(case, expectation, observation, note=difference.note, cause=limit.reason)
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
        cause=_diagnose_difference(case, observation.values, difference) if with_cause else "",
        standing=Standing.AGREED if difference.divergence is None else Standing.NEW,
        error=difference.note,
        refusal=expectation.refusal,
    )


def _judge_unsupported(
    case: Case, expectation: Expectation, observation: Observation, *, note: str, cause: str = ""
) -> Finding:
    """Judge a call that need not be supported. No limit excuses wrong shapes observed before the call."""
    if expectation.output is not None:
        difference = find_difference_before_call(expectation, observation)
        if difference.divergence is not None:
            diagnosis = _diagnose_difference(case, None, difference)
            return _make_diverging_finding(
                case, expectation, observation, difference.divergence, difference.note, diagnosis
            )
    return _make_finding(case, expectation, observation, Verdict.UNSUPPORTED, note=note, cause=cause)


def _diagnose_difference(case: Case, observed: Array | None, difference: Difference) -> str:
    match difference.divergence:
        case Divergence.VALUE | Divergence.SHAPE | Divergence.NONFINITE if observed is not None:
            return diagnose_values(case, observed)
        case Divergence.INFERRED_SHAPE if difference.shape is not None:
            return diagnose_shape(case, difference.shape)
        case _:
            return ""


def _make_diverging_finding(
    case: Case,
    expectation: Expectation,
    observation: Observation,
    divergence: Divergence,
    note: str,
    cause: str = "",
) -> Finding:
    return _make_finding(case, expectation, observation, Verdict.DIVERGES, divergence, note, cause)


def _make_finding(
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
        refusal=expectation.refusal,
    )
