from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from harness.cases.covering_array import ArrayRow, RowResolver, build_covering_rows

SIZES = (4, 3, 3, 2, 2, 2, 5)


def anything(row: ArrayRow) -> ArrayRow | None:
    return row


def not_both(row: ArrayRow) -> ArrayRow | None:
    """Reject rows with a value above the first in both of two factors."""
    return None if row[1] and row[2] else row


def joined(row: ArrayRow) -> ArrayRow | None:
    """Give the third factor the value of the second where the fourth has its second value."""
    return (*row[:2], row[1], *row[3:]) if row[3] else row


def rows(
    strength: int,
    resolve: RowResolver = anything,
    seed: int = 0,
    sizes: Sequence[int] = SIZES,
    groups: Sequence[Sequence[int]] = (),
) -> list[ArrayRow]:
    return list(build_covering_rows(sizes, strength, resolve, seed, groups))


def combinations(row: ArrayRow, strength: int) -> set[tuple[tuple[int, int], ...]]:
    """Return the combinations of values that a row holds, each value with its factor."""
    return set(itertools.combinations(enumerate(row), strength))


def held(found: Sequence[ArrayRow], strength: int) -> set[tuple[tuple[int, int], ...]]:
    return {combination for row in found for combination in combinations(row, strength)}


def possible(strength: int, resolve: RowResolver) -> set[tuple[tuple[int, int], ...]]:
    """Return every combination that a resolved row holds, by trying every row."""
    every = itertools.product(*map(range, SIZES))
    return held([row for row in map(resolve, every) if row is not None], strength)


@pytest.mark.parametrize("resolve", [anything, not_both, joined])
@pytest.mark.parametrize("strength", [2, 3])
@pytest.mark.parametrize("seed", [0, 12345])
def test_every_combination_that_a_row_can_hold_is_held(
    strength: int, resolve: RowResolver, seed: int
) -> None:
    found = rows(strength, resolve, seed)
    assert held(found, strength) == possible(strength, resolve)
    assert all(resolve(row) == row for row in found)


@pytest.mark.parametrize("resolve", [anything, not_both, joined])
def test_groups_of_factors_meet_wholly(resolve: RowResolver) -> None:
    groups = ((0, 1, 3), (0, 2, 3), (1, 2, 4, 5))
    found = rows(2, resolve, groups=groups)
    assert held(found, 2) == possible(2, resolve)
    every = [row for row in map(resolve, itertools.product(*map(range, SIZES))) if row is not None]
    for group in groups:
        met = {tuple(row[factor] for factor in group) for row in found}
        assert met == {tuple(row[factor] for factor in group) for row in every}
    assert len(found) < len(rows(3, resolve))


def test_rows_are_few() -> None:
    # No array of pairs has fewer rows than the two longest lists have pairs.
    assert 20 <= len(rows(2)) <= 24
    assert 60 <= len(rows(3)) <= 85
    assert len(rows(2, sizes=(2,) * 10)) <= 10


def test_no_row_comes_twice() -> None:
    for strength in (2, 3):
        assert len(set(rows(strength))) == len(rows(strength))


def test_the_rows_are_the_same_every_time_and_others_by_another_seed() -> None:
    assert rows(2) == rows(2)
    assert set(rows(2)) != set(rows(2, seed=1))


def test_a_factor_of_one_value_has_it_in_every_row() -> None:
    found = rows(2, sizes=(1, 3, 1, 2))
    assert held(found, 2) == held(list(itertools.product((0,), range(3), (0,), range(2))), 2)


def test_fewer_factors_than_the_strength_give_every_combination() -> None:
    assert sorted(rows(3, sizes=(3, 2))) == list(itertools.product(range(3), range(2)))
    assert sorted(rows(2, sizes=(3,))) == [(0,), (1,), (2,)]


def test_nothing_comes_of_what_never_settles() -> None:
    assert rows(2, lambda _: None) == []
