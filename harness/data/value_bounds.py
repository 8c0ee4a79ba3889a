"""How large exact data may be: so that no sum of a case leaves the integers that its dtype holds exactly.

A sum that stays below the limit in magnitudes is exact whatever its order, and so are its partial sums.
`X`, `W` and `B` are the largest input, tap and bias, `P` the largest tap of a pointwise kernel.

forward   `terms * X * W * P + B`
gradient  of a loss `sum(output * cotangent)`, the cotangent within `MAX_COTANGENT`: the input's has
          `terms` products of the weights, the kernel's one product of the input for each output cell
          (in a transposed layer for each input cell), the bias's one cotangent for each output cell
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from harness.data.draws import MIN_WIDE_INTEGER
from harness.errors import HarnessError
from harness.records import DTYPE_TRAITS, Case, LayerKind, LayerSizes

MAX_COTANGENT: Final = 3

_HIGHEST_LIMIT: Final = 2**50
"""What sums stay below, also where more is exact, as in float64."""

_MAX_INPUT: Final = 127
_MAX_TAPS: Final = ((63,), (31, 31))
"""The largest taps of one kernel, and of two."""

_MAX_BIAS: Final = 1023
_MAX_SUMMAND: Final = 4095
"""The largest input of average pooling, which multiplies by nothing."""

_MAX_BESIDE_WIDE: Final = (2**11, 2**8)
"""In a float64 case one array is wide, which one varies; the largest value of another, and of two others."""

_MIN_INPUT: Final = 3
_MIN_TAP: Final = 2
"""With smaller ones too much would be equal to be told apart."""

_MAX_WIDE_BIAS: Final = 2**34
_MAX_WIDE_SUMMAND: Final = 2**40


@dataclass(frozen=True, slots=True)
class WeightSizes:
    """What the weights of a layer depend on; what must be refused is clipped to 1."""

    kind: LayerKind
    of_layer: LayerSizes
    dtype: str

    @property
    def kernel_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the kernels, in Keras's order."""
        return tuple(kernel.compute_shape(self.of_layer) for kernel in self.kind.traits.kernels)

    @property
    def fans_in(self) -> tuple[int, ...]:
        """How many terms the sum of an output cell has, of each kernel; of pooling the cells of a window."""
        fans = tuple(kernel.count_fan_in(self.of_layer) for kernel in self.kind.traits.kernels)
        return fans or (math.prod(self.of_layer.kernel),)

    @property
    def fans_out(self) -> tuple[int, ...]:
        """How many terms the sum of an input cell's gradient has, of each kernel; of pooling the same."""
        fans = tuple(kernel.count_fan_out(self.of_layer) for kernel in self.kind.traits.kernels)
        return fans or (math.prod(self.of_layer.kernel),)


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """The largest magnitudes: of the input, the taps of each kernel and the bias.

    `gain` is what an input cell is multiplied by, at most, in each summand of a kernel's gradient.
    """

    inputs: int
    kernels: tuple[int, ...]
    bias: int
    gain: int = 1


def compute_layer_sizes(case: Case) -> WeightSizes:
    """The sizes of a case's layer."""
    of_layer = LayerSizes(
        tuple([max(length, 1) for length in case.kernel]),
        max(case.channels, 1),
        max(case.filters, 1),
        max(case.groups, 1),
        max(case.multiplier, 1),
    )
    return WeightSizes(case.kind, of_layer, case.dtype)


@lru_cache(maxsize=4096)
def compute_value_bounds(sizes: WeightSizes, *, wide: int, has_gradient: bool) -> ValueBounds:
    """The largest data of a layer; `wide` is the array that is wide in float64, the input being 0.

    Raises:
        HarnessError: the dtype is too narrow for exact sums over this many terms.
    """
    limit = _limit(sizes.dtype)
    is_double = sizes.dtype == "float64"
    num_kernels = len(sizes.kind.traits.kernels)
    forward, backward = math.prod(sizes.fans_in), math.prod(sizes.fans_out)
    if num_kernels == 0:
        most = _MAX_WIDE_SUMMAND if is_double else _MAX_SUMMAND
        room = (limit - 1) // forward
        _check_exactness(room, _MIN_INPUT, forward, sizes.dtype)
        return ValueBounds(min(most, room), (), 0)
    if is_double:
        values = [_MAX_BESIDE_WIDE[num_kernels - 1]] * (1 + num_kernels)
        values[wide % len(values)] = MIN_WIDE_INTEGER
        bias = _MAX_WIDE_BIAS
    else:
        values = [_MAX_INPUT, *_MAX_TAPS[num_kernels - 1]]
        bias = min(_MAX_BIAS, limit // 8 - 1)
    _shrink_to_product(values, (limit - 1 - bias) // forward, range(len(values)))
    if has_gradient:
        _shrink_to_product(values, (limit - 1) // (MAX_COTANGENT * backward), range(1, len(values)))
    inputs, *kernels = values
    _check_exactness(inputs, _MIN_INPUT, forward, sizes.dtype)
    _check_exactness(min(kernels), _MIN_TAP, max(forward, backward), sizes.dtype)
    return ValueBounds(inputs, tuple(kernels), bias, _compute_gain(sizes, kernels))


def _compute_gain(sizes: WeightSizes, kernels: Sequence[int]) -> int:
    """What an input cell is multiplied by, at most, on its way to the gradient of a kernel.

    That is what the other kernels make of it: those before it forward, those after it backward.
    """
    forward = [fan * most for fan, most in zip(sizes.fans_in, kernels, strict=True)]
    backward = [fan * most for fan, most in zip(sizes.fans_out, kernels, strict=True)]
    places = range(len(kernels))
    return max(math.prod(forward[:place]) * math.prod(backward[place + 1 :]) for place in places)


def compute_max_gradient_input(case: Case, most: ValueBounds) -> int:
    """The largest input with which the gradients of the weights are exact too.

    Raises:
        HarnessError: the dtype is too narrow for exact sums over this many cells.
    """
    room = (_limit(case.dtype) - 1) // MAX_COTANGENT
    inputs, outputs = _count_cells(case)
    if case.bias:
        _check_exactness(room // max(outputs, 1), 1, outputs, case.dtype)
    if case.kind.traits.is_pooling:
        return most.inputs
    summed = inputs if case.kind.traits.is_transposed else outputs
    largest = min(most.inputs, room // max(most.gain * summed, 1))
    _check_exactness(largest, _MIN_INPUT, summed, case.dtype)
    return largest


def check_dtype(dtype: str) -> None:
    """Refuse a dtype that there are no data of.

    Raises:
        HarnessError: the dtype is unknown.
    """
    if dtype not in DTYPE_TRAITS:
        raise HarnessError(f"no data for dtype {dtype}; use {', '.join(DTYPE_TRAITS)}")


def _limit(dtype: str) -> int:
    """What the sums of a dtype stay below."""
    return min(DTYPE_TRAITS[dtype].exact_integers, _HIGHEST_LIMIT)


def _count_cells(case: Case) -> tuple[int, int]:
    """The cells of a channel of the input, and at most as many of the output, over the batch."""
    output = case.batch
    for axis, (length, kernel, stride, dilation) in enumerate(
        zip(case.input, case.kernel, case.strides, case.dilation, strict=True)
    ):
        step = max(stride, 1)
        reach = (max(kernel, 1) - 1) * max(dilation, 1) + 1
        if case.kind.traits.is_transposed:
            more = 0 if case.output_padding is None else max(case.output_padding[axis], 0)
            output *= max(length - 1, 0) * step + max(reach, step) + more
        elif case.padding.lower() == "valid":
            output *= max((length - reach) // step + 1, 0)
        else:
            output *= -(-length // step)
    return case.batch * math.prod(case.input), output


def _shrink_to_product(values: list[int], most: int, places: range) -> None:
    """Make the array of the most values smaller, until the product over the places is within `most`.

    A kernel is signed, and so has twice the values of an input as large.
    """
    while math.prod(values[place] for place in places) > most:
        place = max(places, key=lambda place: values[place] * (2 if place else 1))
        values[place] -= max(values[place] // 16, 1)


def _check_exactness(value: int, least: int, terms: int, dtype: str) -> None:
    if value < least:
        raise HarnessError(f"{terms} terms are too many for exact sums in {dtype}; use a wider dtype")
