"""Print to the terminal: lines, tables without truncation, and the closing table of a run."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from harness.records import RunInfo
from harness.report.tally import Tally

_UNLIMITED: Final = 100_000
"""A width that no table reaches, in characters."""

out: Final = Console()
err: Final = Console(stderr=True)


def find_logs(target: str, folder: Path) -> list[Path]:
    """Return the logs of a target's workers, the most recently written last."""
    return sorted(
        folder.glob(f"{glob.escape(target)}-*.log"),
        key=lambda log: log.stat().st_mtime if log.exists() else 0.0,
    )


def show(table: Table, console: Console = out) -> None:
    """Print a table without truncating any cell.

    Columns that must not wrap are marked `no_wrap`. Where the terminal is too narrow for them, each row is
    printed as a block of lines; without a terminal, the width is unlimited.
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
    """Print each row as lines: its first cell, and below it every other with the name of its column."""
    if table.title:
        console.print(table.title, soft_wrap=True)
    names = [str(column.header) for column in table.columns[1:]]
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        console.print(first, soft_wrap=True)
        for name, cell in zip(names, others, strict=True):
            console.print(Text.assemble(f"  {name}: ", Text.from_markup(str(cell))), soft_wrap=True)


def build_closing_table(info: RunInfo, tally: Tally) -> Table:
    """Build the table of results of a run, a row per target; `refused` counts the conforming that raised."""
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
            _format_count(counts.silent, "bold red"),
            _format_count(counts.loud, "red"),
            _format_count(counts.unsupported, "yellow"),
            _format_count(counts.inconclusive, "yellow"),
            *([_format_count(counts.unstable, "yellow")] if tally.unstable else []),
        )
    return table


def _format_count(number: int, style: str) -> str:
    return f"[{style}]{number}" if number else "0"
