"""Whether a call by hand shows the divergence that the worker's call showed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from harness.records import Divergence, Finding, Outcome
from harness.runner.by_hand import Answer

_SHOWN_BY: Final[Mapping[Divergence, frozenset[str]]] = MappingProxyType(
    {
        Divergence.SHAPE: frozenset({"shape"}),
        Divergence.INFERRED_SHAPE: frozenset({"inferred-shape"}),
        Divergence.PARAMETERS: frozenset({"parameters"}),
        Divergence.DTYPE: frozenset({"dtype"}),
        # Memory that was never written holds a finite number or none.
        Divergence.VALUE: frozenset({"value", "nonfinite"}),
        Divergence.NONFINITE: frozenset({"value", "nonfinite"}),
        Divergence.GRADIENT: frozenset({"gradient"}),
        Divergence.UNEXPECTED_ERROR: frozenset({"raised"}),
        Divergence.MISSING_ERROR: frozenset({"returned"}),
        Divergence.CRASH: frozenset({"crashed"}),
        Divergence.WEIGHTS: frozenset({"weights"}),
        # It is about several calls, each of them right by itself: one alone shows that it is answered so.
        Divergence.INCONSISTENT: frozenset({"same", "raised"}),
    }
)


_NUM_WORDS: Final = 4
"""Words of an error that have to be the same, its type among them."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A divergence and what the call by hand showed; None where it was not made."""

    finding: Finding
    answer: Answer | None

    @property
    def holds(self) -> bool:
        """Whether the call by hand diverges in the same way: an error of the same type and first words."""
        assert self.finding.divergence is not None
        if self.answer is None or self.answer.what not in _SHOWN_BY[self.finding.divergence]:
            return False
        if self.finding.divergence is Divergence.INCONSISTENT:
            return (self.answer.what == "raised") == (self.finding.outcome is Outcome.RAISED)
        if self.finding.divergence is not Divergence.UNEXPECTED_ERROR:
            return True
        return _head(f"{self.answer.where}: {self.answer.error}") == _head(self.finding.error)


def _head(error: str) -> tuple[str, ...]:
    """An error's type and its first words, numbers and names of nodes masked."""
    return tuple(re.sub(r"[-0-9_]+", "#", word) for word in error.split()[:_NUM_WORDS])
