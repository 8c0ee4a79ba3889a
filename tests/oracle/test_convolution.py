from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from harness.oracle import Padding
from harness.oracle.convolution import convolve
from harness.records import Case, DataFormat, Signals

from .brute import (
    CASE,
    array_of,
    brute_convolution,
    cells,
    numbers,
    signals,
    tiny_axes,
    tiny_planes,
    tiny_volumes,
)


def assert_loops_agree(cases: Iterable[Case]) -> int:
    number = 0
    for case in cases:
        number += 1
        data = signals(case)
        values = convolve(case, Padding(case.padding), data)
        bias = None if data.bias is None else [int(value) for value in data.bias]
        shape, expected = brute_convolution(case, cells(data.inputs), cells(data.kernel), bias)
        assert values.shape == shape, case.id
        assert np.array_equal(values, array_of(shape, expected)), case.id
    return number


def test_loops_agree_on_every_tiny_axis() -> None:
    assert assert_loops_agree(tiny_axes()) == 9 * 5 * 4 * 3 * 2


def test_loops_agree_on_planes_unequal_in_everything() -> None:
    assert assert_loops_agree(tiny_planes()) > 1400


def test_loops_agree_on_volumes() -> None:
    assert assert_loops_agree(tiny_volumes()) == 96


def test_both_data_formats_hold_the_same_values() -> None:
    for case in tiny_planes():
        if case.data_format is DataFormat.CHANNELS_LAST:
            data = signals(case)
            first = replace(case, data_format=DataFormat.CHANNELS_FIRST)
            moved = replace_inputs(data, np.moveaxis(data.inputs, -1, 1))
            values = convolve(first, Padding(case.padding), moved)
            assert np.array_equal(np.moveaxis(values, 1, -1), convolve(case, Padding(case.padding), data)), (
                case.id
            )


def replace_inputs(data: Signals, inputs: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Signals:
    return Signals(inputs, data.kernel, data.bias)


def test_a_group_is_a_convolution_of_its_own_channels_and_filters() -> None:
    case = replace(CASE, channels=6, filters=4, groups=2, bias=False)
    data = signals(case)
    one = replace(case, channels=3, filters=2, groups=1)
    parts = [
        convolve(
            one,
            Padding.SAME,
            Signals(data.inputs[..., 3 * g : 3 * g + 3], data.kernel[..., 2 * g : 2 * g + 2], None),
        )
        for g in range(2)
    ]
    assert np.array_equal(convolve(case, Padding.SAME, data), np.concatenate(parts, axis=-1))


def test_values_are_float64_and_own_their_memory() -> None:
    for data_format in DataFormat:
        case = replace(CASE, data_format=data_format, dtype="float32")
        values = convolve(case, Padding.SAME, signals(case))
        assert values.dtype == np.float64
        assert values.flags.c_contiguous


def test_the_signals_are_left_as_they_were() -> None:
    data = signals(CASE)
    inputs, kernel = data.inputs.copy(), data.kernel.copy()
    convolve(CASE, Padding.SAME, data)
    assert np.array_equal(inputs, data.inputs)
    assert np.array_equal(kernel, data.kernel)


def test_sums_are_exact_up_to_the_53_bits_of_float64() -> None:
    case = replace(CASE, input=(4,), kernel=(4,), padding="valid", batch=1, channels=1, filters=1, bias=False)
    inputs = [2**24 - 1, 2**24 - 3, 2**23 + 1, 5]
    kernel = [2**26 - 1, -(2**26) + 5, 2**25 + 3, 7]
    data = Signals(
        np.array(inputs, dtype=np.float64).reshape(1, 4, 1),
        np.array(kernel, dtype=np.float64).reshape(4, 1, 1),
        None,
    )
    exact = sum(x * w for x, w in zip(inputs, kernel, strict=True))
    assert int(convolve(case, Padding.VALID, data)[0, 0, 0]) == exact


def test_narrow_dtypes_are_widened_before_the_sum() -> None:
    case = replace(CASE, channels=1, filters=1, batch=1, input=(3,), kernel=(3,), padding="valid", bias=False)
    data = Signals(np.full((1, 3, 1), 2047, np.float16), np.full((3, 1, 1), 2047, np.float16), None)
    assert convolve(case, Padding.VALID, data)[0, 0, 0] == 3 * 2047 * 2047


def test_an_empty_output_has_its_shape_and_no_values() -> None:
    case = replace(CASE, input=(2, 5), kernel=(3, 2), strides=(1, 1), dilation=(1, 1), padding="valid")
    assert convolve(case, Padding.VALID, signals(case)).shape == (2, 0, 4, 2)


def test_padding_holds_zero_and_not_the_bias() -> None:
    case = replace(CASE, input=(1,), kernel=(3,), channels=1, filters=1, batch=1)
    data = Signals(np.array([[[7.0]]]), np.array([100.0, 10.0, 1.0]).reshape(3, 1, 1), np.array([4.0]))
    assert convolve(case, Padding.SAME, data).tolist() == [[[74.0]]]


def test_numbers_tell_cells_apart() -> None:
    assert len(set(numbers((19,), 11).tolist())) > 8
