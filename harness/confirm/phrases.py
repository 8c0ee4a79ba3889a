"""Sentences about divergences that were called by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from harness.confirm.confirmations import Confirmation, ConfirmationResult
from harness.confirm.script_results import NotCalled, ScriptResult
from harness.text import format_count

_MAX_LISTED: Final = 10
"""The most divergences that do not hold for which a line is printed."""


def count_results(confirmations: Iterable[Confirmation]) -> str:
    """Say how many divergences hold when called by hand, how many do not, and how many were not called."""
    counts = Counter(confirmation.result for confirmation in confirmations)
    words = {
        ConfirmationResult.HOLDS: "holds" if counts[ConfirmationResult.HOLDS] == 1 else "hold",
        ConfirmationResult.DOES_NOT_HOLD: "does not hold"
        if counts[ConfirmationResult.DOES_NOT_HOLD] == 1
        else "do not hold",
        ConfirmationResult.NOT_CALLED: "not called",
    }
    return ", ".join(f"{counts[result]:,} {word}" for result, word in words.items())


def list_unconfirmed(confirmations: Iterable[Confirmation]) -> Iterator[str]:
    """Yield a line for each of the first divergences that do not hold, and for each reason not to call."""
    reasons: Counter[str] = Counter()
    num_failing = 0
    for confirmation in confirmations:
        finding = confirmation.finding
        match confirmation.by_hand:
            case NotCalled(why=why):
                reasons[why] += 1
            case ScriptResult(word=word, where=where, error=error) if (
                confirmation.result is ConfirmationResult.DOES_NOT_HOLD
            ):
                num_failing += 1
                if num_failing <= _MAX_LISTED:
                    details = ": ".join(filter(None, (where, error)))
                    name = f"{finding.target} {finding.case.id}"
                    yield f"does not hold: {name}: {finding.divergence}, by hand {word} {details}".rstrip()
            case ScriptResult():
                pass
            case _:
                assert_never(confirmation.by_hand)
    if num_failing > _MAX_LISTED:
        yield f"does not hold: {num_failing - _MAX_LISTED:,} more in confirmed.csv"
    for why, number in reasons.most_common():
        yield f"not called: {format_count(number, 'divergence')}: {why}"
