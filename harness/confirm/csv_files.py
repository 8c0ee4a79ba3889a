"""What was called by hand, as CSV files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, assert_never

from harness.confirm.confirmations import Confirmation
from harness.confirm.script_results import NotCalled, ScriptResult
from harness.files import write_table
from harness.text import format_one_line

CONFIRMATION_COUNT_COLUMNS: Final = ("target", "divergence", "cause", "by_hand", "result", "why", "cases")

CONFIRMATION_COLUMNS: Final = (
    *("target", "case", "divergence", "cause", "by_hand", "where", "error", "result", "why"),
)


def write_confirmations(path: Path, confirmations: Iterable[Confirmation]) -> None:
    """Write `confirmed.csv`: each divergence, what the call by hand showed, or why there was none."""
    write_table(path, CONFIRMATION_COLUMNS, map(_list_cells, confirmations))


def _list_cells(one: Confirmation) -> tuple[object, ...]:
    by_hand, where, error, why = _say_by_hand(one)
    return (
        one.finding.target,
        one.finding.case.id,
        one.finding.divergence,
        one.finding.cause,
        *(by_hand, format_one_line(where), format_one_line(error), one.result, format_one_line(why)),
    )


def _say_by_hand(one: Confirmation) -> tuple[str, str, str, str]:
    """Return a word, where, an error's text; and why there was no call."""
    match one.by_hand:
        case ScriptResult(word=word, where=where, error=error, before=before):
            return word, f"{where}; before it {before}" if before else where, error, ""
        case NotCalled(why=why):
            return "", "", "", why
        case _:
            assert_never(one.by_hand)


def write_confirmation_counts(path: Path, confirmations: Iterable[Confirmation]) -> None:
    """Write the counts of `confirmed.csv`, small enough to be committed."""
    counts = Counter(
        (one.finding.target, str(one.finding.divergence), one.finding.cause, word, str(one.result), why)
        for one in confirmations
        for word, _, _, why in (_say_by_hand(one),)
    )
    write_table(path, CONFIRMATION_COUNT_COLUMNS, ((*key, counts[key]) for key in sorted(counts)))
