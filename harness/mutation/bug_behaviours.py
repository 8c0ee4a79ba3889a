"""What a target with a fixed bug returned, made of the formula's own parts: what replays are built from.

Each function gives, or is, an `Behaviour`: an observation, or None where the bug does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from harness.mutation.mutants import Behaviour, replace_lengths
from harness.mutation.simulated_target import SimulatedCase
from harness.oracle.geometry import AxisGeometry
from harness.oracle.gradients import compute_gradients, make_cotangent
from harness.oracle.plan import Computation, plan_computation
from harness.oracle.rules import KERAS, Amount, Divisor, Fill, Padding, Pads, Rule
from harness.oracle.values import compute_values
from harness.records import Case, DataFormat, Observation, Refusal, Shape

CasePredicate = Callable[[Case], bool]
ComputationFactory = Callable[[Case, Padding], Computation | None]
"""How a case is computed; None: as the formula does."""


def compute_with(
    plans: ComputationFactory, when: CasePredicate | None = None, *, forward_only: bool = False
) -> Behaviour:
    """Computes after another plan; `forward_only`: and differentiates as the formula does."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        case, padding = simulated.case, simulated.padding
        if padding is None or not (when is None or when(case)):
            return None
        plan = plans(case, padding)
        if plan is None or plan == plan_computation(case, padding):
            return None
        return simulated.compute(plan) if forward_only else compute_observation(simulated, plan)

    return respond


def follow_rule(rule: Rule, when: CasePredicate | None = None, *, forward_only: bool = False) -> Behaviour:
    """Computes after a wrong rule."""
    return compute_with(
        lambda case, padding: plan_computation(case, padding, rule), when, forward_only=forward_only
    )


def compute_observation(simulated: SimulatedCase, plan: Computation) -> Observation:
    """The output of a plan, and its gradients where they are asked for."""
    values = compute_values(simulated.case, plan, simulated.signals)
    if not simulated.case.mode.traits.differentiates:
        return simulated.return_values(values)
    weight = make_cotangent(values.shape)
    return simulated.return_values(values, compute_gradients(simulated.case, plan, simulated.signals, weight))


def infer_by_rule(rule: Rule) -> Behaviour:
    """Says the lengths of a wrong rule before the call and computes the right ones."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        plan = simulated.find_other_computation(rule)
        return None if plan is None else _report_lengths(simulated, plan.out, inferred=True)

    return respond


def report_no_lengths(when: CasePredicate, *, inferred: bool) -> Behaviour:
    """Knows no length before the call; `inferred`: asked of the layer, and not only of a model."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        if simulated.padding is None or not when(simulated.case):
            return None
        return _report_lengths(simulated, (None,) * simulated.case.ndim, inferred=inferred)

    return respond


def _report_lengths(
    simulated: SimulatedCase, lengths: Sequence[int | None], *, inferred: bool
) -> Observation | None:
    def follow_wrong_rule(shape: Shape | None) -> Shape | None:
        return None if shape is None else replace_lengths(simulated.case, shape, lengths)

    said = simulated.expected_observation
    other = replace(
        said,
        inferred_shape=follow_wrong_rule(said.inferred_shape) if inferred else said.inferred_shape,
        symbolic_shape=follow_wrong_rule(said.symbolic_shape),
    )
    before = said.inferred_shape, said.symbolic_shape
    return None if (other.inferred_shape, other.symbolic_shape) == before else other


def refuse(message: str, when: CasePredicate) -> Behaviour:
    """Raises an error where there is an answer."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        has_answer = simulated.expectation.refusal is not Refusal.REQUIRED
        return simulated.refuse(message) if has_answer and when(simulated.case) else None

    return respond


def refuse_for_another_reason(message: str, when: CasePredicate) -> Behaviour:
    """Raises an error that does not say what is wrong, where one is due."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        is_due = simulated.expectation.refusal is Refusal.REQUIRED
        return simulated.refuse(message) if is_due and when(simulated.case) else None

    return respond


def accept(when: CasePredicate) -> Behaviour:
    """Returns an array where an error is due."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        is_due = simulated.expectation.refusal is Refusal.REQUIRED
        return simulated.accept() if is_due and when(simulated.case) else None

    return respond


def cut_by_pads_as_torch(simulated: SimulatedCase) -> Observation | None:
    """`same` of a negative total: the input is cut, or refused if both sides of every axis are cut alike."""
    if simulated.padding is not Padding.SAME:
        return None
    plan = plan_computation(simulated.case, Padding.SAME, replace(KERAS, amount=Amount.UNCLAMPED))
    if plan == plan_computation(simulated.case, Padding.SAME):
        return None
    is_even = all(axis.before == axis.after for axis in plan.axes)
    return (
        simulated.refuse("negative padding is not supported")
        if is_even
        else compute_observation(simulated, plan)
    )


def reverse_even_pads_as_torch(simulated: SimulatedCase) -> Observation | None:
    """`same` of as many cells before as after on every axis: the last axis gets the pads of the first.

    A convolution without strides had torch's own `same`, which is right.
    """
    if simulated.padding is not Padding.SAME:
        return None
    right = plan_computation(simulated.case, Padding.SAME)
    if not right.kind.traits.is_pooling and max(simulated.case.strides) == 1:
        return None
    if not all(axis.before == axis.after for axis in right.axes):
        return None
    plan = plan_computation(simulated.case, Padding.SAME, replace(KERAS, pads=Pads.SWAPPED_FITTING))
    if plan == right:
        return None
    if 0 in plan.out:
        return simulated.refuse("Kernel size can't be greater than actual input size")
    if plan.kind.traits.is_pooling and any(axis.before > axis.kernel // 2 for axis in plan.axes):
        return simulated.refuse("pad should be at most half of effective kernel size")
    return compute_observation(simulated, plan)


def repeat_edge_as_torch(case: Case, padding: Padding) -> Computation | None:
    """Average pooling, `same`, padded unevenly: the padding repeats the edge, and its cells count."""
    plan = plan_computation(case, padding)
    if padding is not Padding.SAME or all(axis.before == axis.after for axis in plan.axes):
        return None
    return replace(plan, rule=replace(plan.rule, fill=Fill.EDGE, divisor=Divisor.WINDOW))


def crop_alike_as_torch(case: Case, padding: Padding) -> Computation | None:
    """A transposed layer, `same`: as much is cut off before as after, and the rest is added after."""
    plan = plan_computation(case, padding)
    if padding is not Padding.SAME:
        return None
    axes = []
    for axis, given in zip(plan.axes, case.output_padding or (None,) * case.ndim, strict=True):
        crop, more = _compute_torch_crop(axis.effective_kernel, axis.stride, given)
        full = axis.out + axis.total
        out = full - 2 * crop + min(more, axis.stride - 1) if axis.length else 0
        axes.append(replace(axis, out=out, before=crop, after=full - out - crop))
    return replace(plan, axes=tuple(axes))


def needs_more_than_torch_adds(case: Case) -> bool:
    """Whether torch's `output_padding` would have to be as large as the stride, which it refuses."""
    if case.padding.lower() != Padding.SAME:
        return False
    axes = plan_computation(case, Padding.SAME).axes
    given = case.output_padding or (None,) * case.ndim
    crops = (
        _compute_torch_crop(axis.effective_kernel, axis.stride, g)
        for axis, g in zip(axes, given, strict=True)
    )
    return any(more >= axis.stride for axis, (_, more) in zip(axes, crops, strict=True))


def _compute_torch_crop(effective: int, stride: int, given: int | None) -> tuple[int, int]:
    """What is cut off each side, and what is added after, so that the length is `(n-1)*s + e%2 + p`."""
    wanted = effective % 2 - effective + (stride - effective % 2 if given is None else given)
    crop = max(-(wanted // 2), 0)
    return crop, 2 * crop + wanted


def count_border_as_theano(case: Case, padding: Padding) -> Computation | None:
    """Average pooling, `same`: Keras's own padding of both sides, all of which is counted."""
    if padding is not Padding.SAME:
        return None
    plan = plan_computation(case, padding)
    axes = tuple(
        _pad_axis_as_theano(axis, max(_compute_theano_border(axis.kernel), 0), axis.out) for axis in plan.axes
    )
    return replace(plan, axes=axes, rule=replace(plan.rule, divisor=Divisor.WINDOW))


def keep_every_window_as_theano(simulated: SimulatedCase) -> Observation | None:
    """Pooling of three axes, `same`: what both-sided padding makes too long is not cut off."""
    if simulated.padding is not Padding.SAME:
        return None
    plan = plan_computation(simulated.case, Padding.SAME)
    borders = [_compute_theano_border(axis.kernel) for axis in plan.axes]
    if min(borders) < 0:
        return simulated.refuse("Can't store in size_t for the bytes requested")
    axes = tuple(
        _pad_axis_as_theano(axis, border, (axis.length + 2 * border - axis.kernel) // axis.stride + 1)
        for axis, border in zip(plan.axes, borders, strict=True)
    )
    return compute_observation(simulated, replace(plan, axes=axes))


def _compute_theano_border(kernel: int) -> int:
    return kernel - 2 if kernel % 2 else kernel - 1


def _pad_axis_as_theano(axis: AxisGeometry, border: int, out: int) -> AxisGeometry:
    needed = (out - 1) * axis.stride + axis.kernel - axis.length - border
    return replace(axis, out=out, before=border, after=max(needed, 0))


def take_lengths_from_other_axes_as_theano(case: Case, padding: Padding) -> Computation | None:
    """A transposed layer, channels last: the columns are taken for the rows, the filters for the columns."""
    if case.data_format is DataFormat.CHANNELS_FIRST:
        return None
    plan = plan_computation(case, padding)
    lengths = (*plan.out[1:], case.filters)
    axes = (
        replace(axis, out=out, after=axis.out + axis.after - out)
        for axis, out in zip(plan.axes, lengths, strict=True)
    )
    return replace(plan, axes=tuple(axes))


def pool_channels(simulated: SimulatedCase) -> Observation | None:
    """Pooling of one axis, channels first: the channels are pooled, and the cells kept."""
    case, padding = simulated.case, simulated.padding
    if padding is None or case.data_format is DataFormat.CHANNELS_LAST:
        return None
    ((length,), channels) = case.input, case.channels
    read = replace(
        case, data_format=DataFormat.CHANNELS_LAST, input=(channels,), channels=length, filters=length
    )
    return simulated.return_values(compute_values(read, plan_computation(read, padding), simulated.signals))


def stride_in_dilated_blocks(simulated: SimulatedCase) -> Observation | None:
    """TensorFlow's depthwise convolution with strides and a dilation.

    Each axis is padded as if the stride were 1 and cut into `d` blocks, of every `d`-th cell each; the stride
    is taken within a block. Output `q*d + r` starts at cell `q*s*d + r`, and at the end as many outputs are
    dropped as cells were added to make the blocks equal.
    """
    case, padding = simulated.case, simulated.padding
    if padding is None or len(set(case.strides)) > 1 or min(max(case.strides), max(case.dilation)) < 2:
        return None
    plan = plan_computation(case, padding)
    starts = [_compute_block_starts(axis, padding) for axis in plan.axes]
    if not all(starts):
        return None
    axes = tuple(
        replace(axis, stride=1, out=max(own) + 1, before=_compute_block_padding(axis, padding) // 2)
        for axis, own in zip(plan.axes, starts, strict=True)
    )
    values = compute_values(case, replace(plan, axes=axes), simulated.signals)
    for axis, own in zip(case.spatial_axes, starts, strict=True):
        values = values.take(own, axis=axis)
    return simulated.return_values(values)


def _compute_block_starts(axis: AxisGeometry, padding: Padding) -> list[int]:
    """Where each output starts, counted from the first cell of padding."""
    cells, blocks = axis.length + _compute_block_padding(axis, padding), axis.dilation
    added = -cells % blocks
    own = (cells + added) // blocks
    per_block = (own - axis.kernel) // axis.stride + 1 if own >= axis.kernel else 0
    outputs = (divmod(place, blocks) for place in range(per_block * blocks - added))
    return [step * axis.stride * blocks + block for step, block in outputs]


def _compute_block_padding(axis: AxisGeometry, padding: Padding) -> int:
    return axis.effective_kernel - 1 if padding is Padding.SAME else 0


def forget_output_padding(case: Case, padding: Padding) -> Computation:
    """A transposed layer that has forgotten its `output_padding`."""
    return plan_computation(replace(case, output_padding=None), padding)


def return_unwritten_memory(simulated: SimulatedCase) -> Observation | None:
    """Where no window fits: cells that nobody wrote, as many as the input has."""
    case, values = simulated.case, simulated.expectation.values
    if values is None or values.size or case.batch == 0 or min(case.input) == 0:
        return None
    return simulated.return_values(np.full(case.arrange_shape(case.batch, case.input, case.filters), np.nan))
