"""How far from the formula a right answer may be, cell by cell, where arithmetic has to round.

With `B` the sum of the magnitudes of everything that is added up in a cell, in float64, and `K` how many
roundings may meet in one of them, `|observed - expected| <= K * B * 2**-(1+p)` for `p` fraction bits; where
`B` is 0 the result is exactly 0. Source: the rule of the TOSA reference model's verifier. Where products fall
below the normal numbers of a dtype, each rounding may also lose half of its smallest number (IEEE 754).

Sums of exact data need no bound: they are integers that every order of summation gives. The mean of a
window is no integer, and the largest cell of a window is one of its cells, whatever they hold.

The mean of infinities and NaN is what IEEE 754 makes of them in any order of summation. Of a maximum with NaN
nothing is documented, by Keras or by its backends: there the bound is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.oracle.gradients import compute_gradients
from harness.oracle.plan import Computation
from harness.oracle.values import compute_values, compute_values_of_cell
from harness.records import DTYPE_TRAITS, Array, Case, CaseData, DataKind, ExpectedArray, Reduction, Values


def compute_output_bound(case: Case, plan: Computation, signals: CaseData) -> Values | None:
    """The bound on the output; None where its values are exact integers."""
    if _is_exact(case, plan):
        return None
    return _bound_output(case, plan, compute_values(case, plan, _compute_magnitudes(signals)))


def compute_output_bound_of_cell(
    case: Case, plans: Sequence[Computation], cell: tuple[int, ...], signals: CaseData
) -> Values | None:
    """The same of one output cell after each of several plans, as in `compute_values_of_cell`."""
    if _is_exact(case, plans[0]):
        return None
    return _bound_output(
        case, plans[0], compute_values_of_cell(case, plans, cell, _compute_magnitudes(signals))
    )


def _bound_output(case: Case, plan: Computation, magnitudes: Values) -> Values:
    if plan.kind.traits.reduction is Reduction.MAXIMUM:
        return np.where(np.isnan(magnitudes), np.inf, 0.0)
    return _compute_bound(case, magnitudes, _count_output_roundings(case))


def add_gradient_bounds(
    case: Case, plan: Computation, signals: CaseData, weight: Values, gradients: tuple[Values, ...]
) -> tuple[ExpectedArray, ...]:
    """Gradients with their bounds; `weight` is that of each output cell in the loss."""
    if _is_exact(case, plan) or plan.kind.traits.reduction is Reduction.MAXIMUM:
        return tuple(map(ExpectedArray, gradients))
    magnitudes = compute_gradients(case, plan, _compute_magnitudes(signals), np.abs(weight))
    roundings = _count_gradient_roundings(case, plan)
    return tuple(
        ExpectedArray(values, _compute_bound(case, sizes, number))
        for values, sizes, number in zip(gradients, magnitudes, roundings, strict=True)
    )


def _is_exact(case: Case, plan: Computation) -> bool:
    return case.data is DataKind.EXACT and plan.kind.traits.reduction is not Reduction.MEAN


def _compute_bound(case: Case, magnitudes: Values, roundings: int) -> Values:
    """`K * B * 2**-(1+p)`, and the same again of float64, in which the formula itself was computed.

    Half of the smallest number of float64 is 0 in float64.
    """
    own, ours = DTYPE_TRAITS[case.dtype], DTYPE_TRAITS["float64"]
    relative = roundings * (2.0 ** -(1 + own.fraction_bits) + 2.0 ** -(1 + ours.fraction_bits))
    magnitudes = np.where(np.isfinite(magnitudes), magnitudes, 0.0)
    return magnitudes * relative + (magnitudes > 0) * (roundings * (own.smallest / 2))


def _count_output_roundings(case: Case) -> int:
    """A product and a sum for each term, a sum for the bias; a mean also rounds its reciprocal.

    Of a layer with several kernels, one after the other, the terms of each.
    """
    if case.kind.traits.is_pooling:
        return _count_roundings_of_mean(case)
    return sum(_list_fans_in(case)) + int(case.bias)


def _count_gradient_roundings(case: Case, plan: Computation) -> tuple[int, ...]:
    """The same for the gradients of the input and of each weight.

    What a kernel's gradient sums up in each output cell has come forward through the kernels before it and
    back through those after it.
    """
    if case.kind.traits.is_pooling:
        return (_count_roundings_of_mean(case),)
    fans_in, fans_out = _list_fans_in(case), _list_fans_out(case)
    cells = case.batch * math.prod(plan.out)
    kernels = (cells + sum(fans_in[:place]) + sum(fans_out[place + 1 :]) for place in range(len(fans_in)))
    return (sum(fans_out), *kernels, *((cells,) if case.bias else ()))


def _count_roundings_of_mean(case: Case) -> int:
    return math.prod(case.kernel) + 2


def _list_fans_in(case: Case) -> tuple[int, ...]:
    """How many terms the sum of an output cell of each kernel has."""
    return tuple(kernel.count_fan_in(case.sizes) for kernel in case.kind.traits.kernels)


def _list_fans_out(case: Case) -> tuple[int, ...]:
    """How many terms the sum of an input cell's gradient has, of each kernel."""
    return tuple(kernel.count_fan_out(case.sizes) for kernel in case.kind.traits.kernels)


def _compute_magnitudes(signals: CaseData) -> CaseData:
    def compute_absolute(array: Array | None) -> Array | None:
        return None if array is None else np.abs(array.astype(np.float64))

    return replace(
        signals,
        inputs=np.abs(signals.inputs.astype(np.float64)),
        kernel=compute_absolute(signals.kernel),
        bias=compute_absolute(signals.bias),
        pointwise=compute_absolute(signals.pointwise),
    )
