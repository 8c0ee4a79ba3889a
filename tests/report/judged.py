"""Hand-made runs for the tests of the reports: real formulas, made-up targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.data.case_data import make_case_data
from harness.oracle import KERAS, WRONG_RULES, Rule, expect
from harness.records import (
    Case,
    DataFormat,
    Divergence,
    Expectation,
    Finding,
    Judgement,
    Layer,
    Mode,
    Observation,
    ObservedError,
    Outcome,
    RunFooter,
    RunHeader,
    RunInfo,
    Stage,
    Standing,
    TargetRun,
    Verdict,
    derive_arguments,
)
from harness.report.conformance import Conformance
from tests.judge.made import PLAIN

GOOD, BAD = "keras3.15.1-jax", "keras3.15.1-numpy"
HOSTILE = (
    "bad \x1b[31mthing\x1b[0m\n</script><script>alert(1)</script>"
    "</ScRiPt ><img src=x onerror=alert(2)> at 0x7f00deadbeef"
)

SAME = replace(PLAIN, input=(5, 5), kernel=(2, 2), strides=(2, 2), channels=1)
VALID = replace(SAME, padding="valid")
FIRST = replace(SAME, data_format=DataFormat.CHANNELS_FIRST, input=(7, 4), kernel=(3, 2), strides=(1, 1))
LARGE = replace(SAME, input=(40, 50), kernel=(4, 4), strides=(1, 1))
UNKNOWN = replace(SAME, padding="Sideways")
CASES = (SAME, VALID, FIRST, LARGE, UNKNOWN)


def of_family(layer: Layer, **changes: object) -> Case:
    """Return a small case of a layer or operation, on as many axes as it has at most."""
    ndim = layer.ndims[-1]
    case = Case(
        layer=layer,
        mode=Mode.EAGER,
        input=(5, 4, 3)[:ndim],
        kernel=(2, 3, 2)[:ndim],
        strides=(1,) * ndim,
        dilation=(1,) * ndim,
        padding="same",
        data_format=DataFormat.CHANNELS_LAST,
        batch=2,
        channels=2,
        filters=3,
        groups=1,
        bias=True,
        dtype="float32",
        multiplier=2,
    )
    return derive_arguments(replace(case, **changes))  # type: ignore[arg-type]  # generated keyword arguments


def expectation_of(case: Case, rule: Rule = KERAS) -> Expectation:
    return expect(case, make_case_data(case), rule)


def conforming(target: str, case: Case) -> Judgement:
    expectation = expectation_of(case)
    if expectation.values is None:
        return refused(target, case)
    observation = Observation(target, case.id, Outcome.RETURNED, Stage.REPLY, values=expectation.values)
    finding = Finding(
        target,
        case,
        Outcome.RETURNED,
        Stage.REPLY,
        Verdict.CONFORMS,
        expected_shape=expectation.shape,
        observed_shape=expectation.shape,
        inferred_shape=expectation.inferred_shape,
        max_abs_error=0.0,
    )
    return Judgement(finding, expectation, observation)


def refused(target: str, case: Case) -> Judgement:
    error = ObservedError("ValueError", f"padding {case.padding} is not allowed")
    observation = Observation(target, case.id, Outcome.RAISED, Stage.BUILD, error=error)
    finding = Finding(target, case, Outcome.RAISED, Stage.BUILD, Verdict.CONFORMS, error=str(error))
    return Judgement(finding, expectation_of(case), observation)


def silent(target: str, case: Case, cause: str = "all-padding-before") -> Judgement:
    """Judge a target that follows a wrong rule; the rule has to change the answer."""
    right, wrong = expectation_of(case), expectation_of(case, WRONG_RULES[cause])
    assert right.values is not None
    assert wrong.values is not None
    values = wrong.values.astype(np.float32)
    observation = Observation(target, case.id, Outcome.RETURNED, Stage.REPLY, values=values)
    finding = Finding(
        target,
        case,
        Outcome.RETURNED,
        Stage.REPLY,
        Verdict.DIVERGES,
        divergence=Divergence.SHAPE,
        expected_shape=right.shape,
        observed_shape=wrong.shape,
        inferred_shape=wrong.inferred_shape,
        cause=cause,
        standing=Standing.NEW,
    )
    if wrong.shape == right.shape:
        errors = np.abs(wrong.values - right.values)
        assert errors.any()
        first = tuple(int(place) for place in np.argwhere(errors)[0])
        finding = replace(
            finding, divergence=Divergence.VALUE, max_abs_error=float(errors.max()), first_index=first
        )
    return Judgement(finding, right, observation)


def loud(target: str, case: Case, message: str = HOSTILE) -> Judgement:
    error = ObservedError("ValueError", message)
    observation = Observation(target, case.id, Outcome.RAISED, Stage.CALL, error=error)
    finding = Finding(
        target,
        case,
        Outcome.RAISED,
        Stage.CALL,
        Verdict.DIVERGES,
        divergence=Divergence.UNEXPECTED_ERROR,
        expected_shape=expectation_of(case).shape,
        standing=Standing.NEW,
        error=str(error),
    )
    return Judgement(finding, expectation_of(case), observation)


def not_run(target: str, case: Case) -> Judgement:
    observation = Observation(
        target, case.id, Outcome.NOT_RUN, Stage.START, reason="the worker would not start"
    )
    finding = Finding(
        target, case, Outcome.NOT_RUN, Stage.START, Verdict.INCONCLUSIVE, error=observation.reason
    )
    return Judgement(finding, expectation_of(case), observation)


def in_order(findings: list[Judgement]) -> list[Judgement]:
    return sorted(findings, key=lambda one: (one.finding.target, one.finding.case.id))


def mixed() -> list[Judgement]:
    """Return five cases on two targets: one that conforms, one that is wrong in every way."""
    return in_order(
        [
            *(conforming(GOOD, case) for case in CASES),
            silent(BAD, SAME),
            silent(BAD, VALID, "valid-means-same"),
            silent(BAD, FIRST, "kernel-flipped"),
            loud(BAD, LARGE),
            refused(BAD, UNKNOWN),
        ]
    )


def many(count: int) -> Iterator[Judgement]:
    """Yield as many diverging findings of one target."""
    cases = (replace(SAME, input=(5, n)) for n in range(5, 5 + count))
    for case in sorted(cases, key=lambda case: case.id):
        yield silent(BAD, case)


def info_of(num_cases: int = len(CASES), state: str = "complete", failure: str = "") -> RunInfo:
    targets = (GOOD, BAD)
    return RunInfo(
        RunHeader(1, "0.1.0", 1, ("core",), targets, num_cases, num_cases * 2, "2026-01-02T03:04:05+00:00"),
        RunFooter(
            state,
            num_cases * 2,
            0,
            "2026-01-02T03:05:05+00:00",
            60.0,
            tuple(
                TargetRun(
                    name=name,
                    api="keras",
                    version="3.15.1",
                    backend=name.rpartition("-")[2],
                    family=name.rpartition("-")[2],
                    variant="",
                    lineage=name.rpartition("-")[2],
                    python="3.11",
                    requires=("keras==3.15.1", "numpy==2.4.6"),
                    overlay=(),
                    fingerprint={"keras": "3.15.1", "python": "3.11.7", "device": "cpu | <b>"},
                    observed=num_cases,
                    not_run=3 if failure else 0,
                    failure=failure,
                    seconds=4.0,
                    start_seconds=2.00049,
                    workers=2,
                )
                for name in targets
            ),
        ),
    )


def table_of(findings: list[Judgement]) -> Conformance:
    table = Conformance((GOOD, BAD))
    for one in findings:
        table.add(one.finding)
    return table


def of_modes() -> list[Judgement]:
    """Return two layers in two modes each, one of which diverges in one mode."""
    dynamic = of_family(Layer.CONV2D, mode=Mode.DYNAMIC)
    return in_order(
        [
            conforming(BAD, of_family(Layer.CONV2D)),
            silent(BAD, dynamic),
            silent(BAD, replace(dynamic, padding="valid"), "valid-means-same"),
            conforming(BAD, of_family(Layer.MAX_POOLING1D)),
            conforming(BAD, of_family(Layer.MAX_POOLING1D, mode=Mode.GRADIENT)),
        ]
    )
