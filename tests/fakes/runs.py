"""Runs a fake through the real runner, store and verdicts."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.cases.suites import expand_suites, load_library
from harness.environments.launch import prepare_worker_command
from harness.judge.stored_run import judge_run
from harness.records import (
    Case,
    Finding,
    Fingerprint,
    Observation,
    Outcome,
    RunInfo,
    Target,
    Verdict,
    WorkerCommand,
)
from harness.resources import WORKER
from harness.runner.run import RunPlan, run
from harness.runner.timeouts import Timeouts
from harness.targets.catalog import Catalog
from harness.targets.selection import select_from_catalog

FAKE: Final = Path(__file__).with_name("fake_worker.py")
CASES: Final = Path(__file__).with_name("cases")
QUICK: Final = Timeouts(case_s=20.0, start_s=20.0)
"""Limits that a busy machine keeps to; faults that wait for one set a shorter one."""


def selector(fault: str, *at: Case) -> str:
    """What stands after `-t` for a fake whose fault shows at these cases, or at all."""
    arguments = [fault, *(case.id for case in at)]
    return "exec:" + shlex.join([sys.executable, "-I", "-S", str(FAKE), *arguments])


def target(fault: str, *at: Case) -> Target:
    """A fake as a target."""
    (one,) = select_from_catalog([selector(fault, *at)], Catalog(()), {}, Path())
    return one


def suite(name: str = "fakes") -> tuple[Case, ...]:
    """The cases of a suite of `tests/fakes/cases`."""
    return tuple(expand_suites(load_library([CASES]), [name]))


@dataclass(frozen=True, slots=True)
class Done:
    """A run that has ended, and its findings."""

    info: RunInfo
    findings: tuple[Finding, ...]

    @property
    def by_case(self) -> Mapping[str, Finding]:
        """The findings of a run of one target, by case id."""
        return {finding.case.id: finding for finding in self.findings}

    @property
    def state(self) -> str:
        """What the footer says."""
        assert self.info.footer is not None
        return self.info.footer.state

    @property
    def failure(self) -> str:
        """Why the only target was given up."""
        assert self.info.footer is not None
        (target_run,) = self.info.footer.targets
        return target_run.failure

    @property
    def workers(self) -> int:
        """How many workers of the only target said hello."""
        assert self.info.footer is not None
        (target_run,) = self.info.footer.targets
        return target_run.workers

    def outcomes(self) -> Counter[Outcome]:
        """How many findings have which outcome."""
        return Counter(finding.outcome for finding in self.findings)

    def not_conforming(self) -> set[str]:
        """The ids of the cases that do anything but conform."""
        return {one.case.id for one in self.findings if one.verdict is not Verdict.CONFORMS}


class Silent:
    """A listener that says nothing."""

    def note_planned(self, target: str, cases: int) -> None:
        """Say nothing."""

    def note_failed(self, target: str, reason: str) -> None:
        """Say nothing."""

    def note_observed(self, observation: Observation) -> None:
        """Say nothing."""

    def note_started(self, target: str, fingerprint: Fingerprint) -> None:
        """Nothing is shown."""

    def note_slow(self, target: str, cases: int, timeout_s: float) -> None:
        """Say nothing."""


def make_plan(
    directory: Path,
    targets: Sequence[Target],
    cases: Iterable[Case],
    timeouts: Timeouts = QUICK,
    jobs: int = 1,
    *,
    environ: Mapping[str, str] = os.environ,
    prepare: Callable[[Target], WorkerCommand] | None = None,
    stop: threading.Event | None = None,
) -> RunPlan:
    """The plan of a run into `directory/run`.

    `directory/cache` is the cache of environments, `environ` the environment of the host; `prepare`
    takes the place of building and launching.
    """
    stop = stop or threading.Event()

    def start(one: Target) -> WorkerCommand:
        return prepare_worker_command(one, directory / "cache", WORKER, environ, lambda _line: None, stop)

    return RunPlan(
        directory=directory / "run",
        suites=("fakes",),
        cases=tuple(cases),
        targets=tuple(targets),
        jobs=jobs,
        timeouts=timeouts,
        harness="tests",
        prepare_worker=prepare or start,
        stop=stop,
        clock=lambda: "2026-01-02T03:04:05+00:00",
        timer=lambda: 0.0,
    )


def run_targets(
    directory: Path,
    targets: Sequence[Target],
    cases: Iterable[Case],
    timeouts: Timeouts = QUICK,
    jobs: int = 1,
    *,
    resume: bool = False,
    listener: Silent | None = None,
    environ: Mapping[str, str] = os.environ,
    prepare: Callable[[Target], WorkerCommand] | None = None,
    stop: threading.Event | None = None,
) -> Done:
    """Run what `make_plan` plans, judge, and check what holds of every run."""
    plan = make_plan(directory, targets, cases, timeouts, jobs, environ=environ, prepare=prepare, stop=stop)
    info = run(plan, listener or Silent(), resume=resume)
    findings = tuple(one.finding for one in judge_run(plan.directory, info, ()))
    check_nothing_vanished(info, findings)
    return Done(info, findings)


def run_fake(
    directory: Path,
    fault: str,
    *at: Case,
    cases: Iterable[Case] | None = None,
    timeouts: Timeouts = QUICK,
) -> Done:
    """Run one fake on the suite `fakes`, or on other cases."""
    return run_targets(directory, [target(fault, *at)], suite() if cases is None else cases, timeouts)


def check_nothing_vanished(info: RunInfo, findings: Sequence[Finding]) -> None:
    """Planned = observed + not run, in the header, the footer and the findings."""
    assert info.footer is not None
    not_run = sum(finding.outcome is Outcome.NOT_RUN for finding in findings)
    assert info.header.planned == len(findings) == info.footer.observed + info.footer.not_run
    assert info.footer.not_run == not_run == sum(one.not_run for one in info.footer.targets)
    assert info.is_complete == (not_run == 0)
