from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from harness.parallel import map_in_processes


def add_one(number: int) -> tuple[int, int]:
    return number + 1, os.getpid()


def fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def test_results_come_in_the_order_of_the_shares_from_other_processes() -> None:
    results = list(map_in_processes(add_one, range(40)))
    assert [number for number, _ in results] == list(range(1, 41))
    assert os.getpid() not in {process for _, process in results}


def test_shares_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def shares() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_in_processes(add_one, shares())
    next(results)
    results.close()
    assert len(taken) < 100


def test_what_a_share_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="three"):
        list(map_in_processes(fail_at_three, range(6)))
