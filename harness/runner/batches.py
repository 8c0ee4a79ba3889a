"""Divides the cases of a target into batches: layers whole, and layers that may die alike apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from harness.cases.lattices import find_coprime_step
from harness.records import Case

Batch = tuple[Case, ...]

MAX_BATCH: Final = 64
_WINDOW: Final = 16384


def make_batches(cases: Iterable[Case]) -> Iterator[Batch]:
    """Yield every case, at most `MAX_BATCH` at a time; a layer is split only when it has more.

    Layers that are neighbours in a grid are spread within `_WINDOW` layers: what kills a worker there would
    otherwise kill one after the other, faster than new ones start.
    """
    waiting: list[Case] = []
    for layer in _spread_layers(_group_by_layer(cases)):
        if waiting and len(waiting) + len(layer) > MAX_BATCH:
            yield tuple(waiting)
            waiting.clear()
        waiting.extend(layer)
    if waiting:
        yield tuple(waiting)


def _group_by_layer(cases: Iterable[Case]) -> Iterator[Batch]:
    """Yield neighbouring cases that call one layer, together."""
    for _, layer in itertools.groupby(cases, _make_layer_key):
        while same := tuple(itertools.islice(layer, MAX_BATCH)):
            yield same


def _spread_layers(layers: Iterator[Batch]) -> Iterator[Batch]:
    while window := tuple(itertools.islice(layers, _WINDOW)):
        step = find_coprime_step(len(window))
        for place in range(len(window)):
            yield window[place * step % len(window)]


def _make_layer_key(case: Case) -> tuple[object, ...]:
    """Return a key that is equal for two cases that call one layer."""
    return (
        case.layer, case.mode, case.kernel, case.strides, case.dilation, case.padding, case.data_format,
        case.channels, case.filters, case.groups, case.bias, case.dtype, case.multiplier, case.output_padding,
        case.form, case.data,
    )  # fmt: skip
