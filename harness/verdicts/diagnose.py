"""Names the cause of a wrong answer: the wrong rules of the oracle that give exactly what was observed.

A rule differs from Keras's in one respect. Where none fits alone, pairs are tried: two rules that differ
from Keras's in different respects, taken together.
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

from harness.generator.signals import signals_of
from harness.oracle.convolution import convolve
from harness.oracle.refusal import padding_of
from harness.oracle.rules import KERAS, WRONG_RULES, Rule
from harness.records import Array, Case
from harness.verdicts.answers import Answer, alike, answer_of, close, fitting

AND: Final = " and "
"""Joins the names of two rules that explain an answer together."""

_MAX_CAUSES: Final = 3
_MAX_PAIR_WORK: Final = 1_000_000
"""Multiplications in one answer up to which pairs are tried: they are some hundreds."""

_BEYOND_DATA: Final = 1e30
"""No sum of the data comes near; memory that was never written does, as targets are started with
allocators that fill it with such values (`harness.targets.isolation`)."""

NEVER_WRITTEN: Final = "memory-never-written"
"""The cause of values that cannot come from the data."""


def cause_of(case: Case, observed: Array) -> str:
    """The names of the wrong rules that fit, the first three, joined by `or`; empty where none does.

    `observed` has any shape. Where no rule fits, nor two together (`one and other`), and values are
    beyond any sum of the data, the cause is `NEVER_WRITTEN`.
    """
    causes = causes_of(case, observed)
    more = len(causes) - _MAX_CAUSES
    return " or ".join(causes[:_MAX_CAUSES]) + (f" or {more} more" if more > 0 else "")


def causes_of(case: Case, observed: Array) -> tuple[str, ...]:
    """Every cause that `cause_of` chooses from. An answer that many targets gave is diagnosed once."""
    if padding_of(case) is None:
        return ()
    return _causes_of(answer_of(case, observed))


def rule_of(cause: str) -> Rule | None:
    """The rule that a cause names, alone or as a pair; None for a cause that is no rule."""
    return WRONG_RULES.get(cause) or pairs().get(cause)


def explains(cause: str, case: Case, other: str) -> bool:
    """Whether a cause comes to the same on the case as another one, which fits what was observed."""
    padding, one, two = padding_of(case), rule_of(cause), rule_of(other)
    if padding is None or one is None or two is None:
        return cause == other
    signals = signals_of(case)
    values, expected = convolve(case, padding, signals, one), convolve(case, padding, signals, two)
    return values.shape == expected.shape and close(values, expected)


@cache
def pairs() -> Mapping[str, Rule]:
    """The wrong rules by twos: the fields in which each differs from Keras's, where these are different.

    Without those that are a wrong rule of their own, and no rule twice.
    """
    known = set(WRONG_RULES.values())
    found: dict[str, Rule] = {}
    for (name, rule), (other_name, other) in combinations(WRONG_RULES.items(), 2):
        both = _together(rule, other)
        if both is not None and both not in known:
            known.add(both)
            found[f"{name}{AND}{other_name}"] = both
    return MappingProxyType(found)


def _together(one: Rule, other: Rule) -> Rule | None:
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
def _causes_of(answer: Answer) -> tuple[str, ...]:
    case, values = answer.case, answer.values
    signals = signals_of(case)
    found = fitting(case, signals, alike(case, WRONG_RULES), values)
    if found:
        return found
    with np.errstate(invalid="ignore"):
        if (np.abs(values.astype(np.float64)) > _BEYOND_DATA).any():
            return (NEVER_WRITTEN,)
    if math.prod(values.shape) * math.prod(case.kernel) * case.channels > _MAX_PAIR_WORK:
        return ()
    return fitting(case, signals, alike(case, pairs()), values)
