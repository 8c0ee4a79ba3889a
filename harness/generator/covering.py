"""Covering arrays: few rows in which any `strength` values of as many factors meet, or more of some factors.

A greedy construction, one row at a time (after Cohen et al., "The AETG system", 1997), without
chance: what a random order would decide, scattered integers do. Nothing here knows what a factor is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Row = tuple[int, ...]
"""A value of each factor, by its place in the factor's list."""

Settle = Callable[[Row], Row | None]
"""What becomes of a row: itself, another that it stands for, or None where there is no such row."""

_COMPLETIONS: Final = 24
"""How many rows without a reason are tried with a combination before it is given up."""

_Open = npt.NDArray[np.bool_]
"""Which combinations no row holds yet, by the flat numbers of their values; symmetric in its axes."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """The factors; the flat number of a factor's value is the factor's offset and the value's place.

    `completions` are rows whose values are tried beside those that are pinned.
    """

    sizes: tuple[int, ...]
    offsets: tuple[int, ...]
    settle: Settle
    completions: list[Row]


def covering_rows(
    sizes: Sequence[int], strength: int, settle: Settle, seed: int, groups: Sequence[Sequence[int]] = ()
) -> Iterator[Row]:
    """Rows in which every combination of `strength` values that a settled row can hold is held by one.

    So is every combination of the values of each of the `groups` of factors.

    A combination is given up where it settles neither with the first values of the other factors, or all
    but one of them, nor with those of an earlier row, nor with some others; so the first value of each
    factor should be one that goes with most. Another `seed` gives other rows.
    """
    if min(sizes, default=0) == 0:
        return
    offsets = tuple([0, *itertools.accumulate(sizes)][:-1])
    completions = [*_nearly_first(sizes), *(_some(sizes, attempt) for attempt in range(_COMPLETIONS))]
    problem = _Problem(tuple(sizes), offsets, settle, completions)
    still_open = [*_open_groups(problem, groups), _all_open(problem, min(strength, len(sizes)))]
    for number in itertools.count(seed):
        flats = _first_open(still_open)
        if flats is None:
            return
        pinned = dict(_value(problem, flat) for flat in flats)
        base = _base(problem, pinned)
        if base is None:
            _give_up(problem, flats, still_open)
            continue
        row = _filled(problem, base, tuple(pinned), still_open, number)
        held = np.add(offsets, row)
        for part in still_open:
            part[np.ix_(*[held] * part.ndim)] = False
        completions.append(row)
        yield row


def _first_open(still_open: Sequence[_Open]) -> list[int] | None:
    """A combination that no row holds yet."""
    for part in still_open:
        target = np.unravel_index(int(part.argmax()), part.shape)
        if part[target]:
            return [int(flat) for flat in target]
    return None


def _nearly_first(sizes: Sequence[int]) -> Iterator[Row]:
    """The row of first values, and those with one other value."""
    first = (0,) * len(sizes)
    yield first
    for factor, size in enumerate(sizes):
        for place in range(1, size):
            yield (*first[:factor], place, *first[factor + 1 :])


def _some(sizes: Sequence[int], attempt: int) -> Row:
    """A row of some first values and some others."""
    words = [scattered(attempt, factor) for factor in range(len(sizes))]
    return tuple(word // 2 % size if word % 2 else 0 for word, size in zip(words, sizes, strict=True))


def _all_open(problem: _Problem, strength: int) -> _Open:
    """Everything but combinations of two values of one factor."""
    factors = np.repeat(np.arange(len(problem.sizes)), problem.sizes)
    still_open = np.ones((len(factors),) * strength, dtype=np.bool_)
    for pair in itertools.combinations(range(strength), 2):
        shape = [len(factors) if axis in pair else 1 for axis in range(strength)]
        still_open &= (factors[:, np.newaxis] != factors).reshape(shape)
    return still_open


def _open_groups(problem: _Problem, groups: Sequence[Sequence[int]]) -> Iterator[_Open]:
    """The combinations of the values of groups, one array for all groups of a length."""
    for length in sorted({len(group) for group in groups}, reverse=True):
        still_open = np.zeros((sum(problem.sizes),) * length, dtype=np.bool_)
        for group in groups:
            if len(group) == length:
                for order in itertools.permutations(group):
                    places = [
                        slice(problem.offsets[one], problem.offsets[one] + problem.sizes[one])
                        for one in order
                    ]
                    still_open[tuple(places)] = True
        yield still_open


def _value(problem: _Problem, flat: int) -> tuple[int, int]:
    """The factor and the place of a flat number."""
    factor = int(np.searchsorted(problem.offsets, flat, side="right")) - 1
    return factor, flat - problem.offsets[factor]


def _base(problem: _Problem, pinned: dict[int, int]) -> Row | None:
    """A row that settles and holds the values that are pinned, by factor; None where none is found."""
    for completion in problem.completions:
        row = list(completion)
        for factor, place in pinned.items():
            row[factor] = place
        settled = problem.settle(tuple(row))
        if settled is not None and all(settled[factor] == place for factor, place in pinned.items()):
            return settled
    return None


def _give_up(problem: _Problem, flats: Sequence[int], still_open: Sequence[_Open]) -> None:
    """Close a combination that no row holds, and with a pair that none holds all that have the pair."""
    for part in still_open:
        if part.ndim == len(flats):
            for order in itertools.permutations(flats):
                part[order] = False
    for pair in itertools.combinations(flats, 2):
        if len(flats) == 2 or _base(problem, dict(_value(problem, flat) for flat in pair)) is None:
            for part in still_open:
                _close_pair(part, pair)


def _close_pair(part: _Open, pair: Sequence[int]) -> None:
    for axes in itertools.permutations(range(part.ndim), 2):
        place: list[int | slice] = [slice(None)] * part.ndim
        for axis, flat in zip(axes, pair, strict=True):
            place[axis] = flat
        part[tuple(place)] = False


def _filled(problem: _Problem, base: Row, pinned: Row, still_open: Sequence[_Open], number: int) -> Row:
    """The base with values of most use for the factors that are not pinned, one factor at a time."""
    row = base
    held = list(pinned)
    free = [factor for factor in range(len(row)) if factor not in pinned]
    for factor in sorted(free, key=lambda factor: scattered(number, factor)):
        for place in _by_use(problem, row, held, factor, still_open, number):
            settled = problem.settle((*row[:factor], place, *row[factor + 1 :]))
            if settled is None or settled[factor] != place:
                continue
            if all(settled[other] == row[other] for other in held):
                row = settled
                break
        held.append(factor)
    return row


def _by_use(
    problem: _Problem, row: Row, held: Sequence[int], factor: int, still_open: Sequence[_Open], number: int
) -> list[int]:
    """The places of a factor, those first that meet most of what is still open in the factors held."""
    flat = [problem.offsets[other] + row[other] for other in held]
    first = problem.offsets[factor]
    uses = np.zeros(problem.sizes[factor], dtype=np.int64)
    for part in still_open:
        met = part[first : first + problem.sizes[factor]]
        for axis in range(1, part.ndim):
            met = met.take(flat, axis=axis)
        uses += met.reshape(len(uses), -1).sum(axis=1)
    order = uses.tolist()
    return sorted(range(len(order)), key=lambda place: (-order[place], scattered(number, factor, place)))


def scattered(*numbers: int) -> int:
    """An integer that looks like chance."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = (mixed ^ number) * 0xBF58476D1CE4E5B9 % 2**64
        mixed ^= mixed >> 29
    return mixed
