"""Runs of several made-up versions: real cases and formulas, judged by the real comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.data.case_data import make_case_data
from harness.judge.compare import judge_observation
from harness.oracle import KERAS, Rule, expect
from harness.records import (
    Case,
    Judgement,
    Observation,
    ObservedError,
    Outcome,
    RunFooter,
    RunHeader,
    RunInfo,
    Stage,
    TargetRun,
)

Doing = Callable[[str, Case], Observation]
"""What a target does with a case."""


def target(
    version: str, family: str = "made", backend_version: str = "1.0", variant: str = "", failure: str = ""
) -> TargetRun:
    """Make a target named by its family, version, backend's version and variant."""
    name = "-".join(part for part in (f"{family}{version}", backend_version, variant) if part)
    return TargetRun(
        name=name,
        api="keras",
        version=version,
        backend=family,
        family=family,
        variant=variant,
        lineage=family,
        python="3.11",
        requires=("numpy==2.4.6",),
        overlay=(f"keras=={version}",),
        fingerprint={"keras": version, "backend_version": backend_version, "device": "cpu | <b>"},
        observed=1,
        not_run=0,
        failure=failure,
        seconds=1.0,
        start_seconds=0.5,
        workers=1,
    )


def info_of(targets: Sequence[TargetRun], num_cases: int = 1, state: str = "complete") -> RunInfo:
    """Make the info of a run of these targets."""
    names = tuple(one.name for one in targets)
    planned = num_cases * len(names)
    return RunInfo(
        RunHeader(2, "0.2.0", 1, ("made",), names, num_cases, planned, "2026-01-02T03:04:05+00:00"),
        RunFooter(state, planned, 0, "2026-01-02T03:05:05+00:00", 60.0, tuple(targets)),
    )


def follows(rule: Rule = KERAS) -> Doing:
    """Answer by a rule, and raise where the formula has no answer."""

    def do(name: str, case: Case) -> Observation:
        values = expect(case, make_case_data(case), rule).values
        if values is None:
            return raises(f"padding {case.padding} is not allowed")(name, case)
        return Observation(name, case.id, Outcome.RETURNED, Stage.REPLY, values=values.astype(case.dtype))

    return do


def raises(message: str) -> Doing:
    """Raise an error in every case."""

    def do(name: str, case: Case) -> Observation:
        error = ObservedError("ValueError", message)
        return Observation(name, case.id, Outcome.RAISED, Stage.CALL, error=error)

    return do


def not_run(name: str, case: Case) -> Observation:
    """Return an observation of a case that was not run."""
    return Observation(name, case.id, Outcome.NOT_RUN, Stage.START, reason="would not start")


def judged_one(name: str, case: Case, do: Doing) -> Judgement:
    """Judge one case on one target."""
    expectation, observation = expect(case, make_case_data(case)), do(name, case)
    return Judgement(judge_observation(case, expectation, observation, ()), expectation, observation)


def judged_run(
    cases: Sequence[Case], doing: Mapping[str, Doing], other: Mapping[tuple[str, str], Doing] | None = None
) -> Iterator[Judgement]:
    """Judge every case on every target, sorted; `other` says what a target does with one case, by its id."""
    for name in sorted(doing):
        for case in sorted(cases, key=lambda case: case.id):
            yield judged_one(name, case, (other or {}).get((name, case.id), doing[name]))
