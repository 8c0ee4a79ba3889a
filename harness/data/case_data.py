"""The inputs and weights of a case.

**Exact data** are small integers, so that every sum is exact and `==` decides. They see what a
comparison of shapes cannot: cells are positive (padding by anything but zero shows), taps are signed and
differ (flips, shifts and swapped axes show), filters, biases, channels and batch entries differ
(permutations show). What is pooled by its maximum is negative (a zero taken into a maximum shows)
and has no ties. One array of a float64 case is wider than float32 holds.

**Real data** have full significands, both signs and several binades, so that a computation in fewer
bits shows.

**Ties and nonfinite data** are for pooling, whose answer is one of its cells or their mean. Of few values,
zeros of both signs among them, most windows have several cells that are the largest. Nonfinite data
differ by channel and batch entry: windows of nothing but -inf, infinities of both signs, NaN among numbers,
all of them. Which of several largest cells a gradient goes to is documented nowhere: there are none of
gradients.

Equal layers get equal weights, whatever the length, batch and format of their input, so that a worker may
keep the layer; an operation gets the data of the layer of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

from harness.data import draws
from harness.data.value_bounds import (
    Amplitudes,
    Sizes,
    amplitudes,
    check_dtype,
    input_for_gradient,
    sizes_of,
)
from harness.errors import HarnessError
from harness.records import Array, Case, Data, Reduction, Signals

SIGNALS_VERSION: Final = 2

_INPUTS: Final = f"{SIGNALS_VERSION} inputs"
"""The key of what is drawn for an input."""

_REAL_INPUT: Final = 2
_REAL_TAP: Final = 0
_REAL_BIAS: Final = 4
"""The powers of 2 that real data stay below; sums of a thousand products fit into float16."""


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """The weights of a layer, with a bias even where it has none, and how large exact data are."""

    kernel: Array | None
    pointwise: Array | None
    bias: Array | None
    most: Amplitudes


_NO_WEIGHTS: Final = _Weights(None, None, None, Amplitudes(0, (), 0))


def signals_of(case: Case) -> Signals:
    """The inputs and weights of a case, the same on every machine; the arrays cannot be written.

    The weights have the shapes that the layer ought to build; where the case must be refused and so has
    no such shapes, they are made of its parameters clipped to 1.

    Raises:
        HarnessError: the dtype is unknown, or too narrow for exact sums over this many terms.
    """
    try:
        check_dtype(case.dtype)
        match case.data:
            case Data.REAL:
                weights = _real_weights(sizes_of(case))
                inputs = _real_inputs(case)
            case Data.EXACT:
                weights = _exact_weights(sizes_of(case), has_gradient=case.mode.traits.differentiates)
                inputs = _exact_inputs(case, weights.most)
            case Data.TIES:
                _require_pooling(case)
                weights = _NO_WEIGHTS
                inputs = draws.tied(_INPUTS, case.input_shape, case.dtype)
            case Data.NONFINITE:
                _require_pooling(case)
                weights = _NO_WEIGHTS
                inputs = draws.nonfinite(*_apart(case), case.dtype)
            case _:
                assert_never(case.data)
    except HarnessError as error:
        raise HarnessError(f"{case.id}: {error}") from error
    return Signals(inputs, weights.kernel, weights.bias if case.bias else None, weights.pointwise)


def has_data(case: Case) -> bool:
    """Whether there are data for the case; exact ones need a dtype wide enough for its sums.

    Raises:
        HarnessError: the dtype is unknown.
    """
    check_dtype(case.dtype)
    if case.data is Data.REAL:
        return True
    try:
        if case.data.is_of_pooling:
            _require_pooling(case)
            return True
        most = amplitudes(sizes_of(case), wide=0, has_gradient=case.mode.traits.differentiates)
        if case.mode.traits.differentiates:
            input_for_gradient(case, most)
    except HarnessError:
        return False
    return True


def _require_pooling(case: Case) -> None:
    if not case.kind.traits.is_pooling or case.mode.traits.differentiates:
        raise HarnessError(f"data {case.data} are for pooling, and not for gradients; use exact or real data")


def _exact_inputs(case: Case, most: Amplitudes) -> Array:
    if case.kind.traits.reduction is Reduction.MAXIMUM:
        return draws.distinct(*_apart(case), case.dtype)
    largest = input_for_gradient(case, most) if case.mode.traits.differentiates else most.inputs
    return draws.positive(_INPUTS, case.input_shape, largest, case.dtype)


def _real_inputs(case: Case) -> Array:
    if case.kind.traits.reduction is Reduction.MAXIMUM:
        return draws.real_distinct(*_apart(case), case.dtype)
    return draws.real(_INPUTS, case.input_shape, _REAL_INPUT, case.dtype)


def _apart(case: Case) -> tuple[str, tuple[int, ...], int]:
    """What draws input cells that differ within each channel of each batch entry."""
    return _INPUTS, case.input_shape, case.channel_axis


@lru_cache(maxsize=4096)
def _exact_weights(sizes: Sizes, *, has_gradient: bool) -> _Weights:
    key = _key(sizes)
    most = amplitudes(sizes, wide=draws.word(key), has_gradient=has_gradient)
    kernel, pointwise = _kernel_shapes(sizes)
    return _Weights(
        None if kernel is None else draws.signed(f"kernel {key}", kernel, most.kernels[0], sizes.dtype),
        None if pointwise is None else draws.signed(f"point {key}", pointwise, most.kernels[1], sizes.dtype),
        None
        if kernel is None
        else draws.positive(f"bias {key}", (sizes.of_layer.filters,), most.bias, sizes.dtype),
        most,
    )


@lru_cache(maxsize=4096)
def _real_weights(sizes: Sizes) -> _Weights:
    key = f"real {_key(sizes)}"
    kernel, pointwise = _kernel_shapes(sizes)
    return _Weights(
        None if kernel is None else draws.real(f"kernel {key}", kernel, _REAL_TAP, sizes.dtype),
        None if pointwise is None else draws.real(f"point {key}", pointwise, _REAL_TAP, sizes.dtype),
        None
        if kernel is None
        else draws.real(f"bias {key}", (sizes.of_layer.filters,), _REAL_BIAS, sizes.dtype),
        Amplitudes(0, (), 0),
    )


def _key(sizes: Sizes) -> str:
    layer = sizes.of_layer
    numbers = (*layer.kernel, layer.channels, layer.filters, layer.groups, layer.multiplier)
    return f"{SIGNALS_VERSION} {sizes.kind} {numbers} {sizes.dtype}"


def _kernel_shapes(sizes: Sizes) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """The shapes of the kernel and of the pointwise kernel, as `Signals` has them."""
    kernel, pointwise, *_ = (*sizes.kernel_shapes, None, None)
    return kernel, pointwise
