"""The history as CSV: `history.csv`, `changes.csv`, and `targets.csv` with pins and measured versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.files import write_table
from harness.history.changes import Change
from harness.history.gather import History
from harness.report.target_facts import list_measured, list_pins
from harness.text import format_one_line

COLUMNS: Final = (
    "family",
    "target",
    "layer",
    "padding",
    "judged",
    "conforming",
    "refused",
    "silent",
    "loud",
    "unsupported",
    "inconclusive",
    "unstable",
)

CHANGE_COLUMNS: Final = (
    "family",
    "change",
    "silent",
    "divergence",
    "cause",
    "was",
    "cases",
    "cases_first",
    "cases_last",
    "before",
    "first_bad",
    "last_bad",
    "first_good",
    "otherwise",
    "example",
)

TARGET_COLUMNS: Final = (
    "family",
    "target",
    "api",
    "version",
    "backend",
    "variant",
    "lineage",
    "python",
    "observed",
    "not_run",
    "pins",
    "measured",
    "failure",
)


def write_history_csv(path: Path, history: History) -> None:
    """Write `history.csv`: one line per target, layer and padding; together they count every finding once."""
    write_table(path, COLUMNS, _iterate_rows(history))


def write_changes_csv(path: Path, history: History) -> None:
    """Write `changes.csv`: one line per change; versions are named by their targets."""
    changes = (change for family in history.families for change in family.changes)
    write_table(path, CHANGE_COLUMNS, map(_make_change_row, changes))


def write_targets_csv(path: Path, history: History) -> None:
    """Write `targets.csv`: what each target pins, and the versions that its worker measured."""
    write_table(path, TARGET_COLUMNS, _iterate_target_rows(history))


def _iterate_rows(history: History) -> Iterator[tuple[object, ...]]:
    for family in history.families:
        for place, column in enumerate(family.columns):
            for row in family.paddings:
                cell = row.cells[place]
                if cell.num_judged:
                    yield (
                        family.family,
                        column.target,
                        row.layer,
                        row.padding,
                        cell.num_judged,
                        cell.conforming,
                        cell.refused,
                        cell.silent,
                        cell.loud,
                        cell.unsupported,
                        cell.inconclusive,
                        cell.unstable,
                    )


def _make_change_row(change: Change) -> tuple[object, ...]:
    return (
        change.family,
        change.kind,
        "true" if change.pattern.divergence.is_silent else "false",
        change.pattern.divergence,
        format_one_line(change.pattern.cause or change.pattern.note),
        "" if change.previous is None else format_one_line(str(change.previous)),
        change.cases,
        change.cases_first,
        change.cases_last,
        "" if change.before is None else change.before.target,
        change.first_bad.target,
        change.last_bad.target,
        "" if change.first_good is None else change.first_good.target,
        change.num_otherwise,
        change.example,
    )


def _iterate_target_rows(history: History) -> Iterator[tuple[object, ...]]:
    for family in history.families:
        for column in family.columns:
            run = column.run
            if run is None:
                yield (family.family, column.target, *[""] * (len(TARGET_COLUMNS) - 2))
                continue
            yield (
                family.family,
                run.name,
                run.api,
                column.version,
                run.backend,
                run.variant,
                run.lineage,
                run.python,
                run.observed,
                run.not_run,
                format_one_line("; ".join(list_pins(run)), 4000),
                format_one_line("; ".join(list_measured(run.fingerprint))),
                format_one_line(run.failure),
            )
