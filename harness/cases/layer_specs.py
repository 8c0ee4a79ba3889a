"""What designs expand to: the spatial parameters of a layer, and the input lengths it is called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.cases.grids import DEFAULT_ATTRIBUTES, Lengths, SpatialLayer
from harness.oracle.geometry import compute_forward_axis, compute_transposed_axis
from harness.oracle.rules import Padding
from harness.records import Argument, ArgumentStyle, Case, LayerSizes


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer. `attributes` are those that the design decides."""

    kernel: Lengths
    strides: Lengths
    dilation: Lengths
    output_padding: Lengths | None
    inputs: tuple[Lengths, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """The spatial parameters of one axis of a layer."""

    kernel: int
    stride: int
    dilation: int
    output_padding: int | None


def has_output(subject: SpatialLayer, length: int, axis: AxisSpec, spelled: str) -> bool:
    """Return whether an input of this length gives an output; an unknown padding counts as `same`."""
    known = {Padding.SAME, Padding.VALID} if subject.kind.traits.is_transposed else set(Padding)
    padding = Padding(spelled.lower()) if spelled.lower() in known else Padding.SAME
    if subject.kind.traits.is_transposed:
        geometry = compute_transposed_axis(
            length, axis.kernel, axis.stride, axis.dilation, padding, axis.output_padding
        )
    else:
        geometry = compute_forward_axis(length, axis.kernel, axis.stride, axis.dilation, padding)
    return geometry.out > 0


def make_case(
    subject: SpatialLayer, setting: LayerSpec, attributes: Mapping[str, Any], lengths: Lengths
) -> Case:
    """Make the case of a layer called on an input of these lengths.

    Arguments that the layer determines are derived as `derive_arguments` does, but faster.
    """
    chosen = {**DEFAULT_ATTRIBUTES, **attributes, **setting.attributes}
    traits = subject.kind.traits
    if not traits.has_multiplier:
        chosen["multiplier"] = 1
    sizes = LayerSizes(
        setting.kernel, *(chosen[name] for name in ("channels", "filters", "groups", "multiplier"))
    )
    if traits.derived_filters is not None:
        chosen["filters"] = sizes.get_extent(traits.derived_filters)
    if traits.derived_groups is not None:
        chosen["groups"] = sizes.get_extent(traits.derived_groups)
    if not subject.has_choice_of("bias"):
        chosen["bias"] = False
    return Case(
        layer=subject.layer,
        input=lengths,
        kernel=setting.kernel,
        strides=setting.strides,
        dilation=setting.dilation,
        output_padding=setting.output_padding,
        **chosen,
    )


def is_writable(case: Case) -> bool:
    """Return whether the call can be written.

    Lengths are single integers only where all axes have the same. The groups of an operation follow from the
    channels of its kernel, so that only groups that divide channels and filters can be written.
    """
    if Argument.GROUPS not in case.layer.arguments and not _has_fitting_groups(case):
        return False
    if case.form is not ArgumentStyle.INT:
        return True
    lengths = (case.kernel, case.strides, case.dilation, case.output_padding or (0,))
    return all(len(set(axes)) == 1 for axes in lengths)


def _has_fitting_groups(case: Case) -> bool:
    return case.groups >= 1 and case.channels % case.groups == 0 and case.filters % case.groups == 0
