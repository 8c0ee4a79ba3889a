"""What a target with a fixed bug returned, made of the formula's own parts: what replays are built from.

Each function gives, or is, an `Answer`: an observation, or None where the bug does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from harness.mutation.mutants import Answer, with_lengths
from harness.mutation.simulated_target import Subject
from harness.oracle.geometry import AxisGeometry
from harness.oracle.gradients import cotangent, gradients_of
from harness.oracle.plan import Plan, plan_of
from harness.oracle.rules import KERAS, Amount, Divisor, Fill, Padding, Pads, Rule
from harness.oracle.values import values_of
from harness.records import Case, DataFormat, Observation, Refusal, Shape

When = Callable[[Case], bool]
Plans = Callable[[Case, Padding], Plan | None]
"""How a case is computed; None: as the formula does."""


def computing(plans: Plans, when: When | None = None, *, forward_only: bool = False) -> Answer:
    """Computes after another plan; `forward_only`: and differentiates as the formula does."""

    def answer(subject: Subject) -> Observation | None:
        case, padding = subject.case, subject.padding
        if padding is None or not (when is None or when(case)):
            return None
        plan = plans(case, padding)
        if plan is None or plan == plan_of(case, padding):
            return None
        return subject.computed(plan) if forward_only else computed(subject, plan)

    return answer


def following(rule: Rule, when: When | None = None, *, forward_only: bool = False) -> Answer:
    """Computes after a wrong rule."""
    return computing(lambda case, padding: plan_of(case, padding, rule), when, forward_only=forward_only)


def computed(subject: Subject, plan: Plan) -> Observation:
    """The output of a plan, and its gradients where they are asked for."""
    values = values_of(subject.case, plan, subject.signals)
    if not subject.case.mode.traits.differentiates:
        return subject.returned(values)
    weight = cotangent(values.shape)
    return subject.returned(values, gradients_of(subject.case, plan, subject.signals, weight))


def inferring(rule: Rule) -> Answer:
    """Says the lengths of a wrong rule before the call and computes the right ones."""

    def answer(subject: Subject) -> Observation | None:
        plan = subject.other_plan(rule)
        return None if plan is None else _saying(subject, plan.out, inferred=True)

    return answer


def saying_nothing(when: When, *, inferred: bool) -> Answer:
    """Knows no length before the call; `inferred`: asked of the layer, and not only of a model."""

    def answer(subject: Subject) -> Observation | None:
        if subject.padding is None or not when(subject.case):
            return None
        return _saying(subject, (None,) * subject.case.ndim, inferred=inferred)

    return answer


def _saying(subject: Subject, lengths: Sequence[int | None], *, inferred: bool) -> Observation | None:
    def wrong(shape: Shape | None) -> Shape | None:
        return None if shape is None else with_lengths(subject.case, shape, lengths)

    said = subject.right
    other = replace(
        said,
        inferred_shape=wrong(said.inferred_shape) if inferred else said.inferred_shape,
        symbolic_shape=wrong(said.symbolic_shape),
    )
    before = said.inferred_shape, said.symbolic_shape
    return None if (other.inferred_shape, other.symbolic_shape) == before else other


def refusing(message: str, when: When) -> Answer:
    """Raises an error where there is an answer."""

    def answer(subject: Subject) -> Observation | None:
        has_answer = subject.expectation.refusal is not Refusal.REQUIRED
        return subject.refused(message) if has_answer and when(subject.case) else None

    return answer


def refusing_for_another_reason(message: str, when: When) -> Answer:
    """Raises an error that does not say what is wrong, where one is due."""

    def answer(subject: Subject) -> Observation | None:
        is_due = subject.expectation.refusal is Refusal.REQUIRED
        return subject.refused(message) if is_due and when(subject.case) else None

    return answer


def accepting(when: When) -> Answer:
    """Returns an array where an error is due."""

    def answer(subject: Subject) -> Observation | None:
        is_due = subject.expectation.refusal is Refusal.REQUIRED
        return subject.accepted() if is_due and when(subject.case) else None

    return answer


def torch_cuts_by_pads(subject: Subject) -> Observation | None:
    """`same` of a negative total: the input is cut, or refused if both sides of every axis are cut alike."""
    if subject.padding is not Padding.SAME:
        return None
    plan = plan_of(subject.case, Padding.SAME, replace(KERAS, amount=Amount.UNCLAMPED))
    if plan == plan_of(subject.case, Padding.SAME):
        return None
    is_even = all(axis.before == axis.after for axis in plan.axes)
    return subject.refused("negative padding is not supported") if is_even else computed(subject, plan)


def torch_reverses_even_pads(subject: Subject) -> Observation | None:
    """`same` of as many cells before as after on every axis: the last axis gets the pads of the first.

    A convolution without strides had torch's own `same`, which is right.
    """
    if subject.padding is not Padding.SAME:
        return None
    right = plan_of(subject.case, Padding.SAME)
    if not right.kind.traits.is_pooling and max(subject.case.strides) == 1:
        return None
    if not all(axis.before == axis.after for axis in right.axes):
        return None
    plan = plan_of(subject.case, Padding.SAME, replace(KERAS, pads=Pads.SWAPPED_FITTING))
    if plan == right:
        return None
    if 0 in plan.out:
        return subject.refused("Kernel size can't be greater than actual input size")
    if plan.kind.traits.is_pooling and any(axis.before > axis.kernel // 2 for axis in plan.axes):
        return subject.refused("pad should be at most half of effective kernel size")
    return computed(subject, plan)


def torch_repeats_the_edge(case: Case, padding: Padding) -> Plan | None:
    """Average pooling, `same`, padded unevenly: the padding repeats the edge, and its cells count."""
    plan = plan_of(case, padding)
    if padding is not Padding.SAME or all(axis.before == axis.after for axis in plan.axes):
        return None
    return replace(plan, rule=replace(plan.rule, fill=Fill.EDGE, divisor=Divisor.WINDOW))


def torch_crops_alike(case: Case, padding: Padding) -> Plan | None:
    """A transposed layer, `same`: as much is cut off before as after, and the rest is added after."""
    plan = plan_of(case, padding)
    if padding is not Padding.SAME:
        return None
    axes = []
    for axis, given in zip(plan.axes, case.output_padding or (None,) * case.ndim, strict=True):
        crop, more = _torch_crop(axis.effective_kernel, axis.stride, given)
        full = axis.out + axis.total
        out = full - 2 * crop + min(more, axis.stride - 1) if axis.length else 0
        axes.append(replace(axis, out=out, before=crop, after=full - out - crop))
    return replace(plan, axes=tuple(axes))


def needs_more_than_torch_adds(case: Case) -> bool:
    """Whether torch's `output_padding` would have to be as large as the stride, which it refuses."""
    if case.padding.lower() != Padding.SAME:
        return False
    axes = plan_of(case, Padding.SAME).axes
    given = case.output_padding or (None,) * case.ndim
    crops = (_torch_crop(axis.effective_kernel, axis.stride, g) for axis, g in zip(axes, given, strict=True))
    return any(more >= axis.stride for axis, (_, more) in zip(axes, crops, strict=True))


def _torch_crop(effective: int, stride: int, given: int | None) -> tuple[int, int]:
    """What is cut off each side, and what is added after, so that the length is `(n-1)*s + e%2 + p`."""
    wanted = effective % 2 - effective + (stride - effective % 2 if given is None else given)
    crop = max(-(wanted // 2), 0)
    return crop, 2 * crop + wanted


def theano_counts_the_border(case: Case, padding: Padding) -> Plan | None:
    """Average pooling, `same`: Keras's own padding of both sides, all of which is counted."""
    if padding is not Padding.SAME:
        return None
    plan = plan_of(case, padding)
    axes = tuple(_theano_pooled(axis, max(_theano_border(axis.kernel), 0), axis.out) for axis in plan.axes)
    return replace(plan, axes=axes, rule=replace(plan.rule, divisor=Divisor.WINDOW))


def theano_keeps_every_window(subject: Subject) -> Observation | None:
    """Pooling of three axes, `same`: what both-sided padding makes too long is not cut off."""
    if subject.padding is not Padding.SAME:
        return None
    plan = plan_of(subject.case, Padding.SAME)
    borders = [_theano_border(axis.kernel) for axis in plan.axes]
    if min(borders) < 0:
        return subject.refused("Can't store in size_t for the bytes requested")
    axes = tuple(
        _theano_pooled(axis, border, (axis.length + 2 * border - axis.kernel) // axis.stride + 1)
        for axis, border in zip(plan.axes, borders, strict=True)
    )
    return computed(subject, replace(plan, axes=axes))


def _theano_border(kernel: int) -> int:
    return kernel - 2 if kernel % 2 else kernel - 1


def _theano_pooled(axis: AxisGeometry, border: int, out: int) -> AxisGeometry:
    needed = (out - 1) * axis.stride + axis.kernel - axis.length - border
    return replace(axis, out=out, before=border, after=max(needed, 0))


def theano_takes_lengths_from_other_axes(case: Case, padding: Padding) -> Plan | None:
    """A transposed layer, channels last: the columns are taken for the rows, the filters for the columns."""
    if case.data_format is DataFormat.CHANNELS_FIRST:
        return None
    plan = plan_of(case, padding)
    lengths = (*plan.out[1:], case.filters)
    axes = (
        replace(axis, out=out, after=axis.out + axis.after - out)
        for axis, out in zip(plan.axes, lengths, strict=True)
    )
    return replace(plan, axes=tuple(axes))


def pools_the_channels(subject: Subject) -> Observation | None:
    """Pooling of one axis, channels first: the channels are pooled, and the cells kept."""
    case, padding = subject.case, subject.padding
    if padding is None or case.data_format is DataFormat.CHANNELS_LAST:
        return None
    ((length,), channels) = case.input, case.channels
    read = replace(
        case, data_format=DataFormat.CHANNELS_LAST, input=(channels,), channels=length, filters=length
    )
    return subject.returned(values_of(read, plan_of(read, padding), subject.signals))


def strides_in_dilated_blocks(subject: Subject) -> Observation | None:
    """TensorFlow's depthwise convolution with strides and a dilation.

    Each axis is padded as if the stride were 1 and cut into `d` blocks, of every `d`-th cell each; the stride
    is taken within a block. Output `q*d + r` starts at cell `q*s*d + r`, and at the end as many outputs are
    dropped as cells were added to make the blocks equal.
    """
    case, padding = subject.case, subject.padding
    if padding is None or len(set(case.strides)) > 1 or min(max(case.strides), max(case.dilation)) < 2:
        return None
    plan = plan_of(case, padding)
    starts = [_block_starts(axis, padding) for axis in plan.axes]
    if not all(starts):
        return None
    axes = tuple(
        replace(axis, stride=1, out=max(own) + 1, before=_pad_of_blocks(axis, padding) // 2)
        for axis, own in zip(plan.axes, starts, strict=True)
    )
    values = values_of(case, replace(plan, axes=axes), subject.signals)
    for axis, own in zip(case.spatial_axes, starts, strict=True):
        values = values.take(own, axis=axis)
    return subject.returned(values)


def _block_starts(axis: AxisGeometry, padding: Padding) -> list[int]:
    """Where each output starts, counted from the first cell of padding."""
    cells, blocks = axis.length + _pad_of_blocks(axis, padding), axis.dilation
    added = -cells % blocks
    own = (cells + added) // blocks
    per_block = (own - axis.kernel) // axis.stride + 1 if own >= axis.kernel else 0
    outputs = (divmod(place, blocks) for place in range(per_block * blocks - added))
    return [step * axis.stride * blocks + block for step, block in outputs]


def _pad_of_blocks(axis: AxisGeometry, padding: Padding) -> int:
    return axis.effective_kernel - 1 if padding is Padding.SAME else 0


def without_output_padding(case: Case, padding: Padding) -> Plan:
    """A transposed layer that has forgotten its `output_padding`."""
    return plan_of(replace(case, output_padding=None), padding)


def memory_of_input_length(subject: Subject) -> Observation | None:
    """Where no window fits: cells that nobody wrote, as many as the input has."""
    case, values = subject.case, subject.expectation.values
    if values is None or values.size or case.batch == 0 or min(case.input) == 0:
        return None
    return subject.returned(np.full(case.shape_of(case.batch, case.input, case.filters), np.nan))
