"""Find the rule that explains what a target computes for `same`.

Candidates are rules of the oracle, a closed list. Each is evaluated on every `same` case that a target
answered with an array; the one that gives most of these arrays is the target's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from itertools import product
from types import MappingProxyType
from typing import Final

from harness.data.case_data import make_case_data
from harness.judge.rule_matching import (
    ObservedArray,
    find_matching_rules,
    group_by_computation,
    make_observed_array,
)
from harness.oracle.geometry import compute_forward_axis, needs_window_count
from harness.oracle.refusal import parse_padding
from harness.oracle.rules import KERAS, Amount, Dilation, Orientation, Padding, Placement, Rounding, Rule
from harness.oracle.values import evaluate
from harness.records import Case, Judgement, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class SameRuleFit:
    """The rule of `same` that explains most of what a target returned.

    `returned` counts the `same` cases that the target answered with an array, `explained` the arrays that
    the rule gives, `by_keras` those that Keras's rule gives. `rule` is Keras's where none explains more.
    """

    target: str
    rule: Rule
    explained: int
    returned: int
    by_keras: int


class SameRuleFits:
    """The arrays that targets returned for `same`, gathered one finding at a time."""

    def __init__(self) -> None:
        self._conforming: dict[str, list[Case]] = {}
        self._diverging: dict[str, list[int]] = {}

    def add(self, judgement: Judgement) -> None:
        """Count an array that was returned for a `same` case; ignore anything else."""
        finding, values = judgement.finding, judgement.observation.values
        if finding.outcome is not Outcome.RETURNED or values is None or judgement.expectation.values is None:
            return
        if parse_padding(finding.case) is not Padding.SAME:
            return
        self._conforming.setdefault(finding.target, [])
        self._diverging.setdefault(finding.target, [])
        if finding.verdict is Verdict.CONFORMS:
            self._conforming[finding.target].append(finding.case)
        else:
            self._diverging[finding.target].append(
                _match_candidates(make_observed_array(finding.case, values))
            )

    def compute_fits(self) -> Mapping[str, SameRuleFit]:
        """Compute the best rule of each target that answered a `same` case, by its name."""
        return {target: self._compute_fit(target) for target in self._conforming}

    def _compute_fit(self, target: str) -> SameRuleFit:
        conforming, diverging = self._conforming[target], self._diverging[target]
        returned = len(conforming) + len(diverging)
        if not diverging:
            return SameRuleFit(target, KERAS, returned, returned, returned)
        masks = [*diverging, *map(_match_candidates_to_keras, conforming)]
        names = tuple(build_candidates())
        counts = [sum(mask >> place & 1 for mask in masks) for place in range(len(names))]
        best = max(range(len(names)), key=lambda place: counts[place])
        return SameRuleFit(target, build_candidates()[names[best]], counts[best], returned, counts[0])


@cache
def build_candidates() -> Mapping[str, Rule]:
    """Build every candidate by its description: Keras's rule first, then those that differ least from it.

    All combinations of how much is padded, where it goes, how the length rounds, the orientation of the
    kernel and whether dilation counts; and `same` taken as `valid`. Of those that agree on every axis
    (padding all after is `before = 0`, however much it is) the simplest is kept.
    """
    padded = (
        replace(
            KERAS,
            amount=amount,
            placement=placement,
            rounding=rounding,
            orientation=orientation,
            dilation=dilation,
        )
        for amount, placement, rounding, orientation, dilation in product(
            Amount, Placement, (Rounding.COVER, Rounding.FLOOR), _ORIENTATIONS, _DILATIONS
        )
    )
    unpadded = (
        replace(KERAS, same_is_valid=True, orientation=orientation, dilation=dilation)
        for orientation, dilation in product(_ORIENTATIONS, _DILATIONS)
    )
    distinct: dict[object, Rule] = {}
    for rule in sorted((*padded, *unpadded), key=_count_differing_fields):
        distinct.setdefault((rule.orientation, _compute_small_geometries(rule)), rule)
    return MappingProxyType({describe_same_rule(rule): rule for rule in distinct.values()})


_ORIENTATIONS: Final = (Orientation.CORRELATION, Orientation.FLIPPED)
_DILATIONS: Final = (Dilation.SPREADS, Dilation.IGNORED, Dilation.AS_STRIDE)


_SMALL_AXES: Final = tuple(product(range(1, 7), range(1, 5), range(1, 5), (1, 2)))


def _compute_small_geometries(rule: Rule) -> tuple[tuple[int, int, int, int], ...]:
    """Compute the number, start, stride and dilation of the windows that a rule gives each small axis."""
    geometries = (compute_forward_axis(*axis, Padding.SAME, rule) for axis in _SMALL_AXES)
    return tuple((g.out, g.before, g.stride, g.dilation) for g in geometries)


def _count_differing_fields(rule: Rule) -> int:
    """Count the fields in which a rule differs from Keras's."""
    return sum(getattr(rule, field.name) != getattr(KERAS, field.name) for field in fields(Rule))


def describe_same_rule(rule: Rule) -> str:
    """Describe a rule of `same` in a line: `n` input length, `s` stride, `k` kernel, `e` effective kernel.

    Only the fields that `build_candidates` varies are described.
    """
    dilation = {Dilation.IGNORED: ["dilation ignored"], Dilation.AS_STRIDE: ["dilation taken as stride"]}.get(
        rule.dilation, []
    )
    flipped = rule.orientation is Orientation.FLIPPED
    kernel = "kernel flipped (a true convolution)" if flipped else "kernel not flipped"
    if rule.same_is_valid:
        return "; ".join(("nothing is padded, as in valid", *dilation, kernel))
    return "; ".join((", ".join(_describe_padding(rule)), *dilation, kernel))


def _describe_padding(rule: Rule) -> Iterator[str]:
    out = "floor(n/s)" if rule.rounding is Rounding.FLOOR else "ceil(n/s)"
    yield rule.amount.describe(out)
    if rule.amount is Amount.KERNEL_MINUS_ONE and rule.placement is Placement.ODD_BEFORE:
        yield "before = e // 2"
    else:
        yield rule.placement.in_words
    if needs_window_count(rule):
        yield "as many windows as fit"
    elif rule.amount is Amount.KERNEL_MINUS_ONE:
        yield f"cut to {out}"
    elif rule.rounding is Rounding.FLOOR:
        yield f"{out} windows"


@lru_cache(maxsize=8192)
def _match_candidates(answer: ObservedArray) -> int:
    """Return which candidates give the observed array: bit `i` for the i-th. Equal arrays are tried once."""
    case = answer.case
    return _make_mask(
        find_matching_rules(
            case, make_case_data(case), group_by_computation(case, build_candidates()), answer.values
        )
    )


@lru_cache(maxsize=8192)
def _match_candidates_to_keras(case: Case) -> int:
    """Return which candidates give what Keras's rule gives, as bits."""
    case_data = make_case_data(case)
    expected = evaluate(case, Padding.SAME, case_data)
    return _make_mask(
        find_matching_rules(case, case_data, group_by_computation(case, build_candidates()), expected)
    )


def _make_mask(names: tuple[str, ...]) -> int:
    return sum(1 << _index_candidates()[name] for name in names)


@cache
def _index_candidates() -> Mapping[str, int]:
    return MappingProxyType({name: place for place, name in enumerate(build_candidates())})
