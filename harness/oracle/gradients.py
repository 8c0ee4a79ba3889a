"""Gradients of every layer, from the same tables as its values.

The loss is `sum(output * cotangent)` with a fixed cotangent, so that its gradient with respect to the input
is the adjoint of the layer applied to the cotangent. Linear layers are differentiated by definition; the
gradient of max pooling goes to the largest input cell of each window, which is unique because the data have
no ties. Of a wrong rule only geometry, orientation and groups affect the gradients.
"""

from __future__ import annotations

import math
from typing import assert_never

import numpy as np

from harness.oracle.channel_layout import orient_kernel, select_group_channels, select_group_filters
from harness.oracle.index_tables import IndexTable, build_index_table, gather_cells, scatter_cells
from harness.oracle.plan import Computation
from harness.oracle.rules import Rule
from harness.oracle.values import compute_divisors, convert_to_data_format, flatten_input, flatten_kernel
from harness.records import Case, CaseData, LayerKind, Values


def make_cotangent(shape: tuple[int, ...]) -> Values:
    """Compute the weight of each output cell in the loss from its index `i` in C order alone.

    With `h = (31*i*i + 17*i + 5) % 251 % 6` it is `h - 3` below 3 and `h - 2` otherwise: one of -3, -2, -1,
    1, 2, 3. `harness/worker/adapters` holds its twin, since the shape of the answer is never sent to a
    target.
    """
    place = np.arange(math.prod(shape), dtype=np.int64)
    drawn = (31 * place * place + 17 * place + 5) % 251 % 6
    return np.where(drawn < 3, drawn - 3, drawn - 2).astype(np.float64).reshape(shape)


def compute_gradients(
    case: Case, computation: Computation, case_data: CaseData, weight: Values
) -> tuple[Values, ...]:
    """Compute the gradients of the input, then of each weight in Keras's order.

    Args:
        case: any layer.
        computation: how it is computed.
        case_data: its data; the gradients have the shapes of the input and of the weights.
        weight: the cotangent: the loss is `sum(output * weight)`; of the output's shape, in the case's data
            format.
    """
    wanted = _spread_over_windows(case, computation, np.moveaxis(weight, case.channel_axis, -1))
    cells = flatten_input(case, case_data.inputs.astype(np.float64))
    reads = build_index_table(computation.axes)
    of_read, of_weights = _backpropagate(
        case, computation, gather_cells(cells, reads, 0.0), case_data, wanted
    )
    of_input = scatter_cells(of_read, reads, cells.shape[1])
    shape = (case.batch, *case.input, case.channels)
    gradients = [convert_to_data_format(case, of_input.reshape(shape)), *of_weights]
    if case_data.bias is not None:
        gradients.append(wanted.sum(axis=(0, 1)))
    return tuple(gradients)


def _spread_over_windows(case: Case, computation: Computation, wanted: Values) -> Values:
    """Spread the weights of the outputs taken over all computed windows: `(batch, prod windows, filters)`."""
    lengths = tuple(axis.out for axis in computation.axes)
    weights = np.zeros((case.batch, *lengths, case.filters))
    weights[(slice(None), *(slice(None, None, step) for step in computation.steps))] = wanted
    return weights.reshape(case.batch, math.prod(lengths), case.filters)


def _backpropagate(
    case: Case, computation: Computation, read: Values, case_data: CaseData, wanted: Values
) -> tuple[Values, tuple[Values, ...]]:
    """Return the gradients of the gathered cells, `(batch, out, taps, channels)`, and of the kernels."""
    match computation.kind:
        case LayerKind.MAX_POOLING:
            return _route_to_maximum(read, build_index_table(computation.axes), wanted), ()
        case LayerKind.AVERAGE_POOLING:
            share = (
                wanted
                / compute_divisors(
                    case, computation, build_index_table(computation.axes, computation.rule.fill)
                )
            )[:, :, np.newaxis, :]
            return np.broadcast_to(share, read.shape), ()
        case LayerKind.CONVOLUTION | LayerKind.TRANSPOSE | LayerKind.DEPTHWISE | LayerKind.SEPARABLE:
            pass
        case _:
            assert_never(computation.kind)
    assert case_data.kernel is not None
    taps = flatten_kernel(case, case_data.kernel, computation.rule)
    match computation.kind:
        case LayerKind.CONVOLUTION:
            of_read, of_taps = _backpropagate_groups(read, taps, case.groups, computation.rule, wanted)
        case LayerKind.TRANSPOSE:
            of_read, swapped = _backpropagate_groups(read, taps.swapaxes(1, 2), 1, computation.rule, wanted)
            of_taps = swapped.swapaxes(1, 2)
        case LayerKind.DEPTHWISE:
            of_read, of_taps = _backpropagate_channels(read, taps, wanted)
        case LayerKind.SEPARABLE:
            assert case_data.pointwise is not None
            weights = case_data.pointwise.astype(np.float64).reshape(case_data.pointwise.shape[-2:])
            depthwise = np.einsum("botc,tcj->bocj", read, taps).reshape(*wanted.shape[:2], len(weights))
            of_pointwise = np.einsum("bod,bof->df", depthwise, wanted).reshape(case_data.pointwise.shape)
            of_read, of_taps = _backpropagate_channels(read, taps, wanted @ weights.T)
            return of_read, (_restore_kernel_layout(case, of_taps, case_data, computation.rule), of_pointwise)
        case _:
            assert_never(computation.kind)
    return of_read, (_restore_kernel_layout(case, of_taps, case_data, computation.rule),)


def _restore_kernel_layout(case: Case, of_taps: Values, case_data: CaseData, rule: Rule) -> Values:
    """Turn the gradient of the taps into that of the kernel: each orientation is its own inverse."""
    assert case_data.kernel is not None
    return orient_kernel(of_taps.reshape(case_data.kernel.shape), case.ndim, rule)


def _backpropagate_groups(
    read: Values, taps: Values, groups: int, rule: Rule, wanted: Values
) -> tuple[Values, Values]:
    of_read, of_taps = np.zeros_like(read), np.zeros_like(taps)
    channels, filters = read.shape[-1] // groups, taps.shape[-1] // groups
    for group in range(groups):
        inputs = select_group_channels(group, channels, groups, rule)
        kernel = slice(group * filters, (group + 1) * filters)
        outputs = wanted[..., select_group_filters(group, filters, groups, rule)]
        of_taps[..., kernel] = np.tensordot(read[..., inputs], outputs, axes=((0, 1), (0, 1)))
        of_read[..., inputs] = np.tensordot(outputs, taps[..., kernel], axes=((2,), (2,)))
    return of_read, of_taps


def _backpropagate_channels(read: Values, taps: Values, wanted: Values) -> tuple[Values, Values]:
    outputs = wanted.reshape(*wanted.shape[:2], *taps.shape[1:])
    of_taps = np.einsum("botc,bocj->tcj", read, outputs)
    return np.einsum("bocj,tcj->botc", outputs, taps), of_taps


def _route_to_maximum(read: Values, reads: IndexTable, wanted: Values) -> Values:
    real = np.where((reads >= 0)[np.newaxis, :, :, np.newaxis], read, -np.inf)
    largest = real.argmax(axis=2, keepdims=True)
    of_read = np.zeros_like(read)
    np.put_along_axis(of_read, largest, wanted[:, :, np.newaxis, :], axis=2)
    return of_read
