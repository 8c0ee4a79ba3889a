"""The CSV files of a run, written as a stream: findings, divergences, timings.

UTF-8, LF line ends, and nothing that differs between two runs of the same targets (but for
`timings.csv`, which holds nothing else). A file appears under its name when it is whole.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO, assert_never

from harness.errors import HarnessError
from harness.records import Judged, RunInfo, Verdict
from harness.report.cells import COLUMNS, one_line, row_of
from harness.runner.by_hand import Answer, NotCalled
from harness.verdicts.confirm import Confirmation

CONFIRMATION_COUNT_COLUMNS: Final = ("target", "divergence", "cause", "by_hand", "result", "why", "cases")
CONFIRMATION_COLUMNS: Final = (
    *("target", "case", "divergence", "cause", "by_hand", "where", "error", "result", "why"),
)
TIMING_COLUMNS: Final = ("target", "workers", "cases", "start_seconds", "seconds", "cases_per_second")


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes its name only when the block ends well (`store.replace_text`, as a stream).

    Raises:
        HarnessError: the file cannot be created.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        file = partial.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise HarnessError(
            f"cannot write {path} ({error.strerror}); make the directory writable or choose another with -o"
        ) from error
    try:
        with file:
            yield file
        os.replace(partial, path)  # noqa: PTH105  (the house's word for an atomic rename)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def findings_files(directory: Path) -> Iterator[Callable[[Judged], None]]:
    """A writer of `findings.csv`, and of `divergences.csv` for the findings that diverge."""
    with (
        replacing(directory / "findings.csv") as all_file,
        replacing(directory / "divergences.csv") as diverging_file,
    ):
        write_all = csv.writer(all_file, lineterminator="\n")
        write_diverging = csv.writer(diverging_file, lineterminator="\n")
        write_all.writerow(COLUMNS)
        write_diverging.writerow(COLUMNS)

        def write(one: Judged) -> None:
            row = row_of(one)
            write_all.writerow(row)
            if one.finding.verdict is Verdict.DIVERGES:
                write_diverging.writerow(row)

        yield write


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a small CSV file: a header and rows, an empty cell for None."""
    with replacing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_timings(path: Path, info: RunInfo) -> None:
    """Write `timings.csv`: how long each target took. Without a footer it holds its header only."""
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


def write_confirmations(path: Path, confirmations: Iterable[Confirmation]) -> None:
    """Write `confirmed.csv`: each divergence, what the call by hand showed, or why there was none."""
    write_table(path, CONFIRMATION_COLUMNS, map(_confirmation, confirmations))


def _confirmation(one: Confirmation) -> tuple[object, ...]:
    by_hand, where, error, why = _by_hand(one)
    return (
        one.finding.target,
        one.finding.case.id,
        one.finding.divergence,
        one.finding.cause,
        *(by_hand, one_line(where), one_line(error), one.result, one_line(why)),
    )


def _by_hand(one: Confirmation) -> tuple[str, str, str, str]:
    """What came, where, an error's text; and why nothing did."""
    match one.answer:
        case Answer(what=what, where=where, error=error, before=before):
            return what, f"{where}; before it {before}" if before else where, error, ""
        case NotCalled(why=why):
            return "", "", "", why
        case _:
            assert_never(one.answer)


def write_confirmation_counts(path: Path, confirmations: Iterable[Confirmation]) -> None:
    """Write the counts of `confirmed.csv`, small enough to be committed."""
    counts = Counter(
        (one.finding.target, str(one.finding.divergence), one.finding.cause, what, str(one.result), why)
        for one in confirmations
        for what, _, _, why in (_by_hand(one),)
    )
    write_table(path, CONFIRMATION_COUNT_COLUMNS, ((*key, counts[key]) for key in sorted(counts)))
