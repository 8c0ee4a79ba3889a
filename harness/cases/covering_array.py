"""Covering arrays: few rows that hold every combination of the values of any `strength` factors.

For chosen groups of factors they hold every combination too. A greedy, deterministic construction, one row at
a time (after Cohen et al., "The AETG system", 1997), with mixed integers in place of random ones. It knows
nothing about the meaning of the factors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

ArrayRow = tuple[int, ...]
"""One value of each factor, by its index in the factor's list."""

RowResolver = Callable[[ArrayRow], ArrayRow | None]
"""Maps a row to itself, to the row that it stands for, or to None where there is no such row."""

_NUM_MIXED_COMPLETIONS: Final = 24
"""How many mixed rows are tried with a combination before it is given up."""

_Cells = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _CoveringProblem:
    """The factors of an array. The flat number of a value is its factor's offset plus its index.

    `completions` are rows from which pinned values are completed.
    """

    sizes: tuple[int, ...]
    offsets: tuple[int, ...]
    resolve: RowResolver
    completions: list[ArrayRow]


@dataclass(frozen=True, slots=True)
class _FactorGroup:
    """Some factors, in order, and which combinations of their values, by index, no row holds yet."""

    factors: ArrayRow
    cells: _Cells


@dataclass(frozen=True, slots=True)
class _OpenCombinations:
    """The combinations that no row holds yet.

    `groups` are those of the groups of factors, largest groups first; `cells` those of any factors, by the
    flat numbers of their values, in an array that is symmetric in its axes.
    """

    groups: tuple[_FactorGroup, ...]
    cells: _Cells


def build_covering_rows(
    sizes: Sequence[int], strength: int, resolve: RowResolver, seed: int, groups: Sequence[Sequence[int]] = ()
) -> Iterator[ArrayRow]:
    """Yield rows that hold every combination of `strength` values, and of the values of each of the `groups`.

    A combination is given up if it resolves neither with the first values of the other factors, or of all but
    one of them, nor with those of an earlier row, nor with some mixed ones; so the first value of each factor
    should be compatible with most others. Another `seed` gives other rows.
    """
    if min(sizes, default=0) == 0:
        return
    offsets = tuple([0, *itertools.accumulate(sizes)][:-1])
    completions = [
        *_iterate_nearly_first_rows(sizes),
        *(_make_mixed_row(sizes, attempt) for attempt in range(_NUM_MIXED_COMPLETIONS)),
    ]
    problem = _CoveringProblem(tuple(sizes), offsets, resolve, completions)
    still_open = _OpenCombinations(
        tuple(_iterate_factor_groups(problem, groups)), _make_open_cells(problem, min(strength, len(sizes)))
    )
    for number in itertools.count(seed):
        flats = _find_first_open(problem, still_open)
        if flats is None:
            return
        pinned = dict(_split_flat_number(problem, flat) for flat in flats)
        base = _find_base_row(problem, pinned)
        if base is None:
            _give_up_combination(problem, flats, still_open)
            continue
        row = _fill_row(problem, base, tuple(pinned), still_open, number)
        held = np.add(offsets, row)
        still_open.cells[np.ix_(*[held] * still_open.cells.ndim)] = False
        for group in still_open.groups:
            group.cells[tuple(row[factor] for factor in group.factors)] = False
        completions.append(row)
        yield row


def _find_first_open(problem: _CoveringProblem, still_open: _OpenCombinations) -> ArrayRow | None:
    """Return the flat numbers of a combination that no row holds yet, None if there is none."""
    for _, groups in itertools.groupby(still_open.groups, key=lambda group: len(group.factors)):
        candidates = [
            tuple(
                problem.offsets[factor] + place for factor, place in zip(group.factors, places, strict=True)
            )
            for group in groups
            if (places := _find_first_true(group.cells)) is not None
        ]
        if candidates:
            return min(candidates)
    return _find_first_true(still_open.cells)


def _find_first_true(cells: _Cells) -> ArrayRow | None:
    """Return the index of the first true cell, None if there is none."""
    place = np.unravel_index(int(cells.argmax()), cells.shape)
    return tuple(map(int, place)) if cells[place] else None


def _iterate_nearly_first_rows(sizes: Sequence[int]) -> Iterator[ArrayRow]:
    """Yield the row of first values, and each row with one other value."""
    first = (0,) * len(sizes)
    yield first
    for factor, size in enumerate(sizes):
        for place in range(1, size):
            yield (*first[:factor], place, *first[factor + 1 :])


def _make_mixed_row(sizes: Sequence[int], attempt: int) -> ArrayRow:
    """Make a row of some first values and some others."""
    words = [mix_integers(attempt, factor) for factor in range(len(sizes))]
    return tuple(word // 2 % size if word % 2 else 0 for word, size in zip(words, sizes, strict=True))


def _make_open_cells(problem: _CoveringProblem, strength: int) -> _Cells:
    """Make the array of open combinations: all but those of two values of one factor."""
    factors = np.repeat(np.arange(len(problem.sizes)), problem.sizes)
    still_open = np.ones((len(factors),) * strength, dtype=np.bool_)
    for pair in itertools.combinations(range(strength), 2):
        shape = [len(factors) if axis in pair else 1 for axis in range(strength)]
        still_open &= (factors[:, np.newaxis] != factors).reshape(shape)
    return still_open


def _iterate_factor_groups(
    problem: _CoveringProblem, groups: Sequence[Sequence[int]]
) -> Iterator[_FactorGroup]:
    for factors in sorted({tuple(sorted(group)) for group in groups}, key=len, reverse=True):
        yield _FactorGroup(factors, np.ones([problem.sizes[factor] for factor in factors], dtype=np.bool_))


def _split_flat_number(problem: _CoveringProblem, flat: int) -> tuple[int, int]:
    """Return the factor and the index of the value with this flat number."""
    factor = int(np.searchsorted(problem.offsets, flat, side="right")) - 1
    return factor, flat - problem.offsets[factor]


def _find_base_row(problem: _CoveringProblem, pinned: dict[int, int]) -> ArrayRow | None:
    """Return a resolved row with the pinned values (by factor), None if none is found."""
    for completion in problem.completions:
        row = list(completion)
        for factor, place in pinned.items():
            row[factor] = place
        resolved = problem.resolve(tuple(row))
        if resolved is not None and all(resolved[factor] == place for factor, place in pinned.items()):
            return resolved
    return None


def _give_up_combination(problem: _CoveringProblem, flats: ArrayRow, still_open: _OpenCombinations) -> None:
    """Close a combination that no row holds, and all with a pair of its values that no row holds."""
    values = dict(_split_flat_number(problem, flat) for flat in flats)
    _close_combinations(problem, values, still_open)
    for pair in itertools.combinations(values.items(), 2):
        if len(flats) > 2 and _find_base_row(problem, dict(pair)) is None:
            _close_combinations(problem, dict(pair), still_open)


def _close_combinations(
    problem: _CoveringProblem, values: Mapping[int, int], still_open: _OpenCombinations
) -> None:
    """Close every combination with these values, by factor."""
    for group in still_open.groups:
        if values.keys() <= set(group.factors):
            group.cells[tuple(values.get(factor, slice(None)) for factor in group.factors)] = False
    flats = [problem.offsets[factor] + place for factor, place in values.items()]
    cells = still_open.cells
    for axes in itertools.permutations(range(cells.ndim), len(flats)):
        places = dict(zip(axes, flats, strict=True))
        cells[tuple(places.get(axis, slice(None)) for axis in range(cells.ndim))] = False


def _fill_row(
    problem: _CoveringProblem, base: ArrayRow, pinned: ArrayRow, still_open: _OpenCombinations, number: int
) -> ArrayRow:
    """Give each factor that is not pinned the value that closes most combinations, one factor at a time."""
    row = base
    held = list(pinned)
    free = [factor for factor in range(len(row)) if factor not in pinned]
    for factor in sorted(free, key=lambda factor: mix_integers(number, factor)):
        for place in _rank_places_by_use(problem, row, held, factor, still_open, number):
            resolved = problem.resolve((*row[:factor], place, *row[factor + 1 :]))
            if resolved is None or resolved[factor] != place:
                continue
            if all(resolved[other] == row[other] for other in held):
                row = resolved
                break
        held.append(factor)
    return row


def _rank_places_by_use(
    problem: _CoveringProblem,
    row: ArrayRow,
    held: Sequence[int],
    factor: int,
    still_open: _OpenCombinations,
    number: int,
) -> list[int]:
    """Rank the value indices of a factor by how many combinations they close with the factors held."""
    flat = [problem.offsets[other] + row[other] for other in held]
    first = problem.offsets[factor]
    met = still_open.cells[first : first + problem.sizes[factor]]
    for axis in range(1, met.ndim):
        met = met.take(flat, axis=axis)
    uses = met.reshape(len(met), -1).sum(axis=1)
    for group in still_open.groups:
        if factor in group.factors and all(other == factor or other in held for other in group.factors):
            # `cells` counts a combination once per order of its other factors; so must this.
            place = tuple(slice(None) if other == factor else row[other] for other in group.factors)
            uses = uses + group.cells[place] * math.factorial(len(group.factors) - 1)
    order = uses.tolist()
    return sorted(range(len(order)), key=lambda place: (-order[place], mix_integers(number, factor, place)))


def mix_integers(*numbers: int) -> int:
    """Mix integers to a pseudorandom one."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = (mixed ^ number) * 0xBF58476D1CE4E5B9 % 2**64
        mixed ^= mixed >> 29
    return mixed
