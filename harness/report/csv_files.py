"""Write the CSV files of a run: findings and divergences, as a stream; conformance; timings.

UTF-8, LF line ends, and nothing that differs between two runs of the same targets, except in `timings.csv`.
A file appears under its name when it is complete.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from harness.files import replace_when_whole, write_table
from harness.records import Judgement, RunInfo, Verdict
from harness.report.conformance import Conformance
from harness.report.rows import COLUMNS, format_row

CONFORMANCE_COLUMNS: Final = (
    "layer",
    "mode",
    "padding",
    "facet",
    "target",
    "judged",
    "conforming",
    "refused",
    "silent",
    "loud",
    "unsupported",
    "inconclusive",
    "unstable",
)

TIMING_COLUMNS: Final = ("target", "workers", "cases", "start_seconds", "seconds", "cases_per_second")


@contextmanager
def open_findings_files(directory: Path) -> Iterator[Callable[[Judgement], None]]:
    """Open `findings.csv`, and `divergences.csv` for findings that diverge; yield a writer of findings."""
    with (
        replace_when_whole(directory / "findings.csv") as all_file,
        replace_when_whole(directory / "divergences.csv") as diverging_file,
    ):
        write_all = csv.writer(all_file, lineterminator="\n")
        write_diverging = csv.writer(diverging_file, lineterminator="\n")
        write_all.writerow(COLUMNS)
        write_diverging.writerow(COLUMNS)

        def write(judgement: Judgement) -> None:
            row = format_row(judgement)
            write_all.writerow(row)
            if judgement.finding.verdict is Verdict.DIVERGES:
                write_diverging.writerow(row)

        yield write


def write_conformance_csv(path: Path, table: Conformance) -> None:
    """Write `conformance.csv`: one line per row and target that has findings.

    The lines with facet `all` are those of one mode each, and count every finding once.
    """
    write_table(
        path,
        CONFORMANCE_COLUMNS,
        (
            (
                row.layer,
                row.mode,
                row.padding,
                row.facet,
                target,
                cell.num_judged,
                cell.conforming,
                cell.refused,
                cell.silent,
                cell.loud,
                cell.unsupported,
                cell.inconclusive,
                cell.unstable,
            )
            for row in table.list_disjoint_rows()
            for target, cell in zip(table.targets, row.cells, strict=True)
            if cell.num_judged
        ),
    )


def write_timings(path: Path, info: RunInfo) -> None:
    """Write `timings.csv`: how long each target took; without a footer, only its header."""
    targets = () if info.footer is None else info.footer.targets
    write_table(
        path,
        TIMING_COLUMNS,
        (
            (
                target.name,
                target.workers,
                target.observed,
                round(target.start_seconds, 3),
                round(target.seconds, 3),
                round(target.observed / target.seconds, 1) if target.seconds > 0 else None,
            )
            for target in targets
        ),
    )
