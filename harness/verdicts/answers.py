"""What a case gives under many rules at once: rules that come to the same on the case are computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from harness.oracle.convolution import Values, axis_geometries, convolve
from harness.oracle.refusal import padding_of
from harness.oracle.rules import KERAS, Padding, Rule
from harness.records import Array, Case, Signals

CLOSE: Final = 0.25
"""How far a value may be from the integer that a rule gives and still be it (`compare.NEAREST_INTEGER`)."""

_Meaning: TypeAlias = tuple[object, ...]


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
    """Rules that come to the same on a case: one of them, the shape they give, and all their names."""

    rule: Rule
    shape: tuple[int, ...]
    names: tuple[str, ...]


def alike(case: Case, rules: Mapping[str, Rule]) -> tuple[Alike, ...]:
    """The rules of a case whose padding is known, by what they come to; in the order of their first names.

    Raises:
        ValueError: the padding of the case has no formula.
    """
    padding = padding_of(case)
    if padding is None:
        raise ValueError(f"{case.id} has no formula")
    names: dict[_Meaning, list[str]] = {}
    first: dict[_Meaning, tuple[Rule, tuple[int, ...]]] = {}
    for name, rule in rules.items():
        shape, meaning = _meaning(case, padding, rule)
        names.setdefault(meaning, []).append(name)
        first.setdefault(meaning, (rule, shape))
    return tuple(Alike(*first[meaning], tuple(group)) for meaning, group in names.items())


def fitting(case: Case, signals: Signals, groups: Iterable[Alike], observed: Array) -> tuple[str, ...]:
    """The names of the rules that give just the values observed, whatever their dtype."""
    padding = padding_of(case)
    assert padding is not None
    values = observed.astype(np.float64)
    found: list[str] = []
    for group in groups:
        if group.shape == values.shape and close(convolve(case, padding, signals, group.rule), values):
            found.extend(group.names)
    return tuple(found)


def close(one: Values, other: Values) -> bool:
    """Whether two arrays of one shape hold the same integers; infinities and NaN are like nothing."""
    with np.errstate(invalid="ignore"):
        return bool((np.abs(one - other) < CLOSE).all())


def _meaning(case: Case, padding: Padding, rule: Rule) -> tuple[tuple[int, ...], _Meaning]:
    """The shape of the case under the rule, and what decides its values: equal for equal values."""
    geometries = axis_geometries(case, padding, rule)
    befores = tuple(geometry.before for geometry in geometries)
    meaning = (
        tuple((g.out, g.before, g.stride, g.dilation) for g in geometries),
        rule.pads if len(set(befores)) > 1 else KERAS.pads,
        rule.orientation if max(case.kernel) > 1 else KERAS.orientation,
        rule.fill,
        rule.shift,
        rule.precision,
        rule.groups if case.groups > 1 else KERAS.groups,
        rule.batch if case.batch > 1 else KERAS.batch,
        rule.bias if case.bias else KERAS.bias,
        rule.rounds_bias if case.bias else KERAS.rounds_bias,
    )
    lengths = tuple(geometry.out for geometry in geometries)
    return case.shape_of(case.batch, lengths, case.filters), meaning
