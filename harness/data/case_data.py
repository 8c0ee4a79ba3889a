"""The inputs and weights of a case.

**Exact data** are small integers, so that every sum is exact and `==` decides. They reveal what a comparison
of shapes cannot: inputs are positive (padding by anything but zero shows), taps are signed and differ (flips,
shifts and swapped axes show), filters, biases, channels and batch entries differ (permutations show). Inputs
of max pooling are negative (a zero included in a maximum shows) and have no ties. One array of a float64 case
holds integers that float32 cannot represent.

**Real data** have full significands, both signs and several binades, so that a computation in fewer bits
shows.

**Ties and nonfinite data** are for pooling, whose answer is a cell or the mean of cells. Ties are few values,
zeros of both signs among them, so that most windows have several maximal cells. Nonfinite data differ by
channel and batch entry: windows of nothing but -inf, infinities of both signs, NaN among numbers, all of
these. Neither is used for gradients, since it is documented nowhere to which of several maximal cells a
gradient goes.

Equal layers get equal weights, whatever the length, batch and format of their input, so that a worker can
keep the layer; an operation gets the data of the layer of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

from harness.data import draws
from harness.data.value_bounds import (
    ValueBounds,
    WeightSizes,
    check_dtype,
    compute_layer_sizes,
    compute_max_gradient_input,
    compute_value_bounds,
)
from harness.errors import HarnessError
from harness.records import Array, Case, CaseData, DataKind, Reduction

CASE_DATA_VERSION: Final = 2

_INPUTS: Final = f"{CASE_DATA_VERSION} inputs"
"""The key from which inputs are drawn."""

_REAL_INPUT: Final = 2
_REAL_TAP: Final = 0
_REAL_BIAS: Final = 4
"""The powers of 2 that bound real data; sums of a thousand products fit into float16."""


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """The weights of a layer, with a bias even where it has none, and the bounds of its exact data."""

    kernel: Array | None
    pointwise: Array | None
    bias: Array | None
    most: ValueBounds


_NO_WEIGHTS: Final = _Weights(None, None, None, ValueBounds(0, (), 0))


def make_case_data(case: Case) -> CaseData:
    """Make the inputs and weights of a case, the same on every machine; the arrays are read-only.

    The weights have the shapes that the layer must build. A case that must be refused has no such shapes; its
    weights are made from its parameters, raised to at least 1.

    Raises:
        HarnessError: the dtype is unknown, or too narrow for exact sums of this many terms.
    """
    try:
        check_dtype(case.dtype)
        match case.data:
            case DataKind.REAL:
                weights = _draw_real_weights(compute_layer_sizes(case))
                inputs = _draw_real_inputs(case)
            case DataKind.EXACT:
                weights = _draw_exact_weights(
                    compute_layer_sizes(case), has_gradient=case.mode.traits.differentiates
                )
                inputs = _draw_exact_inputs(case, weights.most)
            case DataKind.TIES:
                _check_pooling(case)
                weights = _NO_WEIGHTS
                inputs = draws.draw_tied(_INPUTS, case.input_shape, case.dtype)
            case DataKind.NONFINITE:
                _check_pooling(case)
                weights = _NO_WEIGHTS
                inputs = draws.draw_nonfinite(*_make_draw_arguments(case), case.dtype)
            case _:
                assert_never(case.data)
    except HarnessError as error:
        raise HarnessError(f"{case.id}: {error}") from error
    return CaseData(inputs, weights.kernel, weights.bias if case.bias else None, weights.pointwise)


def has_data(case: Case) -> bool:
    """Return whether the case has data; exact data need a dtype wide enough for its sums.

    Raises:
        HarnessError: the dtype is unknown.
    """
    check_dtype(case.dtype)
    if case.data is DataKind.REAL:
        return True
    try:
        if case.data.is_pooling_only:
            _check_pooling(case)
            return True
        most = compute_value_bounds(
            compute_layer_sizes(case), wide=0, has_gradient=case.mode.traits.differentiates
        )
        if case.mode.traits.differentiates:
            compute_max_gradient_input(case, most)
    except HarnessError:
        return False
    return True


def _check_pooling(case: Case) -> None:
    if not case.kind.traits.is_pooling or case.mode.traits.differentiates:
        raise HarnessError(f"data {case.data} are for pooling, and not for gradients; use exact or real data")


def _draw_exact_inputs(case: Case, most: ValueBounds) -> Array:
    match case.kind.traits.reduction:
        case Reduction.MAXIMUM:
            return draws.draw_distinct(*_make_draw_arguments(case), case.dtype)
        case Reduction.SUM | Reduction.MEAN:
            is_gradient = case.mode.traits.differentiates
            largest = compute_max_gradient_input(case, most) if is_gradient else most.inputs
            return draws.draw_positive(_INPUTS, case.input_shape, largest, case.dtype)
        case _:
            assert_never(case.kind.traits.reduction)


def _draw_real_inputs(case: Case) -> Array:
    match case.kind.traits.reduction:
        case Reduction.MAXIMUM:
            return draws.draw_real_distinct(*_make_draw_arguments(case), case.dtype)
        case Reduction.SUM | Reduction.MEAN:
            return draws.draw_real(_INPUTS, case.input_shape, _REAL_INPUT, case.dtype)
        case _:
            assert_never(case.kind.traits.reduction)


def _make_draw_arguments(case: Case) -> tuple[str, tuple[int, ...], int]:
    """Return the arguments that draw inputs which differ within each channel of each batch entry."""
    return _INPUTS, case.input_shape, case.channel_axis


@lru_cache(maxsize=4096)
def _draw_exact_weights(sizes: WeightSizes, *, has_gradient: bool) -> _Weights:
    key = _make_key(sizes)
    most = compute_value_bounds(sizes, wide=draws.draw_word(key), has_gradient=has_gradient)
    kernel, pointwise = _compute_kernel_shapes(sizes)
    return _Weights(
        None if kernel is None else draws.draw_signed(f"kernel {key}", kernel, most.kernels[0], sizes.dtype),
        None
        if pointwise is None
        else draws.draw_signed(f"point {key}", pointwise, most.kernels[1], sizes.dtype),
        None
        if kernel is None
        else draws.draw_positive(f"bias {key}", (sizes.of_layer.filters,), most.bias, sizes.dtype),
        most,
    )


@lru_cache(maxsize=4096)
def _draw_real_weights(sizes: WeightSizes) -> _Weights:
    key = f"real {_make_key(sizes)}"
    kernel, pointwise = _compute_kernel_shapes(sizes)
    return _Weights(
        None if kernel is None else draws.draw_real(f"kernel {key}", kernel, _REAL_TAP, sizes.dtype),
        None if pointwise is None else draws.draw_real(f"point {key}", pointwise, _REAL_TAP, sizes.dtype),
        None
        if kernel is None
        else draws.draw_real(f"bias {key}", (sizes.of_layer.filters,), _REAL_BIAS, sizes.dtype),
        ValueBounds(0, (), 0),
    )


def _make_key(sizes: WeightSizes) -> str:
    layer = sizes.of_layer
    numbers = (*layer.kernel, layer.channels, layer.filters, layer.groups, layer.multiplier)
    return f"{CASE_DATA_VERSION} {sizes.kind} {numbers} {sizes.dtype}"


def _compute_kernel_shapes(sizes: WeightSizes) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """Return the shapes of the kernel and of the pointwise kernel of `CaseData`."""
    kernel, pointwise, *_ = (*sizes.kernel_shapes, None, None)
    return kernel, pointwise
