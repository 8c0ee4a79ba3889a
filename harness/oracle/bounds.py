"""How far a right answer may deviate from the formula, cell by cell, where arithmetic rounds.

With `B` the sum of the magnitudes of all terms of a cell, in float64, and `K` the number of roundings that
may accumulate in one of them, `|observed - expected| <= K * B * 2**-(1+p)` for `p` fraction bits; where `B`
is 0 the result is exactly 0. Source: the rule of the TOSA reference model's verifier. Where products fall
below the normal numbers of a dtype, each rounding may also lose half of its smallest number (IEEE 754).

Sums of exact data need no bound: they are integers, equal in any order of summation. The mean of a window
need not be an integer; the maximum of a window is one of its cells, whatever they hold.

The mean of infinities and NaN follows from IEEE 754 in any order of summation. Neither Keras nor its backends
document a maximum with NaN: its bound is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.oracle.gradients import compute_gradients
from harness.oracle.plan import Computation
from harness.oracle.values import compute_values, compute_values_of_cell
from harness.records import DTYPE_TRAITS, Array, Case, CaseData, DataKind, ExpectedArray, Values


def compute_output_bound(case: Case, computation: Computation, case_data: CaseData) -> Values | None:
    """Return the bound on each output cell, or None where the values are exact integers."""
    if _is_exact(case, computation):
        return None
    return _bound_output(case, computation, compute_values(case, computation, _compute_magnitudes(case_data)))


def compute_output_bound_of_cell(
    case: Case, computations: Sequence[Computation], cell: tuple[int, ...], case_data: CaseData
) -> Values | None:
    """Return the bound on one output cell for each of several computations, as `compute_values_of_cell`."""
    if _is_exact(case, computations[0]):
        return None
    return _bound_output(
        case,
        computations[0],
        compute_values_of_cell(case, computations, cell, _compute_magnitudes(case_data)),
    )


def _bound_output(case: Case, computation: Computation, magnitudes: Values) -> Values:
    if computation.kind.traits.reduction.selects_cell:
        return np.where(np.isnan(magnitudes), np.inf, 0.0)
    return _compute_bound(case, magnitudes, _count_output_roundings(case))


def add_gradient_bounds(
    case: Case, computation: Computation, case_data: CaseData, weight: Values, gradients: tuple[Values, ...]
) -> tuple[ExpectedArray, ...]:
    """Pair gradients with their bounds; `weight` is the weight of each output cell in the loss."""
    if _is_exact(case, computation) or computation.kind.traits.reduction.selects_cell:
        return tuple(map(ExpectedArray, gradients))
    magnitudes = compute_gradients(case, computation, _compute_magnitudes(case_data), np.abs(weight))
    roundings = _count_gradient_roundings(case, computation)
    return tuple(
        ExpectedArray(values, _compute_bound(case, sizes, number))
        for values, sizes, number in zip(gradients, magnitudes, roundings, strict=True)
    )


def _is_exact(case: Case, computation: Computation) -> bool:
    return case.data is DataKind.EXACT and not computation.kind.traits.reduction.divides


def _compute_bound(case: Case, magnitudes: Values, roundings: int) -> Values:
    """Compute `K * B * 2**-(1+p)`, and add the same for float64, in which the formula itself is computed.

    Half of the smallest number of float64 is 0 in float64.
    """
    dtype, formula_dtype = DTYPE_TRAITS[case.dtype], DTYPE_TRAITS["float64"]
    relative = roundings * (2.0 ** -(1 + dtype.fraction_bits) + 2.0 ** -(1 + formula_dtype.fraction_bits))
    magnitudes = np.where(np.isfinite(magnitudes), magnitudes, 0.0)
    return magnitudes * relative + (magnitudes > 0) * (roundings * (dtype.smallest / 2))


def _count_output_roundings(case: Case) -> int:
    """Count the roundings of an output cell: a product and a sum per term, and a sum for the bias.

    A mean also rounds its reciprocal. A layer with several kernels, one after the other, has the terms of
    each.
    """
    if case.kind.traits.is_pooling:
        return _count_roundings_of_mean(case)
    return sum(_list_fans_in(case)) + int(case.bias)


def _count_gradient_roundings(case: Case, computation: Computation) -> tuple[int, ...]:
    """Count the roundings of the gradients of the input and of each weight.

    Each term of a kernel's gradient has come forward through the kernels before it and back through those
    after it.
    """
    if case.kind.traits.is_pooling:
        return (_count_roundings_of_mean(case),)
    fans_in, fans_out = _list_fans_in(case), _list_fans_out(case)
    cells = case.batch * math.prod(computation.out)
    kernels = (cells + sum(fans_in[:place]) + sum(fans_out[place + 1 :]) for place in range(len(fans_in)))
    return (sum(fans_out), *kernels, *((cells,) if case.bias else ()))


def _count_roundings_of_mean(case: Case) -> int:
    return math.prod(case.kernel) + 2


def _list_fans_in(case: Case) -> tuple[int, ...]:
    """Return, for each kernel, the number of terms in the sum of an output cell."""
    return tuple(kernel.count_fan_in(case.sizes) for kernel in case.kind.traits.kernels)


def _list_fans_out(case: Case) -> tuple[int, ...]:
    """Return, for each kernel, the number of terms in the sum of an input cell's gradient."""
    return tuple(kernel.count_fan_out(case.sizes) for kernel in case.kind.traits.kernels)


def _compute_magnitudes(case_data: CaseData) -> CaseData:
    def compute_absolute(array: Array | None) -> Array | None:
        return None if array is None else np.abs(array.astype(np.float64))

    return replace(
        case_data,
        inputs=np.abs(case_data.inputs.astype(np.float64)),
        kernel=compute_absolute(case_data.kernel),
        bias=compute_absolute(case_data.bias),
        pointwise=compute_absolute(case_data.pointwise),
    )
