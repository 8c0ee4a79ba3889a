from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import WRONG_RULES, Padding, expect
from harness.oracle.bounds import compute_output_bound, compute_output_bound_of_cell
from harness.oracle.plan import plan_computation
from harness.oracle.values import compute_values, compute_values_of_cell, evaluate, is_local
from harness.records import (
    Case,
    CaseData,
    DataFormat,
    DataKind,
    Layer,
    LayerKind,
    Mode,
    derive_arguments,
)
from harness.records.findings import Values
from tests.oracle.cases import CASE, LAYERS, numbers, signals, unequal_cases


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.data())
def test_both_data_formats_hold_the_same_values(kind: LayerKind, ndim: int, data: st.DataObject) -> None:
    last = replace(data.draw(unequal_cases(kind, ndim)), data_format=DataFormat.CHANNELS_LAST)
    first = replace(last, data_format=DataFormat.CHANNELS_FIRST)
    own = signals(last)
    moved = replace(own, inputs=np.moveaxis(own.inputs, -1, 1))
    values = evaluate(first, Padding(first.padding), moved)
    assert np.array_equal(np.moveaxis(values, 1, -1), evaluate(last, Padding(last.padding), own))


def test_a_group_is_a_convolution_of_its_own_channels_and_filters() -> None:
    case = replace(CASE, channels=6, filters=4, groups=2, bias=False)
    data = signals(case)
    kernel = data.kernel
    assert kernel is not None
    one = replace(case, channels=3, filters=2, groups=1)
    parts = [
        evaluate(
            one,
            Padding.SAME,
            CaseData(data.inputs[..., 3 * g : 3 * g + 3], kernel[..., 2 * g : 2 * g + 2], None),
        )
        for g in range(2)
    ]
    assert np.array_equal(evaluate(case, Padding.SAME, data), np.concatenate(parts, axis=-1))


def test_values_are_float64_and_own_their_memory() -> None:
    for data_format in DataFormat:
        case = replace(CASE, data_format=data_format, dtype="float32")
        values = evaluate(case, Padding.SAME, signals(case))
        assert values.dtype == np.float64
        assert values.flags.c_contiguous


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_the_signals_are_left_as_they_were(kind: LayerKind, ndim: int) -> None:
    case = derive_arguments(
        replace(
            CASE,
            layer=LAYERS[kind, ndim],
            input=(4,) * ndim,
            kernel=(2,) * ndim,
            strides=(1,) * ndim,
            dilation=(1,) * ndim,
        )
    )
    data = signals(case)
    before = [array.copy() for array in (data.inputs, *data.weights)]
    expect(replace(case, mode=Mode.GRADIENT), data)
    for array, copy in zip((data.inputs, *data.weights), before, strict=True):
        assert np.array_equal(array, copy)


def test_sums_are_exact_up_to_the_53_bits_of_float64() -> None:
    case = replace(CASE, input=(4,), kernel=(4,), padding="valid", batch=1, channels=1, filters=1, bias=False)
    inputs = [2**24 - 1, 2**24 - 3, 2**23 + 1, 5]
    kernel = [2**26 - 1, -(2**26) + 5, 2**25 + 3, 7]
    data = CaseData(
        np.array(inputs, dtype=np.float64).reshape(1, 4, 1),
        np.array(kernel, dtype=np.float64).reshape(4, 1, 1),
        None,
    )
    exact = sum(x * w for x, w in zip(inputs, kernel, strict=True))
    assert int(evaluate(case, Padding.VALID, data)[0, 0, 0]) == exact


def test_narrow_dtypes_are_widened_before_the_sum() -> None:
    case = replace(CASE, channels=1, filters=1, batch=1, input=(3,), kernel=(3,), padding="valid", bias=False)
    data = CaseData(np.full((1, 3, 1), 2047, np.float16), np.full((3, 1, 1), 2047, np.float16), None)
    assert evaluate(case, Padding.VALID, data)[0, 0, 0] == 3 * 2047 * 2047


def test_an_empty_output_has_its_shape_and_no_values() -> None:
    case = replace(
        CASE,
        layer=Layer.CONV2D,
        input=(2, 5),
        kernel=(3, 2),
        strides=(1, 1),
        dilation=(1, 1),
        padding="valid",
    )
    assert evaluate(case, Padding.VALID, signals(case)).shape == (2, 0, 4, 2)


def test_padding_holds_zero_and_not_the_bias() -> None:
    case = replace(CASE, input=(1,), kernel=(3,), channels=1, filters=1, batch=1)
    data = CaseData(np.array([[[7.0]]]), np.array([100.0, 10.0, 1.0]).reshape(3, 1, 1), np.array([4.0]))
    assert evaluate(case, Padding.SAME, data).tolist() == [[[74.0]]]


def test_numbers_tell_cells_apart() -> None:
    assert len(set(numbers((19,), 11).tolist())) > 8


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
@settings(derandomize=True, deadline=None, max_examples=3)
@given(st.data())
def test_one_cell_holds_what_the_whole_output_holds_there(
    kind: LayerKind, ndim: int, data: st.DataObject
) -> None:
    """Check that `compute_values_of_cell` and its bound give the cell's part of the whole output."""
    case = replace(
        data.draw(unequal_cases(kind, ndim)), data=data.draw(st.sampled_from([DataKind.EXACT, DataKind.REAL]))
    )
    given_data, where = signals(case), data.draw(st.integers(0, 8))
    for rule in WRONG_RULES.values():
        plan = plan_computation(case, Padding(case.padding), rule)
        if not is_local(plan) or 0 in plan.out:
            continue
        cell = tuple(where % length for length in plan.out)
        whole = _cell_of(case, compute_values(case, plan, given_data), cell)
        one = compute_values_of_cell(case, (plan, plan), cell, given_data)
        np.testing.assert_allclose(one[:, 0], whole, rtol=1e-12)
        np.testing.assert_array_equal(one[:, 1], one[:, 0])
        bound = compute_output_bound(case, plan, given_data)
        bound_of_one = compute_output_bound_of_cell(case, (plan,), cell, given_data)
        assert (bound is None) == (bound_of_one is None)
        if bound is not None and bound_of_one is not None:
            np.testing.assert_allclose(bound_of_one[:, 0], _cell_of(case, bound, cell), rtol=1e-12)


def _cell_of(case: Case, values: Values, cell: tuple[int, ...]) -> Values:
    """Return one cell of an output in the case's format: `(batch, filters)`."""
    last = values if case.data_format is DataFormat.CHANNELS_LAST else np.moveaxis(values, 1, -1)
    taken: Values = last.reshape(len(last), math.prod(last.shape[1:-1]), last.shape[-1])[
        :, np.ravel_multi_index(cell, last.shape[1:-1])
    ]
    return taken
