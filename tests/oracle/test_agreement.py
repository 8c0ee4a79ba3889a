"""Loops agree with the oracle on every small axis of every kind, and on unequal planes and volumes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle.gradients import compute_gradients
from harness.oracle.values import compute_values
from harness.records import Case, DataFormat, Layer, LayerKind, derive_arguments
from tests.oracle.brute import brute_gradients, brute_lengths, brute_values
from tests.oracle.cases import (
    CASE,
    LAYERS,
    array_of,
    cell_data,
    cells,
    lines,
    numbers,
    plan,
    signals,
    unequal_cases,
)

PLANES_AND_VOLUMES = [(kind, ndim) for kind, ndim in LAYERS if ndim > 1]


def assert_loops_agree(case: Case) -> None:
    """Assert that length, values and gradients are those of the loops."""
    data = signals(case)
    values = compute_values(case, plan(case), data)
    shape, expected = brute_values(case, cell_data(data))
    assert plan(case).out == brute_lengths(case), case.id
    assert values.shape == shape, case.id
    assert np.array_equal(values, array_of(shape, expected)), case.id
    # Weights that every count of input cells divides keep the gradients of means integers.
    weight = numbers(shape, 29) * math.lcm(*range(1, math.prod(case.kernel) + 1))
    gradients = compute_gradients(case, plan(case), data, weight)
    own = brute_gradients(case, cell_data(data), cells(weight))
    for gradient, array, by_place in zip(gradients, (data.inputs, *data.weights), own, strict=True):
        assert gradient.shape == array.shape, case.id
        assert np.array_equal(gradient, array_of(array.shape, by_place)), case.id


NUM_LINES = {
    LayerKind.CONVOLUTION: 8 * 5 * 4 * 3 * 3,
    LayerKind.DEPTHWISE: 8 * 5 * 4 * 3 * 2,
    LayerKind.SEPARABLE: 8 * 5 * 4 * 3 * 3,
    LayerKind.TRANSPOSE: 8 * 5 * (2 + 3 + 4 + 5) * 3 * 2,
    LayerKind.MAX_POOLING: 8 * 5 * 4 * 2,
    LayerKind.AVERAGE_POOLING: 8 * 5 * 4 * 2,
}


@pytest.mark.parametrize("kind", LayerKind)
def test_loops_agree_on_every_tiny_axis(kind: LayerKind) -> None:
    cases = list(lines(kind, range(1, 9), range(1, 6), range(1, 5), range(1, 4)))
    assert len(cases) == len(set(cases)) == NUM_LINES[kind]
    for case in cases:
        assert_loops_agree(replace(case, batch=1))


@pytest.mark.parametrize(("kind", "ndim"), PLANES_AND_VOLUMES)
@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.data())
def test_loops_agree_on_planes_and_volumes_unequal_in_everything(
    kind: LayerKind, ndim: int, data: st.DataObject
) -> None:
    assert_loops_agree(data.draw(unequal_cases(kind, ndim)))


@pytest.mark.parametrize("kind", LayerKind)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data())
def test_loops_agree_on_lines_of_any_widths(kind: LayerKind, data: st.DataObject) -> None:
    assert_loops_agree(data.draw(unequal_cases(kind, 1)))


@pytest.mark.parametrize("kind", LayerKind)
def test_loops_agree_on_an_input_of_no_cells(kind: LayerKind) -> None:
    # The formula leaves a transposed `valid` layer max(e - s, 0) cells, which hold the bias, as in Keras.
    for case in lines(kind, range(1), range(1, 4), range(1, 4), range(1, 3)):
        assert_loops_agree(case)


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_loops_agree_on_a_batch_of_no_entries(kind: LayerKind, ndim: int) -> None:
    for padding in ("same", "valid"):
        case = replace(
            CASE,
            layer=LAYERS[kind, ndim],
            input=(4, 5, 3)[:ndim],
            kernel=(2, 3, 1)[:ndim],
            strides=(1, 2, 3)[:ndim],
            dilation=(1,) * ndim,
            padding=padding,
            batch=0,
        )
        assert_loops_agree(derive_arguments(case))


@pytest.mark.parametrize(("kind", "ndim"), PLANES_AND_VOLUMES)
def test_loops_agree_where_one_axis_of_the_input_has_no_cells(kind: LayerKind, ndim: int) -> None:
    for data_format in DataFormat:
        case = replace(
            CASE,
            layer=LAYERS[kind, ndim],
            input=(4, 0, 3)[:ndim],
            kernel=(2, 3, 1)[:ndim],
            strides=(1, 2, 1)[:ndim],
            dilation=(1,) * ndim,
            data_format=data_format,
        )
        assert_loops_agree(derive_arguments(case))


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_an_operation_gives_what_its_layer_gives_without_a_bias(kind: LayerKind, ndim: int) -> None:
    case = derive_arguments(
        replace(
            CASE,
            layer=LAYERS[kind, ndim],
            input=(4, 5, 3)[:ndim],
            kernel=(2, 3, 1)[:ndim],
            strides=(1, 2, 3)[:ndim],
            dilation=(1,) * ndim,
            bias=False,
        )
    )
    (operation,) = [layer for layer in Layer if layer.startswith("ops.") and of_kind(layer, case) is kind]
    called = replace(case, layer=operation)
    data = signals(case)
    assert np.array_equal(compute_values(called, plan(called), data), compute_values(case, plan(case), data))


def of_kind(layer: Layer, case: Case) -> LayerKind:
    return replace(case, layer=layer).kind
