"""Names the cause of a wrong answer: the wrong rules of the oracle that give exactly what was observed.

Most wrong rules differ from Keras's in one respect. Where none matches, those restricted to one axis are
tried, and then pairs: two rules that differ from Keras's in different respects, each of which changes the
answer to the case. The causes of a wrong shape before the call are the rules that give that shape.
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
from harness.oracle.rules import KERAS, Rule
from harness.oracle.values import compute_values
from harness.oracle.wrong_rules import WRONG_RULES, restrict_to_one_axis
from harness.records import DTYPE_TRAITS, Array, Case, DataKind, Shape

AND: Final = " and "
"""Joins the names of two rules that explain an answer together."""

_MAX_CAUSES: Final = 3
_MAX_PAIR_WORK: Final = 1_000_000
"""The number of multiplications in an answer up to which pairs are tried: there are hundreds of them."""

_BEYOND_DATA: Final = 1e30
"""A magnitude that no sum of the data reaches.

Unwritten memory does: targets start with allocators that fill it with such values
(`harness.environments.variables`).
"""

NEVER_WRITTEN: Final = "memory-never-written"
"""The cause of values that cannot come from the data."""

LOWEST: Final = "lowest-number-for-minus-infinity"
"""The cause where a maximum of nothing but -inf is the lowest number of the dtype: its initial value."""


def diagnose_values(case: Case, observed: Array) -> str:
    """Return the names of the matching wrong rules, the first three, joined by `or`; empty if none matches.

    `observed` may have any shape. Where neither a rule nor a pair (`one and other`) matches and values exceed
    any sum of the data, the cause is `NEVER_WRITTEN`; of nonfinite data it may be `LOWEST`.
    """
    causes = find_causes(case, observed)
    return _format_causes(causes)


def diagnose_shape(case: Case, lengths: Shape) -> str:
    """Return the names of the wrong rules that give this shape, as far as it is known.

    Also empty where only the batch or the channels are wrong, which no rule changes.
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
    """Return every cause from which `diagnose_values` selects. Equal answers are diagnosed once."""
    if parse_padding(case) is None:
        return ()
    return _diagnose_array(make_observed_array(case, observed))


def find_rule(cause: str) -> Rule | None:
    """Return the rule that a cause names: whole, on one axis or a pair; None for a cause that is no rule."""
    return WRONG_RULES.get(cause) or build_axis_rules().get(cause) or build_rule_pairs().get(cause)


def is_equivalent_cause(cause: str, case: Case, other: str) -> bool:
    """Return whether a cause gives the same on the case as another one, which matches the observation."""
    padding, rule, other_rule = parse_padding(case), find_rule(cause), find_rule(other)
    if padding is None or rule is None or other_rule is None:
        return cause == other
    computation, observed = plan_computation(case, padding, rule), plan_computation(case, padding, other_rule)
    if computation == observed:
        return True
    case_data = make_case_data(case)
    return computation.out == observed.out and is_reproduced_by(
        case, computation, case_data, compute_values(case, observed, case_data)
    )


@cache
def build_axis_rules() -> Mapping[str, Rule]:
    """Build the wrong rules that act axis by axis, restricted to the first and to the last axis."""
    return restrict_to_one_axis(WRONG_RULES)


@cache
def build_rule_pairs() -> Mapping[str, Rule]:
    """Build the pairs of wrong rules that differ from Keras's in different fields, combined to one rule each.

    Pairs that equal a wrong rule or an earlier pair are left out.
    """
    known = set(WRONG_RULES.values())
    pairs: dict[str, Rule] = {}
    for (name, rule), (other_name, other) in combinations(WRONG_RULES.items(), 2):
        both = _combine_rules(rule, other)
        if both is not None and both not in known:
            known.add(both)
            pairs[f"{name}{AND}{other_name}"] = both
    return MappingProxyType(pairs)


def _combine_rules(one: Rule, other: Rule) -> Rule | None:
    """Combine two rules to one that is wrong in both respects; None where they change the same field."""
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
    causes = find_matching_rules(case, case_data, group_by_computation(case, WRONG_RULES), values)
    if not causes and case.ndim > 1:
        causes = find_matching_rules(case, case_data, group_by_computation(case, build_axis_rules()), values)
    if causes:
        return causes
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
    """Return whether the wrong cells are those that should be -inf and hold the lowest number instead."""
    expected = expect(case, make_case_data(case)).output
    dtype = DTYPE_TRAITS.get(values.dtype.name)
    if dtype is None or expected is None or expected.values.shape != values.shape:
        return False
    wrong = find_wrong_cells(values.astype(np.float64), expected)
    observed = values[wrong].astype(np.float64)
    return bool((np.isneginf(expected.values[wrong]) & (observed == dtype.lowest)).all())


def _select_effective_pairs(case: Case) -> Mapping[str, Rule]:
    """Return the pairs of rules each of which alone changes the answer to the case, in their order."""
    padding = parse_padding(case)
    assert padding is not None
    right = plan_computation(case, padding)
    shows = [name for name, rule in WRONG_RULES.items() if plan_computation(case, padding, rule) != right]
    names = (f"{one}{AND}{other}" for one, other in combinations(shows, 2))
    return {name: build_rule_pairs()[name] for name in names if name in build_rule_pairs()}
