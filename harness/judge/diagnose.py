"""Names the cause of a wrong answer: the wrong rules of the oracle that give exactly what was observed.

A rule differs from Keras's in one respect. Where none fits alone, those are tried that hold on one axis
only, and then pairs: two rules that differ from Keras's in different respects, and each show on the
case, taken together. A wrong shape before the call has the rules as its cause that give such a shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, lru_cache
from itertools import combinations
from types import MappingProxyType
from typing import Final

import numpy as np

from harness.data.case_data import make_case_data
from harness.judge.differences import find_wrong_cells
from harness.judge.rule_matching import (
    ObservedArray,
    compute_result_shape,
    find_matching_rules,
    group_by_computation,
    is_reproduced_by,
    make_observed_array,
)
from harness.oracle import expect
from harness.oracle.plan import plan_computation
from harness.oracle.refusal import parse_padding
from harness.oracle.rules import KERAS, WRONG_RULES, Rule, restrict_to_one_axis
from harness.oracle.values import compute_values
from harness.records import DTYPE_TRAITS, Array, Case, DataKind, Shape

AND: Final = " and "
"""Joins the names of two rules that explain an answer together."""

_MAX_CAUSES: Final = 3
_MAX_PAIR_WORK: Final = 1_000_000
"""Multiplications in one answer up to which pairs are tried: they are some hundreds."""

_BEYOND_DATA: Final = 1e30
"""No sum of the data comes near; memory that was never written does, as targets are started with
allocators that fill it with such values (`harness.environments.variables`)."""

NEVER_WRITTEN: Final = "memory-never-written"
"""The cause of values that cannot come from the data."""

LOWEST: Final = "lowest-number-for-minus-infinity"
"""The cause of a maximum of nothing but -inf that is the lowest number of the dtype: where it starts from."""


def diagnose_values(case: Case, observed: Array) -> str:
    """The names of the wrong rules that fit, the first three, joined by `or`; empty where none does.

    `observed` has any shape. Where no rule fits, nor two together (`one and other`), and values are
    beyond any sum of the data, the cause is `NEVER_WRITTEN`; of nonfinite data it may be `LOWEST`.
    """
    causes = find_causes(case, observed)
    return _format_causes(causes)


def diagnose_shape(case: Case, lengths: Shape) -> str:
    """Return the names of the wrong rules that give this shape as far as it is known.

    Empty too where the batch and channels alone are wrong: no rule says anything of these.
    """
    if parse_padding(case) is None:
        return ""
    named = {**WRONG_RULES, **build_axis_rules()} if case.ndim > 1 else WRONG_RULES
    return _format_causes(
        tuple(
            name
            for group in group_by_computation(case, named)
            if _is_compatible(lengths, compute_result_shape(case, group.computation))
            for name in group.names
        )
    )


def _is_compatible(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(one, other, strict=True)
    )


def _format_causes(causes: tuple[str, ...]) -> str:
    more = len(causes) - _MAX_CAUSES
    return " or ".join(causes[:_MAX_CAUSES]) + (f" or {more} more" if more > 0 else "")


def find_causes(case: Case, observed: Array) -> tuple[str, ...]:
    """Every cause that `diagnose_values` chooses from. An answer that many targets gave is diagnosed once."""
    if parse_padding(case) is None:
        return ()
    return _diagnose_array(make_observed_array(case, observed))


def find_rule(cause: str) -> Rule | None:
    """The rule that a cause names, alone, on one axis or as a pair; None for a cause that is no rule."""
    return WRONG_RULES.get(cause) or build_axis_rules().get(cause) or build_rule_pairs().get(cause)


def is_equivalent_cause(cause: str, case: Case, other: str) -> bool:
    """Whether a cause comes to the same on the case as another one, which fits what was observed."""
    padding, one, two = parse_padding(case), find_rule(cause), find_rule(other)
    if padding is None or one is None or two is None:
        return cause == other
    computation, observed = plan_computation(case, padding, one), plan_computation(case, padding, two)
    if computation == observed:
        return True
    case_data = make_case_data(case)
    return computation.out == observed.out and is_reproduced_by(
        case, computation, case_data, compute_values(case, observed, case_data)
    )


@cache
def build_axis_rules() -> Mapping[str, Rule]:
    """The wrong rules that can be wrong on one axis only, held to the first and to the last."""
    return restrict_to_one_axis(WRONG_RULES)


@cache
def build_rule_pairs() -> Mapping[str, Rule]:
    """The wrong rules by twos: the fields in which each differs from Keras's, where these are different.

    Without those that are a wrong rule of their own, and no rule twice.
    """
    known = set(WRONG_RULES.values())
    found: dict[str, Rule] = {}
    for (name, rule), (other_name, other) in combinations(WRONG_RULES.items(), 2):
        both = _combine_rules(rule, other)
        if both is not None and both not in known:
            known.add(both)
            found[f"{name}{AND}{other_name}"] = both
    return MappingProxyType(found)


def _combine_rules(one: Rule, other: Rule) -> Rule | None:
    """Both ways of being wrong in one rule; None where they touch the same field."""
    merged: dict[str, object] = {}
    for part in fields(Rule):
        right, *wrong = (getattr(rule, part.name) for rule in (KERAS, one, other))
        changed = [value for value in wrong if value != right]
        if len(changed) > 1:
            return None
        merged[part.name] = changed[0] if changed else right
    return Rule(**merged)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _diagnose_array(answer: ObservedArray) -> tuple[str, ...]:
    case, values = answer.case, answer.values
    case_data = make_case_data(case)
    found = find_matching_rules(case, case_data, group_by_computation(case, WRONG_RULES), values)
    if not found and case.ndim > 1:
        found = find_matching_rules(case, case_data, group_by_computation(case, build_axis_rules()), values)
    if found:
        return found
    if case.data is DataKind.NONFINITE:
        return (LOWEST,) if _has_lowest_for_infinity(case, values) else ()
    with np.errstate(invalid="ignore"):
        if (np.abs(values.astype(np.float64)) > _BEYOND_DATA).any():
            return (NEVER_WRITTEN,)
    if math.prod(values.shape) * math.prod(case.kernel) * case.channels > _MAX_PAIR_WORK:
        return ()
    return find_matching_rules(
        case, case_data, group_by_computation(case, _select_effective_pairs(case)), values
    )


def _has_lowest_for_infinity(case: Case, values: Array) -> bool:
    """Whether just those cells are wrong that should be -inf, and hold the lowest number in its place."""
    expected = expect(case, make_case_data(case)).output
    dtype = DTYPE_TRAITS.get(values.dtype.name)
    if dtype is None or expected is None or expected.values.shape != values.shape:
        return False
    wrong = find_wrong_cells(values.astype(np.float64), expected)
    found = values[wrong].astype(np.float64)
    return bool((np.isneginf(expected.values[wrong]) & (found == dtype.lowest)).all())


def _select_effective_pairs(case: Case) -> Mapping[str, Rule]:
    """Return the pairs of which each rule alone changes something on the case, in their order."""
    padding = parse_padding(case)
    assert padding is not None
    right = plan_computation(case, padding)
    shows = [name for name, rule in WRONG_RULES.items() if plan_computation(case, padding, rule) != right]
    names = (f"{one}{AND}{other}" for one, other in combinations(shows, 2))
    return {name: build_rule_pairs()[name] for name in names if name in build_rule_pairs()}
