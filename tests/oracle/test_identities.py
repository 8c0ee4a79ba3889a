"""Identities that every convolution satisfies, whatever its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import Padding
from harness.oracle.convolution import convolve
from harness.records import Case, DataFormat, Signals

from .brute import CASE, array_of, brute_adjoint, cells, numbers

Values = npt.NDArray[np.float64]


@st.composite
def linear_cases(draw: st.DrawFn) -> Case:
    """Any case without a bias, of one to three axes."""
    ndim = draw(st.integers(1, 3))

    def lengths(most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(1, most)) for _ in range(ndim))

    groups = draw(st.integers(1, 2))
    return replace(
        CASE,
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
    """An input and a kernel."""
    kernel = (*case.kernel, case.channels // case.groups, case.filters)
    return numbers(case.input_shape, seed), numbers(kernel, seed + 1)


def conv(case: Case, inputs: Values, kernel: Values) -> Values:
    return convolve(case, Padding(case.padding), Signals(inputs, kernel, None))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(linear_cases())
def test_the_scattered_adjoint_gives_the_same_inner_product(case: Case) -> None:
    inputs, kernel = drawn(case)
    forward = conv(case, inputs, kernel)
    probe = numbers(forward.shape, 23)
    back = array_of(case.input_shape, brute_adjoint(case, cells(probe), cells(kernel)))
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
