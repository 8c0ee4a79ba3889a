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

from harness.judge.error_notes import note_of
from harness.records import (
    Array,
    Divergence,
    Finding,
    Judged,
    LayerKind,
    Mode,
    Standing,
    Verdict,
    parse_case_id,
)
from harness.runner.second_look import ChosenCases

FEW: Final = 5
"""Findings of a signature that are asked again."""

MANY: Final = 100
"""Findings of a signature that are asked again where one of the few did not come again."""

FEW_CRASHES: Final = 2
"""The same of crashes: each costs a worker."""

MANY_CRASHES: Final = 10
"""The same of crashes where one of the few did not come again."""

_WRONG_VALUES: Final = frozenset({Divergence.VALUE, Divergence.NONFINITE})

ROUNDS: Final = 2
"""The few, then the many of those signatures that need it."""


@dataclass(frozen=True, slots=True)
class DivergenceSignature:
    """What makes two divergences of a target look like one."""

    divergence: Divergence
    kind: LayerKind
    mode: Mode
    note: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A divergence that may have to be looked at again. `came_again` is None where it has not been.

    `shown` is what another target of its lineage has to show, too, to count as a second look.
    """

    target: str
    case_id: str
    signature: DivergenceSignature
    shown: str
    came_again: bool | None


def signature_of(judged: Judged) -> DivergenceSignature:
    """The signature of a divergence."""
    finding = judged.finding
    assert finding.divergence is not None
    return DivergenceSignature(finding.divergence, finding.case.kind, finding.case.mode, note_of(judged))


def worth_asking(doubts: Iterable[Doubt], lineages: Mapping[str, str]) -> Mapping[str, ChosenCases]:
    """What each target is to be asked again: by target, the first of each signature.

    What was asked again is not, nor is what another target of the same lineage shows; `lineages` are those of
    the targets.
    """
    groups: dict[tuple[str, DivergenceSignature], list[Doubt]] = {}
    showing: dict[tuple[str, str, str], set[str]] = {}
    for doubt in doubts:
        groups.setdefault((doubt.target, doubt.signature), []).append(doubt)
        showing.setdefault((lineages[doubt.target], doubt.case_id, doubt.shown), set()).add(doubt.target)
    chosen: dict[str, ChosenCases] = {}
    for (target, signature), group in groups.items():
        is_crash = signature.divergence is Divergence.CRASH
        few, many = (FEW_CRASHES, MANY_CRASHES) if is_crash else (FEW, MANY)
        number = many if any(doubt.came_again is False for doubt in group) else few
        cases = tuple(
            parse_case_id(one.case_id)
            for one in group[:number]
            if one.came_again is None and len(showing[lineages[target], one.case_id, one.shown]) == 1
        )
        if cases:
            earlier = chosen.get(target, ChosenCases((), ()))
            chosen[target] = (
                replace(earlier, deadly=earlier.deadly + cases)
                if is_crash
                else replace(earlier, cases=earlier.cases + cases)
            )
    return chosen


def comes_again(first: Finding, second: Finding) -> bool:
    """Whether a second look shows the divergence of the first.

    The kind has to be the same, and a wrong shape the same shape. Wrong values may be other wrong values,
    finite or not: memory that was never written holds what it happens to hold.
    """
    if first.divergence is Divergence.SHAPE:
        return second.divergence is Divergence.SHAPE and first.observed_shape == second.observed_shape
    if first.divergence in _WRONG_VALUES:
        return second.divergence in _WRONG_VALUES
    return first.divergence is second.divergence


def shown(judged: Judged) -> str:
    """What a look showed, down to the bits of wrong values: what another target shows too."""
    finding, observation = judged.finding, judged.observation
    match finding.divergence:
        case Divergence.VALUE | Divergence.NONFINITE | Divergence.GRADIENT:
            what = _digest((observation.values, *observation.gradients))
        case Divergence.SHAPE:
            what = str(finding.observed_shape)
        case _:
            what = ""
    return f"{finding.verdict} {finding.divergence} {what}"


def unstable(first: Finding, second: Finding) -> Finding:
    """The first finding as one that did not come again; its note says what each look showed."""
    return replace(
        first,
        cause="",
        standing=Standing.UNSTABLE,
        error=f"at first {_said(first)}; when asked again {_said(second)}",
    )


def _digest(arrays: Iterable[Array | None]) -> str:
    """The same for arrays of the same dtypes, shapes and bits only."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(b"none" if array is None else f"{array.dtype} {array.shape} ".encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _said(finding: Finding) -> str:
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
