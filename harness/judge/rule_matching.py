"""Evaluates a case under many rules at once: rules with equal computations are evaluated once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from harness.judge.differences import find_wrong_cells
from harness.oracle import expect
from harness.oracle.bounds import compute_output_bound, compute_output_bound_of_cell
from harness.oracle.channel_layout import is_channels_last
from harness.oracle.plan import Computation, plan_computation
from harness.oracle.refusal import parse_padding
from harness.oracle.rules import KERAS, Rule
from harness.oracle.values import compute_values, compute_values_of_cell, is_local
from harness.records import (
    INTEGER_TOLERANCE,
    Array,
    Case,
    CaseData,
    DataKind,
    ExpectedArray,
    LayerKind,
    Values,
)

_FEW: Final = 3
"""The number of rules below which evaluating one cell first is not worthwhile."""


@dataclass(frozen=True, slots=True)
class ObservedArray:
    """What was observed of a case. Arrays with equal bytes are equal, so that targets share one result."""

    case: Case
    shape: tuple[int, ...]
    digest: bytes
    values: Array = field(compare=False)


def make_observed_array(case: Case, observed: Array) -> ObservedArray:
    """Wrap what was observed so that it can be a key of caches."""
    data = np.ascontiguousarray(observed)
    digest = hashlib.blake2b(data.tobytes(), digest_size=16, person=data.dtype.str.encode()[:16]).digest()
    return ObservedArray(case, observed.shape, digest, observed)


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules with the same computation of a case: that computation, and their names."""

    computation: Computation
    names: tuple[str, ...]


def group_by_computation(case: Case, rules: Mapping[str, Rule]) -> tuple[RuleGroup, ...]:
    """Group rules by their computation of the case, in the order of their first names.

    Raises:
        ValueError: the padding of the case has no formula.
    """
    padding = parse_padding(case)
    if padding is None:
        raise ValueError(f"{case.id} has no formula")
    names: dict[Computation, list[str]] = {}
    for name, rule in rules.items():
        names.setdefault(plan_computation(case, padding, rule), []).append(name)
    return tuple(RuleGroup(computation, tuple(group)) for computation, group in names.items())


def find_matching_rules(
    case: Case, case_data: CaseData, groups: Iterable[RuleGroup], observed: Array
) -> tuple[str, ...]:
    """Return the names of the rules that give exactly the observed values, whatever their dtype.

    Most differ already in one telling cell; only the others are evaluated completely.
    """
    values = observed.astype(np.float64)
    candidates = [group for group in groups if compute_result_shape(case, group.computation) == values.shape]
    candidates = _filter_by_one_cell(case, case_data, candidates, values)
    matching = (group for group in candidates if is_reproduced_by(case, group.computation, case_data, values))
    return tuple(name for group in matching for name in group.names)


def _filter_by_one_cell(
    case: Case, case_data: CaseData, groups: Sequence[RuleGroup], observed: Values
) -> list[RuleGroup]:
    """Return the groups without those that certainly give another value in one cell of the observation."""
    if len(groups) < _FEW or case.data is DataKind.NONFINITE or 0 in observed.shape:
        return list(groups)
    cell = _find_telling_cell(case, case_data, observed)
    last = observed if is_channels_last(case, KERAS) else np.moveaxis(observed, 1, -1)
    seen = last.reshape(len(last), math.prod(last.shape[1:-1]), last.shape[-1])[
        :, np.ravel_multi_index(cell, last.shape[1:-1])
    ]
    together: dict[tuple[LayerKind, Rule], list[RuleGroup]] = {}
    for group in groups:
        if is_local(group.computation):
            together.setdefault((group.computation.kind, group.computation.rule), []).append(group)
    rejected: set[Computation] = set()
    for same_rule_groups in together.values():
        computations = [group.computation for group in same_rule_groups]
        values = compute_values_of_cell(case, computations, cell, case_data)
        bound = compute_output_bound_of_cell(case, computations, cell, case_data)
        with np.errstate(invalid="ignore"):
            # Twice the bound, since evaluating one cell may sum real numbers in another order.
            near = np.less_equal(
                np.abs(values - seen[:, np.newaxis]), INTEGER_TOLERANCE if bound is None else 2 * bound
            )
        far = np.flatnonzero(~near.all(axis=(0, 2)))
        rejected.update(computations[place] for place in far)
    return [group for group in groups if group.computation not in rejected]


def _find_telling_cell(case: Case, case_data: CaseData, observed: Values) -> tuple[int, ...]:
    """Return the cell farthest from Keras's values, or the middle one where the shape differs."""
    expected = expect(case, case_data).values
    spatial = slice(1, -1) if is_channels_last(case, KERAS) else slice(2, None)
    if expected is None or expected.shape != observed.shape:
        return tuple(length // 2 for length in observed.shape[spatial])
    with np.errstate(invalid="ignore"):
        distance = np.abs(expected - observed)
    wrong = np.unravel_index(np.argmax(np.nan_to_num(distance, nan=np.inf)), observed.shape)
    return tuple(map(int, wrong[spatial]))


def compute_result_shape(case: Case, computation: Computation) -> tuple[int, ...]:
    """Compute the shape of a computation's result."""
    if is_channels_last(case, computation.rule):
        return (case.batch, *computation.out, case.filters)
    return (case.batch, case.filters, *computation.out)


def is_reproduced_by(case: Case, computation: Computation, case_data: CaseData, observed: Values) -> bool:
    """Return whether the computation gives the observed values, of its result's shape, within the bound."""
    bound = compute_output_bound(case, computation, case_data)
    values = compute_values(case, computation, case_data)
    if bound is None:
        return has_same_integers(values, observed)
    if case.data is DataKind.NONFINITE:
        return not find_wrong_cells(observed, ExpectedArray(values, bound)).any()
    with np.errstate(invalid="ignore"):
        return bool((np.isfinite(values) & (np.abs(values - observed) <= bound)).all())


def has_same_integers(one: Values, other: Values) -> bool:
    """Return whether two arrays of one shape hold the same integers; infinities and NaN equal nothing."""
    with np.errstate(invalid="ignore"):
        return bool((np.abs(one - other) < INTEGER_TOLERANCE).all())
