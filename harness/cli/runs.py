"""Run cases for the command line: with progress shown, in the environment of this process."""

from __future__ import annotations

import datetime
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import __version__
from harness.cli.inputs import note_list, read_shipped_limits
from harness.cli.progress import JudgeBriefly, RunReporter, show_progress
from harness.environments.cache import find_cache_directory
from harness.environments.launch import prepare_worker_command
from harness.records import Case, RunInfo, Target, WorkerCommand
from harness.resources import WORKER
from harness.runner.run import RunPlan, run
from harness.runner.second_look import ChosenCases, ask_again
from harness.runner.timeouts import Timeouts
from harness.store import LOGS


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks to run, and where; the folder is kept after the run if it `keeps_logs`."""

    directory: Path
    suites: tuple[str, ...]
    cases: tuple[Case, ...]
    targets: tuple[Target, ...]
    targets_files: Sequence[Path] | None
    jobs: int
    timeout_s: float
    keeps_logs: bool = True


def observe(request: Request, *, resume: bool) -> RunInfo:
    """Run the cases on the targets."""
    with show_progress(request.directory / LOGS, _load_judge, keeps_logs=request.keeps_logs) as progress:
        return run(_build_plan(request, progress), progress, resume=resume)


def observe_again(request: Request, info: RunInfo, rechecks: Mapping[str, ChosenCases]) -> RunInfo:
    """Ask the chosen cases of the run a second time."""
    with show_progress(request.directory / LOGS, _load_judge, keeps_logs=request.keeps_logs) as progress:
        plan = _build_plan(request, progress)
        progress.note_second_look(sum(map(len, rechecks.values())))
        return ask_again(plan, info, rechecks, progress)


def _load_judge() -> JudgeBriefly:
    """Load the brief judge, which takes long, and so only once something was observed."""
    from harness.judge.brief import make_brief_judge  # noqa: PLC0415

    return make_brief_judge(read_shipped_limits())


def _build_plan(request: Request, progress: RunReporter) -> RunPlan:
    stop = threading.Event()
    note = cache(lambda: note_list(request.targets_files))

    def start(target: Target) -> WorkerCommand:
        if target.built is not None:
            note()
        return prepare_worker_command(
            target, find_cache_directory(os.environ), WORKER, os.environ, progress.note_building, stop
        )

    return RunPlan(
        directory=request.directory,
        suites=request.suites,
        cases=request.cases,
        targets=request.targets,
        jobs=request.jobs,
        timeouts=Timeouts(case_s=request.timeout_s),
        harness=__version__,
        prepare_worker=start,
        stop=stop,
        clock=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        timer=time.monotonic,
    )
