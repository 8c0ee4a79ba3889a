from __future__ import annotations

from dataclasses import replace
from itertools import chain, pairwise

from harness.runner.batches import MAX_BATCH, make_batches
from tests.judge.made import PLAIN

LAYERS = tuple(replace(PLAIN, filters=number) for number in range(1, 200))


def test_every_case_is_in_one_batch() -> None:
    batches = list(make_batches(LAYERS))
    assert sorted(case.id for case in chain(*batches)) == sorted(case.id for case in LAYERS)
    assert max(map(len, batches)) <= MAX_BATCH


def test_the_cases_of_a_layer_stay_together_and_in_order() -> None:
    lengths = [replace(PLAIN, input=(length, length)) for length in range(2, 12)]
    (batch,) = make_batches([*lengths, LAYERS[4], LAYERS[5]])
    first = batch.index(lengths[0])
    assert list(batch[first : first + len(lengths)]) == lengths


def test_a_layer_of_more_cases_than_a_batch_holds_is_split() -> None:
    many = [replace(PLAIN, input=(length, 3)) for length in range(2, 2 + MAX_BATCH + 5)]
    assert [len(batch) for batch in make_batches(many)] == [MAX_BATCH, 5]


def test_layers_that_stand_together_come_apart() -> None:
    order = [case.filters for case in chain(*make_batches(LAYERS))]
    assert all(abs(one - other) > 1 for one, other in pairwise(order))


def test_no_cases_are_no_batches() -> None:
    assert list(make_batches([])) == []
