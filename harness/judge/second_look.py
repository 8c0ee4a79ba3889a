"""Once is not always: which divergences are looked at a second time, and what the second look says.

A divergence counts when a fresh worker shows it again. The first few of each **signature** of a target are
asked again: a kind of divergence, of layer and of mode, with the first words of its error. Where one of them
does not come again, so are many more of its signature. What does not come again is `unstable`.
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
"""Findings of a signature that are asked again."""

MORE_RECHECKS: Final = 100
"""Findings of a signature that are asked again where one of the few did not come again."""

FIRST_CRASH_RECHECKS: Final = 2
"""The same of crashes: each costs a worker."""

MORE_CRASH_RECHECKS: Final = 10
"""The same of crashes where one of the few did not come again."""

_VALUE_DIVERGENCES: Final = frozenset({Divergence.VALUE, Divergence.NONFINITE})

RECHECK_ROUNDS: Final = 2
"""The few, then the many of those signatures that need it."""


@dataclass(frozen=True, slots=True)
class DivergenceSignature:
    """What makes two divergences of a target look like one."""

    divergence: Divergence
    kind: LayerKind
    mode: Mode
    note: str


@dataclass(frozen=True, slots=True)
class RecheckCandidate:
    """A divergence that may have to be looked at again. `is_reproduced` is None where it has not been.

    `digest` is what another target of its lineage has to show, too, to count as a second look.
    """

    target: str
    case_id: str
    signature: DivergenceSignature
    digest: str
    is_reproduced: bool | None


def make_divergence_signature(judged: Judgement) -> DivergenceSignature:
    """The signature of a divergence."""
    finding = judged.finding
    assert finding.divergence is not None
    return DivergenceSignature(
        finding.divergence, finding.case.kind, finding.case.mode, make_error_note(judged)
    )


def select_for_recheck(
    doubts: Iterable[RecheckCandidate], lineages: Mapping[str, str]
) -> Mapping[str, ChosenCases]:
    """What each target is to be asked again: by target, the first of each signature.

    What was asked again is not, nor is what another target of the same lineage shows; `lineages` are those of
    the targets.
    """
    groups: dict[tuple[str, DivergenceSignature], list[RecheckCandidate]] = {}
    showing: dict[tuple[str, str, str], set[str]] = {}
    for doubt in doubts:
        groups.setdefault((doubt.target, doubt.signature), []).append(doubt)
        showing.setdefault((lineages[doubt.target], doubt.case_id, doubt.digest), set()).add(doubt.target)
    chosen: dict[str, ChosenCases] = {}
    for (target, signature), group in groups.items():
        is_crash = signature.divergence is Divergence.CRASH
        few, many = (
            (FIRST_CRASH_RECHECKS, MORE_CRASH_RECHECKS) if is_crash else (FIRST_RECHECKS, MORE_RECHECKS)
        )
        number = many if any(doubt.is_reproduced is False for doubt in group) else few
        cases = tuple(
            parse_case_id(one.case_id)
            for one in group[:number]
            if one.is_reproduced is None and len(showing[lineages[target], one.case_id, one.digest]) == 1
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
    """Whether a second look shows the divergence of the first.

    The kind has to be the same, and a wrong shape the same shape. Wrong values may be other wrong values,
    finite or not: memory that was never written holds what it happens to hold.
    """
    if first.divergence is Divergence.SHAPE:
        return second.divergence is Divergence.SHAPE and first.observed_shape == second.observed_shape
    if first.divergence in _VALUE_DIVERGENCES:
        return second.divergence in _VALUE_DIVERGENCES
    return first.divergence is second.divergence


def digest_divergence(judged: Judgement) -> str:
    """What a look showed, down to the bits of wrong values: what another target shows too."""
    finding, observation = judged.finding, judged.observation
    match finding.divergence:
        case Divergence.VALUE | Divergence.NONFINITE | Divergence.GRADIENT:
            what = _digest_arrays((observation.values, *observation.gradients))
        case Divergence.SHAPE:
            what = str(finding.observed_shape)
        case _:
            what = ""
    return f"{finding.verdict} {finding.divergence} {what}"


def mark_unstable(first: Finding, second: Finding) -> Finding:
    """The first finding as one that did not come again; its note says what each look showed."""
    return replace(
        first,
        cause="",
        standing=Standing.UNSTABLE,
        error=f"at first {_describe_finding(first)}; when asked again {_describe_finding(second)}",
    )


def _digest_arrays(arrays: Iterable[Array | None]) -> str:
    """The same for arrays of the same dtypes, shapes and bits only."""
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
