"""Writes every report of a run in one pass over its findings."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from harness.files import explain_disk_errors
from harness.records import Judgement, RunInfo
from harness.report.conformance import Conformance
from harness.report.csv_files import open_findings_files, write_conformance_csv, write_timings
from harness.report.html import Page, write_html
from harness.report.markdown import write_conformance_markdown
from harness.report.tally import Tallier, Tally

TABLES: Final = ("conformance.md", "conformance.csv", "divergences.csv", "timings.csv")
"""The reports that may be committed."""


def write_reports(directory: Path, info: RunInfo, judged: Iterable[Judgement]) -> Tally:
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
    with explain_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        tallier, table, page = Tallier(info), Conformance(info.header.targets), Page()
        with open_findings_files(directory) as write:
            for one in check_order(judged, info):
                write(one)
                tallier.add(one.finding)
                table.add(one.finding)
                page.add(one)
        tally = tallier.compute_tally()
        write_conformance_csv(directory / "conformance.csv", table)
        write_conformance_markdown(directory / "conformance.md", info, table, tally)
        write_timings(directory / "timings.csv", info)
        write_html(directory / "index.html", info, tally, table, page)
    return tally


def copy_tables(directory: Path, tables: Path) -> None:
    """Copy the reports that are small and name no path of a machine, so that they can be committed.

    Raises:
        HarnessError: a file cannot be copied.
    """
    with explain_disk_errors(tables, "choose another folder"):
        tables.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            shutil.copyfile(directory / name, tables / name)


def check_order(judged: Iterable[Judgement], info: RunInfo) -> Iterator[Judgement]:
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
