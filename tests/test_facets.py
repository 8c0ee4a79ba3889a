from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.cases.suites import expand_suites, load_library
from harness.facets import Facet, count_facets, find_facets, find_uncovered_facets
from harness.records import (
    ArgumentStyle,
    Case,
    DataFormat,
    DataKind,
    Layer,
    LayerKind,
    Mode,
    derive_arguments,
)
from harness.resources import find_cases_folder

PLAIN = Case(
    layer=Layer.CONV2D,
    mode=Mode.EAGER,
    input=(5, 5),
    kernel=(3, 3),
    strides=(1, 1),
    dilation=(1, 1),
    padding="same",
    data_format=DataFormat.CHANNELS_LAST,
    batch=1,
    channels=4,
    filters=6,
    groups=1,
    bias=True,
    dtype="float32",
)
VALID = replace(PLAIN, padding="valid")
TRANSPOSED = derive_arguments(replace(PLAIN, layer=Layer.CONV2D_TRANSPOSE))
POOLED = derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D))
CAUSAL = replace(
    PLAIN, layer=Layer.CONV1D, input=(5,), kernel=(3,), strides=(1,), dilation=(1,), padding="causal"
)

HAS: Mapping[Facet, Case] = {
    Facet.NO_PADDING: replace(PLAIN, kernel=(1, 1)),
    Facet.SYMMETRIC_SAME: PLAIN,
    # total = 4 + 2 - 5 = 1 on the second axis.
    Facet.ASYMMETRIC_SAME: replace(PLAIN, kernel=(3, 2)),
    # totals 2 and 1.
    Facet.MIXED_SAME: replace(PLAIN, kernel=(3, 2)),
    # total = 1*3 + 1 - 5 = -1 on the first axis.
    Facet.CLAMPED_SAME: replace(PLAIN, kernel=(1, 1), strides=(3, 1)),
    Facet.UNEQUAL_PADS: replace(PLAIN, kernel=(3, 5)),
    Facet.CAUSAL: CAUSAL,
    # One cell between the two taps of a window that begins one cell before it.
    Facet.NOTHING_BUT_PADDING: replace(PLAIN, input=(5, 1), kernel=(1, 2), dilation=(1, 2)),
    Facet.INEXACT_DIVISION: replace(PLAIN, strides=(2, 1)),
    # floor((5-3)/3) = 0: cells 4 and 5 of the second axis are never read.
    Facet.UNREAD_CELLS: replace(VALID, strides=(1, 3)),
    # full = 4 + 3 = 7 cells, of which the output has 5.
    Facet.CROPPED: TRANSPOSED,
    # full = 4 + 2 = 6.
    Facet.CROPPED_ODDLY: replace(TRANSPOSED, kernel=(3, 2)),
    # full = 4*4 + 3 = 19 cells, of which the output has 20.
    Facet.EXTENDED: replace(TRANSPOSED, strides=(1, 4)),
    Facet.OVERLAPPING: TRANSPOSED,
    Facet.OUTPUT_PADDING: replace(TRANSPOSED, output_padding=(0, 0)),
    Facet.OUTPUT_PADDING_ABOVE_0: replace(TRANSPOSED, strides=(2, 1), output_padding=(1, 0)),
    Facet.UNEQUAL_OUTPUT_PADDING: replace(TRANSPOSED, strides=(2, 1), output_padding=(1, 0)),
    Facet.STRIDED: replace(PLAIN, strides=(1, 2)),
    Facet.UNEQUAL_STRIDES: replace(PLAIN, strides=(1, 2)),
    Facet.STRIDE_IS_KERNEL: replace(PLAIN, strides=(1, 3)),
    Facet.STRIDE_ABOVE_KERNEL: replace(PLAIN, strides=(1, 4)),
    Facet.STRIDE_ABOVE_INPUT: replace(PLAIN, strides=(6, 1)),
    Facet.POINTWISE: replace(PLAIN, kernel=(1, 1)),
    Facet.EVEN_KERNEL: replace(PLAIN, kernel=(3, 4)),
    Facet.UNEQUAL_KERNEL: replace(PLAIN, kernel=(3, 5)),
    Facet.KERNEL_IS_INPUT: replace(PLAIN, dilation=(2, 1)),
    Facet.KERNEL_ABOVE_INPUT: replace(PLAIN, dilation=(1, 3)),
    Facet.DILATED: replace(PLAIN, dilation=(2, 2)),
    Facet.UNEQUAL_DILATION: replace(PLAIN, dilation=(1, 2)),
    Facet.DILATION_ABOVE_INPUT: replace(PLAIN, dilation=(1, 5)),
    Facet.INPUT_LENGTH_ONE: replace(PLAIN, input=(5, 1)),
    Facet.SQUARE_INPUT: PLAIN,
    Facet.OBLONG_INPUT: replace(PLAIN, input=(5, 6)),
    Facet.LONG_AXIS: replace(PLAIN, input=(2, 16)),
    Facet.LONG_INPUT: replace(PLAIN, input=(5, 32)),
    Facet.ONE_WINDOW: replace(VALID, kernel=(3, 5)),
    Facet.SINGLE_OUTPUT: replace(VALID, kernel=(5, 5)),
    Facet.COINCIDING_SIZES: replace(PLAIN, channels=3),
    Facet.LENGTH_IS_CHANNELS: replace(PLAIN, input=(4, 5)),
    Facet.LENGTH_IS_FILTERS: replace(PLAIN, input=(5, 6)),
    Facet.LENGTH_IS_BATCH: replace(PLAIN, batch=5),
    Facet.KERNEL_IS_CHANNELS: replace(PLAIN, kernel=(3, 4)),
    Facet.KERNEL_IS_FILTERS: replace(PLAIN, kernel=(6, 3)),
    Facet.CHANNELS_IS_FILTERS: replace(PLAIN, filters=4),
    Facet.CHANNELS_IS_BATCH: replace(PLAIN, batch=4),
    # ceil(11/2) = 6.
    Facet.OUTPUT_IS_FILTERS: replace(PLAIN, input=(5, 11), strides=(1, 2)),
    Facet.CHANNELS_FIRST: replace(PLAIN, data_format=DataFormat.CHANNELS_FIRST),
    Facet.ONE_CHANNEL: replace(PLAIN, channels=1),
    Facet.ONE_FILTER: replace(PLAIN, filters=1),
    Facet.GROUPED: replace(PLAIN, groups=2),
    Facet.DEPTHWISE: replace(PLAIN, groups=4, filters=8),
    Facet.MULTIPLIED: derive_arguments(replace(PLAIN, layer=Layer.DEPTHWISE_CONV2D, multiplier=2)),
    Facet.WIDE_CHANNELS: replace(PLAIN, filters=8),
    Facet.NO_BIAS: replace(PLAIN, bias=False),
    Facet.BATCHED: replace(PLAIN, batch=2),
    Facet.FLOAT64: replace(PLAIN, dtype="float64"),
    Facet.FLOAT16: replace(PLAIN, dtype="float16"),
    Facet.BFLOAT16: replace(PLAIN, dtype="bfloat16"),
    Facet.REAL_DATA: replace(PLAIN, data=DataKind.REAL),
    Facet.TIED_DATA: replace(PLAIN, data=DataKind.TIES),
    Facet.NONFINITE_DATA: replace(PLAIN, data=DataKind.NONFINITE),
    Facet.SPELLED_PADDING: replace(PLAIN, padding="Same"),
    Facet.LISTS: replace(PLAIN, form=ArgumentStyle.LIST),
    Facet.INTEGERS: replace(PLAIN, form=ArgumentStyle.INT),
    Facet.DEFAULTS: replace(PLAIN, form=ArgumentStyle.DEFAULTS),
    Facet.SEQUENTIAL: replace(PLAIN, mode=Mode.SEQUENTIAL),
    Facet.INFERRED: replace(PLAIN, mode=Mode.INFERRED),
    Facet.COMPILED: replace(PLAIN, mode=Mode.COMPILED),
    Facet.JIT: replace(PLAIN, mode=Mode.JIT),
    Facet.DYNAMIC: replace(PLAIN, mode=Mode.DYNAMIC),
    Facet.RELOADED: replace(PLAIN, mode=Mode.RELOADED),
    Facet.GRADIENT: replace(PLAIN, mode=Mode.GRADIENT),
    Facet.SYMBOLIC: replace(PLAIN, mode=Mode.SYMBOLIC),
    Facet.EMPTY_INPUT: replace(PLAIN, input=(5, 0)),
    Facet.EMPTY_BATCH: replace(PLAIN, batch=0),
    Facet.EMPTY_OUTPUT: replace(VALID, kernel=(3, 6)),
    Facet.ONE_CELL_SHORT: replace(VALID, kernel=(3, 6)),
    Facet.STRIDED_AND_DILATED: replace(PLAIN, strides=(2, 1), dilation=(1, 2)),
    Facet.MUST_BE_REFUSED: replace(PLAIN, padding="bogus"),
}
"""A case of each facet."""

LACKS: Mapping[Facet, Case] = {
    Facet.NO_PADDING: replace(PLAIN, kernel=(1, 2)),
    Facet.SYMMETRIC_SAME: replace(PLAIN, kernel=(3, 2)),
    Facet.ASYMMETRIC_SAME: replace(VALID, kernel=(3, 2)),
    # totals 0 and 1: none of them is even and above 0.
    Facet.MIXED_SAME: replace(PLAIN, kernel=(1, 2)),
    # total = 1*4 + 1 - 5 = 0: nothing to clamp.
    Facet.CLAMPED_SAME: replace(PLAIN, kernel=(1, 1), strides=(4, 1)),
    Facet.UNEQUAL_PADS: replace(PLAIN, input=(5, 6)),
    Facet.CAUSAL: replace(CAUSAL, padding="valid"),
    # The middle one of three taps meets the cell.
    Facet.NOTHING_BUT_PADDING: replace(PLAIN, input=(5, 1), kernel=(1, 3), dilation=(1, 2)),
    # valid steps over 5 - 3 = 2 cells.
    Facet.INEXACT_DIVISION: replace(VALID, strides=(2, 1)),
    Facet.UNREAD_CELLS: replace(VALID, strides=(1, 2)),
    # full = 4*3 + 3 = 15 cells, and the output has as many.
    Facet.CROPPED: replace(TRANSPOSED, strides=(3, 3)),
    Facet.CROPPED_ODDLY: TRANSPOSED,
    Facet.EXTENDED: replace(TRANSPOSED, strides=(3, 3)),
    Facet.OVERLAPPING: replace(TRANSPOSED, strides=(3, 3)),
    Facet.OUTPUT_PADDING: TRANSPOSED,
    Facet.OUTPUT_PADDING_ABOVE_0: replace(TRANSPOSED, output_padding=(0, 0)),
    Facet.UNEQUAL_OUTPUT_PADDING: replace(TRANSPOSED, strides=(2, 2), output_padding=(1, 1)),
    Facet.STRIDED: replace(PLAIN, dilation=(2, 2)),
    Facet.UNEQUAL_STRIDES: replace(PLAIN, strides=(2, 2)),
    Facet.STRIDE_IS_KERNEL: replace(PLAIN, kernel=(1, 1)),
    # The effective kernel is 5.
    Facet.STRIDE_ABOVE_KERNEL: replace(PLAIN, strides=(1, 4), dilation=(1, 2)),
    Facet.STRIDE_ABOVE_INPUT: replace(PLAIN, strides=(5, 5)),
    Facet.POINTWISE: replace(PLAIN, kernel=(1, 3)),
    Facet.EVEN_KERNEL: replace(PLAIN, kernel=(0, 3)),
    Facet.UNEQUAL_KERNEL: replace(PLAIN, kernel=(2, 2)),
    Facet.KERNEL_IS_INPUT: replace(PLAIN, input=(4, 6)),
    Facet.KERNEL_ABOVE_INPUT: replace(PLAIN, dilation=(2, 2)),
    Facet.DILATED: replace(PLAIN, strides=(2, 2)),
    Facet.UNEQUAL_DILATION: replace(PLAIN, dilation=(2, 2)),
    Facet.DILATION_ABOVE_INPUT: replace(PLAIN, kernel=(3, 1), dilation=(4, 5)),
    Facet.INPUT_LENGTH_ONE: replace(PLAIN, kernel=(1, 1)),
    Facet.SQUARE_INPUT: replace(PLAIN, input=(5, 6)),
    Facet.OBLONG_INPUT: replace(PLAIN, kernel=(3, 2)),
    Facet.LONG_AXIS: replace(PLAIN, input=(2, 15)),
    Facet.LONG_INPUT: replace(PLAIN, input=(31, 31)),
    Facet.ONE_WINDOW: replace(PLAIN, input=(1, 5)),
    Facet.SINGLE_OUTPUT: replace(VALID, kernel=(5, 4)),
    # Sizes of 1 coincide with everything and say nothing.
    Facet.COINCIDING_SIZES: replace(PLAIN, input=(1, 5), channels=1),
    Facet.LENGTH_IS_CHANNELS: replace(PLAIN, input=(1, 5), channels=1),
    Facet.LENGTH_IS_FILTERS: replace(PLAIN, input=(1, 5), filters=1),
    Facet.LENGTH_IS_BATCH: replace(PLAIN, input=(1, 5)),
    Facet.KERNEL_IS_CHANNELS: replace(PLAIN, kernel=(1, 3), channels=1),
    Facet.KERNEL_IS_FILTERS: replace(PLAIN, kernel=(1, 3), filters=1),
    Facet.CHANNELS_IS_FILTERS: replace(PLAIN, channels=1, filters=1),
    Facet.CHANNELS_IS_BATCH: replace(PLAIN, channels=1),
    Facet.OUTPUT_IS_FILTERS: replace(PLAIN, input=(5, 6), strides=(1, 2)),
    Facet.CHANNELS_FIRST: PLAIN,
    Facet.ONE_CHANNEL: PLAIN,
    Facet.ONE_FILTER: PLAIN,
    Facet.GROUPED: PLAIN,
    Facet.DEPTHWISE: replace(PLAIN, channels=1),
    Facet.MULTIPLIED: derive_arguments(replace(PLAIN, layer=Layer.DEPTHWISE_CONV2D)),
    Facet.WIDE_CHANNELS: replace(PLAIN, filters=7),
    # There is no choice of a bias.
    Facet.NO_BIAS: POOLED,
    Facet.BATCHED: PLAIN,
    Facet.FLOAT64: PLAIN,
    Facet.FLOAT16: PLAIN,
    Facet.BFLOAT16: PLAIN,
    Facet.REAL_DATA: PLAIN,
    Facet.TIED_DATA: replace(PLAIN, data=DataKind.NONFINITE),
    Facet.NONFINITE_DATA: replace(PLAIN, data=DataKind.TIES),
    Facet.SPELLED_PADDING: VALID,
    Facet.LISTS: replace(PLAIN, form=ArgumentStyle.INT),
    Facet.INTEGERS: replace(PLAIN, form=ArgumentStyle.LIST),
    Facet.DEFAULTS: PLAIN,
    **dict.fromkeys(
        (
            Facet.SEQUENTIAL,
            Facet.INFERRED,
            Facet.COMPILED,
            Facet.JIT,
            Facet.DYNAMIC,
            Facet.RELOADED,
            Facet.GRADIENT,
            Facet.SYMBOLIC,
        ),
        PLAIN,
    ),
    Facet.EMPTY_INPUT: replace(PLAIN, batch=0),
    Facet.EMPTY_BATCH: replace(PLAIN, input=(5, 0)),
    Facet.EMPTY_OUTPUT: replace(PLAIN, kernel=(3, 6)),
    Facet.ONE_CELL_SHORT: replace(VALID, kernel=(3, 7)),
    Facet.STRIDED_AND_DILATED: replace(PLAIN, strides=(2, 2)),
    Facet.MUST_BE_REFUSED: replace(PLAIN, padding="VALID"),
}
"""A case that comes near to each facet and lacks it."""


@pytest.mark.parametrize("facet", Facet)
def test_a_facet_holds_where_it_is_and_not_beside(facet: Facet) -> None:
    assert facet in find_facets(HAS[facet])
    assert facet not in find_facets(LACKS[facet])


def test_the_plain_case_has_two_facets() -> None:
    assert find_facets(PLAIN) == {Facet.SYMMETRIC_SAME, Facet.SQUARE_INPUT}
    assert find_facets(VALID) == {Facet.SQUARE_INPUT}


def test_the_documents_model() -> None:
    case = replace(
        PLAIN, mode=Mode.SEQUENTIAL, kernel=(2, 2), strides=(2, 2), padding="Same", channels=1, filters=24
    )
    assert find_facets(case) == {
        Facet.ASYMMETRIC_SAME,
        Facet.INEXACT_DIVISION,
        Facet.STRIDED,
        Facet.STRIDE_IS_KERNEL,
        Facet.ONE_CHANNEL,
        Facet.EVEN_KERNEL,
        Facet.SQUARE_INPUT,
        Facet.WIDE_CHANNELS,
        Facet.SPELLED_PADDING,
        Facet.SEQUENTIAL,
    }


@pytest.mark.parametrize("changes", [{"padding": "bogus"}, {"groups": 3}, {"strides": (0, 1)}])
def test_a_case_that_must_be_refused_has_no_facet_of_its_windows(changes: dict[str, object]) -> None:
    case = replace(PLAIN, **changes)  # type: ignore[arg-type]
    assert find_facets(case) <= {
        Facet.MUST_BE_REFUSED,
        Facet.SQUARE_INPUT,
        Facet.GROUPED,
        Facet.UNEQUAL_STRIDES,
    }


def test_an_empty_output_has_no_facet_of_its_windows() -> None:
    assert find_facets(replace(VALID, kernel=(3, 6), strides=(1, 3))) == {
        Facet.EMPTY_OUTPUT,
        Facet.KERNEL_ABOVE_INPUT,
        Facet.ONE_CELL_SHORT,
        Facet.EVEN_KERNEL,
        Facet.COINCIDING_SIZES,
        Facet.KERNEL_IS_FILTERS,
        Facet.UNEQUAL_KERNEL,
        Facet.STRIDED,
        Facet.UNEQUAL_STRIDES,
        Facet.SQUARE_INPUT,
    }


def test_coverage_counts_every_facet_and_names_what_is_missing() -> None:
    counts = count_facets([PLAIN, VALID, replace(PLAIN, batch=2)])
    assert list(counts) == list(Facet)
    assert counts[Facet.SQUARE_INPUT] == 3
    assert counts[Facet.SYMMETRIC_SAME] == 2
    assert counts[Facet.BATCHED] == 1
    assert counts[Facet.DILATED] == 0
    assert set(find_uncovered_facets(counts)) == set(Facet) - {
        Facet.SQUARE_INPUT,
        Facet.SYMMETRIC_SAME,
        Facet.BATCHED,
    }


@pytest.mark.parametrize("suite", ["smoke", "core"])
def test_every_facet_has_cases(suite: str) -> None:
    assert (
        find_uncovered_facets(count_facets(expand_suites(load_library([find_cases_folder()]), [suite]))) == ()
    )


TRANSPOSED_ONLY = {Facet.CROPPED, Facet.CROPPED_ODDLY, Facet.EXTENDED}
PADDED_ONLY = {
    Facet.NO_PADDING, Facet.SYMMETRIC_SAME, Facet.ASYMMETRIC_SAME, Facet.MIXED_SAME, Facet.CLAMPED_SAME,
    Facet.UNREAD_CELLS, Facet.INEXACT_DIVISION,
}  # fmt: skip


def test_a_transposed_layer_is_cropped_and_any_other_is_padded() -> None:
    for case in expand_suites(load_library([find_cases_folder()]), ["smoke"]):
        other = PADDED_ONLY if case.kind is LayerKind.TRANSPOSE else TRANSPOSED_ONLY
        assert not find_facets(case) & other, case.id


def test_pools_overlap_where_their_strides_are_shorter_than_their_windows() -> None:
    assert Facet.OVERLAPPING in find_facets(POOLED)
    assert Facet.OVERLAPPING not in find_facets(replace(POOLED, strides=(3, 3)))
    # A convolution has windows that overlap as a matter of course.
    assert Facet.OVERLAPPING not in find_facets(PLAIN)
