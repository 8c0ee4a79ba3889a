"""Whether a call by hand shows the divergence that the worker's call showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from harness.confirm.calls import Answer, NotCalled
from harness.judge.consistency import MODES_DISAGREE
from harness.masking import mask_first_words
from harness.records import Data, Divergence, Finding, Mode, parse_case_id

INCONSISTENT: Final = "inconsistent"
"""What came where the calls of a group do not all raise an error, nor all return."""

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
        Divergence.INCONSISTENT: frozenset({INCONSISTENT}),
    }
)

_NUM_WORDS: Final = 4
"""Words of an error that have to be the same, its type among them."""


class Result(StrEnum):
    """What the call by hand says of a divergence."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does-not-hold"
    NOT_CALLED = "not-called"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A divergence, and what the call by hand showed."""

    finding: Finding
    answer: Answer | NotCalled

    @property
    def result(self) -> Result:
        """It holds where the call by hand diverges in the same way: an error by its type and first words."""
        assert self.finding.divergence is not None
        if isinstance(self.answer, NotCalled):
            return Result.NOT_CALLED
        if self.answer.before.startswith(f"{self.finding.divergence}:"):
            return Result.HOLDS  # It was told before a call that could not be made.
        if self.answer.what not in _SHOWN_BY[self.finding.divergence]:
            return Result.DOES_NOT_HOLD
        if self.finding.divergence is not Divergence.UNEXPECTED_ERROR:
            return Result.HOLDS
        is_same = _head(f"{self.answer.where}: {self.answer.error}") == _head(self.finding.error)
        return Result.HOLDS if is_same else Result.DOES_NOT_HOLD


def modes_of(finding: Finding, case_ids: Iterable[str]) -> tuple[str, ...]:
    """Which cases are the same call in any mode, where an inconsistent finding is about refusing in some."""
    if finding.cause != MODES_DISAGREE or finding.case.data is Data.NONFINITE:
        return ()
    in_modes = {replace(finding.case, mode=mode).id for mode in Mode}
    return tuple(case_id for case_id in case_ids if case_id in in_modes)


def answer_of_modes(answers: Mapping[str, Answer | NotCalled]) -> Answer | NotCalled:
    """Whether calls that differ in nothing but their mode all raise an error, or none does.

    A mode that there is no script for is no party.
    """
    by_word: dict[str, list[str]] = {}
    for case_id, answer in answers.items():
        if isinstance(answer, Answer):
            by_word.setdefault(answer.what, []).append(str(parse_case_id(case_id).mode))
    if sum(map(len, by_word.values())) < 2:
        return NotCalled("it is held against other targets, or cells of which nothing is documented")
    where = "; ".join(f"{what} in {', '.join(modes)}" for what, modes in by_word.items())
    is_one = "raised" not in by_word or len(by_word) == 1
    return Answer("consistent" if is_one else INCONSISTENT, where)


def _head(error: str) -> tuple[str, ...]:
    """An error's type and its first words, numbers and names of nodes masked."""
    return mask_first_words(error, _NUM_WORDS)
