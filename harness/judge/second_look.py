"""The second look: which divergences are run again, and which of them were reproduced.

A divergence counts if a fresh worker shows it again. The first few of each **divergence signature** of a
target (kind of divergence, layer kind, mode, first words of the error) are run again. Where one of them is
not reproduced, many more of its signature are run again. A divergence that is not reproduced is `unstable`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

import numpy as np

from harness.judge.error_notes import make_error_note
from harness.records import (
    Array,
    Divergence,
    Finding,
    Judgement,
    LayerKind,
    Mode,
    Standing,
    Verdict,
    parse_case_id,
)
from harness.runner.second_look import ChosenCases

FIRST_RECHECKS: Final = 5
"""The number of findings of a signature that are run again."""

MORE_RECHECKS: Final = 100
"""The number of findings of a signature that are run again if one of the first was not reproduced."""

FIRST_CRASH_RECHECKS: Final = 2
"""The number of crashes of a signature that are run again; each costs a worker."""

MORE_CRASH_RECHECKS: Final = 10
"""The number of crashes of a signature that are run again if one of the first was not reproduced."""

_VALUE_DIVERGENCES: Final = frozenset({Divergence.VALUE, Divergence.NONFINITE})

RECHECK_ROUNDS: Final = 2
"""The first findings, then more of those signatures that need it."""


@dataclass(frozen=True, slots=True)
class DivergenceSignature:
    """What divergences of a target that probably have one origin have in common."""

    divergence: Divergence
    kind: LayerKind
    mode: Mode
    note: str


@dataclass(frozen=True, slots=True)
class RecheckCandidate:
    """A divergence that may be run again. `is_reproduced` is None where it has not been.

    A target of the same lineage with the same `digest` counts as a second look.
    """

    target: str
    case_id: str
    signature: DivergenceSignature
    digest: str
    is_reproduced: bool | None


def make_divergence_signature(judged: Judgement) -> DivergenceSignature:
    """Make the signature of a divergence."""
    finding = judged.finding
    assert finding.divergence is not None
    return DivergenceSignature(
        finding.divergence, finding.case.kind, finding.case.mode, make_error_note(judged)
    )


def select_for_recheck(
    candidates: Iterable[RecheckCandidate], lineages: Mapping[str, str]
) -> Mapping[str, ChosenCases]:
    """Select, by target, the first cases of each signature that are to be run again.

    Cases that were run again already, or whose divergence another target of the same lineage shows, are left
    out; `lineages` are those of the targets.
    """
    groups: dict[tuple[str, DivergenceSignature], list[RecheckCandidate]] = {}
    showing: dict[tuple[str, str, str], set[str]] = {}
    for candidate in candidates:
        groups.setdefault((candidate.target, candidate.signature), []).append(candidate)
        shown = (lineages[candidate.target], candidate.case_id, candidate.digest)
        showing.setdefault(shown, set()).add(candidate.target)
    chosen: dict[str, ChosenCases] = {}
    for (target, signature), group in groups.items():
        is_crash = signature.divergence is Divergence.CRASH
        few, many = (
            (FIRST_CRASH_RECHECKS, MORE_CRASH_RECHECKS) if is_crash else (FIRST_RECHECKS, MORE_RECHECKS)
        )
        number = many if any(candidate.is_reproduced is False for candidate in group) else few
        cases = tuple(
            parse_case_id(candidate.case_id)
            for candidate in group[:number]
            if candidate.is_reproduced is None
            and len(showing[lineages[target], candidate.case_id, candidate.digest]) == 1
        )
        if cases:
            earlier = chosen.get(target, ChosenCases((), ()))
            chosen[target] = (
                replace(earlier, deadly_cases=earlier.deadly_cases + cases)
                if is_crash
                else replace(earlier, cases=earlier.cases + cases)
            )
    return chosen


def is_reproduced(first: Finding, second: Finding) -> bool:
    """Return whether a second look reproduces the divergence of the first.

    The kind must be the same, and a wrong shape the same shape. Wrong values may be other wrong values,
    finite or not: the contents of unwritten memory may vary.
    """
    if first.divergence is Divergence.SHAPE:
        return second.divergence is Divergence.SHAPE and first.observed_shape == second.observed_shape
    if first.divergence in _VALUE_DIVERGENCES:
        return second.divergence in _VALUE_DIVERGENCES
    return first.divergence is second.divergence


def digest_divergence(judged: Judgement) -> str:
    """Return a digest of what a look showed, down to the bits of wrong values, to compare targets by."""
    finding, observation = judged.finding, judged.observation
    match finding.divergence:
        case Divergence.VALUE | Divergence.NONFINITE | Divergence.GRADIENT:
            shown = _digest_arrays((observation.values, *observation.gradients))
        case Divergence.SHAPE:
            shown = str(finding.observed_shape)
        case _:
            shown = ""
    return f"{finding.verdict} {finding.divergence} {shown}"


def mark_unstable(first: Finding, second: Finding) -> Finding:
    """Return the first finding as unstable; its note states what each look showed."""
    return replace(
        first,
        cause="",
        standing=Standing.UNSTABLE,
        error=f"at first {_describe_finding(first)}; when asked again {_describe_finding(second)}",
    )


def _digest_arrays(arrays: Iterable[Array | None]) -> str:
    """Compute a digest of the dtypes, shapes and bits of arrays."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(b"none" if array is None else f"{array.dtype} {array.shape} ".encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _describe_finding(finding: Finding) -> str:
    match finding.verdict:
        case Verdict.CONFORMS:
            words = "it conforms"
        case Verdict.DIVERGES:
            words = str(finding.divergence)
        case Verdict.UNSUPPORTED | Verdict.INCONCLUSIVE:
            words = str(finding.verdict)
        case _:
            assert_never(finding.verdict)
    if finding.divergence is Divergence.SHAPE:
        words += f" {finding.observed_shape}"
    if finding.max_abs_error:
        words += f" off by up to {finding.max_abs_error:g}"
    if finding.first_index is not None:
        words += f", first at {finding.first_index}"
    return f"{words} ({finding.error})" if finding.error else words
