"""Arrays worked out by hand. Comments derive the values that the tests state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.oracle import Padding
from harness.oracle.gradients import compute_gradients
from harness.oracle.values import evaluate
from harness.records import CaseData, DataFormat, Layer, derive_arguments
from tests.oracle.cases import CASE, plan

Nested = list[float] | list[list[float]]

LINE = replace(CASE, batch=1, channels=1, filters=1, bias=False)
PLANE = replace(LINE, layer=Layer.CONV2D, input=(5, 5), kernel=(2, 2), strides=(2, 2), dilation=(1, 1))


def line(inputs: list[int], taps: list[int], padding: str, stride: int = 1, dilation: int = 1) -> list[float]:
    """Compute a layer with one axis, one channel and one filter."""
    case = replace(LINE, input=(len(inputs),), kernel=(len(taps),), strides=(stride,), dilation=(dilation,))
    data = CaseData(
        np.array(inputs, dtype=np.float64).reshape(1, -1, 1),
        np.array(taps, dtype=np.float64).reshape(-1, 1, 1),
        None,
    )
    return [float(value) for value in evaluate(case, Padding(padding), data).ravel()]


def plane(length: int, padding: str) -> object:
    """Compute the document's layer, kernel 2x2, strides 2x2, with taps 1 2 / 3 4 on the cells 1, 2, 3 ..."""
    case = replace(PLANE, input=(length, length), padding=padding)
    data = CaseData(
        np.arange(1.0, length * length + 1).reshape(1, length, length, 1),
        np.array([1.0, 2, 3, 4]).reshape(2, 2, 1, 1),
        None,
    )
    return evaluate(case, Padding(padding), data)[0, :, :, 0].tolist()


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
    data = CaseData(
        np.array([[[1.0, 2, 3, 4], [5, 6, 7, 8]]]),
        np.array([[[1.0, 100], [10, 1000]]]),
        np.array([0.5, 0.25]),
    )
    assert evaluate(case, Padding.SAME, data).tolist() == [[[21.5, 4300.25], [65.5, 8700.25]]]


def test_axes_keep_their_own_kernel_and_stride() -> None:
    # Input 2x4 (1 2 3 4 / 5 6 7 8), kernel 1x2 (1 10), strides 1x3, channels first, valid:
    # rows 2; columns floor((4-2)/3) + 1 = 1: 1 + 20, 5 + 60. same: ceil(4/3) = 2 columns,
    # total = 3 + 2 - 4 = 1 after: [1 2], [4 .].
    case = replace(PLANE, input=(2, 4), kernel=(1, 2), strides=(1, 3), data_format=DataFormat.CHANNELS_FIRST)
    data = CaseData(np.arange(1.0, 9).reshape(1, 1, 2, 4), np.array([1.0, 10]).reshape(1, 2, 1, 1), None)
    assert evaluate(case, Padding.VALID, data).tolist() == [[[[21], [65]]]]
    assert evaluate(case, Padding.SAME, data).tolist() == [[[[21, 4], [65, 8]]]]


def test_bias_belongs_to_its_filter() -> None:
    case = replace(LINE, input=(2,), kernel=(1,), filters=3, bias=True)
    data = CaseData(np.array([[[1.0], [2]]]), np.array([[[1.0, 10, 100]]]), np.array([0.25, 0.5, 0.75]))
    assert evaluate(case, Padding.SAME, data).tolist() == [[[1.25, 10.5, 100.75], [2.25, 20.5, 200.75]]]


def test_causal_reads_nothing_that_comes_later() -> None:
    # n = 5, k = 3: two cells before, none after; output i reads i-2, i-1, i: [. . 1], [. 1 2], [1 2 3] ...
    assert line([1, 2, 3, 4, 5], [1, 10, 100], "causal") == [100, 210, 321, 432, 543]


def test_causal_with_stride_and_dilation() -> None:
    # n = 7, k = 3, d = 2: e = 5, four cells before. Output i of stride 1 reads i-4, i-2, i.
    assert line([1, 2, 3, 4, 5, 6, 7], [1, 10, 100], "causal", dilation=2) == [
        100, 200, 310, 420, 531, 642, 753
    ]  # fmt: skip
    # s = 2 takes each other one: out = ceil(7/2) = 4; s = 3: ceil(7/3) = 3.
    assert line([1, 2, 3, 4, 5, 6, 7], [1, 10, 100], "causal", stride=2, dilation=2) == [100, 310, 531, 753]
    assert line([1, 2, 3, 4, 5, 6, 7], [1, 10, 100], "causal", stride=3) == [100, 432, 765]
    # A stride that does not divide the length: n = 4, s = 3: out = 2: cells 0 and 3.
    assert line([1, 2, 3, 4], [1, 10], "causal", stride=3) == [10, 43]


def test_causal_of_an_input_shorter_than_the_kernel() -> None:
    assert line([7], [1, 10, 100], "causal") == [700]
    # k = 2, d = 3: three before; the earlier tap lies in the padding.
    assert line([7, 8], [1, 10], "causal", dilation=3) == [70, 80]


def transposed(
    inputs: list[int],
    taps: list[int],
    padding: str,
    stride: int,
    output_padding: int | None = None,
    dilation: int = 1,
) -> list[float]:
    """Compute a transposed layer with one axis, one channel and one filter."""
    case = replace(
        LINE,
        layer=Layer.CONV1D_TRANSPOSE,
        input=(len(inputs),),
        kernel=(len(taps),),
        strides=(stride,),
        dilation=(dilation,),
        output_padding=None if output_padding is None else (output_padding,),
    )
    data = CaseData(
        np.array(inputs, dtype=np.float64).reshape(1, -1, 1),
        np.array(taps, dtype=np.float64).reshape(-1, 1, 1),
    )
    return [float(value) for value in evaluate(case, Padding(padding), data).ravel()]


def test_transposed_valid_scatters_each_cell_times_the_kernel() -> None:
    # Cells 1, 2, 3, taps 1 10 100, s = 2: full = 2*2 + 3 = 7.
    #   1 10 100
    #        2  20 200
    #               3  30 300
    #   1 10 102 20 203 30 300
    assert transposed([1, 2, 3], [1, 10, 100], "valid", 2) == [1, 10, 102, 20, 203, 30, 300]
    # With output_padding the length is (n-1)*s + e + p: cells more at the end, which nothing reaches.
    assert transposed([1, 2, 3], [1, 10, 100], "valid", 2, 0) == [1, 10, 102, 20, 203, 30, 300]
    assert transposed([1, 2, 3], [1, 10, 100], "valid", 2, 1) == [1, 10, 102, 20, 203, 30, 300, 0]


def test_transposed_same_with_stride_2_and_kernel_3() -> None:
    # The full result of the drawing above has 7 cells: 1 10 102 20 203 30 300.
    # None: out = 3*2 = 6; one too many, 1 // 2 = 0 of it before.
    assert transposed([1, 2, 3], [1, 10, 100], "same", 2) == [1, 10, 102, 20, 203, 30]
    # 0: out = 2*2 + 3 + 0 - 2*(3 // 2) = 5; two too many, one of them before.
    assert transposed([1, 2, 3], [1, 10, 100], "same", 2, 0) == [10, 102, 20, 203, 30]
    # 1: out = 6, as without.
    assert transposed([1, 2, 3], [1, 10, 100], "same", 2, 1) == [1, 10, 102, 20, 203, 30]


def test_transposed_same_cuts_half_of_what_is_too_much_off_before() -> None:
    # n = 2, k = 4, s = 1: 1 10 100 1000 . and . 2 20 200 2000 add up to 1 12 120 1200 2000.
    # out = 2: three too many, one before, two after.
    assert transposed([1, 2], [1, 10, 100, 1000], "same", 1) == [12, 120]
    # output_padding 0 of an even kernel: out = 1 + 4 + 0 - 4 = 1: four too many, two before.
    assert transposed([1, 2], [1, 10, 100, 1000], "same", 1, 0) == [120]
    # k = 5, s = 2, output_padding 1: full = 2 + 5 = 7: 1 10 102 1020 10200 2000 20000.
    # out = 2 + 5 + 1 - 4 = 4: three too many, one before.
    assert transposed([1, 2], [1, 10, 100, 1000, 10000], "same", 2, 1) == [10, 102, 1020, 10200]


def test_transposed_with_a_stride_beyond_the_kernel() -> None:
    # k = 2, s = 4: valid: out = (2-1)*4 + max(2, 4) = 8: between two cells nothing, and after the last.
    assert transposed([1, 2], [1, 10], "valid", 4) == [1, 10, 0, 0, 2, 20, 0, 0]
    # output_padding 1: out = 4 + 2 + 1 = 7.
    assert transposed([1, 2], [1, 10], "valid", 4, 1) == [1, 10, 0, 0, 2, 20, 0]
    # same: out = 2*4 = 8, the full result of 6 and two cells after it.
    assert transposed([1, 2], [1, 10], "same", 4) == [1, 10, 0, 0, 2, 20, 0, 0]
    # output_padding 3: out = 4 + 2 + 3 - 2 = 7: one cell after it.
    assert transposed([1, 2], [1, 10], "same", 4, 3) == [1, 10, 0, 0, 2, 20, 0]


def test_transposed_with_dilation_scatters_over_the_gaps() -> None:
    # k = 2, d = 3: e = 4, full = 1 + 4 = 5: 1 0 0 10 . and . 2 0 0 20: 1 2 0 10 20.
    assert transposed([1, 2], [1, 10], "valid", 1, dilation=3) == [1, 2, 0, 10, 20]
    # same: out = 2: three too many, one before: 2 0.
    assert transposed([1, 2], [1, 10], "same", 1, dilation=3) == [2, 0]


def test_a_transposed_kernel_has_its_filters_before_its_channels() -> None:
    # One cell of two channels 1, 2; kernel (1, 3, 2): filter f has 10**f and 5*10**f for the channels.
    case = replace(
        LINE, layer=Layer.CONV1D_TRANSPOSE, input=(1,), kernel=(1,), channels=2, filters=3, bias=True
    )
    data = CaseData(
        np.array([[[1.0, 2]]]), np.array([[[1.0, 5], [10, 50], [100, 500]]]), np.array([0.25, 0.5, 0.75])
    )
    assert evaluate(case, Padding.SAME, data).tolist() == [[[11.25, 110.5, 1100.75]]]


def test_depthwise_output_channels_are_those_of_one_channel_together() -> None:
    # Two cells, channels 1 2 and 3 4; kernel (1, 2, 2): channel 0 times 10 and 100, 1 times 1000 and 10000.
    # Output channel c*2 + j: 1*10, 1*100, 2*1000, 2*10000.
    case = derive_arguments(
        replace(
            LINE, layer=Layer.DEPTHWISE_CONV1D, input=(2,), kernel=(1,), channels=2, multiplier=2, bias=True
        )
    )
    data = CaseData(
        np.array([[[1.0, 2], [3, 4]]]),
        np.array([[[10.0, 100], [1000, 10000]]]),
        np.array([0.125, 0.25, 0.5, 0.75]),
    )
    assert evaluate(case, Padding.SAME, data).tolist() == [
        [[10.125, 100.25, 2000.5, 20000.75], [30.125, 300.25, 4000.5, 40000.75]]
    ]


def test_separable_is_depthwise_and_then_a_1x1_convolution() -> None:
    # n = 3, k = 2, s = 2, same: out = 2, total = 2 + 2 - 3 = 1 after: [0 1], [2 .].
    # Channel 0 holds 1 2 3 with taps 1 10: 21, 3. Channel 1 holds 4 5 6 with taps 2 20: 108, 12.
    # Pointwise, two filters: 1*a + 100*b, and a - b: 10821, -87; 1203, -9. The bias comes once, after it.
    case = derive_arguments(
        replace(
            LINE,
            layer=Layer.SEPARABLE_CONV1D,
            input=(3,),
            kernel=(2,),
            strides=(2,),
            channels=2,
            filters=2,
            bias=True,
        )
    )
    data = CaseData(
        np.array([[[1.0, 4], [2, 5], [3, 6]]]),
        np.array([[[1.0], [2]], [[10], [20]]]),
        np.array([0.5, 0.25]),
        np.array([[[1.0, 1], [100, -1]]]),
    )
    assert evaluate(case, Padding.SAME, data).tolist() == [[[10821.5, -86.75], [1203.5, -8.75]]]


def test_average_pooling_divides_a_corner_of_3x3_by_its_4_real_cells() -> None:
    # The cells 1 to 9 in 3x3, window 3x3, stride 1, same: one cell of padding all around.
    # Corners: (1+2+4+5)/4 = 3, 4, 6, 7; edges: (1+2+3+4+5+6)/6 = 3.5, (1+2+4+5+7+8)/6 = 4.5, 5.5, 6.5.
    # The middle: all nine, 5.
    case = derive_arguments(
        replace(PLANE, layer=Layer.AVERAGE_POOLING2D, input=(3, 3), kernel=(3, 3), strides=(1, 1))
    )
    data = CaseData(np.arange(1.0, 10).reshape(1, 3, 3, 1), None)
    values = evaluate(case, Padding.SAME, data)[0, :, :, 0]
    assert values.tolist() == [[3, 3.5, 4], [4.5, 5, 5.5], [6, 6.5, 7]]
    assert evaluate(case, Padding.VALID, data).tolist() == [[[[5]]]]


def test_max_pooling_of_negatives_never_takes_a_padded_cell() -> None:
    # -1 to -9 in 3x3, window 2x2, stride 2, same: out 2x2, one cell after on both axes.
    # [-1 -2 / -4 -5], [-3 . / -6 .], [-7 -8 / . .], [-9 . / . .].
    case = derive_arguments(replace(PLANE, layer=Layer.MAX_POOLING2D, input=(3, 3)))
    data = CaseData(-np.arange(1.0, 10).reshape(1, 3, 3, 1), None)
    assert evaluate(case, Padding.SAME, data)[0, :, :, 0].tolist() == [[-1, -3], [-7, -9]]
    assert evaluate(case, Padding.VALID, data).tolist() == [[[[-1]]]]


def test_the_gradient_of_a_convolution() -> None:
    # n = 3, k = 2, same: windows [1 2], [2 3], [3 .]; taps 10, 100; weights of the outputs 1, 2, 4.
    # Input: cell 0 meets tap 0 in output 0; cell 1 tap 1 in output 0 and tap 0 in output 1; cell 2 likewise:
    #   1*10, 1*100 + 2*10, 2*100 + 4*10.
    # Tap 0 reads 1, 2, 3: 1*1 + 2*2 + 4*3 = 17; tap 1 reads 2, 3, nothing: 1*2 + 2*3 = 8. Bias: 1 + 2 + 4.
    case = replace(LINE, input=(3,), kernel=(2,), bias=True)
    data = CaseData(np.array([[[1.0], [2], [3]]]), np.array([10.0, 100]).reshape(2, 1, 1), np.array([5.0]))
    of_input, of_kernel, of_bias = compute_gradients(
        case, plan(case), data, np.array([1.0, 2, 4]).reshape(1, 3, 1)
    )
    assert of_input.ravel().tolist() == [10, 120, 240]
    assert of_kernel.ravel().tolist() == [17, 8]
    assert of_bias.tolist() == [7]


def test_the_gradient_of_a_transposed_convolution() -> None:
    # n = 2, k = 3, s = 2, valid: cell 0 is scattered to 0 1 2, cell 1 to 2 3 4; taps 1, 10, 100.
    # Weights of the outputs 1 2 3 4 5. Input: 1 + 20 + 300 = 321; 3 + 40 + 500 = 543.
    # Kernel, of the input 7, 9: tap 0 1*7 + 3*9 = 34; tap 1 2*7 + 4*9 = 50; tap 2 3*7 + 5*9 = 66.
    case = replace(LINE, layer=Layer.CONV1D_TRANSPOSE, input=(2,), strides=(2,), padding="valid")
    data = CaseData(np.array([[[7.0], [9]]]), np.array([1.0, 10, 100]).reshape(3, 1, 1))
    of_input, of_kernel = compute_gradients(case, plan(case), data, np.arange(1.0, 6).reshape(1, 5, 1))
    assert of_input.ravel().tolist() == [321, 543]
    assert of_kernel.ravel().tolist() == [34, 50, 66]


def test_the_gradient_of_max_pooling_goes_to_the_largest_real_cell() -> None:
    # n = 4, window 3, s = 2, same: total 1, after: [-5 -1 -3], [-3 -2 .]. The largest are cells 1 and 3.
    case = derive_arguments(replace(LINE, layer=Layer.MAX_POOLING1D, input=(4,), kernel=(3,), strides=(2,)))
    data = CaseData(np.array([-5.0, -1, -3, -2]).reshape(1, 4, 1), None)
    (of_input,) = compute_gradients(case, plan(case), data, np.array([10.0, 7]).reshape(1, 2, 1))
    assert of_input.ravel().tolist() == [0, 10, 0, 7]


def test_the_gradient_of_average_pooling_is_shared_by_the_real_cells() -> None:
    # The same windows: cells 0 1 2 share the first weight, cells 2 3 the second: 12/3, 12/3 + 10/2.
    case = derive_arguments(
        replace(LINE, layer=Layer.AVERAGE_POOLING1D, input=(4,), kernel=(3,), strides=(2,))
    )
    (of_input,) = compute_gradients(
        case, plan(case), CaseData(np.ones((1, 4, 1)), None), np.array([12.0, 10]).reshape(1, 2, 1)
    )
    assert of_input.ravel().tolist() == [4, 4, 9, 5]
