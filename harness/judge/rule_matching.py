"""What a case gives under many rules at once: rules that come to the same on the case are computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.judge.differences import wrong_cells
from harness.oracle.bounds import output_bound
from harness.oracle.channel_layout import is_channels_last
from harness.oracle.plan import Plan, plan_of
from harness.oracle.refusal import padding_of
from harness.oracle.rules import Rule
from harness.oracle.values import values_of
from harness.records import INTEGER_TOLERANCE, Array, Case, Data, ExpectedArray, Signals, Values


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
    """The names of the rules that give just the values observed, whatever their dtype."""
    values = observed.astype(np.float64)
    found: list[str] = []
    for group in groups:
        if shape_of(case, group.plan) == values.shape and fits(case, group.plan, signals, values):
            found.extend(group.names)
    return tuple(found)


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
