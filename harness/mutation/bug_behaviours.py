"""What targets with a now fixed bug returned, composed of the formula's own parts, for replays to use.

Each function returns, or is, a `Behaviour`: it gives an observation, or None where the bug does not show.
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
"""How a case is computed; None where it is computed as the formula does."""


def compute_with(
    make_computation: ComputationFactory, when: CasePredicate | None = None, *, forward_only: bool = False
) -> Behaviour:
    """Return a behaviour with another computation; if `forward_only`, its gradients are the formula's."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        case, padding = simulated.case, simulated.padding
        if padding is None or not (when is None or when(case)):
            return None
        computation = make_computation(case, padding)
        if computation is None or computation == plan_computation(case, padding):
            return None
        return simulated.compute(computation) if forward_only else compute_observation(simulated, computation)

    return respond


def follow_rule(rule: Rule, when: CasePredicate | None = None, *, forward_only: bool = False) -> Behaviour:
    """Return a behaviour that follows a wrong rule."""
    return compute_with(
        lambda case, padding: plan_computation(case, padding, rule), when, forward_only=forward_only
    )


def compute_observation(simulated: SimulatedCase, computation: Computation) -> Observation:
    """Return the output of a computation, with its gradients where the mode asks for them."""
    values = compute_values(simulated.case, computation, simulated.case_data)
    if not simulated.case.mode.traits.differentiates:
        return simulated.return_values(values)
    weight = make_cotangent(values.shape)
    return simulated.return_values(
        values, compute_gradients(simulated.case, computation, simulated.case_data, weight)
    )


def infer_by_rule(rule: Rule) -> Behaviour:
    """Return a behaviour that infers the lengths of a wrong rule and computes the right ones."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        computation = simulated.find_other_computation(rule)
        return None if computation is None else _report_lengths(simulated, computation.out, inferred=True)

    return respond


def report_no_lengths(when: CasePredicate, *, inferred: bool) -> Behaviour:
    """Return a behaviour whose model, and if `inferred` its layer too, knows no lengths before the call."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        if simulated.padding is None or not when(simulated.case):
            return None
        return _report_lengths(simulated, (None,) * simulated.case.ndim, inferred=inferred)

    return respond


def _report_lengths(
    simulated: SimulatedCase, lengths: Sequence[int | None], *, inferred: bool
) -> Observation | None:
    def replace_known(shape: Shape | None) -> Shape | None:
        return None if shape is None else replace_lengths(simulated.case, shape, lengths)

    expected = simulated.expected_observation
    changed = replace(
        expected,
        inferred_shape=replace_known(expected.inferred_shape) if inferred else expected.inferred_shape,
        symbolic_shape=replace_known(expected.symbolic_shape),
    )
    before = expected.inferred_shape, expected.symbolic_shape
    return None if (changed.inferred_shape, changed.symbolic_shape) == before else changed


def refuse(message: str, when: CasePredicate) -> Behaviour:
    """Return a behaviour that raises an error where there is an answer."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        has_answer = simulated.expectation.refusal is not Refusal.REQUIRED
        return simulated.refuse(message) if has_answer and when(simulated.case) else None

    return respond


def refuse_for_another_reason(message: str, when: CasePredicate) -> Behaviour:
    """Return a behaviour that raises an error for another reason than the one for which it must refuse."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        is_due = simulated.expectation.refusal is Refusal.REQUIRED
        return simulated.refuse(message) if is_due and when(simulated.case) else None

    return respond


def accept(when: CasePredicate) -> Behaviour:
    """Return a behaviour that returns an array where it must refuse."""

    def respond(simulated: SimulatedCase) -> Observation | None:
        is_due = simulated.expectation.refusal is Refusal.REQUIRED
        return simulated.accept() if is_due and when(simulated.case) else None

    return respond


def cut_by_pads_as_torch(simulated: SimulatedCase) -> Observation | None:
    """Crop the input where `same` has a negative total; refuse where every axis is cropped evenly."""
    if simulated.padding is not Padding.SAME:
        return None
    computation = plan_computation(simulated.case, Padding.SAME, replace(KERAS, amount=Amount.UNCLAMPED))
    if computation == plan_computation(simulated.case, Padding.SAME):
        return None
    is_even = all(axis.before == axis.after for axis in computation.axes)
    return (
        simulated.refuse("negative padding is not supported")
        if is_even
        else compute_observation(simulated, computation)
    )


def reverse_even_pads_as_torch(simulated: SimulatedCase) -> Observation | None:
    """Give the last axis the padding of the first where `same` pads every axis evenly.

    A convolution without strides used torch's own `same`, which is right.
    """
    if simulated.padding is not Padding.SAME:
        return None
    expected = plan_computation(simulated.case, Padding.SAME)
    if not expected.kind.traits.is_pooling and max(simulated.case.strides) == 1:
        return None
    if not all(axis.before == axis.after for axis in expected.axes):
        return None
    computation = plan_computation(simulated.case, Padding.SAME, replace(KERAS, pads=Pads.SWAPPED_FITTING))
    if computation == expected:
        return None
    if 0 in computation.out:
        return simulated.refuse("Kernel size can't be greater than actual input size")
    if computation.kind.traits.is_pooling and any(
        axis.before > axis.kernel // 2 for axis in computation.axes
    ):
        return simulated.refuse("pad should be at most half of effective kernel size")
    return compute_observation(simulated, computation)


def repeat_edge_as_torch(case: Case, padding: Padding) -> Computation | None:
    """Plan average pooling with uneven `same` as torch: padding repeats the edge, and its cells count."""
    computation = plan_computation(case, padding)
    if padding is not Padding.SAME or all(axis.before == axis.after for axis in computation.axes):
        return None
    return replace(computation, rule=replace(computation.rule, fill=Fill.EDGE, divisor=Divisor.WINDOW))


def crop_alike_as_torch(case: Case, padding: Padding) -> Computation | None:
    """Plan a transposed `same` as torch: as much is cut off before as after, and the rest is added after."""
    computation = plan_computation(case, padding)
    if padding is not Padding.SAME:
        return None
    axes = []
    for axis, output_padding in zip(
        computation.axes, case.output_padding or (None,) * case.ndim, strict=True
    ):
        crop, more = _compute_torch_crop(axis.effective_kernel, axis.stride, output_padding)
        full = axis.out + axis.total
        out = full - 2 * crop + min(more, axis.stride - 1) if axis.length else 0
        axes.append(replace(axis, out=out, before=crop, after=full - out - crop))
    return replace(computation, axes=tuple(axes))


def needs_more_than_torch_adds(case: Case) -> bool:
    """Return whether torch's `output_padding` would have to reach the stride, which torch refuses."""
    if case.padding.lower() != Padding.SAME:
        return False
    axes = plan_computation(case, Padding.SAME).axes
    output_paddings = case.output_padding or (None,) * case.ndim
    crops = (
        _compute_torch_crop(axis.effective_kernel, axis.stride, output_padding)
        for axis, output_padding in zip(axes, output_paddings, strict=True)
    )
    return any(more >= axis.stride for axis, (_, more) in zip(axes, crops, strict=True))


def _compute_torch_crop(effective: int, stride: int, output_padding: int | None) -> tuple[int, int]:
    """Compute what is cut off each side and added after, so that the length is `(n-1)*s + e%2 + p`."""
    wanted = (
        effective % 2 - effective + (stride - effective % 2 if output_padding is None else output_padding)
    )
    crop = max(-(wanted // 2), 0)
    return crop, 2 * crop + wanted


def count_border_as_theano(case: Case, padding: Padding) -> Computation | None:
    """Plan average pooling with `same` as Keras did for Theano: both sides are padded, and all counts."""
    if padding is not Padding.SAME:
        return None
    computation = plan_computation(case, padding)
    axes = tuple(
        _pad_axis_as_theano(axis, max(_compute_theano_border(axis.kernel), 0), axis.out)
        for axis in computation.axes
    )
    return replace(computation, axes=axes, rule=replace(computation.rule, divisor=Divisor.WINDOW))


def keep_every_window_as_theano(simulated: SimulatedCase) -> Observation | None:
    """Pool three axes with `same` without cutting off what padding of both sides makes too long."""
    if simulated.padding is not Padding.SAME:
        return None
    computation = plan_computation(simulated.case, Padding.SAME)
    borders = [_compute_theano_border(axis.kernel) for axis in computation.axes]
    if min(borders) < 0:
        return simulated.refuse("Can't store in size_t for the bytes requested")
    axes = tuple(
        _pad_axis_as_theano(axis, border, (axis.length + 2 * border - axis.kernel) // axis.stride + 1)
        for axis, border in zip(computation.axes, borders, strict=True)
    )
    return compute_observation(simulated, replace(computation, axes=axes))


def _compute_theano_border(kernel: int) -> int:
    return kernel - 2 if kernel % 2 else kernel - 1


def _pad_axis_as_theano(axis: AxisGeometry, border: int, out: int) -> AxisGeometry:
    needed = (out - 1) * axis.stride + axis.kernel - axis.length - border
    return replace(axis, out=out, before=border, after=max(needed, 0))


def take_lengths_from_other_axes_as_theano(case: Case, padding: Padding) -> Computation | None:
    """Plan a transposed layer, channels last, with the columns as the rows and the filters as the columns."""
    if case.data_format is DataFormat.CHANNELS_FIRST:
        return None
    computation = plan_computation(case, padding)
    lengths = (*computation.out[1:], case.filters)
    axes = (
        replace(axis, out=out, after=axis.out + axis.after - out)
        for axis, out in zip(computation.axes, lengths, strict=True)
    )
    return replace(computation, axes=tuple(axes))


def pool_channels(simulated: SimulatedCase) -> Observation | None:
    """Pool the channels and keep the cells, in pooling of one axis with channels first."""
    case, padding = simulated.case, simulated.padding
    if padding is None or case.data_format is DataFormat.CHANNELS_LAST:
        return None
    ((length,), channels) = case.input, case.channels
    as_channels_last = replace(
        case, data_format=DataFormat.CHANNELS_LAST, input=(channels,), channels=length, filters=length
    )
    return simulated.return_values(
        compute_values(as_channels_last, plan_computation(as_channels_last, padding), simulated.case_data)
    )


def stride_in_dilated_blocks(simulated: SimulatedCase) -> Observation | None:
    """Compute a depthwise convolution with strides and a dilation as TensorFlow did.

    Each axis is padded as if the stride were 1 and cut into `d` blocks of every `d`-th cell; the stride
    applies within a block. Output `q*d + r` starts at cell `q*s*d + r`; at the end, as many outputs are
    dropped as cells were added to make the blocks equal.
    """
    case, padding = simulated.case, simulated.padding
    if padding is None or len(set(case.strides)) > 1 or min(max(case.strides), max(case.dilation)) < 2:
        return None
    computation = plan_computation(case, padding)
    starts = [_compute_block_starts(axis, padding) for axis in computation.axes]
    if not all(starts):
        return None
    axes = tuple(
        replace(axis, stride=1, out=max(axis_starts) + 1, before=_compute_block_padding(axis, padding) // 2)
        for axis, axis_starts in zip(computation.axes, starts, strict=True)
    )
    values = compute_values(case, replace(computation, axes=axes), simulated.case_data)
    for axis, axis_starts in zip(case.spatial_axes, starts, strict=True):
        values = values.take(axis_starts, axis=axis)
    return simulated.return_values(values)


def _compute_block_starts(axis: AxisGeometry, padding: Padding) -> list[int]:
    """Compute where each output starts, counted from the first cell of padding."""
    cells, blocks = axis.length + _compute_block_padding(axis, padding), axis.dilation
    added = -cells % blocks
    block_length = (cells + added) // blocks
    per_block = (block_length - axis.kernel) // axis.stride + 1 if block_length >= axis.kernel else 0
    outputs = (divmod(place, blocks) for place in range(per_block * blocks - added))
    return [step * axis.stride * blocks + block for step, block in outputs]


def _compute_block_padding(axis: AxisGeometry, padding: Padding) -> int:
    return axis.effective_kernel - 1 if padding is Padding.SAME else 0


def forget_output_padding(case: Case, padding: Padding) -> Computation:
    """Plan a transposed layer without its `output_padding`."""
    return plan_computation(replace(case, output_padding=None), padding)


def return_unwritten_memory(simulated: SimulatedCase) -> Observation | None:
    """Return cells that were never written, as many as the input has, where no window fits."""
    case, values = simulated.case, simulated.expectation.values
    if values is None or values.size or case.batch == 0 or min(case.input) == 0:
        return None
    return simulated.return_values(np.full(case.arrange_shape(case.batch, case.input, case.filters), np.nan))
