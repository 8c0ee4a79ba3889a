"""Write the results of calls by hand as CSV files."""

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
    """Write `confirmed.csv`: each divergence with the result of its call by hand, or why there was none."""
    write_table(path, CONFIRMATION_COLUMNS, map(_list_cells, confirmations))


def _list_cells(confirmation: Confirmation) -> tuple[object, ...]:
    by_hand, where, error, why = _format_result(confirmation)
    return (
        confirmation.finding.target,
        confirmation.finding.case.id,
        confirmation.finding.divergence,
        confirmation.finding.cause,
        *(by_hand, format_one_line(where), format_one_line(error), confirmation.result, format_one_line(why)),
    )


def _format_result(confirmation: Confirmation) -> tuple[str, str, str, str]:
    """Return the word, where it differs and the error of a result, and why there was no call."""
    match confirmation.by_hand:
        case ScriptResult(word=word, where=where, error=error, before=before):
            return word, f"{where}; before it {before}" if before else where, error, ""
        case NotCalled(why=why):
            return "", "", "", why
        case _:
            assert_never(confirmation.by_hand)


def write_confirmation_counts(path: Path, confirmations: Iterable[Confirmation]) -> None:
    """Write the counts of `confirmed.csv`, small enough to be committed."""
    counts = Counter(
        (
            confirmation.finding.target,
            str(confirmation.finding.divergence),
            confirmation.finding.cause,
            word,
            str(confirmation.result),
            why,
        )
        for confirmation in confirmations
        for word, _, _, why in (_format_result(confirmation),)
    )
    write_table(path, CONFIRMATION_COUNT_COLUMNS, ((*key, counts[key]) for key in sorted(counts)))
