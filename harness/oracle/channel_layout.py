"""How a layer's parts belong together under a rule: taps, groups, batch entries, biases, rounding.

Nothing here knows of lengths or padding; under Keras's rule each function is the plain reading.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np

from harness.oracle.rules import BatchReading, Bias, ChannelAxis, Groups, Orientation, Precision, Rule
from harness.records import DTYPE_TRAITS, Case, DataFormat, Values


def select_group_channels(group: int, per_group: int, groups: int, rule: Rule) -> slice:
    """The channels that a group of filters reads."""
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
    """The output channels that a group of filters makes."""
    if rule.groups is Groups.SHUFFLED_OUTPUT:
        return slice(group, None, groups)
    return slice(group * per_group, (group + 1) * per_group)


def orient_kernel(taps: Values, ndim: int, rule: Rule) -> Values:
    """A kernel as it is laid on the input: its spatial axes first, the channels last."""
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
    """Whether the channels are read from the last axis."""
    return (case.data_format is DataFormat.CHANNELS_LAST) == (rule.format is ChannelAxis.AS_NAMED)


def select_batch_entries(inputs: Values, rule: Rule) -> Values:
    """The input, batch first, that each output is made from."""
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
    """Values, each the nearest of a precision, of two the one whose last bit is 0."""
    if precision is Precision.FULL:
        return values
    with np.errstate(over="ignore"):
        return values.astype(DTYPE_TRAITS[precision].dtype).astype(np.float64)


def add_bias(case: Case, values: Values, bias: Values | None, rule: Rule) -> Values:
    """Values of `(batch, *out, filters)` with the bias."""
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
