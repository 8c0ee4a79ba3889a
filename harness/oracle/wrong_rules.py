"""The wrong rules: what targets are held against, which layers can show them, and in what.

`WRONG_RULES` is the one list by which suites are measured and causes are named. `RESPECTS` says of each wrong
word where it can show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from harness.oracle.rules import (
    KERAS,
    AffectedAxes,
    Amount,
    BatchReading,
    Bias,
    Causal,
    ChannelAxis,
    Dilation,
    Divisor,
    EffectiveKernel,
    Fill,
    Groups,
    Maximum,
    Multiplier,
    Orientation,
    OutputPadding,
    Pads,
    Placement,
    Pointwise,
    Pooling,
    Precision,
    Rounding,
    Rule,
    Strides,
    TransposedLength,
    Windows,
)

WRONG_RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "odd-cell-before": replace(KERAS, placement=Placement.ODD_BEFORE),
        "kernel-centred": replace(KERAS, placement=Placement.CENTRED),
        "all-padding-before": replace(KERAS, placement=Placement.ALL_BEFORE),
        "all-padding-after": replace(KERAS, placement=Placement.ALL_AFTER),
        "both-sides-rounded-up": replace(KERAS, placement=Placement.BOTH_ROUNDED_UP),
        "both-sides-rounded-down": replace(KERAS, placement=Placement.BOTH_ROUNDED_DOWN),
        "stride-ignored-in-padding": replace(KERAS, amount=Amount.KERNEL_MINUS_ONE),
        "stride-ignored-in-padding-odd-cell-before": replace(
            KERAS, amount=Amount.KERNEL_MINUS_ONE, placement=Placement.ODD_BEFORE
        ),
        "dilation-ignored-in-padding": replace(KERAS, amount=Amount.UNDILATED),
        "padding-not-clamped": replace(KERAS, amount=Amount.UNCLAMPED),
        "padding-not-clamped-odd-cut-after": replace(
            KERAS, amount=Amount.UNCLAMPED, placement=Placement.TOWARDS_ZERO
        ),
        "padding-not-clamped-odd-cell-before": replace(
            KERAS, amount=Amount.UNCLAMPED, placement=Placement.ODD_BEFORE
        ),
        "same-means-valid": replace(KERAS, same_is_valid=True),
        "valid-means-same": replace(KERAS, valid_is_same=True),
        "length-rounded-down": replace(KERAS, rounding=Rounding.FLOOR),
        "length-rounded-up": replace(KERAS, rounding=Rounding.CEIL),
        "last-window-dropped": replace(KERAS, windows=Windows.LAST_DROPPED),
        "one-window-more": replace(KERAS, windows=Windows.ONE_MORE),
        "causal-padding-after": replace(KERAS, causal=Causal.AFTER),
        "causal-ignores-dilation": replace(KERAS, causal=Causal.UNDILATED),
        "causal-counts-the-stride": replace(KERAS, causal=Causal.STRIDE_COUNTED),
        "causal-means-same": replace(KERAS, causal=Causal.AS_SAME),
        "causal-means-valid": replace(KERAS, causal=Causal.AS_VALID),
        "dilation-ignored": replace(KERAS, dilation=Dilation.IGNORED),
        "dilation-taken-as-stride": replace(KERAS, dilation=Dilation.AS_STRIDE),
        "dilation-ignored-by-taps": replace(KERAS, dilation=Dilation.IGNORED_BY_TAPS),
        "dilation-doubled": replace(KERAS, dilation=Dilation.DOUBLED),
        "dilation-swapped": replace(KERAS, dilation=Dilation.SWAPPED),
        "first-dilation-for-all": replace(KERAS, dilation=Dilation.FIRST_FOR_ALL),
        "effective-kernel-k-times-d": replace(KERAS, effective_kernel=EffectiveKernel.KERNEL_TIMES_DILATION),
        "kernel-flipped": replace(KERAS, orientation=Orientation.FLIPPED),
        "kernel-flipped-first-axis": replace(KERAS, orientation=Orientation.FLIPPED_FIRST_AXIS),
        "kernel-flipped-last-axis": replace(KERAS, orientation=Orientation.FLIPPED_LAST_AXIS),
        "kernel-transposed": replace(KERAS, orientation=Orientation.TRANSPOSED),
        "kernel-channels-swapped": replace(KERAS, orientation=Orientation.CHANNELS_SWAPPED),
        "strides-swapped": replace(KERAS, strides=Strides.SWAPPED),
        "first-stride-for-all": replace(KERAS, strides=Strides.FIRST_FOR_ALL),
        "last-stride-for-all": replace(KERAS, strides=Strides.LAST_FOR_ALL),
        "strides-ignored": replace(KERAS, strides=Strides.IGNORED),
        "strides-looked-up-by-length": replace(KERAS, strides=Strides.BY_LENGTH),
        "pads-swapped": replace(KERAS, pads=Pads.SWAPPED),
        "pads-swapped-windows-that-fit": replace(KERAS, pads=Pads.SWAPPED_FITTING),
        "first-pads-for-all": replace(KERAS, pads=Pads.FIRST_FOR_ALL),
        "last-pads-for-all": replace(KERAS, pads=Pads.LAST_FOR_ALL),
        "output-padding-before": replace(KERAS, output_padding=OutputPadding.BEFORE),
        "output-padding-ignored": replace(KERAS, output_padding=OutputPadding.IGNORED),
        "output-padding-is-zeros": replace(KERAS, output_padding=OutputPadding.AS_ZEROS),
        "first-output-padding-for-all": replace(KERAS, output_padding=OutputPadding.FIRST_FOR_ALL),
        "stride-beyond-kernel-not-covered": replace(KERAS, full=TransposedLength.KERNEL_ONLY),
        "groups-interleaved": replace(KERAS, groups=Groups.INTERLEAVED),
        "groups-reversed": replace(KERAS, groups=Groups.REVERSED),
        "group-outputs-shuffled": replace(KERAS, groups=Groups.SHUFFLED_OUTPUT),
        "multiplier-before-channel": replace(KERAS, multiplier=Multiplier.MULTIPLIER_MAJOR),
        "first-multiplier-for-all": replace(KERAS, multiplier=Multiplier.FIRST_FOR_ALL),
        "strides-in-the-pointwise-step": replace(KERAS, pointwise=Pointwise.STRIDES),
        "pointwise-kernel-transposed": replace(KERAS, pointwise=Pointwise.TRANSPOSED),
        "data-format-guessed": replace(KERAS, format=ChannelAxis.OTHER_WHERE_IT_FITS),
        "divisor-counts-padding": replace(KERAS, divisor=Divisor.WINDOW),
        "divisor-counts-padding-before": replace(KERAS, divisor=Divisor.PADDED_CELLS_BEFORE),
        "divisor-of-first-axis": replace(KERAS, divisor=Divisor.FIRST_AXIS),
        "sum-not-divided": replace(KERAS, divisor=Divisor.ONE),
        "maximum-with-zero": replace(KERAS, maximum=Maximum.ZERO),
        "other-pooling": replace(KERAS, pooling=Pooling.OTHER),
        "padding-of-ones": replace(KERAS, fill=Fill.ONE),
        "padding-repeats-edge": replace(KERAS, fill=Fill.EDGE),
        "padding-reflects": replace(KERAS, fill=Fill.REFLECT),
        "bias-omitted": replace(KERAS, bias=Bias.OMITTED),
        "bias-added-twice": replace(KERAS, bias=Bias.TWICE),
        "bias-reversed": replace(KERAS, bias=Bias.REVERSED),
        "bias-along-last-axis": replace(KERAS, bias=Bias.ALONG_LAST_AXIS),
        "bias-along-first-fitting-axis": replace(KERAS, bias=Bias.ALONG_FIRST_FITTING_AXIS),
        "first-bias-for-all": replace(KERAS, bias=Bias.FIRST_FOR_ALL),
        "first-batch-entry-only": replace(KERAS, batch=BatchReading.FIRST_ONLY),
        "last-batch-entry-only": replace(KERAS, batch=BatchReading.LAST_ONLY),
        "batch-reversed": replace(KERAS, batch=BatchReading.REVERSED),
        "inputs-rounded-to-bfloat16": replace(KERAS, inputs=Precision.BFLOAT16),
        "inputs-rounded-to-float32": replace(KERAS, inputs=Precision.FLOAT32),
        "sums-rounded-to-bfloat16": replace(KERAS, precision=Precision.BFLOAT16),
        "sums-and-bias-rounded-to-bfloat16": replace(KERAS, precision=Precision.BFLOAT16, rounds_bias=True),
        "sums-rounded-to-float16": replace(KERAS, precision=Precision.FLOAT16),
        "sums-and-bias-rounded-to-float16": replace(KERAS, precision=Precision.FLOAT16, rounds_bias=True),
        "sums-rounded-to-float32": replace(KERAS, precision=Precision.FLOAT32),
        "windows-shifted-by-one": replace(KERAS, shift=1),
        "windows-shifted-back-by-one": replace(KERAS, shift=-1),
        "even-kernel-shifted": replace(KERAS, shift_even=1),
        "even-kernel-shifted-back": replace(KERAS, shift_even=-1),
    }
)


class Need(StrEnum):
    """What a layer must have for a wrong field to show in it."""

    SEVERAL_AXES = "several-axes"
    WINDOWS = "windows"  # that read the input; a transposed layer scatters instead
    SCATTERED_CELLS = "scattered-cells"
    KERNEL = "kernel"
    POINTWISE_KERNEL = "pointwise-kernel"
    GROUPS = "groups"
    MULTIPLIER = "multiplier"
    BIAS = "bias"
    CAUSAL_PADDING = "causal-padding"
    POOLING = "pooling"
    SUM = "sum"  # or mean
    MEAN = "mean"
    MAXIMUM = "maximum"


@dataclass(frozen=True, slots=True)
class Reach:
    """In which layers, and in what, a wrong field of a rule shows.

    It shows in layers that have all that it `needs`. `in_lengths`: it changes lengths, and not only where
    cells lie. `in_gradients`: it can change gradients where the output has the right shape. `by_axis`: it
    acts axis by axis, so that a layer can be wrong on one axis only.
    """

    needs: frozenset[Need]
    in_lengths: bool
    in_gradients: bool
    by_axis: bool


def _make_reach(
    *needs: Need, in_lengths: bool = False, in_gradients: bool = False, by_axis: bool = False
) -> Reach:
    return Reach(frozenset(needs), in_lengths, in_gradients, by_axis)


@dataclass(frozen=True, slots=True)
class Respect:
    """The reach of a wrong field of a rule, and the values of the field whose reach differs."""

    reach: Reach
    by_word: Mapping[StrEnum, Reach] = field(default_factory=dict)


RESPECTS: Final[Mapping[str, Respect]] = MappingProxyType(
    {
        "placement": Respect(
            _make_reach(in_gradients=True, by_axis=True),
            {  # Cannot show in a transposed layer, which crops half of the excess before, rounded down.
                Placement.TOWARDS_ZERO: _make_reach(Need.WINDOWS, in_gradients=True, by_axis=True),
                Placement.BOTH_ROUNDED_DOWN: _make_reach(Need.WINDOWS, by_axis=True),
            },
        ),
        "amount": Respect(
            _make_reach(Need.WINDOWS, in_gradients=True, by_axis=True),
            {
                Amount.UNCLAMPED: _make_reach(in_gradients=True, by_axis=True),
                Amount.UNDILATED: _make_reach(Need.WINDOWS, Need.KERNEL, by_axis=True),
            },
        ),
        "rounding": Respect(_make_reach(Need.WINDOWS, in_lengths=True, by_axis=True)),
        "windows": Respect(_make_reach(in_lengths=True, by_axis=True)),
        "causal": Respect(_make_reach(Need.CAUSAL_PADDING, in_gradients=True)),
        "dilation": Respect(
            _make_reach(Need.KERNEL, in_lengths=True, in_gradients=True, by_axis=True),
            {
                Dilation.IGNORED_BY_TAPS: _make_reach(Need.KERNEL, in_gradients=True, by_axis=True),
                Dilation.AS_STRIDE: _make_reach(Need.KERNEL, in_lengths=True, by_axis=True),
                Dilation.SWAPPED: _make_reach(
                    Need.KERNEL, Need.SEVERAL_AXES, in_lengths=True, in_gradients=True
                ),
                Dilation.FIRST_FOR_ALL: _make_reach(
                    Need.KERNEL, Need.SEVERAL_AXES, in_lengths=True, in_gradients=True
                ),
            },
        ),
        "effective_kernel": Respect(
            _make_reach(Need.KERNEL, in_lengths=True, in_gradients=True, by_axis=True)
        ),
        "same_is_valid": Respect(_make_reach(in_lengths=True, by_axis=True)),
        "valid_is_same": Respect(_make_reach(in_lengths=True, by_axis=True)),
        "shift": Respect(_make_reach(in_gradients=True, by_axis=True)),
        "shift_even": Respect(_make_reach(in_gradients=True, by_axis=True)),
        "output_padding": Respect(
            _make_reach(Need.SCATTERED_CELLS, in_gradients=True, by_axis=True),
            {
                OutputPadding.IGNORED: _make_reach(Need.SCATTERED_CELLS, in_lengths=True, by_axis=True),
                OutputPadding.FIRST_FOR_ALL: _make_reach(
                    Need.SCATTERED_CELLS, Need.SEVERAL_AXES, in_lengths=True
                ),
            },
        ),
        "full": Respect(_make_reach(Need.SCATTERED_CELLS, in_lengths=True, by_axis=True)),
        "on_axis": Respect(_make_reach(Need.SEVERAL_AXES, in_gradients=True)),
        "strides": Respect(
            _make_reach(Need.SEVERAL_AXES, in_lengths=True), {Strides.IGNORED: _make_reach(in_lengths=True)}
        ),
        "pads": Respect(
            _make_reach(Need.SEVERAL_AXES, in_gradients=True),
            {Pads.SWAPPED_FITTING: _make_reach(Need.SEVERAL_AXES)},
        ),
        "orientation": Respect(
            _make_reach(Need.KERNEL, in_gradients=True),
            {Orientation.TRANSPOSED: _make_reach(Need.KERNEL, Need.SEVERAL_AXES, in_gradients=True)},
        ),
        "groups": Respect(_make_reach(Need.GROUPS, in_gradients=True)),
        "multiplier": Respect(_make_reach(Need.MULTIPLIER)),
        "pointwise": Respect(_make_reach(Need.POINTWISE_KERNEL)),
        "format": Respect(_make_reach()),
        "fill": Respect(_make_reach(Need.WINDOWS, Need.SUM)),
        "divisor": Respect(
            _make_reach(Need.MEAN, in_gradients=True),
            {Divisor.FIRST_AXIS: _make_reach(Need.MEAN, Need.SEVERAL_AXES, in_gradients=True)},
        ),
        "maximum": Respect(_make_reach(Need.MAXIMUM)),
        "pooling": Respect(_make_reach(Need.POOLING)),
        "bias": Respect(_make_reach(Need.BIAS)),
        "batch": Respect(_make_reach()),
        "inputs": Respect(_make_reach()),
        "precision": Respect(_make_reach(Need.SUM)),
        "rounds_bias": Respect(_make_reach(Need.BIAS, in_gradients=True)),
    }
)
"""The reach of each field of a rule."""


def find_reaches(rule: Rule) -> tuple[Reach, ...]:
    """Return the reach of each field in which a rule differs from Keras's."""
    values = {name: getattr(rule, name) for name in RESPECTS}
    wrong = {name: value for name, value in values.items() if value != getattr(KERAS, name)}
    return tuple(RESPECTS[name].by_word.get(value, RESPECTS[name].reach) for name, value in wrong.items())


def restrict_to_one_axis(rules: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Return the rules that act axis by axis, restricted to the first and to the last axis each."""
    restricted: dict[str, Rule] = {}
    for name, rule in rules.items():
        if all(reach.by_axis for reach in find_reaches(rule)):
            for axis in (AffectedAxes.FIRST, AffectedAxes.LAST):
                restricted[f"{name}-on-{axis}-axis"] = replace(rule, on_axis=axis)
    return MappingProxyType(restricted)
