"""What a case gives under many rules at once: rules that come to the same on the case are computed once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from harness.judge.differences import wrong_cells
from harness.oracle import expect
from harness.oracle.bounds import output_bound, output_bound_of_cell
from harness.oracle.channel_layout import is_channels_last
from harness.oracle.plan import Plan, plan_of
from harness.oracle.refusal import padding_of
from harness.oracle.rules import KERAS, Rule
from harness.oracle.values import is_local, values_of, values_of_cell
from harness.records import INTEGER_TOLERANCE, Array, Case, Data, ExpectedArray, LayerKind, Signals, Values

_FEW: Final = 3
"""Rules so few are computed as soon as tried in one cell."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was observed of a case. Two are equal where their bytes are, so that many targets' is one."""

    case: Case
    shape: tuple[int, ...]
    digest: bytes
    values: Array = field(compare=False)


def answer_of(case: Case, observed: Array) -> Answer:
    """What was observed, to be looked up."""
    data = np.ascontiguousarray(observed)
    digest = hashlib.blake2b(data.tobytes(), digest_size=16, person=data.dtype.str.encode()[:16]).digest()
    return Answer(case, observed.shape, digest, observed)


@dataclass(frozen=True, slots=True)
class Alike:
    """Rules that come to the same on a case: what they come to, and all their names."""

    plan: Plan
    names: tuple[str, ...]


def alike(case: Case, rules: Mapping[str, Rule]) -> tuple[Alike, ...]:
    """The rules of a case whose padding is known, by what they come to; in the order of their first names.

    Raises:
        ValueError: the padding of the case has no formula.
    """
    padding = padding_of(case)
    if padding is None:
        raise ValueError(f"{case.id} has no formula")
    names: dict[Plan, list[str]] = {}
    for name, rule in rules.items():
        names.setdefault(plan_of(case, padding, rule), []).append(name)
    return tuple(Alike(plan, tuple(group)) for plan, group in names.items())


def fitting(case: Case, signals: Signals, groups: Iterable[Alike], observed: Array) -> tuple[str, ...]:
    """The names of the rules that give just the values observed, whatever their dtype.

    Most give another value in the first cell that is wrong already; only the others are computed wholly.
    """
    values = observed.astype(np.float64)
    candidates = [group for group in groups if shape_of(case, group.plan) == values.shape]
    candidates = _matching_in_one_cell(case, signals, candidates, values)
    matching = (group for group in candidates if fits(case, group.plan, signals, values))
    return tuple(name for group in matching for name in group.names)


def _matching_in_one_cell(
    case: Case, signals: Signals, groups: Sequence[Alike], observed: Values
) -> list[Alike]:
    """The groups but for those that certainly give another value in one cell of what was observed."""
    if len(groups) < _FEW or case.data is Data.NONFINITE or 0 in observed.shape:
        return list(groups)
    cell = _telling_cell(case, signals, observed)
    last = observed if is_channels_last(case, KERAS) else np.moveaxis(observed, 1, -1)
    seen = last.reshape(len(last), math.prod(last.shape[1:-1]), last.shape[-1])[
        :, np.ravel_multi_index(cell, last.shape[1:-1])
    ]
    together: dict[tuple[LayerKind, Rule], list[Alike]] = {}
    for group in groups:
        if is_local(group.plan):
            together.setdefault((group.plan.kind, group.plan.rule), []).append(group)
    rejected: set[Plan] = set()
    for alike_groups in together.values():
        plans = [group.plan for group in alike_groups]
        values = values_of_cell(case, plans, cell, signals)
        bound = output_bound_of_cell(case, plans, cell, signals)
        with np.errstate(invalid="ignore"):
            # Twice the bound: sums of real numbers in another order are other numbers.
            near = np.less_equal(
                np.abs(values - seen[:, np.newaxis]), INTEGER_TOLERANCE if bound is None else 2 * bound
            )
        far = np.flatnonzero(~near.all(axis=(0, 2)))
        rejected.update(plans[place] for place in far)
    return [group for group in groups if group.plan not in rejected]


def _telling_cell(case: Case, signals: Signals, observed: Values) -> tuple[int, ...]:
    """Where the value stands that is farthest from Keras's; the middle where the shape is another."""
    expected = expect(case, signals).values
    spatial = slice(1, -1) if is_channels_last(case, KERAS) else slice(2, None)
    if expected is None or expected.shape != observed.shape:
        return tuple(length // 2 for length in observed.shape[spatial])
    with np.errstate(invalid="ignore"):
        distance = np.abs(expected - observed)
    wrong = np.unravel_index(np.argmax(np.nan_to_num(distance, nan=np.inf)), observed.shape)
    return tuple(map(int, wrong[spatial]))


def shape_of(case: Case, plan: Plan) -> tuple[int, ...]:
    """The shape that a plan gives."""
    if is_channels_last(case, plan.rule):
        return (case.batch, *plan.out, case.filters)
    return (case.batch, case.filters, *plan.out)


def fits(case: Case, plan: Plan, signals: Signals, observed: Values) -> bool:
    """Whether values of a plan's shape are those that it gives, as far as they can be told."""
    bound = output_bound(case, plan, signals)
    values = values_of(case, plan, signals)
    if bound is None:
        return close(values, observed)
    if case.data is Data.NONFINITE:
        return not wrong_cells(observed, ExpectedArray(values, bound)).any()
    with np.errstate(invalid="ignore"):
        return bool((np.isfinite(values) & (np.abs(values - observed) <= bound)).all())


def close(one: Values, other: Values) -> bool:
    """Whether two arrays of one shape hold the same integers; infinities and NaN are like nothing."""
    with np.errstate(invalid="ignore"):
        return bool((np.abs(one - other) < INTEGER_TOLERANCE).all())
