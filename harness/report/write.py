"""Write every report of a run in one pass over its findings."""

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

REPORTS: Final = (
    "findings.csv",
    "divergences.csv",
    "conformance.csv",
    "conformance.md",
    "timings.csv",
    "index.html",
)
"""The files that `write_reports` writes."""

TABLES: Final = ("conformance.md", "conformance.csv", "divergences.csv", "timings.csv")
"""The reports that may be committed."""


def write_reports(directory: Path, info: RunInfo, judgements: Iterable[Judgement]) -> Tally:
    """Write every report of a run into a directory, and return its counts.

    Reads the findings once, in memory that does not grow with their number: what `index.html` shows is
    capped. Writes `REPORTS`.

    Args:
        directory: created if it does not exist.
        info: what was run.
        judgements: sorted by target, then by case id, each pair once.

    Raises:
        HarnessError: the directory cannot be written.
        ValueError: a finding is out of order, repeated, or of a target that the run does not have.
    """
    with explain_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        tallier, table, page = Tallier(info), Conformance(info.header.targets), Page()
        with open_findings_files(directory) as write:
            for judgement in check_order(judgements, info):
                write(judgement)
                tallier.add(judgement.finding)
                table.add(judgement.finding)
                page.add(judgement)
        tally = tallier.compute_tally()
        write_conformance_csv(directory / "conformance.csv", table)
        write_conformance_markdown(directory / "conformance.md", info, table, tally)
        write_timings(directory / "timings.csv", info)
        write_html(directory / "index.html", info, tally, table, page)
    return tally


def copy_tables(directory: Path, tables: Path) -> None:
    """Copy the reports that can be committed: they are small and name no path of a machine.

    Raises:
        HarnessError: a file cannot be copied.
    """
    with explain_disk_errors(tables, "choose another folder"):
        tables.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            shutil.copyfile(directory / name, tables / name)


def check_order(judgements: Iterable[Judgement], info: RunInfo) -> Iterator[Judgement]:
    """Yield the findings unchanged; check that they are sorted and of targets of the run.

    Raises:
        ValueError: a finding is out of order, repeated, or of a target that the run does not have.
    """
    previous = ("", "")
    for judgement in judgements:
        key = (judgement.finding.target, judgement.finding.case.id)
        if judgement.finding.target not in info.header.targets:
            raise ValueError(f"a finding of {judgement.finding.target}, which is not a target of the run")
        if key <= previous:
            raise ValueError(f"findings out of order or repeated: {key} after {previous}")
        previous = key
        yield judgement
