from __future__ import annotations

import itertools
from collections import Counter

from harness.cases.rotation import RotatingValues, ZippedAttributes, zip_attributes

LISTS = {"data_format": ("first", "last"), "batch": (2, 1), "channels": (1, 2, 3)}


def taken(number: int, lists: dict[str, tuple[object, ...]], period: int = 4) -> list[tuple[object, ...]]:
    """Return what so many layers take, each with a property that recurs every `period` layers."""
    turns = RotatingValues(zip_attributes(lists, ()), seed=0)
    return [(place % period, *turns.take([place % period]).values()) for place in range(number)]


def test_a_value_meets_every_property_though_both_come_back_in_step() -> None:
    # With plain rotation, each of four strides would meet only one of two formats.
    met = {(one, data_format) for one, data_format, *_ in taken(8, LISTS)}
    assert met == set(itertools.product(range(4), LISTS["data_format"]))


def test_lists_of_one_length_are_not_in_step() -> None:
    met = {(data_format, batch) for _, data_format, batch, _ in taken(8, LISTS)}
    assert met == set(itertools.product(LISTS["data_format"], LISTS["batch"]))


def test_every_value_of_every_list_meets_every_other_early() -> None:
    drawn = taken(24, LISTS)
    for one, other in itertools.combinations(range(4), 2):
        met = Counter((layer[one], layer[other]) for layer in drawn)
        sizes = [4, 2, 2, 3]
        assert len(met) == sizes[one] * sizes[other]
        assert max(met.values()) - min(met.values()) <= 3


def test_lists_in_step_are_taken_together() -> None:
    units = zip_attributes(
        {"channels": (4, 6), "bias": (True, False), "groups": (2, 3)}, ("channels", "groups")
    )
    assert units == (
        ZippedAttributes(("channels", "groups"), ((4, 2), (6, 3))),
        ZippedAttributes(("bias",), ((True,), (False,))),
    )
    turns = RotatingValues(units, seed=0)
    assert {tuple(turns.take([]).items())[:2] for _ in range(8)} == {
        (("channels", 4), ("groups", 2)),
        (("channels", 6), ("groups", 3)),
    }


def test_turns_are_the_same_every_time() -> None:
    assert taken(50, LISTS) == taken(50, LISTS)
