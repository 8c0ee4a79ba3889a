"""Runs as the command line makes them: observed and looked at again, reported and summed up."""

from __future__ import annotations

import datetime
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import __version__
from harness.cli.inputs import note_list, read_shipped_limits
from harness.cli.progress import RunReporter, show_progress
from harness.cli.terminal import closing_table, err, logs_of, out, show
from harness.environments.cache import cache_directory
from harness.environments.launch import launch
from harness.errors import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK, EXIT_UNEXPECTED
from harness.judge.brief import make_brief_judge
from harness.judge.second_look import ROUNDS, Doubt, worth_asking
from harness.judge.stored_run import judged, looked_at
from harness.records import Case, Finding, Launch, RunInfo, Target
from harness.report.phrases import headline, nothing_computed
from harness.report.tally import Tally
from harness.report.write import write_reports
from harness.resources import WORKER
from harness.runner.limits import Limits
from harness.runner.run import INTERRUPTED, Plan, run
from harness.runner.second_look import ask_again
from harness.store import LOGS


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks to be run, and where; the folder stays behind where it `keeps_logs`."""

    directory: Path
    suites: tuple[str, ...]
    cases: tuple[Case, ...]
    targets: tuple[Target, ...]
    targets_files: Sequence[Path] | None
    jobs: int
    timeout_s: float
    keeps_logs: bool = True


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """A run after its second look; it has news where a finding is to be judged otherwise, or the run is."""

    info: RunInfo
    has_news: bool


def _ignore(_doubt: Doubt) -> None:
    """Take no note of a divergence."""


def run_and_report(request: Request, *, resume: bool) -> tuple[RunInfo, Tally]:
    """Run the cases on the targets, look again at what diverges, and write the reports."""
    info = _observe(request, resume=resume)
    doubts: list[Doubt] = []
    tally = report(request.directory, info, doubts.append)
    reviewed = _look_again(request, info, doubts)
    return reviewed.info, report(request.directory, reviewed.info) if reviewed.has_news else tally


def run_and_judge(request: Request) -> tuple[RunInfo, Sequence[Finding]]:
    """Run the cases on the targets, look again at what diverges, and return the findings."""
    info = _observe(request, resume=False)
    doubts: list[Doubt] = []
    findings = _judge(request.directory, info, doubts.append)
    reviewed = _look_again(request, info, doubts)
    return reviewed.info, _judge(request.directory, reviewed.info) if reviewed.has_news else findings


def report(directory: Path, info: RunInfo, note: Callable[[Doubt], None] = _ignore) -> Tally:
    """Judge a stored run and write its reports into its folder; `note` is told each divergence."""
    return write_reports(directory, info, judged(directory, info, read_shipped_limits(), note))


def print_summary(directory: Path, info: RunInfo, tally: Tally) -> None:
    """Print what came of a run."""
    show(closing_table(info, tally))
    if info.footer is not None:
        for run_of in info.footer.targets:
            if run_of.failure:
                logs = logs_of(run_of.name, directory / LOGS)
                place = f"; its log is {logs[-1]}" if logs else ""
                err.print(
                    f"{run_of.name}: {run_of.failure}{place}", style="red", markup=False, soft_wrap=True
                )
    if len(tally.targets) > 1:
        for name, counts in tally.targets.items():
            if counts.has_computed_nothing:
                err.print(f"{name}: {nothing_computed(counts)}", style="yellow", markup=False, soft_wrap=True)
    if _is_interrupted(info):
        err.print(
            f"interrupted; the same command with --resume -o {directory} goes on",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(headline(tally), markup=False, soft_wrap=True)
    out.print(f"{directory / 'index.html'}", markup=False, soft_wrap=True)


def exit_code(info: RunInfo, tally: Tally) -> int:
    """Return 130 where a run was interrupted, 3 where it is incomplete, inconclusive or unstable, 1 or 0."""
    if _is_interrupted(info):
        return EXIT_INTERRUPTED
    if not info.is_complete or tally.inconclusive or tally.unstable or tally.has_computed_nothing:
        return EXIT_INCOMPLETE
    return EXIT_UNEXPECTED if tally.new else EXIT_OK


def _judge(directory: Path, info: RunInfo, note: Callable[[Doubt], None] = _ignore) -> list[Finding]:
    return [one.finding for one in judged(directory, info, read_shipped_limits(), note)]


def _show_progress(request: Request) -> AbstractContextManager[RunReporter]:
    judge = make_brief_judge(read_shipped_limits())
    return show_progress(request.directory / LOGS, judge, keeps_logs=request.keeps_logs)


def _observe(request: Request, *, resume: bool) -> RunInfo:
    """Run the cases on the targets, with progress shown."""
    with _show_progress(request) as progress:
        return run(_plan(request, progress), progress, resume=resume)


def _look_again(request: Request, info: RunInfo, found: Sequence[Doubt]) -> _Reviewed:
    """Ask some of what diverges again, with progress shown."""
    doubts, has_news = tuple(found), False
    lineages = {name: run_of.lineage for name, run_of in info.target_runs.items()}
    for _ in range(ROUNDS):
        chosen = {} if _is_interrupted(info) else worth_asking(doubts, lineages)
        if not chosen:
            break
        with _show_progress(request) as progress:
            plan = _plan(request, progress)
            progress.asking_again(sum(map(len, chosen.values())))
            info = ask_again(plan, info, chosen, progress)
        doubts = looked_at(plan.directory, info, read_shipped_limits(), doubts, chosen)
        has_news = _is_interrupted(info) or any(doubt.came_again is False for doubt in doubts)
    return _Reviewed(info, has_news)


def _plan(request: Request, progress: RunReporter) -> Plan:
    stop = threading.Event()
    note = cache(lambda: note_list(request.targets_files))

    def start(target: Target) -> Launch:
        if target.built is not None:
            note()
        return launch(target, cache_directory(os.environ), WORKER, os.environ, progress.building, stop)

    return Plan(
        directory=request.directory,
        suites=request.suites,
        cases=request.cases,
        targets=request.targets,
        jobs=request.jobs,
        limits=Limits(case_s=request.timeout_s),
        harness=__version__,
        launch=start,
        stop=stop,
        clock=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        timer=time.monotonic,
    )


def _is_interrupted(info: RunInfo) -> bool:
    return info.footer is not None and info.footer.state == INTERRUPTED
