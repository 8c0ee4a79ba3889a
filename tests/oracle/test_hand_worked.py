"""Arrays worked out by hand. Each comment derives the values that the test states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.oracle import Padding
from harness.oracle.convolution import convolve
from harness.records import DataFormat, Signals

from .brute import CASE

Nested = list[float] | list[list[float]]

LINE = replace(CASE, batch=1, channels=1, filters=1, bias=False)
PLANE = replace(LINE, input=(5, 5), kernel=(2, 2), strides=(2, 2), dilation=(1, 1))


def line(inputs: list[int], taps: list[int], padding: str, stride: int = 1, dilation: int = 1) -> list[float]:
    """One axis, one channel, one filter."""
    case = replace(LINE, input=(len(inputs),), kernel=(len(taps),), strides=(stride,), dilation=(dilation,))
    data = Signals(
        np.array(inputs, dtype=np.float64).reshape(1, -1, 1),
        np.array(taps, dtype=np.float64).reshape(-1, 1, 1),
        None,
    )
    return [float(value) for value in convolve(case, Padding(padding), data).ravel()]


def plane(length: int, padding: str) -> object:
    """The document's layer, kernel 2x2 and strides 2x2, with taps 1 2 / 3 4 on the cells 1, 2, 3 ..."""
    case = replace(PLANE, input=(length, length), padding=padding)
    data = Signals(
        np.arange(1.0, length * length + 1).reshape(1, length, length, 1),
        np.array([1.0, 2, 3, 4]).reshape(2, 2, 1, 1),
        None,
    )
    return convolve(case, Padding(padding), data)[0, :, :, 0].tolist()


def test_5x5_kernel_2_stride_2_same() -> None:
    # out = ceil(5/2) = 3; total = (3-1)*2 + 2 - 5 = 1: none before, one after, on both axes.
    #    1  2 |  3  4 |  5  .      1*1+2*2+3*6+4*7 = 51   1*3+2*4+3*8+4*9 = 71   1*5+3*10 = 35
    #    6  7 |  8  9 | 10  .
    #   11 12 | 13 14 | 15  .      51 + 10*10 = 151       71 + 10*10 = 171      1*15+3*20 = 75
    #   16 17 | 18 19 | 20  .
    #   21 22 | 23 24 | 25  .      1*21+2*22 = 65         1*23+2*24 = 71        1*25 = 25
    assert plane(5, "same") == [[51, 71, 35], [151, 171, 75], [65, 71, 25]]


def test_5x5_kernel_2_stride_2_valid() -> None:
    # out = floor((5-2)/2) + 1 = 2: the four full windows of the drawing above; the last cells are unread.
    assert plane(5, "valid") == [[51, 71], [151, 171]]


def test_6x6_kernel_2_stride_2_is_the_same_either_way() -> None:
    # total = (3-1)*2 + 2 - 6 = 0. First window 1*1+2*2+3*7+4*8 = 58; a window to the right all four
    # cells grow by 2, so by 2*(1+2+3+4) = 20; a window down by 12 each, so by 120.
    rows = [[58, 78, 98], [178, 198, 218], [298, 318, 338]]
    assert plane(6, "valid") == rows
    assert plane(6, "same") == rows


def test_asymmetric_same_with_stride_3() -> None:
    # n = 7, k = 4, s = 3: out = 3, total = 2*3 + 4 - 7 = 3: one before, two after.
    # Windows start at -1, 2, 5: [. 1 2 3], [3 4 5 6], [6 7 . .]; the taps write them as digits.
    assert line([1, 2, 3, 4, 5, 6, 7], [1, 10, 100, 1000], "same", stride=3) == [3210, 6543, 76]


def test_odd_total_puts_its_odd_cell_at_the_end() -> None:
    # n = 3, k = 2, s = 1: out = 3, total = 1: none before, one after: [1 2], [2 3], [3 .].
    assert line([1, 2, 3], [1, 10], "same") == [21, 32, 3]


def test_dilation_spreads_the_taps_and_the_padding() -> None:
    # n = 6, k = 3, d = 2: e = 5. same: total = 5 + 5 - 6 = 4: two before, two after.
    # Window i reads cells i-2, i, i+2: [. 1 3], [. 2 4], [1 3 5], [2 4 6], [3 5 .], [4 6 .].
    assert line([1, 2, 3, 4, 5, 6], [1, 10, 100], "same", dilation=2) == [310, 420, 531, 642, 53, 64]
    # valid: out = 6 - 5 + 1 = 2.
    assert line([1, 2, 3, 4, 5, 6], [1, 10, 100], "valid", dilation=2) == [531, 642]


def test_kernel_longer_than_the_input_same() -> None:
    # n = 2, k = 5: out = 2, total = 1 + 5 - 2 = 4: two each side: [. . 1 2 .], [. 1 2 . .].
    assert line([1, 2], [1, 10, 100, 1000, 10000], "same") == [2100, 210]


def test_kernel_longer_than_the_input_valid_is_empty() -> None:
    assert line([1, 2], [1, 10, 100], "valid") == []


def test_stride_beyond_the_kernel_is_clamped() -> None:
    # n = 7, k = 2, s = 4: out = 2, total = 4 + 2 - 7 = -1, clamped to 0: [1 2], [5 6]; 3, 4, 7 are unread.
    assert line([1, 2, 3, 4, 5, 6, 7], [1, 10], "same", stride=4) == [21, 65]
    # n = 9, k = 1, s = 4: out = 3, total = 8 + 1 - 9 = 0: cells 1, 5, 9.
    assert line([1, 2, 3, 4, 5, 6, 7, 8, 9], [1], "same", stride=4) == [1, 5, 9]
    # n = 6, k = 1, s = 5: out = 2, total = 5 + 1 - 6 = 0; n = 8: total = -2, and no cell is cropped.
    assert line([1, 2, 3, 4, 5, 6, 7, 8], [1], "same", stride=5) == [1, 6]


def test_input_of_one_cell_meets_the_tap_that_lies_on_it() -> None:
    # k = 3: one before, one after, the middle tap. k = 2: none before, the first tap. k = 4: one
    # before, two after, the second tap. Stride and dilation move nothing while out is 1.
    assert line([7], [1, 10, 100], "same") == [70]
    assert line([7], [1, 10], "same") == [7]
    assert line([7], [1, 10, 100, 1000], "same", stride=3) == [70]
    # k = 2, d = 3: e = 4: one before, two after: taps at -1 and 2, both in the padding.
    assert line([7], [1, 10], "same", dilation=3) == [0]


def test_groups_are_consecutive_blocks() -> None:
    # Two groups: filter 0 reads channels 0 and 1 with 1 and 10, filter 1 reads 2 and 3 with 100 and 1000.
    case = replace(LINE, input=(2,), kernel=(1,), channels=4, filters=2, groups=2)
    data = Signals(
        np.array([[[1.0, 2, 3, 4], [5, 6, 7, 8]]]),
        np.array([[[1.0, 100], [10, 1000]]]),
        np.array([0.5, 0.25]),
    )
    assert convolve(case, Padding.SAME, data).tolist() == [[[21.5, 4300.25], [65.5, 8700.25]]]


def test_axes_keep_their_own_kernel_and_stride() -> None:
    # Input 2x4 (1 2 3 4 / 5 6 7 8), kernel 1x2 (1 10), strides 1x3, channels first, valid:
    # rows 2; columns floor((4-2)/3) + 1 = 1: 1 + 20, 5 + 60. same: ceil(4/3) = 2 columns,
    # total = 3 + 2 - 4 = 1 after: [1 2], [4 .].
    case = replace(PLANE, input=(2, 4), kernel=(1, 2), strides=(1, 3), data_format=DataFormat.CHANNELS_FIRST)
    data = Signals(np.arange(1.0, 9).reshape(1, 1, 2, 4), np.array([1.0, 10]).reshape(1, 2, 1, 1), None)
    assert convolve(case, Padding.VALID, data).tolist() == [[[[21], [65]]]]
    assert convolve(case, Padding.SAME, data).tolist() == [[[[21, 4], [65, 8]]]]


def test_bias_belongs_to_its_filter() -> None:
    case = replace(LINE, input=(2,), kernel=(1,), filters=3, bias=True)
    data = Signals(np.array([[[1.0], [2]]]), np.array([[[1.0, 10, 100]]]), np.array([0.25, 0.5, 0.75]))
    assert convolve(case, Padding.SAME, data).tolist() == [[[1.25, 10.5, 100.75], [2.25, 20.5, 200.75]]]
