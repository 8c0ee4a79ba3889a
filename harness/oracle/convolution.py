"""Values of a forward convolution of any number of spatial axes, by its definition.

`y[b, o, f] = bias[f] + sum over t, c of x[b, o*s + t*d - before, c] * w[t, c, f]`, cells outside the
input being zero: a cross-correlation, the kernel is not flipped (Keras `Conv2D`; TensorFlow
`tf.nn.convolution`). Groups are consecutive blocks of channels and of filters.

All sums are of integers far below 2**53, so float64 holds them exactly in any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import numpy as np
import numpy.typing as npt

from harness.oracle.geometry import AxisGeometry, axis_geometry
from harness.oracle.rules import (
    KERAS,
    Batch,
    Bias,
    Dilation,
    Fill,
    Groups,
    Orientation,
    Padding,
    Pads,
    Precision,
    Rule,
    Strides,
)
from harness.records import Array, Case, DataFormat, Signals

Values = npt.NDArray[np.float64]


def axis_geometries(case: Case, padding: Padding, rule: Rule = KERAS) -> tuple[AxisGeometry, ...]:
    """The geometry of each spatial axis of the case under the rule."""
    strides = _strides(case.strides, rule)
    dilation = case.dilation[::-1] if rule.dilation is Dilation.SWAPPED else case.dilation
    axes = zip(case.input, case.kernel, strides, dilation, strict=True)
    return tuple(axis_geometry(*axis, padding, rule) for axis in axes)


def convolve(case: Case, padding: Padding, signals: Signals, rule: Rule = KERAS) -> Values:
    """The output array of the case, in its data format.

    Args:
        case: any number of spatial axes.
        padding: the mode that the case's spelling stands for.
        signals: `inputs` of `case.input_shape`, `kernel` of `(*case.kernel, channels/groups, filters)`,
            `bias` of `(filters,)` or None.
        rule: the reading of the layer; Keras's unless given.

    Returns:
        float64 of `case.shape_of(batch, lengths, filters)`; empty where no window fits.
    """
    geometries = axis_geometries(case, padding, rule)
    out = tuple(geometry.out for geometry in geometries)
    inputs = _batch(_channels_last(case, signals.inputs), rule)
    taps = _orient(signals.kernel.astype(np.float64), case.ndim, rule)
    if math.prod(out) == 0:
        values = np.zeros((case.batch, *out, case.filters))
    else:
        padded = _pad(inputs, geometries, rule)
        values = _correlate(_windows(padded, geometries, taps.shape[: case.ndim]), taps, case.groups, rule)
    bias = None if signals.bias is None else signals.bias.astype(np.float64)
    if bias is not None and rule.rounds_bias:
        values = _round(_add_bias(case, values, _round(bias, rule), rule), rule)
    else:
        values = _add_bias(case, _round(values, rule), bias, rule)
    if case.data_format is DataFormat.CHANNELS_LAST:
        return values
    return np.ascontiguousarray(np.moveaxis(values, -1, 1))


def _channels_last(case: Case, inputs: Array) -> Values:
    values = inputs.astype(np.float64)
    return values if case.data_format is DataFormat.CHANNELS_LAST else np.moveaxis(values, 1, -1)


def _pad(inputs: Values, geometries: Sequence[AxisGeometry], rule: Rule) -> Values:
    """Lay the input into the cells that the windows read: exactly those, no more and no less.

    Along each axis the windows read `(out-1)*stride + e` cells from `-before + shift` on.
    """
    pads = _pads(geometries, rule)
    reads = [(g.out - 1) * g.stride + g.effective_kernel for g in geometries]
    if rule.fill in {Fill.EDGE, Fill.REFLECT}:
        return _pad_from_input(inputs, geometries, pads, reads, rule)
    fill = 1.0 if rule.fill is Fill.ONE else 0.0
    padded = np.full((inputs.shape[0], *reads, inputs.shape[-1]), fill)
    source: list[slice] = []
    place: list[slice] = []
    for geometry, before, read in zip(geometries, pads, reads, strict=True):
        start = rule.shift - before
        first, last = max(start, 0), min(start + read, geometry.length)
        source.append(slice(first, max(first, last)))
        place.append(slice(first - start, max(first, last) - start))
    padded[(slice(None), *place)] = inputs[(slice(None), *source)]
    return padded


def _pad_from_input(
    inputs: Values, geometries: Sequence[AxisGeometry], pads: Sequence[int], reads: Sequence[int], rule: Rule
) -> Values:
    for axis, (geometry, before, read) in enumerate(zip(geometries, pads, reads, strict=True), start=1):
        cells = np.arange(read) + rule.shift - before
        last = geometry.length - 1
        if rule.fill is Fill.EDGE or last == 0:
            index = np.clip(cells, 0, last)
        else:
            index = last - np.abs(last - np.abs(cells) % (2 * last))
        inputs = np.take(inputs, index, axis=axis)
    return inputs


def _pads(geometries: Sequence[AxisGeometry], rule: Rule) -> tuple[int, ...]:
    before = tuple(geometry.before for geometry in geometries)
    match rule.pads:
        case Pads.PER_AXIS:
            return before
        case Pads.SWAPPED:
            return before[::-1]
        case Pads.FIRST_FOR_ALL:
            return before[:1] * len(before)
        case _:
            assert_never(rule.pads)


def _windows(padded: Values, geometries: Sequence[AxisGeometry], kernel: Sequence[int]) -> Values:
    """A view of shape `(batch, *out, *kernel, channels)`: what each window reads, tap by tap."""
    batch, *cells, channel = padded.strides
    shape = (padded.shape[0], *(g.out for g in geometries), *kernel, padded.shape[-1])
    strides = (
        batch,
        *(step * g.stride for step, g in zip(cells, geometries, strict=True)),
        *(step * g.dilation for step, g in zip(cells, geometries, strict=True)),
        channel,
    )
    return np.ndarray(shape, padded.dtype, padded, 0, strides)


def _correlate(windows: Values, taps: Values, groups: int, rule: Rule) -> Values:
    """Sum over taps and channels.

    `(batch, *out, *kernel, channels)` by `(*kernel, channels/groups, filters)` gives
    `(batch, *out, filters)`.
    """
    ndim = taps.ndim - 2
    positions = windows.shape[: 1 + ndim]
    channels, filters = windows.shape[-1], taps.shape[-1]
    terms = math.prod(taps.shape[:-1])
    if groups == 1:
        return (windows.reshape(-1, terms) @ taps.reshape(terms, filters)).reshape(*positions, filters)
    values = np.empty((*positions, filters))
    per_group = channels // groups
    filters_per_group = filters // groups
    for group in range(groups):
        read = _group_channels(group, groups, per_group, rule)
        write = slice(group * filters_per_group, (group + 1) * filters_per_group)
        block = windows[..., read].reshape(-1, terms) @ taps[..., write].reshape(terms, filters_per_group)
        values[..., write] = block.reshape(*positions, filters_per_group)
    if rule.groups is Groups.SHUFFLED_OUTPUT:
        order = np.arange(filters).reshape(groups, filters_per_group).T.ravel()
        values = values[..., order]
    return values


def _group_channels(group: int, groups: int, per_group: int, rule: Rule) -> slice:
    match rule.groups:
        case Groups.CONSECUTIVE | Groups.SHUFFLED_OUTPUT:
            return slice(group * per_group, (group + 1) * per_group)
        case Groups.INTERLEAVED:
            return slice(group, None, groups)
        case Groups.REVERSED:
            return slice((groups - 1 - group) * per_group, (groups - group) * per_group)
        case _:
            assert_never(rule.groups)


def _orient(taps: Values, ndim: int, rule: Rule) -> Values:
    axes = tuple(range(ndim))
    match rule.orientation:
        case Orientation.CORRELATION:
            return taps
        case Orientation.FLIPPED:
            return np.flip(taps, axes)
        case Orientation.FLIPPED_FIRST_AXIS:
            return np.flip(taps, axes[0])
        case Orientation.FLIPPED_LAST_AXIS:
            return np.flip(taps, axes[-1])
        case Orientation.TRANSPOSED:
            swapped = np.swapaxes(taps, axes[0], axes[-1])
            return swapped if swapped.shape == taps.shape else taps
        case _:
            assert_never(rule.orientation)


def _strides(strides: tuple[int, ...], rule: Rule) -> tuple[int, ...]:
    match rule.strides:
        case Strides.PER_AXIS:
            return strides
        case Strides.SWAPPED:
            return strides[::-1]
        case Strides.FIRST_FOR_ALL:
            return strides[:1] * len(strides)
        case Strides.LAST_FOR_ALL:
            return strides[-1:] * len(strides)
        case Strides.IGNORED:
            return (1,) * len(strides)
        case _:
            assert_never(rule.strides)


def _batch(inputs: Values, rule: Rule) -> Values:
    match rule.batch:
        case Batch.EACH:
            return inputs
        case Batch.FIRST_ONLY:
            return np.repeat(inputs[:1], inputs.shape[0], axis=0)
        case Batch.REVERSED:
            return inputs[::-1]
        case _:
            assert_never(rule.batch)


def _round(values: Values, rule: Rule) -> Values:
    match rule.precision:
        case Precision.FULL:
            return values
        case Precision.FLOAT16:
            with np.errstate(over="ignore"):
                return values.astype(np.float16).astype(np.float64)
        case Precision.BFLOAT16:
            bits = values.astype(np.float32).view(np.uint32)
            even = (bits >> np.uint32(16)) & np.uint32(1)
            rounded = (bits + np.uint32(0x7FFF) + even) & np.uint32(0xFFFF0000)
            return rounded.view(np.float32).astype(np.float64)
        case _:
            assert_never(rule.precision)


def _add_bias(case: Case, values: Values, bias: Values | None, rule: Rule) -> Values:
    if bias is None:
        return values
    match rule.bias:
        case Bias.PER_FILTER:
            return values + bias
        case Bias.OMITTED:
            return values
        case Bias.TWICE:
            return values + 2 * bias
        case Bias.REVERSED:
            return values + bias[::-1]
        case Bias.ALONG_LAST_AXIS:
            fits_last = case.data_format is DataFormat.CHANNELS_FIRST and values.shape[-2] == len(bias)
            return values + (bias[:, np.newaxis] if fits_last else bias)
        case _:
            assert_never(rule.bias)
