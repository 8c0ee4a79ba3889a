"""Show the progress of a run: bars on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from harness.cli.terminal import err, find_logs
from harness.records import Fingerprint, Observation, Outcome
from harness.runner.worker_process import read_log_end
from harness.text import format_count

MAX_BARS: Final = 12
"""The number of targets above which only those are shown that are being observed."""

INTERVAL_S: Final = 15.0
"""Seconds between two lines of a log."""

_RECENT: Final = 8
"""The number of lines of a log over which the rate is computed."""

_MAX_REPORTED_LOSSES: Final = 3
"""The number of lost workers of a target that are reported one by one."""

_LOST_OUTCOMES: Final = frozenset({Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.GARBLED})


JudgeBriefly: TypeAlias = Callable[[Observation, Fingerprint], bool]
"""Whether an observation diverges, given the fingerprint of its target."""


@dataclass(slots=True)
class TargetCounts:
    """The progress of a target: cases planned and done, divergences found, workers lost."""

    planned: int
    done: int = 0
    diverging: int = 0
    lost: int = 0
    is_given_up: bool = False


class Display(Protocol):
    """A display of the counts of targets."""

    def add(self, target: str, counts: TargetCounts) -> None:
        """Show one more target."""

    def update(self, target: str, counts: TargetCounts) -> None:
        """Show the new counts of a target."""

    def say(self, line: str, style: str) -> None:
        """Print a line that stays."""


class RunReporter:
    """A listener of a run that counts for a display and prints what a user ought to know at once.

    For the first workers that a target loses, it prints the case, the reason, and where the log is.
    """

    def __init__(
        self, display: Display, load_judge: Callable[[], JudgeBriefly], logs: Path, *, keeps_logs: bool
    ) -> None:
        self._display = display
        self._load_judge = load_judge
        self._judge: JudgeBriefly | None = None
        self._logs = logs
        self._keeps_logs = keeps_logs
        self._reports_losses = True
        self._counts: dict[str, TargetCounts] = {}
        self._fingerprints: dict[str, Fingerprint] = {}

    def note_planned(self, target: str, cases: int) -> None:
        """Show the target."""
        self._counts[target] = TargetCounts(cases)
        self._display.add(target, self._counts[target])

    def note_started(self, target: str, fingerprint: Fingerprint) -> None:
        """Keep the fingerprint of a target, by which its answers are judged."""
        self._fingerprints[target] = fingerprint

    def note_failed(self, target: str, reason: str) -> None:
        """Print why a target is given up."""
        self._counts[target].is_given_up = True
        self._display.update(target, self._counts[target])
        self._display.say(f"{target}: {reason}", "red")

    def note_second_look(self, cases: int) -> None:
        """Print that the second look begins; lost workers were reported the first time."""
        self._reports_losses = False
        self._display.say(f"asking {format_count(cases, 'divergent case')} again, of fresh workers", "dim")

    def note_building(self, message: str) -> None:
        """Print what is being built."""
        self._display.say(message, "dim")

    def note_slow(self, target: str, cases: int, timeout_s: float) -> None:
        """Print that slow cases are asked again, since nothing else moves meanwhile."""
        message = f"asking {format_count(cases, 'slow case')} again, each alone and for up to {timeout_s:g} s"
        self._display.say(f"{target}: {message}", "dim")

    def note_observed(self, observation: Observation) -> None:
        """Count an observation."""
        target = observation.target
        counts = self._counts[target]
        counts.done += 1
        self._judge = self._judge or self._load_judge()
        if self._judge(observation, self._fingerprints.get(target, {})):
            counts.diverging += 1
        if observation.outcome in _LOST_OUTCOMES:
            counts.lost += 1
            if self._reports_losses and counts.lost <= _MAX_REPORTED_LOSSES:
                self._report_loss(observation, is_last=counts.lost == _MAX_REPORTED_LOSSES)
        self._display.update(target, counts)

    def _report_loss(self, observation: Observation, *, is_last: bool) -> None:
        """Print why a worker was lost, with the end of its log."""
        logs = find_logs(observation.target, self._logs)
        end = read_log_end(logs[-1], 0) if logs else ""
        place = f"; its log is {logs[-1]}" if logs and self._keeps_logs else ""
        self._display.say(
            f"{observation.target}: its worker was lost in stage {observation.stage} of "
            f"{observation.case_id}: {observation.reason}{end}{place}",
            "red",
        )
        if is_last:
            self._display.say(f"{observation.target}: further losses are in findings.csv", "red")


class Bars:
    """A progress bar per target; of many targets, only those being observed, below one for all."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, TargetCounts] = {}
        self._all: TaskID | None = None

    def add(self, target: str, counts: TargetCounts) -> None:
        """Add the target's bar."""
        self._tasks[target] = self._progress.add_task(target, total=counts.planned, note="")
        self._counts[target] = counts
        if len(self._tasks) > MAX_BARS:
            if self._all is None:
                self._all = self._progress.add_task("all targets", total=0, note="")
            self._progress.update(self._all, total=sum(each.planned for each in self._counts.values()))
            for task in self._tasks.values():
                self._progress.update(task, visible=False)

    def update(self, target: str, counts: TargetCounts) -> None:
        """Advance the target's bar, and that of all targets."""
        task = self._tasks[target]
        self._progress.update(task, completed=counts.done, note=_format_note(counts))
        if self._all is not None:
            all_counts = self._counts.values()
            done = sum(each.planned if each.is_given_up else each.done for each in all_counts)
            self._progress.update(self._all, completed=done)
            self._progress.update(task, visible=0 < counts.done < counts.planned)

    def say(self, line: str, style: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _format_note(counts: TargetCounts) -> str:
    parts = (
        f"{counts.diverging:,} diverge" if counts.diverging else "",
        f"[red]{counts.lost:,} lost[/red]" if counts.lost else "",
        "[red]given up[/red]" if counts.is_given_up else "",
    )
    return ", ".join(filter(None, parts))


class RateColumn(ProgressColumn):
    """Cases per second, computed when the bars are drawn and not at every case."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing before the first case."""
        return Text("" if task.speed is None else f"{task.speed:,.0f} cases/s")


def make_bars(console: Console) -> Progress:
    """Make bars that truncate no number, however narrow the terminal.

    The bar, the rate and the time are left out where they do not fit; a long name is wrapped.
    """
    unwrapped = Column(no_wrap=True, overflow="fold")
    columns: list[ProgressColumn] = [TextColumn("{task.description}", table_column=Column(overflow="fold"))]
    if console.width >= 110:
        columns.append(BarColumn(bar_width=24))
    columns.append(MofNCompleteColumn(table_column=unwrapped))
    if console.width >= 80:
        columns.append(RateColumn(table_column=Column(no_wrap=True)))
    if console.width >= 60:
        columns.append(TimeElapsedColumn(table_column=Column(no_wrap=True)))
    columns.append(TextColumn("{task.fields[note]}", table_column=Column(overflow="fold")))
    return Progress(*columns, console=console)


class LogLines:
    """A line of progress every few seconds."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._counts: dict[str, TargetCounts] = {}
        self._ticks: deque[tuple[float, int]] = deque([(clock(), 0)], maxlen=_RECENT)

    def add(self, target: str, counts: TargetCounts) -> None:
        """Count one more target."""
        self._counts[target] = counts

    def update(self, target: str, counts: TargetCounts) -> None:
        """Keep the counts for the next line."""
        self._counts[target] = counts

    def say(self, line: str, style: str) -> None:  # noqa: ARG002  (a log has no colours)
        """Print a line at once."""
        self._write(line)

    def tick(self) -> None:
        """Print the progress of the run."""
        self._write(self._format_line())

    def _format_line(self) -> str:
        all_counts = tuple(self._counts.values())
        done = sum(counts.done for counts in all_counts)
        planned = sum(counts.done if counts.is_given_up else counts.planned for counts in all_counts)
        now = self._clock()
        before, done_before = self._ticks[0]
        self._ticks.append((now, done))
        rate = (done - done_before) / (now - before) if now > before else 0.0
        time_left = (
            f"about {_format_duration((planned - done) / rate)} left" if rate > 0 else "time left unknown"
        )
        diverging = sum(counts.diverging for counts in all_counts)
        divergences = format_count(diverging, "divergence")
        return f"{done:,} of {planned:,} done, {rate:,.0f} cases/s, {divergences} so far, {time_left}"


def _format_duration(seconds: float) -> str:
    """Format seconds as `7 s`, `5 min` or `2 h 10 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def show_progress(
    logs: Path,
    load_judge: Callable[[], JudgeBriefly],
    *,
    keeps_logs: bool,
    console: Console = err,
    interval_s: float = INTERVAL_S,
) -> Iterator[RunReporter]:
    """Show the progress of a run on stderr while the block runs.

    Args:
        logs: the folder into which workers write their logs.
        load_judge: returns the function by which divergences are counted; called at the first observation.
        keeps_logs: whether that folder is kept after the run.
        console: where to print: bars if it is a terminal, otherwise lines.
        interval_s: seconds between two lines.
    """
    if console.is_terminal:
        with make_bars(console) as progress:
            yield RunReporter(Bars(progress), load_judge, logs, keeps_logs=keeps_logs)
        return
    lines = LogLines(
        lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True), time.monotonic
    )
    is_over = threading.Event()

    def tick_until_over() -> None:
        while not is_over.wait(interval_s):
            lines.tick()

    thread = threading.Thread(target=tick_until_over, name="progress", daemon=True)
    thread.start()
    try:
        yield RunReporter(lines, load_judge, logs, keeps_logs=keeps_logs)
    finally:
        is_over.set()
        thread.join()
