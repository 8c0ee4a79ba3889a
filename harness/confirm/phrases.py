"""What is said of divergences that were called by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from harness.confirm.confirmations import Confirmation, ConfirmationResult
from harness.confirm.script_results import NotCalled, ScriptResult
from harness.text import format_count

MANY_DOUBTS: Final = 10
"""More lines than this are more than a terminal should say of what does not hold."""


def count_results(confirmations: Iterable[Confirmation]) -> str:
    """Say how many divergences hold when called by hand, how many do not, and how many were not called."""
    counts = Counter(one.result for one in confirmations)
    words = {
        ConfirmationResult.HOLDS: "holds" if counts[ConfirmationResult.HOLDS] == 1 else "hold",
        ConfirmationResult.DOES_NOT_HOLD: "does not hold"
        if counts[ConfirmationResult.DOES_NOT_HOLD] == 1
        else "do not hold",
        ConfirmationResult.NOT_CALLED: "not called",
    }
    return ", ".join(f"{counts[result]:,} {word}" for result, word in words.items())


def list_doubts(confirmations: Iterable[Confirmation]) -> Iterator[str]:
    """Yield a line for each of the first divergences that do not hold, and for each reason of not calling."""
    reasons: Counter[str] = Counter()
    unheld = 0
    for one in confirmations:
        match one.by_hand:
            case NotCalled(why=why):
                reasons[why] += 1
            case ScriptResult(word=word, where=where, error=error) if (
                one.result is ConfirmationResult.DOES_NOT_HOLD
            ):
                unheld += 1
                if unheld <= MANY_DOUBTS:
                    said = ": ".join(filter(None, (where, error)))
                    name = f"{one.finding.target} {one.finding.case.id}"
                    yield f"does not hold: {name}: {one.finding.divergence}, by hand {word} {said}".rstrip()
            case ScriptResult():
                pass
            case _:
                assert_never(one.by_hand)
    if unheld > MANY_DOUBTS:
        yield f"does not hold: {unheld - MANY_DOUBTS:,} more in confirmed.csv"
    for why, number in reasons.most_common():
        yield f"not called: {format_count(number, 'divergence')}: {why}"
