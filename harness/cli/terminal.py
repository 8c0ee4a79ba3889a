"""What the terminal shows: progress while a run goes on, and the closing table."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
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
from rich.table import Table
from rich.text import Text

from harness.records import Observation, Outcome, RunInfo
from harness.report.tally import Tally
from harness.runner.worker_process import read_log_end
from harness.text import count

MANY: Final = 12
"""More bars than this are more than a terminal shows at once."""

_TOLD: Final = 3
"""Lost workers of a target that are told of one by one."""

_UNLIMITED: Final = 100_000
"""A width that no table reaches."""

out: Final = Console()
err: Final = Console(stderr=True)


class Bars:
    """A progress bar a target: cases done, cases a second, and what went wrong so far.

    Of many targets those that are being observed are shown, under a bar for all of them. Of the first workers
    that a target loses it is said over which case, why, and where their logs are: in the folder `logs`.
    """

    def __init__(self, progress: Progress, logs: Path, *, keeps_logs: bool) -> None:
        self._progress = progress
        self._logs = logs
        self._keeps_logs = keeps_logs
        self._tells_losses = True
        self._all: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}
        self._left: dict[str, int] = {}
        self._lost: dict[str, int] = {}

    def planned(self, target: str, cases: int) -> None:
        """Add the target's bar."""
        self._tasks[target] = self._progress.add_task(target, total=cases, note="")
        self._left[target] = cases
        if len(self._tasks) > MANY:
            if self._all is None:
                self._all = self._progress.add_task("all targets", total=0, note="")
            self._progress.update(self._all, total=sum(self._left.values()))
            for task in self._tasks.values():
                self._progress.update(task, visible=False)

    def failed(self, target: str, reason: str) -> None:
        """Say why a target is not asked, or no further."""
        self._progress.update(self._tasks[target], note="[red]given up")
        self._progress.console.print(f"{target}: {reason}", style="red", markup=False, soft_wrap=True)
        if self._all is not None:
            self._progress.advance(self._all, self._left[target])

    def asking_again(self, cases: int) -> None:
        """Say that the run is over but for a second look; what it loses was told the first time."""
        self._tells_losses = False
        said = f"asking {count(cases, 'divergent case')} again, of fresh workers"
        self._progress.console.print(said, style="dim", markup=False, soft_wrap=True)

    def building(self, message: str) -> None:
        """Say what is being built."""
        self._progress.console.print(message, style="dim", markup=False, soft_wrap=True)

    def slow(self, target: str, cases: int, timeout_s: float) -> None:
        """Say that slow cases are asked again, for the bar stands still meanwhile."""
        asked = f"asking {count(cases, 'slow case')} again, each alone and for up to {timeout_s:g} s"
        self._progress.console.print(f"{target}: {asked}", style="dim", markup=False, soft_wrap=True)

    def observed(self, observation: Observation) -> None:
        """Advance the target's bar."""
        task = self._tasks[observation.target]
        self._progress.advance(task)
        if self._all is not None:
            self._left[observation.target] -= 1
            self._progress.advance(self._all)
            self._progress.update(task, visible=self._left[observation.target] > 0)
        if observation.outcome in {Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.GARBLED}:
            lost = self._lost[observation.target] = self._lost.get(observation.target, 0) + 1
            self._progress.update(task, note=f"[red]{lost} lost")
            if self._tells_losses and lost <= _TOLD:
                self._tell_loss(observation)
                if lost == _TOLD:
                    self._say(f"{observation.target}: further losses are in findings.csv")

    def _tell_loss(self, observation: Observation) -> None:
        """Say why a worker was lost, with the end of its log."""
        logs = logs_of(observation.target, self._logs)
        end = read_log_end(logs[-1], 0) if logs else ""
        place = f"; its log is {logs[-1]}" if logs and self._keeps_logs else ""
        self._say(
            f"{observation.target}: its worker was lost in stage {observation.stage} of "
            f"{observation.case_id}: {observation.reason}{end}{place}"
        )

    def _say(self, line: str) -> None:
        self._progress.console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)


def logs_of(target: str, folder: Path) -> list[Path]:
    """The logs of a target's workers, the one that was written to last at the end."""
    return sorted(
        folder.glob(f"{glob.escape(target)}-*.log"),
        key=lambda log: log.stat().st_mtime if log.exists() else 0.0,
    )


class RateColumn(ProgressColumn):
    """Cases a second, computed when the bars are drawn and not at every case."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before the first case."""
        return Text("" if task.speed is None else f"{task.speed:,.0f} cases/s")


@contextmanager
def bars(logs: Path, *, keeps_logs: bool) -> Iterator[Bars]:
    """Progress bars on stderr while the block runs.

    Workers write their logs into the folder `logs`, which a person finds afterwards if it `keeps_logs`.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=err) as progress:
        yield Bars(progress, logs, keeps_logs=keeps_logs)


def show(table: Table, console: Console = out) -> None:
    """Print a table, with nothing of it cut: no column, no digit, no end of a name.

    Columns that must not wrap are marked `no_wrap`. Where the terminal is too narrow for them, a row is a
    block of lines instead; where there is no terminal, nothing is too wide.
    """
    unlimited = console.options.update(width=_UNLIMITED)
    for column in table.columns:
        if column.no_wrap:
            cells = (column.header, *column.cells)
            column.min_width = max(Measurement.get(console, unlimited, cell).maximum for cell in cells)
    needed = Measurement.get(console, unlimited, table)
    if console.is_terminal and needed.minimum > console.width:
        _show_blocks(table, console)
    elif console.is_terminal:
        console.print(table)
    else:
        Console(file=console.file, width=max(needed.maximum, console.width)).print(table)


def _show_blocks(table: Table, console: Console) -> None:
    """Each row as lines: its first cell, and below it every other with the name of its column."""
    if table.title:
        console.print(table.title, soft_wrap=True)
    names = [str(column.header) for column in table.columns[1:]]
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        console.print(first, soft_wrap=True)
        for name, cell in zip(names, others, strict=True):
            console.print(Text.assemble(f"  {name}: ", Text.from_markup(str(cell))), soft_wrap=True)


def closing_table(info: RunInfo, tally: Tally) -> Table:
    """What came of a run, a row a target. `refused` are those of the conforming that raised, as they may."""
    title = f"{', '.join(info.header.suites)}: {info.header.cases:,} cases a target"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("target", no_wrap=True)
    names = ["conforming", "refused", "silent", "loud", "unsupported", "inconclusive"]
    for name in (*names, *(["unstable"] if tally.unstable else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in tally.targets.items():
        table.add_row(
            name,
            f"{counts.conforming}/{counts.judged}",
            f"{counts.refused}",
            _count(counts.silent, "bold red"),
            _count(counts.loud, "red"),
            _count(counts.unsupported, "yellow"),
            _count(counts.inconclusive, "yellow"),
            *([_count(counts.unstable, "yellow")] if tally.unstable else []),
        )
    return table


def _count(number: int, style: str) -> str:
    return f"[{style}]{number}" if number else "0"
