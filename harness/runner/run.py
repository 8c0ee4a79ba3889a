"""A whole run, in steps: plan, prepare the targets, observe, close. Judges nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from harness import store
from harness.data.case_data import CASE_DATA_VERSION
from harness.environments.variables import REPRODUCIBLE
from harness.errors import HarnessError
from harness.records import (
    Case,
    Fingerprint,
    Observation,
    RunFooter,
    RunHeader,
    RunInfo,
    Target,
    TargetRun,
    WorkerCommand,
)
from harness.runner.batches import make_batches
from harness.runner.engines import local
from harness.runner.timeouts import Timeouts
from harness.runner.work import Work

RUNNING: Final = "running"
COMPLETE: Final = "complete"
INCOMPLETE: Final = "incomplete"
INTERRUPTED: Final = "interrupted"


class RunListener(Protocol):
    """The receiver of a run's progress."""

    def note_planned(self, target: str, cases: int) -> None:
        """Receive the number of cases of the target still to be observed."""

    def note_started(self, target: str, fingerprint: Fingerprint) -> None:
        """Receive what the target's worker measured about itself; its observations follow."""

    def note_failed(self, target: str, reason: str) -> None:
        """Receive why the target could not be prepared, or was given up in the second look."""

    def note_observed(self, observation: Observation) -> None:
        """Receive an observation that was stored."""

    def note_slow(self, target: str, cases: int, timeout_s: float) -> None:
        """Receive the number of cases not answered in time, each asked again alone with a longer limit."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The targets and cases of a run, and how to run them.

    The `cases` of one layer stand together; `suites` names the selection.
    `prepare_worker` returns the command of a target's worker, building its environment if need be; a
    `HarnessError` from it fails that target and not the run. It is called in threads, and
    gives up soon after `stop` is set, which happens when the run ends. `clock` gives the time of day
    in ISO 8601, `timer` seconds.
    """

    directory: Path
    suites: tuple[str, ...]
    cases: tuple[Case, ...]
    targets: tuple[Target, ...]
    jobs: int
    timeouts: Timeouts
    harness: str
    prepare_worker: Callable[[Target], WorkerCommand]
    stop: threading.Event
    clock: Callable[[], str]
    timer: Callable[[], float]


def run(plan: RunPlan, listener: RunListener, *, resume: bool) -> RunInfo:
    """Observe every planned case on every target, and leave a run with a footer.

    An interrupt (KeyboardInterrupt) ends the run early: what was observed is stored, the footer says
    so, and nothing is raised.

    Raises:
        HarnessError: the selection is empty or invalid, the folder holds another run, or the disk
            refuses a write.
    """
    began = plan.timer()
    opened = _open(plan, resume=resume)
    works: list[Work] = []

    def close(state: str) -> RunInfo:
        info = RunInfo(opened.header, _make_footer(plan, opened, works, state, plan.timer() - began))
        store.write_info(plan.directory, info)
        return info

    state = COMPLETE
    prepare = make_preparer(plan, listener)
    try:
        works.extend(_share_out(plan, opened.header.cases, listener))
        started_targets: set[str] = set()
        logs = plan.directory / store.LOGS
        with store.ObservationLog(plan.directory) as log:
            for observation in local.observe_targets(works, prepare, plan.jobs, logs, plan.stop):
                log.append(observation)
                is_first = observation.target not in started_targets
                if is_first:
                    started_targets.add(observation.target)
                    tell_start(works, observation.target, listener)
                listener.note_observed(observation)
                if is_first:
                    close(RUNNING)
    except KeyboardInterrupt:
        state = INTERRUPTED
    return close(state)


def tell_start(works: Iterable[Work], target: str, listener: RunListener) -> None:
    """Tell the listener what a target measured, once its first observation has come."""
    listener.note_started(target, next(work.fingerprint for work in works if work.target.name == target))


def make_preparer(plan: RunPlan, listener: RunListener) -> Callable[[Work], None]:
    """Return a function that sets the command of a work's worker, or fails the work and reports why."""

    def prepare(work: Work) -> None:
        try:
            work.command = plan.prepare_worker(work.target)
        except HarnessError as error:
            work.fail(f"could not start: {error}")
            listener.note_failed(work.target.name, str(error))

    return prepare


@dataclass(frozen=True, slots=True)
class _OpenedRun:
    """A run's header, and what earlier attempts at it observed, by target."""

    header: RunHeader
    earlier: Mapping[str, TargetRun]


def _open(plan: RunPlan, *, resume: bool) -> _OpenedRun:
    """Create the run's folder, or check that it holds this very run."""
    case_ids = [case.id for case in plan.cases]
    header = RunHeader(
        schema=store.SCHEMA,
        harness=plan.harness,
        signals=CASE_DATA_VERSION,
        suites=plan.suites,
        targets=tuple(target.name for target in plan.targets),
        cases=len(case_ids),
        planned=len(case_ids) * len(plan.targets),
        started=plan.clock(),
    )
    if not resume or not (plan.directory / "run.json").exists():
        store.create_run(plan.directory, header, case_ids)
        return _OpenedRun(header, {})
    info = store.read_info(plan.directory)
    stored = info.header
    wanted = (header.suites, header.targets, header.signals, sorted(case_ids))
    if (stored.suites, stored.targets, stored.signals, list(store.read_case_ids(plan.directory))) != wanted:
        raise HarnessError(
            f"{plan.directory}: holds a run of {', '.join(stored.suites)} on {', '.join(stored.targets)}"
            " with other cases or targets than asked for now; choose another folder with -o"
        )
    for target in stored.targets:
        store.truncate_partial_line(plan.directory, target)
    return _OpenedRun(stored, {} if info.footer is None else {run.name: run for run in info.footer.targets})


def _share_out(plan: RunPlan, num_cases: int, listener: RunListener) -> Iterator[Work]:
    """Yield the work on each target, without what was observed before."""
    for target in plan.targets:
        done = store.read_observed_ids(plan.directory, target.name)
        num_left = num_cases - len(done)
        listener.note_planned(target.name, num_left)
        yield Work(
            target=target,
            source=make_batches(_drop_observed(plan.cases, done)),
            planned=num_left,
            timeouts=plan.timeouts,
            on_slow=partial(listener.note_slow, target.name, timeout_s=plan.timeouts.again_s),
            earlier=len(done),
            exhausted=num_left == 0,
        )


def _drop_observed(cases: Iterable[Case], done: frozenset[str]) -> Iterator[Case]:
    return (case for case in cases if case.id not in done)


def _make_footer(
    plan: RunPlan, opened: _OpenedRun, works: Sequence[Work], state: str, seconds: float
) -> RunFooter:
    by_name = {work.target.name: work for work in works}
    runs = tuple(
        _summarize_target(plan, opened, state, target, by_name.get(target.name)) for target in plan.targets
    )
    not_run = sum(run.not_run for run in runs)
    return RunFooter(
        state=INCOMPLETE if state == COMPLETE and not_run else state,
        observed=sum(run.observed for run in runs),
        not_run=not_run,
        finished=plan.clock(),
        seconds=seconds,
        targets=runs,
    )


def _summarize_target(
    plan: RunPlan, opened: _OpenedRun, state: str, target: Target, work: Work | None
) -> TargetRun:
    """Return a target's part so far, with earlier attempts; once the run has ended, as stored on disk."""
    earlier = opened.earlier.get(target.name)
    if state == RUNNING and work is not None:
        observed = work.earlier + work.observed
    else:
        observed = len(store.read_observed_ids(plan.directory, target.name))
    times = (0.0, 0.0) if work is None else work.measure_times()
    built = target.built
    return TargetRun(
        name=target.name,
        api=target.api,
        version=target.version,
        backend=target.backend,
        family=target.family,
        variant=target.variant,
        lineage=target.lineage,
        python="" if built is None else built.python,
        requires=() if built is None else built.requires,
        overlay=() if built is None else built.overlay,
        fingerprint=(work and work.fingerprint) or (earlier.fingerprint if earlier else {}),
        observed=observed,
        not_run=opened.header.cases - observed,
        failure="" if work is None else work.failure,
        seconds=times[0] + (earlier.seconds if earlier else 0.0),
        start_seconds=times[1] + (earlier.start_seconds if earlier else 0.0),
        workers=(work.workers if work else 0) + (earlier.workers if earlier else 0),
        variables={**REPRODUCIBLE, **target.variables},
        selector=target.selector,
    )
