"""Rules as values: where padding goes, how lengths round, what dilation does, which way the kernel lies.

`KERAS` is the rule that Keras documents. `WRONG_RULES` names ways to be wrong, most differing from
it in one respect; they name the cause of a divergence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Padding(StrEnum):
    """The padding modes that a rule knows."""

    VALID = "valid"
    SAME = "same"


class Placement(StrEnum):
    """Where the cells of `same` padding go.

    `centred` lays the kernel by its middle tap, the earlier of two: what the middles of the first and the
    last window leave of the input is split, with the odd cell after. So the odd cell of padding goes
    before an odd kernel and after an even one. `towards-zero` halves as C does: of a negative total the odd
    cell is cut off at the end.
    """

    ODD_AFTER = "odd-after"
    ODD_BEFORE = "odd-before"
    CENTRED = "centred"
    TOWARDS_ZERO = "towards-zero"
    ALL_BEFORE = "all-before"
    ALL_AFTER = "all-after"
    BOTH_ROUNDED_UP = "both-rounded-up"
    BOTH_ROUNDED_DOWN = "both-rounded-down"


class Amount(StrEnum):
    """How many cells `same` pads in all."""

    NEEDED = "needed"
    KERNEL_MINUS_ONE = "kernel-minus-one"
    UNDILATED = "undilated"
    UNCLAMPED = "unclamped"


class Rounding(StrEnum):
    """How a length that the stride does not divide is rounded."""

    COVER = "cover"
    FLOOR = "floor"
    CEIL = "ceil"


class Dilation(StrEnum):
    """What the dilation rate does: it spreads the kernel's taps, or is taken for something else."""

    SPREADS = "spreads"
    IGNORED = "ignored"
    AS_STRIDE = "as-stride"
    SWAPPED = "swapped"


class Orientation(StrEnum):
    """Which way the kernel lies on the input."""

    CORRELATION = "correlation"
    FLIPPED = "flipped"
    FLIPPED_FIRST_AXIS = "flipped-first-axis"
    FLIPPED_LAST_AXIS = "flipped-last-axis"
    TRANSPOSED = "transposed"


class Strides(StrEnum):
    """Which stride belongs to which axis."""

    PER_AXIS = "per-axis"
    SWAPPED = "swapped"
    FIRST_FOR_ALL = "first-for-all"
    LAST_FOR_ALL = "last-for-all"
    IGNORED = "ignored"


class Pads(StrEnum):
    """Which padding belongs to which axis."""

    PER_AXIS = "per-axis"
    SWAPPED = "swapped"
    FIRST_FOR_ALL = "first-for-all"


class Groups(StrEnum):
    """Which channels and filters belong to which group."""

    CONSECUTIVE = "consecutive"
    INTERLEAVED = "interleaved"
    REVERSED = "reversed"
    SHUFFLED_OUTPUT = "shuffled-output"


class Fill(StrEnum):
    """What padded cells hold."""

    ZERO = "zero"
    ONE = "one"
    EDGE = "edge"
    REFLECT = "reflect"


class Bias(StrEnum):
    """What happens to the bias."""

    PER_FILTER = "per-filter"
    OMITTED = "omitted"
    TWICE = "twice"
    REVERSED = "reversed"
    ALONG_LAST_AXIS = "along-last-axis"


class Batch(StrEnum):
    """Which entry of the batch each output is made from."""

    EACH = "each"
    FIRST_ONLY = "first-only"
    REVERSED = "reversed"


class Precision(StrEnum):
    """What the sums are rounded to."""

    FULL = "full"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reading of what a convolution layer does. The defaults are Keras's."""

    placement: Placement = Placement.ODD_AFTER
    amount: Amount = Amount.NEEDED
    rounding: Rounding = Rounding.COVER
    dilation: Dilation = Dilation.SPREADS
    orientation: Orientation = Orientation.CORRELATION
    strides: Strides = Strides.PER_AXIS
    pads: Pads = Pads.PER_AXIS
    groups: Groups = Groups.CONSECUTIVE
    fill: Fill = Fill.ZERO
    bias: Bias = Bias.PER_FILTER
    batch: Batch = Batch.EACH
    precision: Precision = Precision.FULL
    rounds_bias: bool = False
    """Whether the bias is rounded and added before the sums are rounded, and not after."""
    same_is_valid: bool = False
    valid_is_same: bool = False
    shift: int = 0
    """Cells by which every window is moved towards the end of the input."""


KERAS: Final = Rule()

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
        "same-means-valid": replace(KERAS, same_is_valid=True),
        "valid-means-same": replace(KERAS, valid_is_same=True),
        "length-rounded-down": replace(KERAS, rounding=Rounding.FLOOR),
        "length-rounded-up": replace(KERAS, rounding=Rounding.CEIL),
        "dilation-ignored": replace(KERAS, dilation=Dilation.IGNORED),
        "dilation-taken-as-stride": replace(KERAS, dilation=Dilation.AS_STRIDE),
        "dilation-swapped": replace(KERAS, dilation=Dilation.SWAPPED),
        "kernel-flipped": replace(KERAS, orientation=Orientation.FLIPPED),
        "kernel-flipped-first-axis": replace(KERAS, orientation=Orientation.FLIPPED_FIRST_AXIS),
        "kernel-flipped-last-axis": replace(KERAS, orientation=Orientation.FLIPPED_LAST_AXIS),
        "kernel-transposed": replace(KERAS, orientation=Orientation.TRANSPOSED),
        "strides-swapped": replace(KERAS, strides=Strides.SWAPPED),
        "first-stride-for-all": replace(KERAS, strides=Strides.FIRST_FOR_ALL),
        "last-stride-for-all": replace(KERAS, strides=Strides.LAST_FOR_ALL),
        "strides-ignored": replace(KERAS, strides=Strides.IGNORED),
        "pads-swapped": replace(KERAS, pads=Pads.SWAPPED),
        "first-pads-for-all": replace(KERAS, pads=Pads.FIRST_FOR_ALL),
        "groups-interleaved": replace(KERAS, groups=Groups.INTERLEAVED),
        "groups-reversed": replace(KERAS, groups=Groups.REVERSED),
        "group-outputs-shuffled": replace(KERAS, groups=Groups.SHUFFLED_OUTPUT),
        "padding-of-ones": replace(KERAS, fill=Fill.ONE),
        "padding-repeats-edge": replace(KERAS, fill=Fill.EDGE),
        "padding-reflects": replace(KERAS, fill=Fill.REFLECT),
        "bias-omitted": replace(KERAS, bias=Bias.OMITTED),
        "bias-added-twice": replace(KERAS, bias=Bias.TWICE),
        "bias-reversed": replace(KERAS, bias=Bias.REVERSED),
        "bias-along-last-axis": replace(KERAS, bias=Bias.ALONG_LAST_AXIS),
        "first-batch-entry-only": replace(KERAS, batch=Batch.FIRST_ONLY),
        "batch-reversed": replace(KERAS, batch=Batch.REVERSED),
        "sums-rounded-to-bfloat16": replace(KERAS, precision=Precision.BFLOAT16),
        "sums-and-bias-rounded-to-bfloat16": replace(KERAS, precision=Precision.BFLOAT16, rounds_bias=True),
        "sums-rounded-to-float16": replace(KERAS, precision=Precision.FLOAT16),
        "sums-and-bias-rounded-to-float16": replace(KERAS, precision=Precision.FLOAT16, rounds_bias=True),
        "windows-shifted-by-one": replace(KERAS, shift=1),
    }
)
