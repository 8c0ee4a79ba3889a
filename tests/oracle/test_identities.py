"""Identities that every convolution satisfies, whatever its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import Padding
from harness.oracle.values import evaluate
from harness.records import Case, CaseData, DataFormat, LayerKind
from tests.oracle.brute import brute_gradients
from tests.oracle.cases import CASE, LAYERS, Values, array_of, cell_data, cells, numbers


@st.composite
def linear_cases(draw: st.DrawFn) -> Case:
    """Draw any case without a bias, of one to three axes."""
    ndim = draw(st.integers(1, 3))

    def lengths(most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(1, most)) for _ in range(ndim))

    groups = draw(st.integers(1, 2))
    return replace(
        CASE,
        layer=LAYERS[LayerKind.CONVOLUTION, ndim],
        input=lengths(6),
        kernel=lengths(3),
        strides=lengths(3),
        dilation=lengths(2),
        padding=draw(st.sampled_from(["same", "valid"])),
        data_format=draw(st.sampled_from(DataFormat)),
        batch=draw(st.integers(1, 2)),
        channels=groups * draw(st.integers(1, 2)),
        filters=groups * draw(st.integers(1, 2)),
        groups=groups,
        bias=False,
    )


def drawn(case: Case, seed: int = 5) -> tuple[Values, Values]:
    """Draw an input and a kernel."""
    kernel = (*case.kernel, case.channels // case.groups, case.filters)
    return numbers(case.input_shape, seed), numbers(kernel, seed + 1)


def conv(case: Case, inputs: Values, kernel: Values) -> Values:
    return evaluate(case, Padding(case.padding), CaseData(inputs, kernel, None))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(linear_cases())
def test_the_scattered_adjoint_gives_the_same_inner_product(case: Case) -> None:
    inputs, kernel = drawn(case)
    forward = conv(case, inputs, kernel)
    probe = numbers(forward.shape, 23)
    scattered = brute_gradients(case, cell_data(CaseData(inputs, kernel)), cells(probe))[0]
    back = array_of(case.input_shape, scattered)
    assert np.sum(forward * probe) == np.sum(inputs * back)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(linear_cases(), st.integers(-5, 5), st.integers(-5, 5))
def test_convolution_is_linear_in_the_input(case: Case, a: int, b: int) -> None:
    (inputs, kernel), (others, _) = drawn(case), drawn(case, 17)
    mixed = conv(case, a * inputs + b * others, kernel)
    assert np.array_equal(mixed, a * conv(case, inputs, kernel) + b * conv(case, others, kernel))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(linear_cases(), st.integers(-5, 5), st.integers(-5, 5))
def test_convolution_is_linear_in_the_kernel(case: Case, a: int, b: int) -> None:
    (inputs, kernel), (_, taps) = drawn(case), drawn(case, 17)
    mixed = conv(case, inputs, a * kernel + b * taps)
    assert np.array_equal(mixed, a * conv(case, inputs, kernel) + b * conv(case, inputs, taps))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(linear_cases())
def test_dropping_a_stride_of_input_drops_the_first_valid_window(case: Case) -> None:
    case = replace(case, padding="valid", data_format=DataFormat.CHANNELS_LAST)
    inputs, kernel = drawn(case)
    shorter = replace(case, input=(max(case.input[0] - case.strides[0], 0), *case.input[1:]))
    moved = conv(shorter, inputs[:, case.strides[0] :], kernel)
    assert np.array_equal(moved, conv(case, inputs, kernel)[:, 1:])


@settings(derandomize=True, deadline=None, max_examples=100)
@given(linear_cases())
def test_same_is_valid_on_the_padded_input(case: Case) -> None:
    case = replace(case, padding="same", data_format=DataFormat.CHANNELS_LAST)
    inputs, kernel = drawn(case)
    pads, lengths = [(0, 0)], []
    for n, k, s, d in zip(case.input, case.kernel, case.strides, case.dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads.append((total // 2, (total + 1) // 2))
        lengths.append(n + total)
    padded = np.pad(inputs, [*pads, (0, 0)])
    valid = replace(case, padding="valid", input=tuple(lengths))
    assert np.array_equal(conv(valid, padded, kernel), conv(case, inputs, kernel))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(linear_cases())
def test_swapping_the_axes_of_everything_swaps_the_axes_of_the_output(case: Case) -> None:
    case = replace(case, data_format=DataFormat.CHANNELS_LAST)
    inputs, kernel = drawn(case)
    turned = replace(
        case,
        input=case.input[::-1],
        kernel=case.kernel[::-1],
        strides=case.strides[::-1],
        dilation=case.dilation[::-1],
    )
    axes = tuple(range(case.ndim))[::-1]
    spatial = (0, *(1 + axis for axis in axes), case.ndim + 1)
    swapped = conv(turned, inputs.transpose(spatial), kernel.transpose(*axes, case.ndim, case.ndim + 1))
    assert np.array_equal(swapped, conv(case, inputs, kernel).transpose(spatial))


@st.composite
def transposed_cases(draw: st.DrawFn, *, has_output_padding: bool) -> Case:
    """Draw a transposed case without a bias whose output a convolution can have as its input."""
    ndim = draw(st.integers(1, 3))
    most = (6, 4, 3)[ndim - 1]

    def lengths(most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(1, most)) for _ in range(ndim))

    kernel, strides, dilation = lengths(4), lengths(3), lengths(2)
    padding = draw(st.sampled_from(["same", "valid"]))
    given = None
    if has_output_padding:
        # With an even kernel, `same` with output padding 0 is shorter than any input of the convolution.
        least = [
            int(padding == "same" and ((k - 1) * d + 1) % 2 == 0)
            for k, d in zip(kernel, dilation, strict=True)
        ]
        strides = tuple(max(s, low + 1) for s, low in zip(strides, least, strict=True))
        given = tuple(draw(st.integers(low, s - 1)) for s, low in zip(strides, least, strict=True))
    return replace(
        CASE,
        layer=LAYERS[LayerKind.TRANSPOSE, ndim],
        input=lengths(most),
        kernel=kernel,
        strides=strides,
        dilation=dilation,
        padding=padding,
        output_padding=given,
        data_format=draw(st.sampled_from(DataFormat)),
        batch=draw(st.integers(1, 2)),
        channels=draw(st.integers(1, 3)),
        filters=draw(st.integers(1, 3)),
        bias=False,
    )


@pytest.mark.parametrize("has_output_padding", [False, True])
@settings(derandomize=True, deadline=None, max_examples=150)
@given(data=st.data())
def test_a_transposed_layer_is_the_adjoint_of_the_convolution_with_its_kernel(
    *, has_output_padding: bool, data: st.DataObject
) -> None:
    case = data.draw(transposed_cases(has_output_padding=has_output_padding))
    back = numbers(case.input_shape, 5)
    kernel = numbers((*case.kernel, case.filters, case.channels), 6)
    scattered = conv(case, back, kernel)
    lengths = scattered.shape[1:-1] if case.data_format is DataFormat.CHANNELS_LAST else scattered.shape[2:]
    forward = replace(
        case,
        layer=LAYERS[LayerKind.CONVOLUTION, case.ndim],
        input=lengths,
        output_padding=None,
        channels=case.filters,
        filters=case.channels,
    )
    inputs = numbers(forward.input_shape, 8)
    outputs = conv(forward, inputs, kernel)
    assert outputs.shape == back.shape
    assert np.sum(outputs * back) == np.sum(inputs * scattered)
