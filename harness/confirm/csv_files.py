"""What was called by hand, as CSV files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, assert_never

from harness.confirm.calls import Answer, NotCalled
from harness.confirm.confirmations import Confirmation
from harness.files import write_table
from harness.text import one_line

CONFIRMATION_COUNT_COLUMNS: Final = ("target", "divergence", "cause", "by_hand", "result", "why", "cases")


CONFIRMATION_COLUMNS: Final = (
    *("target", "case", "divergence", "cause", "by_hand", "where", "error", "result", "why"),
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
