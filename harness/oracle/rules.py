"""Rules as values: how a layer pads, rounds lengths, dilates, and orients its kernel.

`KERAS` is the rule that Keras documents; `wrong_rules` holds rules that differ from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never


class Padding(StrEnum):
    """The paddings that a rule knows."""

    VALID = "valid"
    SAME = "same"
    CAUSAL = "causal"


class Placement(StrEnum):
    """Where `same` places its cells; in a transposed layer, where it crops them.

    `centred` aligns the kernel by its middle tap, the earlier of two: what the middles of the first and last
    windows leave of the input is split, with the odd cell after. So the odd cell of padding goes before an
    odd kernel and after an even one. `towards-zero` halves as C does: the odd cell of a negative total is
    cropped at the end.
    """

    ODD_AFTER = "odd-after"
    ODD_BEFORE = "odd-before"
    CENTRED = "centred"
    TOWARDS_ZERO = "towards-zero"
    ALL_BEFORE = "all-before"
    ALL_AFTER = "all-after"
    BOTH_ROUNDED_UP = "both-rounded-up"
    BOTH_ROUNDED_DOWN = "both-rounded-down"

    @property
    def in_words(self) -> str:
        """The placement in words, as part of a description of `same`."""
        match self:
            case Placement.ODD_AFTER:
                return "odd cell after"
            case Placement.ODD_BEFORE:
                return "odd cell before"
            case Placement.CENTRED:
                return "odd cell before an odd kernel and after an even one"
            case Placement.TOWARDS_ZERO:
                return "odd cell after, whether padded or cut off"
            case Placement.ALL_BEFORE:
                return "all of it before"
            case Placement.ALL_AFTER:
                return "all of it after"
            case Placement.BOTH_ROUNDED_UP:
                return "half of it rounded up on both sides"
            case Placement.BOTH_ROUNDED_DOWN:
                return "half of it rounded down on both sides"
            case _:
                assert_never(self)


class Amount(StrEnum):
    """How many cells `same` pads in total."""

    NEEDED = "needed"
    KERNEL_MINUS_ONE = "kernel-minus-one"
    UNDILATED = "undilated"
    UNCLAMPED = "unclamped"

    def describe(self, out: str) -> str:
        """Describe the amount as part of a description of `same` whose output length is `out`.

        `n` is the input length, `s` the stride, `k` the kernel, `e` the effective kernel.
        """
        match self:
            case Amount.NEEDED:
                return f"total = max(({out}-1)*s + e - n, 0)"
            case Amount.UNCLAMPED:
                return f"total = ({out}-1)*s + e - n, cutting cells off where it is negative"
            case Amount.UNDILATED:
                return f"total = max(({out}-1)*s + k - n, 0)"
            case Amount.KERNEL_MINUS_ONE:
                return "total = e - 1 whatever the stride"
            case _:
                assert_never(self)


class Rounding(StrEnum):
    """How a length that is no multiple of the stride is rounded."""

    COVER = "cover"
    FLOOR = "floor"
    CEIL = "ceil"


class Windows(StrEnum):
    """Which of the windows that fit are taken."""

    ALL = "all"
    LAST_DROPPED = "last-dropped"
    ONE_MORE = "one-more"


class Causal(StrEnum):
    """What `causal` does, or is mistaken for."""

    BEFORE = "before"
    AFTER = "after"
    UNDILATED = "undilated"
    STRIDE_COUNTED = "stride-counted"
    AS_SAME = "as-same"
    AS_VALID = "as-valid"


class Dilation(StrEnum):
    """What the dilation rate does: it spreads the kernel's taps, or is mistaken for something else."""

    SPREADS = "spreads"
    IGNORED = "ignored"
    IGNORED_BY_TAPS = "ignored-by-taps"
    AS_STRIDE = "as-stride"
    DOUBLED = "doubled"
    SWAPPED = "swapped"
    FIRST_FOR_ALL = "first-for-all"


class EffectiveKernel(StrEnum):
    """The length that a dilated kernel is assumed to have when lengths and pads are computed."""

    LAST_TAP = "last-tap"
    KERNEL_TIMES_DILATION = "kernel-times-dilation"


class Orientation(StrEnum):
    """How the kernel is oriented on the input."""

    CORRELATION = "correlation"
    FLIPPED = "flipped"
    FLIPPED_FIRST_AXIS = "flipped-first-axis"
    FLIPPED_LAST_AXIS = "flipped-last-axis"
    TRANSPOSED = "transposed"
    CHANNELS_SWAPPED = "channels-swapped"


class Strides(StrEnum):
    """Which stride belongs to which axis."""

    PER_AXIS = "per-axis"
    SWAPPED = "swapped"
    FIRST_FOR_ALL = "first-for-all"
    LAST_FOR_ALL = "last-for-all"
    IGNORED = "ignored"
    BY_LENGTH = "by-length"


class Pads(StrEnum):
    """Which padding belongs to which axis; `fitting`: the windows are then counted on the padded axis."""

    PER_AXIS = "per-axis"
    SWAPPED = "swapped"
    SWAPPED_FITTING = "swapped-fitting"
    FIRST_FOR_ALL = "first-for-all"
    LAST_FOR_ALL = "last-for-all"


class AffectedAxes(StrEnum):
    """The spatial axes whose lengths and pads follow the wrong rule; the others follow Keras's."""

    EVERY = "every"
    FIRST = "first"
    LAST = "last"


class OutputPadding(StrEnum):
    """What `output_padding` does to a transposed layer."""

    AFTER = "after"
    BEFORE = "before"
    IGNORED = "ignored"
    FIRST_FOR_ALL = "first-for-all"
    AS_ZEROS = "as-zeros"


class TransposedLength(StrEnum):
    """How long a transposed output is without `output_padding`; Keras covers the last stride."""

    COVERS_STRIDE = "covers-stride"
    KERNEL_ONLY = "kernel-only"


class Divisor(StrEnum):
    """What average pooling divides the sum of a window by."""

    REAL_CELLS = "real-cells"
    WINDOW = "window"
    PADDED_CELLS_BEFORE = "padded-cells-before"
    FIRST_AXIS = "first-axis"
    ONE = "one"


class Maximum(StrEnum):
    """What max pooling takes a padded cell for."""

    NOTHING = "nothing"
    ZERO = "zero"


class Pooling(StrEnum):
    """How a pooling layer reduces a window."""

    AS_NAMED = "as-named"
    OTHER = "other"


class Multiplier(StrEnum):
    """The order of a depthwise layer's output channels: `c*m + j`, or `j*channels + c`."""

    CHANNEL_MAJOR = "channel-major"
    MULTIPLIER_MAJOR = "multiplier-major"
    FIRST_FOR_ALL = "first-for-all"


class Pointwise(StrEnum):
    """How the second kernel of a separable layer is applied."""

    LAST = "last"
    STRIDES = "strides"
    TRANSPOSED = "transposed"


class ChannelAxis(StrEnum):
    """Which axis is taken as the channels; the wrong one only where its length allows it."""

    AS_NAMED = "as-named"
    OTHER_WHERE_IT_FITS = "other-where-it-fits"


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
    """How the bias is added."""

    PER_FILTER = "per-filter"
    OMITTED = "omitted"
    TWICE = "twice"
    REVERSED = "reversed"
    ALONG_LAST_AXIS = "along-last-axis"
    ALONG_FIRST_FITTING_AXIS = "along-first-fitting-axis"
    FIRST_FOR_ALL = "first-for-all"


class BatchReading(StrEnum):
    """Which entry of the batch each output entry is computed from."""

    EACH = "each"
    FIRST_ONLY = "first-only"
    REVERSED = "reversed"
    LAST_ONLY = "last-only"


class Precision(StrEnum):
    """The precision to which numbers are rounded."""

    FULL = "full"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class Rule:
    """One interpretation of what a layer computes. The defaults are Keras's."""

    placement: Placement = Placement.ODD_AFTER
    amount: Amount = Amount.NEEDED
    rounding: Rounding = Rounding.COVER
    windows: Windows = Windows.ALL
    causal: Causal = Causal.BEFORE
    dilation: Dilation = Dilation.SPREADS
    effective_kernel: EffectiveKernel = EffectiveKernel.LAST_TAP
    same_is_valid: bool = False
    valid_is_same: bool = False
    shift: int = 0
    """The number of cells by which every window is moved towards the end of the input."""
    shift_even: int = 0
    """The same, for even kernels only."""
    output_padding: OutputPadding = OutputPadding.AFTER
    full: TransposedLength = TransposedLength.COVERS_STRIDE
    on_axis: AffectedAxes = AffectedAxes.EVERY
    """The axes on which all fields above apply."""

    strides: Strides = Strides.PER_AXIS
    pads: Pads = Pads.PER_AXIS
    orientation: Orientation = Orientation.CORRELATION
    groups: Groups = Groups.CONSECUTIVE
    multiplier: Multiplier = Multiplier.CHANNEL_MAJOR
    pointwise: Pointwise = Pointwise.LAST
    format: ChannelAxis = ChannelAxis.AS_NAMED
    fill: Fill = Fill.ZERO
    divisor: Divisor = Divisor.REAL_CELLS
    maximum: Maximum = Maximum.NOTHING
    pooling: Pooling = Pooling.AS_NAMED
    bias: Bias = Bias.PER_FILTER
    batch: BatchReading = BatchReading.EACH
    inputs: Precision = Precision.FULL
    """The precision to which inputs are rounded before anything is computed."""
    precision: Precision = Precision.FULL
    """The precision to which sums are rounded."""
    rounds_bias: bool = False
    """Whether the bias is rounded and added before the sums are rounded, and not after."""


KERAS: Final = Rule()
