"""What is said of divergences that were called by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from harness.confirm.calls import Answer, NotCalled
from harness.confirm.confirmations import Confirmation, Result
from harness.text import count

MANY_DOUBTS: Final = 10
"""More lines than this are more than a terminal should say of what does not hold."""


def held_by_hand(confirmations: Iterable[Confirmation]) -> str:
    """How many divergences hold when called by hand, how many do not, and how many were not called."""
    counts = Counter(one.result for one in confirmations)
    words = {
        Result.HOLDS: "holds" if counts[Result.HOLDS] == 1 else "hold",
        Result.DOES_NOT_HOLD: "does not hold" if counts[Result.DOES_NOT_HOLD] == 1 else "do not hold",
        Result.NOT_CALLED: "not called",
    }
    return ", ".join(f"{counts[result]:,} {word}" for result, word in words.items())


def doubts_by_hand(confirmations: Iterable[Confirmation]) -> Iterator[str]:
    """A line for each of the first divergences that do not hold, and for each reason of not calling."""
    reasons: Counter[str] = Counter()
    unheld = 0
    for one in confirmations:
        match one.answer:
            case NotCalled(why=why):
                reasons[why] += 1
            case Answer(what=what, where=where, error=error) if one.result is Result.DOES_NOT_HOLD:
                unheld += 1
                if unheld <= MANY_DOUBTS:
                    said = ": ".join(filter(None, (where, error)))
                    name = f"{one.finding.target} {one.finding.case.id}"
                    yield f"does not hold: {name}: {one.finding.divergence}, by hand {what} {said}".rstrip()
            case Answer():
                pass
            case _:
                assert_never(one.answer)
    if unheld > MANY_DOUBTS:
        yield f"does not hold: {unheld - MANY_DOUBTS:,} more in confirmed.csv"
    for why, number in reasons.most_common():
        yield f"not called: {count(number, 'divergence')}: {why}"
