"""How large exact data may be, so that every sum of a case is an integer that its dtype represents exactly.

A sum whose magnitudes stay below the limit is exact in any order, and so are its partial sums. `X`, `W` and
`B` are the largest input, tap and bias, `P` the largest tap of a pointwise kernel.

* forward: `terms * X * W * P + B`
* gradients of the loss `sum(output * cotangent)`, the cotangent within `MAX_COTANGENT`: that of the input
  sums `terms` products of weights, that of a kernel one product with the input per output cell (in a
  transposed layer per input cell), that of the bias one cotangent per output cell
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
"""The limit on sums in dtypes that represent larger integers, as float64 does."""

_MAX_INPUT: Final = 127
_MAX_TAPS: Final = ((63,), (31, 31))
"""The largest taps of one kernel, and of two."""

_MAX_BIAS: Final = 1023
_MAX_SUMMAND: Final = 4095
"""The largest input of average pooling, which multiplies by nothing."""

_MAX_BESIDE_WIDE: Final = (2**11, 2**8)
"""The largest value beside the wide array of a float64 case: of one other array, and of two."""

_MIN_INPUT: Final = 3
_MIN_TAP: Final = 2
"""The smallest bounds with which values still differ enough."""

_MAX_WIDE_BIAS: Final = 2**34
_MAX_WIDE_SUMMAND: Final = 2**40


@dataclass(frozen=True, slots=True)
class WeightSizes:
    """What the weights of a layer depend on; sizes below 1 are raised to 1."""

    kind: LayerKind
    of_layer: LayerSizes
    dtype: str

    @property
    def kernel_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the kernels, in Keras's order."""
        return tuple(kernel.compute_shape(self.of_layer) for kernel in self.kind.traits.kernels)

    @property
    def fans_in(self) -> tuple[int, ...]:
        """The number of terms summed in an output cell, per kernel; for pooling, the cells of a window."""
        fans = tuple(kernel.count_fan_in(self.of_layer) for kernel in self.kind.traits.kernels)
        return fans or (math.prod(self.of_layer.kernel),)

    @property
    def fans_out(self) -> tuple[int, ...]:
        """The number of terms summed in an input cell's gradient, per kernel; for pooling, as `fans_in`."""
        fans = tuple(kernel.count_fan_out(self.of_layer) for kernel in self.kind.traits.kernels)
        return fans or (math.prod(self.of_layer.kernel),)


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """The largest magnitudes of the input, of each kernel's taps and of the bias.

    `gain` is the largest factor of an input cell in the summands of a kernel's gradient.
    """

    inputs: int
    kernels: tuple[int, ...]
    bias: int
    gain: int = 1


def compute_layer_sizes(case: Case) -> WeightSizes:
    """Return the sizes that a case's weights depend on."""
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
    """Compute the largest data of a layer.

    `wide`, modulo the number of arrays, is the one that is wide in float64; 0 is the input.

    Raises:
        HarnessError: the dtype is too narrow for exact sums of this many terms.
    """
    limit = _get_limit(sizes.dtype)
    is_double = sizes.dtype == "float64"
    num_kernels = len(sizes.kind.traits.kernels)
    forward, backward = math.prod(sizes.fans_in), math.prod(sizes.fans_out)
    if num_kernels == 0:
        most = _MAX_WIDE_SUMMAND if is_double else _MAX_SUMMAND
        most_exact = (limit - 1) // forward
        _check_exactness(most_exact, _MIN_INPUT, forward, sizes.dtype)
        return ValueBounds(min(most, most_exact), (), 0)
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
    """Compute the largest factor of an input cell on its way to the gradient of a kernel.

    It is the product of the other kernels: those before it forward, those after it backward.
    """
    forward = [fan * most for fan, most in zip(sizes.fans_in, kernels, strict=True)]
    backward = [fan * most for fan, most in zip(sizes.fans_out, kernels, strict=True)]
    places = range(len(kernels))
    return max(math.prod(forward[:place]) * math.prod(backward[place + 1 :]) for place in places)


def compute_max_gradient_input(case: Case, most: ValueBounds) -> int:
    """Compute the largest input with which the gradients of the weights are exact too.

    Raises:
        HarnessError: the dtype is too narrow for exact sums over this many cells.
    """
    most_sum = (_get_limit(case.dtype) - 1) // MAX_COTANGENT
    inputs, outputs = _count_cells(case)
    if case.bias:
        _check_exactness(most_sum // max(outputs, 1), 1, outputs, case.dtype)
    if case.kind.traits.is_pooling:
        return most.inputs
    summed = inputs if case.kind.traits.is_transposed else outputs
    largest = min(most.inputs, most_sum // max(most.gain * summed, 1))
    _check_exactness(largest, _MIN_INPUT, summed, case.dtype)
    return largest


def check_dtype(dtype: str) -> None:
    """Check that there are data for the dtype.

    Raises:
        HarnessError: the dtype is unknown.
    """
    if dtype not in DTYPE_TRAITS:
        raise HarnessError(f"no data for dtype {dtype}; use {', '.join(DTYPE_TRAITS)}")


def _get_limit(dtype: str) -> int:
    """Return the limit that sums in a dtype stay below."""
    return min(DTYPE_TRAITS[dtype].exact_integers, _HIGHEST_LIMIT)


def _count_cells(case: Case) -> tuple[int, int]:
    """Count the input cells of one channel over the batch, and bound the number of output cells."""
    output = case.batch
    for axis, (length, kernel, stride, dilation) in enumerate(
        zip(case.input, case.kernel, case.strides, case.dilation, strict=True)
    ):
        step = max(stride, 1)
        reach = (max(kernel, 1) - 1) * max(dilation, 1) + 1
        if case.kind.traits.is_transposed:
            extra = 0 if case.output_padding is None else max(case.output_padding[axis], 0)
            output *= max(length - 1, 0) * step + max(reach, step) + extra
        elif case.padding.lower() == "valid":
            output *= max((length - reach) // step + 1, 0)
        else:
            output *= -(-length // step)
    return case.batch * math.prod(case.input), output


def _shrink_to_product(values: list[int], most: int, places: range) -> None:
    """Shrink the array with the most values until the product over `places` is at most `most`.

    A kernel is signed, and so has twice as many values as an input of the same bound.
    """
    while math.prod(values[place] for place in places) > most:
        place = max(places, key=lambda place: values[place] * (2 if place else 1))
        values[place] -= max(values[place] // 16, 1)


def _check_exactness(value: int, least: int, terms: int, dtype: str) -> None:
    if value < least:
        raise HarnessError(f"{terms} terms are too many for exact sums in {dtype}; use a wider dtype")
