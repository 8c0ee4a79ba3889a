"""Lengths and pads of one spatial axis, in plain integers.

Per axis: `n` input length, `k` kernel length, `s` stride, `d` dilation, `e = (k-1)*d + 1` the
effective kernel. Padding factorises: nothing here couples two axes.

Source: TensorFlow `kernel_shape_util.cc` (`GetWindowedOutputSizeVerbose`), JAX
`padtype_to_pads('SAME')`, the Keras documentation of `Conv2D`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from harness.oracle.rules import KERAS, Amount, Dilation, Padding, Placement, Rounding, Rule


@dataclass(frozen=True, slots=True)
class AxisGeometry:
    """What happens along one axis; all lengths in cells.

    `before` and `after` may be negative under a rule that does not clamp: cells are cropped then.
    `out` is 0 where no full window fits.
    """

    length: int
    kernel: int
    stride: int
    dilation: int
    effective_kernel: int
    out: int
    before: int
    after: int

    @property
    def total(self) -> int:
        """The padding on both sides together."""
        return self.before + self.after

    @property
    def starts(self) -> range:
        """Where each window begins, counted from the first real cell (negative: in the padding)."""
        return range(-self.before, -self.before + self.out * self.stride, self.stride)


@lru_cache(maxsize=65536)
def axis_geometry(
    length: int, kernel: int, stride: int, dilation: int, padding: Padding, rule: Rule = KERAS
) -> AxisGeometry:
    """Output length and padding along one axis.

    `valid`: `out = floor((n - e)/s) + 1` where `n >= e`, else 0; no padding.
    `same`: `out = ceil(n/s)`, `total = max((out-1)*s + e - n, 0)`, `before = total // 2` and the rest
    after, so that the odd cell goes at the end.

    Raises:
        ValueError: a kernel, stride or dilation below 1, or a negative length.
    """
    if min(kernel, stride, dilation) < 1 or length < 0:
        raise ValueError(f"no geometry for {length=}, {kernel=}, {stride=}, {dilation=}")
    match rule.dilation:
        case Dilation.SPREADS | Dilation.SWAPPED:  # What belongs to which axis is no matter of one axis.
            pass
        case Dilation.IGNORED:
            dilation = 1
        case Dilation.AS_STRIDE:
            stride, dilation = stride * dilation, 1
        case _:
            assert_never(rule.dilation)
    effective = (kernel - 1) * dilation + 1
    pads_like_same = (padding is Padding.SAME and not rule.same_is_valid) or (
        padding is Padding.VALID and rule.valid_is_same
    )
    if pads_like_same:
        out = _same_out(length, stride, rule)
        before, after = _place(_same_total(length, kernel, stride, dilation, out, rule), effective, rule)
        if windows_decide(rule):
            out = _windows(length + before + after, effective, stride)
    else:
        out = _windows(length, effective, stride)
        if rule.rounding is Rounding.CEIL and length >= effective:
            out = -(-(length - effective) // stride) + 1
        before = after = 0
    return AxisGeometry(length, kernel, stride, dilation, effective, out, before, after)


def _windows(length: int, effective: int, stride: int) -> int:
    """How many full windows fit in `length` cells."""
    return (length - effective) // stride + 1 if length >= effective else 0


def _same_out(length: int, stride: int, rule: Rule) -> int:
    if rule.rounding is Rounding.FLOOR:
        return length // stride
    return -(-length // stride)


def windows_decide(rule: Rule) -> bool:
    """Whether a rule can pad less or more than its windows need: what fits into the padded input decides."""
    unmatched = {Placement.BOTH_ROUNDED_DOWN, Placement.BOTH_ROUNDED_UP}
    return rule.placement in unmatched or rule.amount is Amount.UNDILATED


def _same_total(length: int, kernel: int, stride: int, dilation: int, out: int, rule: Rule) -> int:
    effective = (kernel - 1) * dilation + 1
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


def _place(total: int, effective: int, rule: Rule) -> tuple[int, int]:
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
