"""The values of every layer of the family, by definition, under a rule.

`y[b, o, f] = bias[f] + sum over t, c of x[b, reads[o, t], c] * w[t, c, f]`, where a missing cell is zero: a
cross-correlation, the kernel is not flipped (Keras `Conv2D`; TensorFlow `tf.nn.convolution`). A transposed
layer has the same form with another table (the gradient of a convolution with respect to its input; Keras
`Conv2DTranspose`). Groups are consecutive blocks of channels and of filters; output channel `c*m + j` of a
depthwise layer belongs to input channel `c`; a separable layer is a depthwise one followed by a pointwise
one. Max pooling takes the largest input cell of a window, average pooling the mean of its input cells. Both
are NaN where a cell of the window is.

Sums of integers far below 2**53 are exact in float64 in any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import numpy as np

from harness.oracle.channel_layout import (
    add_bias,
    is_channels_last,
    orient_kernel,
    round_values,
    select_batch_entries,
    select_group_channels,
    select_group_filters,
)
from harness.oracle.geometry import AxisGeometry
from harness.oracle.index_tables import IndexTable, build_index_table, build_rows_of_cell, gather_cells
from harness.oracle.plan import Computation, plan_computation
from harness.oracle.rules import (
    KERAS,
    Bias,
    ChannelAxis,
    Divisor,
    Fill,
    Maximum,
    Multiplier,
    Padding,
    Pointwise,
    Rule,
)
from harness.records import Array, Case, CaseData, LayerKind, Values


def evaluate(case: Case, padding: Padding, case_data: CaseData, rule: Rule = KERAS) -> Values:
    """Compute the output array of the case, in its data format.

    Args:
        case: any layer, any number of spatial axes.
        padding: the padding that the case names.
        case_data: the data of the case, shaped as `CaseData` states.
        rule: the rule to compute under; Keras's by default.

    Returns:
        float64 of `case.arrange_shape(batch, lengths, filters)`; empty where no window fits.
    """
    return compute_values(case, plan_computation(case, padding, rule), case_data)


def compute_values(case: Case, computation: Computation, case_data: CaseData) -> Values:
    """Compute the output array of the case, in its data format, by a computation."""
    rule = computation.rule
    inputs = round_values(case_data.inputs.astype(np.float64), rule.inputs)
    cells = flatten_input(case, select_batch_entries(inputs, rule), rule)
    output = _combine_cells(
        case, computation, cells, build_index_table(computation.axes, rule.fill), case_data
    )
    output = output.reshape(case.batch, *computation.out, case.filters)
    return convert_to_data_format(case, _add_bias_and_round(case, rule, output, case_data), rule)


def is_local(computation: Computation) -> bool:
    """Return whether an output cell depends only on what it reads, as `compute_values_of_cell` requires."""
    rule = computation.rule
    return (
        rule.pointwise is not Pointwise.STRIDES
        and rule.format is ChannelAxis.AS_NAMED
        and rule.bias not in {Bias.ALONG_LAST_AXIS, Bias.ALONG_FIRST_FITTING_AXIS}
        and rule.divisor in {Divisor.REAL_CELLS, Divisor.WINDOW, Divisor.ONE}
    )


def compute_values_of_cell(
    case: Case, computations: Sequence[Computation], cell: tuple[int, ...], case_data: CaseData
) -> Values:
    """Compute one output cell by each of several computations, as `compute_values` would.

    Args:
        case: any layer.
        computations: equal but for their axes; `is_local` holds for each.
        cell: the index of the cell along each spatial axis, within the output of every computation.
        case_data: the data of the case.

    Returns:
        float64 of `(batch, computations, filters)`.
    """
    rule = computations[0].rule
    inputs = round_values(case_data.inputs.astype(np.float64), rule.inputs)
    cells = flatten_input(case, select_batch_entries(inputs, rule), rule)
    reads = build_rows_of_cell([computation.axes for computation in computations], rule.fill, cell)
    return _add_bias_and_round(
        case, rule, _combine_cells(case, computations[0], cells, reads, case_data), case_data
    )


def _add_bias_and_round(case: Case, rule: Rule, output: Values, case_data: CaseData) -> Values:
    """Add the bias to sums of `(batch, ..., filters)`, and round."""
    bias = None if case_data.bias is None else case_data.bias.astype(np.float64)
    if bias is not None and rule.rounds_bias:
        bias = round_values(bias, rule.precision)
        return round_values(add_bias(case, output, bias, rule), rule.precision)
    return add_bias(case, round_values(output, rule.precision), bias, rule)


def flatten_input(case: Case, inputs: Values, rule: Rule = KERAS) -> Values:
    """Reshape the input to `(batch, prod input, channels)`."""
    if not is_channels_last(case, rule):
        inputs = np.moveaxis(inputs, 1, -1)
    return inputs.reshape(case.batch, math.prod(inputs.shape[1:-1]), case.channels)


def convert_to_data_format(case: Case, values: Values, rule: Rule = KERAS) -> Values:
    """Convert values with channels last to the case's data format."""
    if is_channels_last(case, rule):
        return values
    return np.ascontiguousarray(np.moveaxis(values, -1, 1))


def flatten_kernel(case: Case, kernel: Array, rule: Rule = KERAS) -> Values:
    """Orient a kernel and flatten its spatial axes: `(prod kernel, ., .)`."""
    taps = orient_kernel(kernel.astype(np.float64), case.ndim, rule)
    return taps.reshape(math.prod(case.kernel), *kernel.shape[case.ndim :])


def _combine_cells(
    case: Case, computation: Computation, cells: Values, reads: IndexTable, case_data: CaseData
) -> Values:
    """Combine the cells read, one row of `reads` per output cell: `(batch, rows, filters)`, without bias."""
    rule = computation.rule
    match computation.kind:
        case LayerKind.MAX_POOLING:
            beyond = -np.inf if rule.maximum is Maximum.NOTHING else 0.0
            with np.errstate(invalid="ignore"):
                largest: Values = gather_cells(cells, reads, beyond).max(axis=2, initial=-np.inf)
            return largest
        case LayerKind.AVERAGE_POOLING:
            beyond = 1.0 if rule.fill is Fill.ONE else 0.0
            with np.errstate(invalid="ignore"):
                return np.asarray(
                    gather_cells(cells, reads, beyond).sum(axis=2)
                    / compute_divisors(case, computation, reads)
                )
        case LayerKind.CONVOLUTION | LayerKind.TRANSPOSE | LayerKind.DEPTHWISE | LayerKind.SEPARABLE:
            pass
        case _:
            assert_never(computation.kind)
    assert case_data.kernel is not None
    taps = flatten_kernel(case, case_data.kernel, rule)
    read = gather_cells(cells, reads, 1.0 if rule.fill is Fill.ONE else 0.0)
    match computation.kind:
        case LayerKind.CONVOLUTION:
            return _convolve_groups(read, taps, case.groups, rule)
        case LayerKind.TRANSPOSE:
            return _sum_products(read, taps.swapaxes(1, 2))
        case LayerKind.DEPTHWISE:
            return _convolve_depthwise(read, taps, rule)
        case LayerKind.SEPARABLE:
            assert case_data.pointwise is not None
            return _convolve_pointwise(
                case, computation, _convolve_depthwise(read, taps, rule), case_data.pointwise
            )
        case _:
            assert_never(computation.kind)


def _sum_products(read: Values, taps: Values) -> Values:
    """Multiply `(batch, out, taps, channels)` by `(taps, channels, filters)`, summing taps and channels."""
    batch, out, num_taps, channels = read.shape
    flat = read.reshape(batch * out, num_taps * channels) @ taps.reshape(num_taps * channels, taps.shape[-1])
    return flat.reshape(batch, out, taps.shape[-1])


def _convolve_groups(read: Values, taps: Values, groups: int, rule: Rule) -> Values:
    """Convolve each group of channels with its group of filters."""
    if groups == 1:
        return _sum_products(read, taps)
    channels, filters = read.shape[-1] // groups, taps.shape[-1] // groups
    output = np.empty((*read.shape[:2], groups * filters))
    for group in range(groups):
        inputs = read[..., select_group_channels(group, channels, groups, rule)]
        kernel = taps[..., group * filters : (group + 1) * filters]
        output[..., select_group_filters(group, filters, groups, rule)] = _sum_products(inputs, kernel)
    return output


def _convolve_depthwise(read: Values, taps: Values, rule: Rule) -> Values:
    """Convolve each channel with its own filters: `taps` has shape `(taps, channels, multiplier)`."""
    output: Values = np.einsum("botc,tcj->bocj", read, taps)
    batch, out, channels, multiplier = output.shape
    match rule.multiplier:
        case Multiplier.CHANNEL_MAJOR:
            pass
        case Multiplier.MULTIPLIER_MAJOR:
            output = output.swapaxes(2, 3)
        case Multiplier.FIRST_FOR_ALL:
            output = np.repeat(output[..., :1], multiplier, axis=-1)
        case _:
            assert_never(rule.multiplier)
    return output.reshape(batch, out, channels * multiplier)


def _convolve_pointwise(case: Case, computation: Computation, depthwise: Values, kernel: Array) -> Values:
    """Compute the 1x1 convolution that follows a depthwise one."""
    weights: Values = kernel.astype(np.float64).reshape(kernel.shape[-2], kernel.shape[-1])
    match computation.rule.pointwise:
        case Pointwise.LAST:
            return depthwise @ weights
        case Pointwise.TRANSPOSED:
            return depthwise @ (weights if len(weights) != len(weights.T) else weights.T)
        case Pointwise.STRIDES:
            lengths = tuple(axis.out for axis in computation.axes)
            spatial: Values = depthwise.reshape(case.batch, *lengths, depthwise.shape[-1])
            for axis, step in enumerate(computation.steps, start=1):
                spatial = spatial.take(range(0, spatial.shape[axis], step), axis=axis)
            return spatial @ weights
        case _:
            assert_never(computation.rule.pointwise)


def compute_divisors(case: Case, computation: Computation, reads: IndexTable) -> Values:
    """Compute the divisor of each window's sum, one row of `reads` per window: `(rows, 1)`."""
    real = (reads >= 0).sum(axis=1)
    match computation.rule.divisor:
        case Divisor.REAL_CELLS:
            counts = real
        case Divisor.WINDOW:
            counts = np.full_like(real, math.prod(case.kernel))
        case Divisor.PADDED_CELLS_BEFORE:
            counts = _compute_outer_product([_count_cells_before_end(axis) for axis in computation.axes])
        case Divisor.FIRST_AXIS:
            along = (build_index_table(computation.axes[:1]) >= 0).sum(axis=1)
            counts = _compute_outer_product(
                [along, *(np.ones(axis.out, dtype=np.intp) for axis in computation.axes[1:])]
            )
        case Divisor.ONE:
            counts = np.ones_like(real)
        case _:
            assert_never(computation.rule.divisor)
    divided: Values = np.maximum(counts, 1).astype(np.float64)
    return divided[:, np.newaxis]


def _compute_outer_product(counts: Sequence[IndexTable]) -> IndexTable:
    """Compute the products of counts along each axis, in C order."""
    product: IndexTable = np.ones(1, dtype=np.intp)
    for along in counts:
        product = (product[:, np.newaxis] * along).ravel()
    return product


def _count_cells_before_end(axis: AxisGeometry) -> IndexTable:
    """Count the cells of each window before the end of the input, those of the padding before included."""
    starts = np.fromiter(axis.starts, dtype=np.intp, count=axis.out)
    cells: IndexTable = np.clip(axis.length - starts, 0, axis.kernel)
    return cells
