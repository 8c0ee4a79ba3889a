"""In which layers a wrong rule can show at all, from what it is wrong about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Final

from harness.oracle.rules import (
    KERAS,
    Amount,
    Dilation,
    Divisor,
    Orientation,
    OutputPadding,
    Pads,
    Placement,
    Rule,
    Strides,
)
from harness.records import Argument, Layer, LayerKind

Lives = Callable[[Layer, int], bool]

_Test = Callable[[Rule, Layer, LayerKind, int], bool]


def habitat(rule: Rule) -> Lives:
    """Whether a layer, with its number of axes, has everything that the rule is wrong about."""
    tests = [_BY_FIELD[field] for field in changed(rule)]

    def lives(layer: Layer, ndim: int) -> bool:
        kind = layer.kind
        return all(test(rule, layer, kind, ndim) for test in tests)

    return lives


def changed(rule: Rule) -> frozenset[str]:
    """The fields in which a rule differs from Keras's."""
    names = (part.name for part in fields(Rule))
    return frozenset(name for name in names if getattr(rule, name) != getattr(KERAS, name))


def changes_lengths(rule: Rule) -> bool:
    """Whether a rule is wrong about lengths, and not only about where things lie."""
    if rule.dilation is Dilation.IGNORED_BY_TAPS:
        return False
    if rule.output_padding in {OutputPadding.BEFORE, OutputPadding.AS_ZEROS}:
        return False
    return bool(changed(rule) & (_LENGTHS | {"dilation", "effective_kernel", "output_padding"}))


def changes_gradients(rule: Rule) -> bool:
    """Whether a rule can give other gradients where its output has the right shape."""
    untold = {
        "batch",
        "bias",
        "fill",
        "inputs",
        "precision",
        "format",
        "maximum",
        "pooling",
        "multiplier",
        "pointwise",
    }
    by_length = (
        rule.placement is Placement.BOTH_ROUNDED_DOWN
        or rule.amount is Amount.UNDILATED
        or rule.dilation is Dilation.AS_STRIDE
        or rule.pads is Pads.SWAPPED_FITTING
        or rule.output_padding in {OutputPadding.IGNORED, OutputPadding.FIRST_FOR_ALL}
    )
    return not by_length and not changed(rule) & (_LENGTHS | untold)


_LENGTHS: Final = frozenset({"rounding", "windows", "same_is_valid", "valid_is_same", "full", "strides"})
"""What is always a matter of length."""


def _is_transposed(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return kind is LayerKind.TRANSPOSE


def _is_forward(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return kind is not LayerKind.TRANSPOSE


def _has_kernel(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return not kind.traits.is_pooling


def _everywhere(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return True


def _has_several_axes(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return ndim > 1


def _has_bias(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return Argument.USE_BIAS in layer.arguments


def _has_groups(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    """An operation has groups by the shape of its kernel."""
    return kind is LayerKind.CONVOLUTION


def _of_kinds(*kinds: LayerKind) -> _Test:
    def test(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
        return kind in kinds

    return test


def _placement(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    """A transposed layer cuts half of what is too much off before, rounded down: so do two wrong rules."""
    return kind is not LayerKind.TRANSPOSE or rule.placement not in {
        Placement.BOTH_ROUNDED_DOWN,
        Placement.TOWARDS_ZERO,
    }


def _amount(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    if rule.amount is Amount.UNCLAMPED:
        return True
    if rule.amount is Amount.UNDILATED:
        return not (kind.traits.is_pooling or kind.traits.is_transposed)
    return kind is not LayerKind.TRANSPOSE


def _dilation(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    couples_axes = rule.dilation in {Dilation.SWAPPED, Dilation.FIRST_FOR_ALL}
    return not kind.traits.is_pooling and (ndim > 1 or not couples_axes)


def _strides(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return ndim > 1 or rule.strides is Strides.IGNORED


def _output_padding(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return kind is LayerKind.TRANSPOSE and (
        ndim > 1 or rule.output_padding is not OutputPadding.FIRST_FOR_ALL
    )


def _orientation(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return not kind.traits.is_pooling and (ndim > 1 or rule.orientation is not Orientation.TRANSPOSED)


def _divisor(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return kind is LayerKind.AVERAGE_POOLING and (ndim > 1 or rule.divisor is not Divisor.FIRST_AXIS)


def _causal(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return layer is Layer.CONV1D


def _fill(rule: Rule, layer: Layer, kind: LayerKind, ndim: int) -> bool:  # noqa: ARG001  (a `_Test`)
    return kind not in {LayerKind.MAX_POOLING, LayerKind.TRANSPOSE}


_BY_FIELD: Final[Mapping[str, _Test]] = MappingProxyType(
    {
        "placement": _placement,
        "amount": _amount,
        "rounding": _is_forward,
        "windows": _everywhere,
        "causal": _causal,
        "dilation": _dilation,
        "effective_kernel": _has_kernel,
        "same_is_valid": _everywhere,
        "valid_is_same": _everywhere,
        "shift": _everywhere,
        "shift_even": _everywhere,
        "output_padding": _output_padding,
        "full": _is_transposed,
        "on_axis": _has_several_axes,
        "strides": _strides,
        "pads": _has_several_axes,
        "orientation": _orientation,
        "groups": _has_groups,
        "multiplier": _of_kinds(LayerKind.DEPTHWISE, LayerKind.SEPARABLE),
        "pointwise": _of_kinds(LayerKind.SEPARABLE),
        "format": _everywhere,
        "fill": _fill,
        "divisor": _divisor,
        "maximum": _of_kinds(LayerKind.MAX_POOLING),
        "pooling": _of_kinds(LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING),
        "bias": _has_bias,
        "batch": _everywhere,
        "inputs": _everywhere,
        "precision": _of_kinds(*(kind for kind in LayerKind if kind is not LayerKind.MAX_POOLING)),
        "rounds_bias": _has_bias,
    }
)
"""By the field that is wrong, whether a layer has what it is about."""
