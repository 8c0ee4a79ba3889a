"""The computation that decides a case's answer: the geometry of each axis, and the rest of the rule.

Rules with equal computations give equal answers whatever the data, so answers are compared and cached by
computation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, assert_never

from harness.oracle.geometry import (
    AxisGeometry,
    choose_axis_rule,
    compute_forward_axis,
    compute_transposed_axis,
)
from harness.oracle.rules import (
    KERAS,
    ChannelAxis,
    Dilation,
    Orientation,
    OutputPadding,
    Padding,
    Pads,
    Pointwise,
    Pooling,
    Rule,
    Strides,
)
from harness.records import Case, DataFormat, LayerKind, Reduction

_OTHER_POOLING: Final[Mapping[LayerKind, LayerKind]] = MappingProxyType(
    {
        LayerKind.MAX_POOLING: LayerKind.AVERAGE_POOLING,
        LayerKind.AVERAGE_POOLING: LayerKind.MAX_POOLING,
    }
)
"""The pooling that `Pooling.OTHER` computes instead."""


@dataclass(frozen=True, slots=True)
class Computation:
    """How a case is computed.

    `axes` has one geometry per spatial axis. `rule` keeps what the axes do not express and the case can show;
    all its other fields are Keras's. `kind` is what is computed, and every `steps`-th of its outputs is
    taken.
    """

    kind: LayerKind
    axes: tuple[AxisGeometry, ...]
    rule: Rule
    steps: tuple[int, ...]

    @property
    def out(self) -> tuple[int, ...]:
        """The output length along each axis."""
        return tuple(-(-axis.out // step) for axis, step in zip(self.axes, self.steps, strict=True))


def compute_axis_geometries(case: Case, padding: Padding, rule: Rule = KERAS) -> tuple[AxisGeometry, ...]:
    """Compute the geometry of each spatial axis of the case under the rule."""
    strides, dilation = _choose_strides(case, rule), _choose_dilation(case, rule)
    output_padding = _choose_output_padding(case, rule)
    axes = []
    for axis, (length, kernel, stride) in enumerate(zip(case.input, case.kernel, strides, strict=True)):
        axis_rule = choose_axis_rule(rule, axis, case.ndim)
        spacing = dilation[axis] if axis_rule is rule else case.dilation[axis]
        if case.kind.traits.is_transposed:
            extras = output_padding if axis_rule is rule else case.output_padding
            extra = None if extras is None else extras[axis]
            axes.append(compute_transposed_axis(length, kernel, stride, spacing, padding, extra, axis_rule))
        else:
            axes.append(compute_forward_axis(length, kernel, stride, spacing, padding, axis_rule))
    return _reassign_pads(tuple(axes), rule)


@lru_cache(maxsize=32768)
def plan_computation(case: Case, padding: Padding, rule: Rule = KERAS) -> Computation:
    """Return the computation of the case under the rule."""
    steps = (1,) * case.ndim
    if rule.pointwise is Pointwise.STRIDES and case.kind.traits.has_pointwise:
        steps, rule = case.strides, replace(rule, strides=Strides.IGNORED)
    kind = _OTHER_POOLING.get(case.kind, case.kind) if rule.pooling is Pooling.OTHER else case.kind
    axes = compute_axis_geometries(_reinterpret_data_format(case, rule), padding, rule)
    return Computation(kind, axes, _find_effective_rule(case, kind, axes, rule), steps)


def _reinterpret_data_format(case: Case, rule: Rule) -> Case:
    """Return the case with another axis as its channels, where the rule misreads the data format."""
    if not is_format_misread(case, rule):
        return case
    if case.data_format is DataFormat.CHANNELS_FIRST:
        return replace(case, input=(case.channels, *case.input[:-1]))
    return replace(case, input=(*case.input[1:], case.channels))


def is_format_misread(case: Case, rule: Rule) -> bool:
    """Return whether the rule guesses the channel axis, and another axis has the length of the channels."""
    if rule.format is ChannelAxis.AS_NAMED:
        return False
    other = case.input[-1] if case.data_format is DataFormat.CHANNELS_FIRST else case.input[0]
    return other == case.channels


def _choose_strides(case: Case, rule: Rule) -> tuple[int, ...]:
    match rule.strides:
        case Strides.PER_AXIS:
            return case.strides
        case Strides.SWAPPED:
            return case.strides[::-1]
        case Strides.FIRST_FOR_ALL:
            return case.strides[:1] * case.ndim
        case Strides.LAST_FOR_ALL:
            return case.strides[-1:] * case.ndim
        case Strides.IGNORED:
            return (1,) * case.ndim
        case Strides.BY_LENGTH:
            return tuple(case.strides[case.input.index(length)] for length in case.input)
        case _:
            assert_never(rule.strides)


def _choose_dilation(case: Case, rule: Rule) -> tuple[int, ...]:
    if rule.dilation is Dilation.SWAPPED:
        return case.dilation[::-1]
    if rule.dilation is Dilation.FIRST_FOR_ALL:
        return case.dilation[:1] * case.ndim
    return case.dilation


def _choose_output_padding(case: Case, rule: Rule) -> tuple[int, ...] | None:
    if case.output_padding is not None and rule.output_padding is OutputPadding.FIRST_FOR_ALL:
        return case.output_padding[:1] * case.ndim
    return case.output_padding


def _reassign_pads(axes: tuple[AxisGeometry, ...], rule: Rule) -> tuple[AxisGeometry, ...]:
    """Return the axes with the padding that the rule assigns to them."""
    match rule.pads:
        case Pads.PER_AXIS:
            return axes
        case Pads.SWAPPED | Pads.SWAPPED_FITTING:
            sources = axes[::-1]
        case Pads.FIRST_FOR_ALL:
            sources = axes[:1] * len(axes)
        case Pads.LAST_FOR_ALL:
            sources = axes[-1:] * len(axes)
        case _:
            assert_never(rule.pads)
    moved = [
        replace(axis, before=source.before, after=source.after)
        for axis, source in zip(axes, sources, strict=True)
    ]
    if rule.pads is Pads.SWAPPED_FITTING:
        moved = [replace(axis, out=_recompute_output_length(axis)) for axis in moved]
    return tuple(moved)


def _recompute_output_length(axis: AxisGeometry) -> int:
    """Count the windows that fit into the padded input, or the cells left of a transposed result."""
    if axis.is_transposed:
        return max((axis.length - 1) * axis.stride + axis.effective_kernel - axis.total, 0)
    cells = axis.length + axis.total
    return (cells - axis.effective_kernel) // axis.stride + 1 if cells >= axis.effective_kernel else 0


def _find_effective_rule(case: Case, kind: LayerKind, axes: tuple[AxisGeometry, ...], rule: Rule) -> Rule:
    """Return Keras's rule with the fields of another that the case can show and the axes do not express."""
    square = len(set(case.kernel)) == 1 or rule.orientation is not Orientation.TRANSPOSED
    swaps = rule.orientation is Orientation.CHANNELS_SWAPPED
    visible = _Visible(
        orientation=bool(kind.traits.kernels) and (swaps or (max(case.kernel) > 1 and square)),
        groups=kind.traits.derived_groups is None and case.groups > 1,
        multiplier=case.multiplier > 1,
        channel_axis=is_format_misread(case, rule),
        padding=any(not axis.is_transposed and _has_padded_window(axis) for axis in axes),
        bias=case.bias,
        batch=case.batch > 1,
    )
    return _keep_visible(rule, kind, visible)


class _Visible(NamedTuple):
    """The parts of a rule that a case can show."""

    orientation: bool
    groups: bool
    multiplier: bool
    channel_axis: bool
    padding: bool
    bias: bool
    batch: bool


@lru_cache(maxsize=32768)
def _keep_visible(rule: Rule, kind: LayerKind, visible: _Visible) -> Rule:
    """Return Keras's rule with the visible fields of another."""
    traits = kind.traits
    has_maximum, has_mean = (
        traits.reduction is reduction for reduction in (Reduction.MAXIMUM, Reduction.MEAN)
    )
    return replace(
        KERAS,
        orientation=rule.orientation if visible.orientation else KERAS.orientation,
        groups=rule.groups if visible.groups else KERAS.groups,
        multiplier=rule.multiplier if visible.multiplier else KERAS.multiplier,
        pointwise=rule.pointwise if traits.has_pointwise else KERAS.pointwise,
        format=rule.format if visible.channel_axis else KERAS.format,
        fill=rule.fill if visible.padding and not has_maximum else KERAS.fill,
        divisor=rule.divisor if has_mean else KERAS.divisor,
        maximum=rule.maximum if has_maximum and visible.padding else KERAS.maximum,
        bias=rule.bias if visible.bias else KERAS.bias,
        batch=rule.batch if visible.batch else KERAS.batch,
        inputs=rule.inputs,
        precision=rule.precision,
        rounds_bias=rule.rounds_bias if visible.bias else KERAS.rounds_bias,
    )


def _has_padded_window(axis: AxisGeometry) -> bool:
    """Return whether a window reaches beyond the input."""
    if axis.out == 0:
        return False
    last = axis.starts[-1] + (axis.kernel - 1) * axis.dilation
    return axis.starts[0] < 0 or last >= axis.length
