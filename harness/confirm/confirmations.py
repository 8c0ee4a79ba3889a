"""Decide whether a call by hand shows the divergence that the worker's call showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from harness.confirm.script_results import Conclusion, NotCalled, ScriptResult, ScriptWord
from harness.judge.consistency import MODES_DISAGREE
from harness.masking import mask_first_words
from harness.records import DataKind, Divergence, Finding, Mode, parse_case_id

_SHOWN_BY: Final[Mapping[Divergence, frozenset[ScriptWord | Conclusion]]] = MappingProxyType(
    {
        Divergence.SHAPE: frozenset({ScriptWord.SHAPE}),
        Divergence.INFERRED_SHAPE: frozenset({ScriptWord.INFERRED_SHAPE}),
        Divergence.PARAMETERS: frozenset({ScriptWord.PARAMETERS}),
        Divergence.DTYPE: frozenset({ScriptWord.DTYPE}),
        # Memory that was never written holds any number, finite or not.
        Divergence.VALUE: frozenset({ScriptWord.VALUE, ScriptWord.NONFINITE}),
        Divergence.NONFINITE: frozenset({ScriptWord.VALUE, ScriptWord.NONFINITE}),
        Divergence.GRADIENT: frozenset({ScriptWord.GRADIENT}),
        Divergence.UNEXPECTED_ERROR: frozenset({ScriptWord.RAISED}),
        Divergence.MISSING_ERROR: frozenset({ScriptWord.RETURNED}),
        Divergence.CRASH: frozenset({Conclusion.CRASHED}),
        Divergence.WEIGHTS: frozenset({ScriptWord.WEIGHTS}),
        Divergence.INCONSISTENT: frozenset({Conclusion.INCONSISTENT}),
    }
)

_NUM_WORDS: Final = 4
"""The number of first words of an error that have to be the same, including its type."""


class ConfirmationResult(StrEnum):
    """Whether a call by hand confirms a divergence."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does-not-hold"
    NOT_CALLED = "not-called"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A divergence, and the result of its call by hand."""

    finding: Finding
    by_hand: ScriptResult | NotCalled

    @property
    def result(self) -> ConfirmationResult:
        """Whether the call by hand shows the same divergence: for an error, its type and first words."""
        if isinstance(self.by_hand, NotCalled):
            return ConfirmationResult.NOT_CALLED
        holds = _shows_divergence(self.by_hand, self.finding)
        return ConfirmationResult.HOLDS if holds else ConfirmationResult.DOES_NOT_HOLD


def select_modes(finding: Finding, case_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the cases of the same call in any mode, where the finding is that some modes refuse it."""
    if finding.cause != MODES_DISAGREE or finding.case.data is DataKind.NONFINITE:
        return ()
    ids = {replace(finding.case, mode=mode).id for mode in Mode}
    return tuple(case_id for case_id in case_ids if case_id in ids)


def compare_modes(results: Mapping[str, ScriptResult | NotCalled]) -> ScriptResult | NotCalled:
    """Return whether calls that differ only in their mode all raise an error, or none does.

    A mode without a script does not count.
    """
    by_word: dict[ScriptWord | Conclusion, list[str]] = {}
    for case_id, result in results.items():
        if isinstance(result, ScriptResult):
            by_word.setdefault(result.word, []).append(str(parse_case_id(case_id).mode))
    if sum(map(len, by_word.values())) < 2:
        return NotCalled("it is held against other targets, or cells of which nothing is documented")
    where = "; ".join(f"{word} in {', '.join(modes)}" for word, modes in by_word.items())
    is_consistent = ScriptWord.RAISED not in by_word or len(by_word) == 1
    return ScriptResult(Conclusion.CONSISTENT if is_consistent else Conclusion.INCONSISTENT, where)


def _shows_divergence(result: ScriptResult, finding: Finding) -> bool:
    assert finding.divergence is not None
    if result.before.startswith(f"{finding.divergence}:"):
        return True  # The wrong claim came before a call that failed.
    if result.word not in _SHOWN_BY[finding.divergence]:
        return False
    if finding.divergence is not Divergence.UNEXPECTED_ERROR:
        return True
    observed = f"{result.where}: {result.error}"
    return mask_first_words(observed, _NUM_WORDS) == mask_first_words(finding.error, _NUM_WORDS)
