"""The files that people and pipelines read of a run; computes no verdict.

`write_reports` makes one pass over the findings of a run, and `write_history` another, for a run of many
versions. `explain`, `picture` and `svg` show what
a single case means.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.records import Judged, RunInfo
from harness.report.conformance import Conformance, write_conformance_csv, write_conformance_markdown
from harness.report.csv_files import findings_files, write_timings
from harness.report.explain import Explanation, explanation
from harness.report.history import History, gather_history
from harness.report.history_csv import write_changes_csv, write_history_csv, write_targets_csv
from harness.report.history_html import write_history_html
from harness.report.history_markdown import short_history, write_history_markdown
from harness.report.html import Page, write_html
from harness.report.picture import text_picture
from harness.report.svg import svg_picture
from harness.report.tally import Tallier, Tally

__all__ = [
    "Explanation",
    "History",
    "Tally",
    "copy_tables",
    "explanation",
    "short_history",
    "svg_picture",
    "text_picture",
    "write_history",
    "write_reports",
]


TABLES: Final = ("conformance.md", "conformance.csv", "divergences.csv", "timings.csv")
"""The reports that may be committed."""


def write_reports(directory: Path, info: RunInfo, judged: Iterable[Judged]) -> Tally:
    """Write every report of a run into a directory, and return its counts.

    One pass, and memory that does not grow with the number of findings but for what `index.html`
    shows, which is capped. Writes `findings.csv`, `divergences.csv`, `conformance.csv`,
    `conformance.md`, `timings.csv` and `index.html`.

    Args:
        directory: made where it does not exist.
        info: what was run.
        judged: sorted by target, then by case id, each pair once.

    Raises:
        HarnessError: the directory cannot be written.
        ValueError: a finding is out of order, repeated, or of a target that is not of the run.
    """
    _make(directory)
    tallier, table, page = Tallier(info), Conformance(info.header.targets), Page()
    with findings_files(directory) as write:
        for one in _checked(judged, info):
            write(one)
            tallier.add(one.finding)
            table.add(one.finding)
            page.add(one)
    tally = tallier.tally()
    write_conformance_csv(directory / "conformance.csv", table)
    write_conformance_markdown(directory / "conformance.md", info, table, tally)
    write_timings(directory / "timings.csv", info)
    write_html(directory / "index.html", info, tally, table, page)
    return tally


def write_history(directory: Path, info: RunInfo, judged: Iterable[Judged]) -> History:
    """Write how the targets of a run conform over the versions of each family, and return it.

    One pass; all of it may be committed. Writes `history.csv`, `history.md`, `history.html`,
    `changes.csv` and `targets.csv`. `short_history` makes the table of a README from what is returned.

    Args:
        directory: made where it does not exist.
        info: what was run.
        judged: sorted by target, then by case id, each pair once.

    Raises:
        HarnessError: the directory cannot be written.
        ValueError: a finding is out of order, repeated, or of a target that is not of the run.
    """
    _make(directory)
    history = gather_history(info, _checked(judged, info))
    write_history_csv(directory / "history.csv", history)
    write_changes_csv(directory / "changes.csv", history)
    write_targets_csv(directory / "targets.csv", history)
    write_history_markdown(directory / "history.md", history)
    write_history_html(directory / "history.html", history)
    return history


def copy_tables(directory: Path, tables: Path) -> None:
    """Copy the reports that are small and name no path of a machine, so that they can be committed.

    Raises:
        HarnessError: a file cannot be copied.
    """
    try:
        tables.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            shutil.copyfile(directory / name, tables / name)
    except OSError as error:
        raise HarnessError(
            f"{tables}: cannot be written ({error.strerror}); choose another folder"
        ) from error


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot make {directory} ({error.strerror}); choose another with -o") from error


def _checked(judged: Iterable[Judged], info: RunInfo) -> Iterator[Judged]:
    """The findings as they come, each of a target of the run and sorted after the one before it."""
    previous = ("", "")
    for one in judged:
        key = (one.finding.target, one.finding.case.id)
        if one.finding.target not in info.header.targets:
            raise ValueError(f"a finding of {one.finding.target}, which is not a target of the run")
        if key <= previous:
            raise ValueError(f"findings out of order or repeated: {key} after {previous}")
        previous = key
        yield one
