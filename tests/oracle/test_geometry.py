from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import KERAS, AxisGeometry, Padding, compute_forward_axis, compute_transposed_axis
from harness.oracle.rules import Amount, Dilation, Placement
from tests.oracle.brute import brute_axis, brute_transposed_axis

LENGTHS = st.integers(0, 2000)
SIZES = st.integers(1, 60)


def test_counting_agrees_on_every_tiny_axis() -> None:
    for length, kernel, stride, dilation, padding in itertools.product(
        range(1, 13), range(1, 7), range(1, 8), range(1, 5), Padding
    ):
        geometry = compute_forward_axis(length, kernel, stride, dilation, padding)
        counted = brute_axis(length, kernel, stride, dilation, padding)
        assert (geometry.out, geometry.before, geometry.after) == counted, geometry


def test_an_axis_of_no_cells_has_no_windows() -> None:
    for kernel, stride, dilation, padding in itertools.product(range(1, 4), range(1, 4), (1, 2), Padding):
        assert compute_forward_axis(0, kernel, stride, dilation, padding).out == 0


@settings(derandomize=True, deadline=None)
@given(LENGTHS, SIZES, SIZES, SIZES)
def test_same_length_is_the_ceiling_of_length_over_stride(n: int, k: int, s: int, d: int) -> None:
    geometry = compute_forward_axis(n, k, s, d, Padding.SAME)
    assert (geometry.out - 1) * s < n <= geometry.out * s


@settings(derandomize=True, deadline=None)
@given(LENGTHS, SIZES, SIZES, SIZES)
def test_same_splits_its_padding_with_the_odd_cell_after(n: int, k: int, s: int, d: int) -> None:
    geometry = compute_forward_axis(n, k, s, d, Padding.SAME)
    assert geometry.before >= 0
    assert geometry.after - geometry.before in {0, 1}
    assert geometry.total == geometry.before + geometry.after


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2000), SIZES, SIZES, SIZES)
def test_same_pads_just_as_much_as_the_last_window_needs(n: int, k: int, s: int, d: int) -> None:
    geometry = compute_forward_axis(n, k, s, d, Padding.SAME)
    end = geometry.starts[-1] + geometry.effective_kernel
    if geometry.total:
        assert end == n + geometry.after
    else:
        assert end <= n


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 300), SIZES, SIZES)
def test_same_windows_cover_every_cell_where_the_stride_leaves_no_gap(n: int, k: int, s: int) -> None:
    stride = min(s, k)
    starts = compute_forward_axis(n, k, stride, 1, Padding.SAME).starts
    read = {cell for start in starts for cell in range(start, start + k)}
    assert set(range(n)) <= read


@settings(derandomize=True, deadline=None)
@given(LENGTHS, SIZES, SIZES, SIZES)
def test_valid_takes_every_window_that_fits_and_no_other(n: int, k: int, s: int, d: int) -> None:
    geometry = compute_forward_axis(n, k, s, d, Padding.VALID)
    assert geometry.total == 0
    assert all(start + geometry.effective_kernel <= n for start in geometry.starts)
    assert geometry.out * s + geometry.effective_kernel > n


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2000), SIZES, SIZES, SIZES)
def test_causal_pads_before_and_its_last_tap_lies_on_the_cell_of_the_output(
    n: int, k: int, s: int, d: int
) -> None:
    geometry = compute_forward_axis(n, k, s, d, Padding.CAUSAL)
    assert (geometry.out - 1) * s < n <= geometry.out * s
    assert (geometry.before, geometry.after) == ((k - 1) * d, 0)
    assert [start + (k - 1) * d for start in geometry.starts] == list(range(0, n, s))


FORWARD = (Padding.VALID, Padding.SAME)


def test_counting_agrees_on_every_tiny_transposed_axis() -> None:
    for length, kernel, stride, dilation, padding in itertools.product(
        range(1, 9), range(1, 7), range(1, 6), range(1, 4), FORWARD
    ):
        for more in (None, *range(stride)):
            geometry = compute_transposed_axis(length, kernel, stride, dilation, padding, more)
            counted = brute_transposed_axis(length, kernel, stride, dilation, padding, more)
            assert (geometry.out, geometry.before) == counted, geometry


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2000), SIZES, SIZES, SIZES)
def test_a_transposed_layer_is_as_long_as_a_convolution_needs_its_input(
    n: int, k: int, s: int, d: int
) -> None:
    # The convolution of the output has as many windows as the input has cells.
    for padding in FORWARD:
        out = compute_transposed_axis(n, k, s, d, padding, None).out
        assert compute_forward_axis(out, k, s, d, padding).out == n
        assert padding is Padding.VALID or out == n * s


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2000), SIZES, SIZES, SIZES, st.data())
def test_output_padding_adds_to_the_length_that_the_kernel_reaches(
    n: int, k: int, s: int, d: int, data: st.DataObject
) -> None:
    more = data.draw(st.integers(0, s - 1))
    reach = (k - 1) * d + 1
    assert compute_transposed_axis(n, k, s, d, Padding.VALID, more).out == (n - 1) * s + reach + more
    assert compute_transposed_axis(n, k, s, d, Padding.SAME, more).out == (n - 1) * s + reach % 2 + more


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2000), SIZES, SIZES, SIZES, st.sampled_from(FORWARD), st.booleans(), st.data())
def test_what_a_transposed_layer_cuts_off_is_the_rest_of_its_full_result(
    n: int,
    k: int,
    s: int,
    d: int,
    padding: Padding,
    has_more: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    more = data.draw(st.integers(0, s - 1)) if has_more else None
    geometry = compute_transposed_axis(n, k, s, d, padding, more)
    full = (n - 1) * s + (k - 1) * d + 1
    assert geometry.before + geometry.out + geometry.after == full
    assert geometry.is_transposed
    if padding is Padding.VALID:
        assert geometry.before == 0
    else:
        assert geometry.before == max(geometry.total, 0) // 2


@settings(derandomize=True, deadline=None)
@given(LENGTHS, SIZES, SIZES, SIZES, st.sampled_from(Padding))
def test_windows_start_a_stride_apart(n: int, k: int, s: int, d: int, padding: Padding) -> None:
    geometry = compute_forward_axis(n, k, s, d, padding)
    assert list(geometry.starts) == [-geometry.before + i * s for i in range(geometry.out)]


def test_the_documents_three_models() -> None:
    assert compute_forward_axis(5, 2, 2, 1, Padding.SAME) == AxisGeometry(
        5, 2, 2, 1, 2, out=3, before=0, after=1
    )
    assert compute_forward_axis(5, 2, 2, 1, Padding.VALID) == AxisGeometry(
        5, 2, 2, 1, 2, out=2, before=0, after=0
    )
    assert compute_forward_axis(6, 2, 2, 1, Padding.VALID) == AxisGeometry(
        6, 2, 2, 1, 2, out=3, before=0, after=0
    )


@pytest.mark.parametrize(
    ("padding", "out", "before", "after"), [(Padding.SAME, 3, 2, 2), (Padding.VALID, 0, 0, 0)]
)
def test_the_effective_kernel_counts_the_gaps(padding: Padding, out: int, before: int, after: int) -> None:
    # n = 3, k = 3, d = 2: e = 5; same total = 2 + 5 - 3 = 4.
    assert compute_forward_axis(3, 3, 1, 2, padding) == AxisGeometry(3, 3, 1, 2, 5, out, before, after)


SMALL_AXES = tuple(itertools.product(range(1, 13), range(1, 7), range(1, 8), range(1, 4)))


def test_half_of_the_kernel_is_padded_on_both_sides_and_what_is_too_much_cut_off() -> None:
    # Theano's border_mode 'half', truncated by Keras: windows are counted on the padded axis.
    rule = replace(KERAS, amount=Amount.KERNEL_MINUS_ONE, placement=Placement.ODD_BEFORE)
    for length, kernel, stride, dilation in SMALL_AXES:
        reach = (kernel - 1) * dilation + 1
        half = reach // 2
        starts = [
            start for start in range(0, length + 2 * half, stride) if start + reach <= length + 2 * half
        ]
        cut = [start - half for start in starts if len(range(0, start, stride)) * stride < length]
        geometry = compute_forward_axis(length, kernel, stride, dilation, Padding.SAME, rule)
        assert list(geometry.starts) == cut


def test_centred_windows_leave_as_much_before_the_first_middle_as_after_the_last() -> None:
    # CNTK's auto-padding: the middles of the windows are spread over the input, the odd cell after.
    rule = replace(KERAS, amount=Amount.UNCLAMPED, placement=Placement.CENTRED)
    for length, kernel, stride, dilation in SMALL_AXES:
        geometry = compute_forward_axis(length, kernel, stride, dilation, Padding.SAME, rule)
        middles = [start + (geometry.effective_kernel - 1) // 2 for start in geometry.starts]
        left, right = middles[0], length - 1 - middles[-1]
        assert right - left in {0, 1}
        assert geometry.out == -(-length // stride)


def test_centred_padding_puts_the_odd_cell_before_an_odd_kernel_and_after_an_even_one() -> None:
    rule = replace(KERAS, placement=Placement.CENTRED)
    odd = compute_forward_axis(4, 3, 2, 1, Padding.SAME, rule)
    even = compute_forward_axis(5, 2, 2, 1, Padding.SAME, rule)
    assert (odd.before, odd.after) == (1, 0)
    assert (even.before, even.after) == (0, 1)


def test_dilation_taken_as_stride_leaves_the_taps_side_by_side() -> None:
    rule = replace(KERAS, dilation=Dilation.AS_STRIDE)
    for length, kernel, dilation, padding in itertools.product(
        range(1, 9), range(1, 5), range(1, 4), Padding
    ):
        strided = compute_forward_axis(length, kernel, dilation, 1, padding)
        assert compute_forward_axis(length, kernel, 1, dilation, padding, rule) == strided


@pytest.mark.parametrize("bad", [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0), (1, -2, 1, 1)])
def test_impossible_axes_have_no_geometry(bad: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"no geometry for length=.*kernel=.*stride=.*dilation="):
        compute_forward_axis(*bad, Padding.SAME)
    with pytest.raises(ValueError, match=r"no geometry for length=.*kernel=.*stride=.*dilation="):
        compute_transposed_axis(*bad, Padding.SAME, None)


def test_no_transposed_layer_pads_causally() -> None:
    with pytest.raises(ValueError, match="no transposed layer pads causally"):
        compute_transposed_axis(3, 2, 1, 1, Padding.CAUSAL, None)


def test_halving_towards_zero_cuts_the_odd_cell_off_at_the_end() -> None:
    floors = replace(KERAS, amount=Amount.UNCLAMPED)
    truncates = replace(floors, placement=Placement.TOWARDS_ZERO)
    # (2-1)*9 + 1 - 15 = -5: Python halves it to -3, C to -2.
    cut = [compute_forward_axis(15, 1, 9, 1, Padding.SAME, rule) for rule in (floors, truncates)]
    assert [(one.before, one.after) for one in cut] == [(-3, -2), (-2, -3)]
    # Nothing differs where cells are padded.
    for n, k, s in ((5, 4, 1), (6, 3, 2), (7, 5, 2)):
        assert compute_forward_axis(n, k, s, 1, Padding.SAME, truncates) == compute_forward_axis(
            n, k, s, 1, Padding.SAME
        )
