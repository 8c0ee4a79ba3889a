"""How a rule assigns taps, groups, batch entries and biases to each other, and how it rounds.

Nothing here depends on lengths or padding.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np

from harness.oracle.rules import BatchReading, Bias, ChannelAxis, Groups, Orientation, Precision, Rule
from harness.records import DTYPE_TRAITS, Case, DataFormat, Values


def select_group_channels(group: int, per_group: int, groups: int, rule: Rule) -> slice:
    """Return the channels that a group of filters reads."""
    match rule.groups:
        case Groups.CONSECUTIVE | Groups.SHUFFLED_OUTPUT:
            return slice(group * per_group, (group + 1) * per_group)
        case Groups.INTERLEAVED:
            return slice(group, None, groups)
        case Groups.REVERSED:
            return slice((groups - 1 - group) * per_group, (groups - group) * per_group)
        case _:
            assert_never(rule.groups)


def select_group_filters(group: int, per_group: int, groups: int, rule: Rule) -> slice:
    """Return the output channels that a group of filters computes."""
    if rule.groups is Groups.SHUFFLED_OUTPUT:
        return slice(group, None, groups)
    return slice(group * per_group, (group + 1) * per_group)


def orient_kernel(taps: Values, ndim: int, rule: Rule) -> Values:
    """Return a kernel as it is laid on the input: its spatial axes first, the channels last."""
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
            return np.swapaxes(taps, axes[0], axes[-1])
        case Orientation.CHANNELS_SWAPPED:
            swapped = np.swapaxes(taps, -1, -2)
            return swapped if swapped.shape == taps.shape else taps
        case _:
            assert_never(rule.orientation)


def is_channels_last(case: Case, rule: Rule) -> bool:
    """Return whether the channels are read from the last axis."""
    return (case.data_format is DataFormat.CHANNELS_LAST) == (rule.format is ChannelAxis.AS_NAMED)


def select_batch_entries(inputs: Values, rule: Rule) -> Values:
    """Return the input, batch first, from which each output entry is computed."""
    match rule.batch:
        case BatchReading.EACH:
            return inputs
        case BatchReading.FIRST_ONLY:
            return np.repeat(inputs[:1], inputs.shape[0], axis=0)
        case BatchReading.LAST_ONLY:
            return np.repeat(inputs[-1:], inputs.shape[0], axis=0)
        case BatchReading.REVERSED:
            return inputs[::-1]
        case _:
            assert_never(rule.batch)


def round_values(values: Values, precision: Precision) -> Values:
    """Round values to a precision: to the nearest, ties to even."""
    if precision is Precision.FULL:
        return values
    with np.errstate(over="ignore"):
        return values.astype(DTYPE_TRAITS[precision].dtype).astype(np.float64)


def add_bias(case: Case, values: Values, bias: Values | None, rule: Rule) -> Values:
    """Add the bias to values of shape `(batch, *out, filters)`."""
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
        case Bias.FIRST_FOR_ALL:
            return values + bias[:1]
        case Bias.ALONG_LAST_AXIS:
            fits_last = case.data_format is DataFormat.CHANNELS_FIRST and values.shape[-2] == len(bias)
            return values + (bias[:, np.newaxis] if fits_last else bias)
        case Bias.ALONG_FIRST_FITTING_AXIS:
            axes = [*range(1, values.ndim - 1), values.ndim - 1]
            if case.data_format is DataFormat.CHANNELS_FIRST:
                axes = [axes[-1], *axes[:-1]]
            axis = next(axis for axis in axes if values.shape[axis] == len(bias))
            return values + bias.reshape(-1, *(1,) * (values.ndim - 1 - axis))
        case _:
            assert_never(rule.bias)
