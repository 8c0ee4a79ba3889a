"""Lengths and pads of one spatial axis, in plain integers.

Per axis: `n` input length, `k` kernel length, `s` stride, `d` dilation, `e = (k-1)*d + 1` the effective
kernel. Axes are independent: each is padded by its own lengths alone.

Source: TensorFlow `kernel_shape_util.cc` (`GetWindowedOutputSizeVerbose`), JAX `padtype_to_pads('SAME')`, the
Keras documentation of `Conv1D`, `Conv2D` and `Conv2DTranspose` (`deconv_output_length`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from harness.oracle.rules import (
    KERAS,
    AffectedAxes,
    Amount,
    Causal,
    Dilation,
    EffectiveKernel,
    OutputPadding,
    Padding,
    Placement,
    Rounding,
    Rule,
    TransposedLength,
    Windows,
)


@dataclass(frozen=True, slots=True)
class AxisGeometry:
    """The geometry of one axis; all lengths in cells.

    A forward layer pads the input by `before` and `after`. Under a rule that does not clamp they may be
    negative, which crops cells. `out` is 0 where no full window fits.

    A transposed layer scatters into the full result and crops `before` and `after` off it; negative values
    add zeros. The last `zeroed` cells of its output are zero.
    """

    length: int
    kernel: int
    stride: int
    dilation: int
    effective_kernel: int
    out: int
    before: int
    after: int
    shift: int = 0
    is_transposed: bool = False
    zeroed: int = 0

    @property
    def total(self) -> int:
        """The padding, or the cropping, on both sides together."""
        return self.before + self.after

    @property
    def starts(self) -> range:
        """Where each window starts, counted from the first input cell (negative: in the padding)."""
        first = self.shift - self.before
        return range(first, first + self.out * self.stride, self.stride)


@lru_cache(maxsize=65536)
def compute_forward_axis(
    length: int, kernel: int, stride: int, dilation: int, padding: Padding, rule: Rule = KERAS
) -> AxisGeometry:
    """Compute output length and padding along one axis of a forward layer.

    * `valid`: `out = floor((n - e)/s) + 1` where `n >= e`, else 0; no padding.
    * `same`: `out = ceil(n/s)`, `total = max((out-1)*s + e - n, 0)`, `before = total // 2` and the rest
      after, so that the odd cell goes at the end.
    * `causal`: `out = ceil(n/s)`, `before = e - 1`, nothing after: no output reads later cells.

    Raises:
        ValueError: a kernel, stride or dilation below 1, or a negative length.
    """
    if min(kernel, stride, dilation) < 1 or length < 0:
        raise ValueError(f"no geometry for {length=}, {kernel=}, {stride=}, {dilation=}")
    stride, dilation, effective = _apply_dilation_rule(kernel, stride, dilation, rule)
    match _choose_padding_mode(padding, rule):
        case Padding.VALID:
            out = _count_windows(length, effective, stride)
            if rule.rounding is Rounding.CEIL and length >= effective:
                out = -(-(length - effective) // stride) + 1
            before = after = 0
        case Padding.SAME:
            out = _compute_same_length(length, stride, rule)
            before, after = _split_padding(
                _compute_total_padding(length, kernel, stride, effective, out, rule), effective, rule
            )
            if needs_window_count(rule):
                out = _count_windows(length + before + after, effective, stride)
        case Padding.CAUSAL:
            out = -(-length // stride)
            before, after = _compute_causal_pads(kernel, stride, effective, rule)
        case _ as never:
            assert_never(never)
    out = _adjust_window_count(out, rule)
    spacing = 1 if rule.dilation is Dilation.IGNORED_BY_TAPS else dilation
    return AxisGeometry(
        length, kernel, stride, spacing, effective, out, before, after, _compute_shift(kernel, rule)
    )


@lru_cache(maxsize=65536)
def compute_transposed_axis(
    length: int,
    kernel: int,
    stride: int,
    dilation: int,
    padding: Padding,
    output_padding: int | None,
    rule: Rule = KERAS,
) -> AxisGeometry:
    """Compute output length and cropping along one axis of a transposed layer.

    The full result has `full = (n-1)*s + e` cells: input cell `i` meets tap `t` at `i*s + t*d`.

    * `valid`: `out = (n-1)*s + max(e, s)`, or `full + p` with `output_padding=p`; nothing is cropped before.
    * `same`: `out = n*s`, or `full + p - 2*(e // 2)`; `max(full - out, 0) // 2` cells are cropped before.

    Raises:
        ValueError: a kernel, stride or dilation below 1, a negative length, or `causal`.
    """
    if min(kernel, stride, dilation) < 1 or length < 0:
        raise ValueError(f"no geometry for {length=}, {kernel=}, {stride=}, {dilation=}")
    stride, dilation, effective = _apply_dilation_rule(kernel, stride, dilation, rule)
    full = (length - 1) * stride + effective
    effective_padding = _choose_padding_mode(padding, rule)
    out = _compute_transposed_length(length, stride, effective, effective_padding, output_padding, rule)
    before = _compute_cut_before(full - out, effective, rule) if effective_padding is Padding.SAME else 0
    zeroed = 0
    if rule.output_padding is OutputPadding.BEFORE:
        before -= output_padding or 0
    elif rule.output_padding is OutputPadding.AS_ZEROS:
        zeroed = output_padding or 0
    out = _adjust_window_count(out, rule)
    spacing = 1 if rule.dilation is Dilation.IGNORED_BY_TAPS else dilation
    return AxisGeometry(
        length, kernel, stride, spacing, effective, out, before, full - out - before,
        _compute_shift(kernel, rule), is_transposed=True, zeroed=zeroed,
    )  # fmt: skip


def choose_axis_rule(rule: Rule, axis: int, ndim: int) -> Rule:
    """Return the rule for the lengths and pads of one axis: Keras's on axes that the rule leaves alone."""
    match rule.on_axis:
        case AffectedAxes.EVERY:
            return rule
        case AffectedAxes.FIRST:
            return rule if axis == 0 else KERAS
        case AffectedAxes.LAST:
            return rule if axis == ndim - 1 else KERAS
        case _:
            assert_never(rule.on_axis)


def _apply_dilation_rule(kernel: int, stride: int, dilation: int, rule: Rule) -> tuple[int, int, int]:
    """Return stride, dilation and effective kernel under the rule."""
    match rule.dilation:
        case Dilation.SPREADS | Dilation.IGNORED_BY_TAPS:
            pass
        case Dilation.SWAPPED | Dilation.FIRST_FOR_ALL:  # These act between axes.
            pass
        case Dilation.IGNORED:
            dilation = 1
        case Dilation.AS_STRIDE:
            stride, dilation = stride * dilation, 1
        case Dilation.DOUBLED:
            dilation = dilation if dilation == 1 else 2 * dilation
        case _:
            assert_never(rule.dilation)
    if rule.effective_kernel is EffectiveKernel.KERNEL_TIMES_DILATION:
        return stride, dilation, kernel * dilation
    return stride, dilation, (kernel - 1) * dilation + 1


def _choose_padding_mode(padding: Padding, rule: Rule) -> Padding:
    """Return the padding that the rule substitutes for another."""
    match padding:
        case Padding.VALID:
            return Padding.SAME if rule.valid_is_same else padding
        case Padding.SAME:
            return Padding.VALID if rule.same_is_valid else padding
        case Padding.CAUSAL:
            other = {Causal.AS_SAME: Padding.SAME, Causal.AS_VALID: Padding.VALID}
            return other.get(rule.causal, padding)
        case _:
            assert_never(padding)


def _compute_causal_pads(kernel: int, stride: int, effective: int, rule: Rule) -> tuple[int, int]:
    match rule.causal:
        case (
            Causal.BEFORE | Causal.AS_SAME | Causal.AS_VALID
        ):  # The last two are replaced by another padding before.
            return effective - 1, 0
        case Causal.AFTER:
            return 0, effective - 1
        case Causal.UNDILATED:
            return kernel - 1, 0
        case Causal.STRIDE_COUNTED:
            return max(effective - stride, 0), 0
        case _:
            assert_never(rule.causal)


def _adjust_window_count(windows: int, rule: Rule) -> int:
    """Return how many of the windows the rule takes."""
    match rule.windows:
        case Windows.ALL:
            return windows
        case Windows.LAST_DROPPED:
            return max(windows - 1, 0)
        case Windows.ONE_MORE:
            return windows + 1
        case _:
            assert_never(rule.windows)


def _compute_transposed_length(
    length: int, stride: int, effective: int, padding: Padding, output_padding: int | None, rule: Rule
) -> int:
    """Return the output length of a transposed layer, at least 0."""
    full = (length - 1) * stride + effective
    extra = output_padding
    if extra is not None and rule.output_padding is OutputPadding.IGNORED:
        extra = 0
    match padding:
        case Padding.VALID:
            if extra is None:
                extra = 0 if rule.full is TransposedLength.KERNEL_ONLY else max(stride - effective, 0)
            return max(full + extra, 0)
        case Padding.SAME:
            return length * stride if extra is None else max(full + extra - 2 * (effective // 2), 0)
        case Padding.CAUSAL:
            raise ValueError("no transposed layer pads causally")
        case _:
            assert_never(padding)


def _compute_shift(kernel: int, rule: Rule) -> int:
    return rule.shift + (rule.shift_even if kernel % 2 == 0 else 0)


def _compute_cut_before(total: int, effective: int, rule: Rule) -> int:
    """Return how many of `total` excess cells are cropped before; missing ones are added after."""
    if total < 0 and rule.amount is not Amount.UNCLAMPED:
        return 0
    return _split_padding(total, effective, rule)[0]


def _count_windows(length: int, effective: int, stride: int) -> int:
    """Count the full windows that fit into `length` cells."""
    return (length - effective) // stride + 1 if length >= effective else 0


def _compute_same_length(length: int, stride: int, rule: Rule) -> int:
    if rule.rounding is Rounding.FLOOR:
        return length // stride
    return -(-length // stride)


def needs_window_count(rule: Rule) -> bool:
    """Return whether the rule can pad by other than its windows need, so that the windows must be counted."""
    unmatched = {Placement.BOTH_ROUNDED_DOWN, Placement.BOTH_ROUNDED_UP}
    return rule.placement in unmatched or rule.amount is Amount.UNDILATED


def _compute_total_padding(
    length: int, kernel: int, stride: int, effective: int, out: int, rule: Rule
) -> int:
    match rule.amount:
        case Amount.NEEDED:
            return max((out - 1) * stride + effective - length, 0)
        case Amount.UNCLAMPED:
            return (out - 1) * stride + effective - length
        case Amount.UNDILATED:
            return max((out - 1) * stride + kernel - length, 0)
        case Amount.KERNEL_MINUS_ONE:
            return effective - 1
        case _:
            assert_never(rule.amount)


def _split_padding(total: int, effective: int, rule: Rule) -> tuple[int, int]:
    half, rest = total // 2, total - total // 2
    match rule.placement:
        case Placement.ODD_AFTER:
            return half, rest
        case Placement.ODD_BEFORE:
            return rest, half
        case Placement.CENTRED:
            before = (effective - 1) // 2 - (effective - 1 - total) // 2
            return before, total - before
        case Placement.TOWARDS_ZERO:
            before = half if total >= 0 else rest
            return before, total - before
        case Placement.ALL_BEFORE:
            return total, 0
        case Placement.ALL_AFTER:
            return 0, total
        case Placement.BOTH_ROUNDED_UP:
            return rest, rest
        case Placement.BOTH_ROUNDED_DOWN:
            return half, half
        case _:
            assert_never(rule.placement)
