"""What the terminal shows: progress while a run goes on, and the closing table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.box import SIMPLE_HEAD
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
from rich.table import Table
from rich.text import Text

from harness.records import Observation, Outcome, RunInfo
from harness.report import Tally
from harness.report.wording import count

MANY: Final = 12
"""More bars than this are more than a terminal shows at once."""

out: Final = Console()
err: Final = Console(stderr=True)


class Bars:
    """A progress bar a target: cases done, cases a second, and what went wrong so far.

    Of many targets those that are being observed are shown, under a bar for all of them.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
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
        """Say that the run is over but for a second look."""
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
            self._lost[observation.target] = self._lost.get(observation.target, 0) + 1
            self._progress.update(task, note=f"[red]{self._lost[observation.target]} lost")


class RateColumn(ProgressColumn):
    """Cases a second, computed when the bars are drawn and not at every case."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before the first case."""
        return Text("" if task.speed is None else f"{task.speed:,.0f} cases/s")


@contextmanager
def bars() -> Iterator[Bars]:
    """Progress bars on stderr while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=err) as progress:
        yield Bars(progress)


def closing_table(info: RunInfo, tally: Tally) -> Table:
    """What came of a run, a row a target."""
    title = f"{', '.join(info.header.suites)}: {info.header.cases:,} cases a target"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("target", min_width=max(map(len, tally.targets), default=0))
    for name in ("conforming", "silent", "loud", "unsupported", "inconclusive"):
        table.add_column(name, justify="right")
    if tally.unstable:
        table.add_column("unstable", justify="right")
    for name, counts in tally.targets.items():
        table.add_row(
            name,
            f"{counts.conforming}/{counts.judged}",
            _count(counts.silent, "bold red"),
            _count(counts.loud, "red"),
            _count(counts.unsupported, "yellow"),
            _count(counts.inconclusive, "yellow"),
            *([_count(counts.unstable, "yellow")] if tally.unstable else []),
        )
    return table


def _count(number: int, style: str) -> str:
    return f"[{style}]{number}" if number else "0"
