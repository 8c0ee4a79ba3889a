"""The facets of a case: its notable properties, computed from its geometry, and how many cases have each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from harness.oracle.geometry import AxisGeometry
from harness.oracle.plan import compute_axis_geometries
from harness.oracle.refusal import STRIDED_AND_DILATED, decide_refusal, parse_padding
from harness.oracle.rules import Padding
from harness.records import (
    DTYPE_TRAITS,
    Argument,
    ArgumentStyle,
    Case,
    DataFormat,
    DataKind,
    Mode,
    Refusal,
)


class Facet(StrEnum):
    """A notable property of a case; the comment behind each is its definition."""

    NO_PADDING = "no-padding"  # same, and no axis needs a padded cell
    SYMMETRIC_SAME = "symmetric-same"  # same, padded, before equals after on every axis
    ASYMMETRIC_SAME = "asymmetric-same"  # same, one axis has an odd number of padded cells
    MIXED_SAME = "mixed-same"  # same, one axis padded evenly and another oddly
    CLAMPED_SAME = "clamped-same"  # same, the formula's total is negative and clamped to 0
    UNEQUAL_PADS = "unequal-pads"  # same, two axes are padded by different numbers of cells
    CAUSAL = "causal"
    NOTHING_BUT_PADDING = "nothing-but-padding"  # a window in which no tap meets a cell of the input
    INEXACT_DIVISION = "inexact-division"  # the stride does not divide the length it steps over
    UNREAD_CELLS = "unread-cells"  # valid, and no window reads the end of an axis
    CROPPED = "cropped"  # transposed, cells are cropped off the full result
    CROPPED_ODDLY = "cropped-oddly"  # transposed same, an odd number of cells is cropped off an axis
    EXTENDED = "extended"  # transposed, zeros are added to the full result
    OVERLAPPING = "overlapping"  # transposed layer or pooling whose windows overlap
    OUTPUT_PADDING = "output-padding"  # one is given, even if 0
    OUTPUT_PADDING_ABOVE_0 = "output-padding>0"
    UNEQUAL_OUTPUT_PADDING = "unequal-output-padding"
    STRIDED = "strided"  # a stride above 1
    UNEQUAL_STRIDES = "unequal-strides"
    STRIDE_IS_KERNEL = "stride=kernel"  # above 1, on some axis
    STRIDE_ABOVE_KERNEL = "stride>kernel"
    STRIDE_ABOVE_INPUT = "stride>input"
    POINTWISE = "pointwise"  # every kernel length is 1
    EVEN_KERNEL = "even-kernel"
    UNEQUAL_KERNEL = "unequal-kernel"
    KERNEL_IS_INPUT = "kernel=input"  # the effective kernel is as long as the input
    KERNEL_ABOVE_INPUT = "kernel>input"  # the effective kernel is longer than the input
    DILATED = "dilated"
    UNEQUAL_DILATION = "unequal-dilation"
    DILATION_ABOVE_INPUT = "dilation>=input"  # at most one tap of a window falls on the input
    INPUT_LENGTH_ONE = "input-length-1"
    SQUARE_INPUT = "square-input"
    OBLONG_INPUT = "oblong-input"
    LONG_AXIS = "long-axis"  # an axis at least 8 times as long as another
    LONG_INPUT = "long-input"  # an axis of at least 32 cells
    ONE_WINDOW = "one-window"  # an axis with a single output cell and several input cells
    SINGLE_OUTPUT = "single-output"  # one output cell in all
    COINCIDING_SIZES = "coinciding-sizes"  # a length equals the channels, the filters or the batch
    LENGTH_IS_CHANNELS = "length=channels"  # above 1, as in all coincidences
    LENGTH_IS_FILTERS = "length=filters"
    LENGTH_IS_BATCH = "length=batch"
    KERNEL_IS_CHANNELS = "kernel=channels"
    KERNEL_IS_FILTERS = "kernel=filters"
    CHANNELS_IS_FILTERS = "channels=filters"
    CHANNELS_IS_BATCH = "channels=batch"
    OUTPUT_IS_FILTERS = "output=filters"  # the output is as long as it has channels
    CHANNELS_FIRST = "channels-first"
    ONE_CHANNEL = "one-channel"
    ONE_FILTER = "one-filter"
    GROUPED = "grouped"
    DEPTHWISE = "depthwise"  # as many groups as channels
    MULTIPLIED = "multiplied"  # a depth multiplier above 1
    WIDE_CHANNELS = (
        "wide-channels"  # at least 8 channels or filters, from which on backends use blocked kernels
    )
    NO_BIAS = "no-bias"
    BATCHED = "batched"  # a batch above 1
    FLOAT64 = "float64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    REAL_DATA = "real-data"
    TIED_DATA = "tied-data"
    NONFINITE_DATA = "nonfinite-data"
    SPELLED_PADDING = "spelled-padding"  # a padding name that is not all lower case
    LISTS = "lists"  # lengths are written as lists
    INTEGERS = "integers"  # lengths are written as one integer for all axes
    DEFAULTS = "defaults"  # arguments equal to Keras's default are omitted
    SEQUENTIAL = "sequential"  # called through a Sequential model
    INFERRED = "inferred"
    COMPILED = "compiled"
    JIT = "jit"
    DYNAMIC = "dynamic"
    RELOADED = "reloaded"
    GRADIENT = "gradient"
    SYMBOLIC = "symbolic"
    EMPTY_INPUT = "empty-input"  # an axis without cells
    EMPTY_BATCH = "empty-batch"
    EMPTY_OUTPUT = "empty-output"  # an axis of the output has no cells, or the batch no entries
    ONE_CELL_SHORT = "one-cell-short"  # valid, an axis is one cell too short for a window
    STRIDED_AND_DILATED = "strided-and-dilated"
    MUST_BE_REFUSED = "must-be-refused"


def find_facets(case: Case) -> frozenset[Facet]:
    """Return every facet of the case. A case that must be refused has only those that need no geometry."""
    facets = set(_find_parameter_facets(case))
    refusal = decide_refusal(case)
    padding = parse_padding(case)
    if refusal.refusal is Refusal.REQUIRED or padding is None:
        return frozenset(facets | {Facet.MUST_BE_REFUSED})
    if refusal is STRIDED_AND_DILATED:
        facets.add(Facet.STRIDED_AND_DILATED)
    geometries = compute_axis_geometries(case, padding)
    facets.update(_find_kernel_facets(case, geometries))
    if case.batch == 0 or any(geometry.out == 0 for geometry in geometries):
        return frozenset(facets | {Facet.EMPTY_OUTPUT})
    if geometries[0].is_transposed:
        facets.update(_find_transposed_facets(geometries, padding))
    else:
        facets.update(_find_window_facets(geometries, padding))
    facets.update(_find_output_facets(case, geometries))
    return frozenset(facets)


_MODE_FACETS: Final[Mapping[Mode, Facet]] = {mode: Facet(mode) for mode in Mode if mode is not Mode.EAGER}
_STYLE_FACETS: Final = {
    ArgumentStyle.LIST: Facet.LISTS,
    ArgumentStyle.INT: Facet.INTEGERS,
    ArgumentStyle.DEFAULTS: Facet.DEFAULTS,
}
_DTYPE_FACETS: Final = {dtype: Facet(dtype) for dtype in DTYPE_TRAITS if dtype != "float32"}


def _find_parameter_facets(case: Case) -> Iterator[Facet]:
    """Yield the facets that follow from the parameters alone."""
    lengths, kernel = {*case.input} - {1}, {*case.kernel} - {1}
    claims = {
        Facet.POINTWISE: set(case.kernel) == {1},
        Facet.EVEN_KERNEL: any(length > 0 and length % 2 == 0 for length in case.kernel),
        Facet.UNEQUAL_KERNEL: len(set(case.kernel)) > 1,
        Facet.STRIDED: max(case.strides) > 1,
        Facet.UNEQUAL_STRIDES: len(set(case.strides)) > 1,
        Facet.DILATED: max(case.dilation) > 1,
        Facet.UNEQUAL_DILATION: len(set(case.dilation)) > 1,
        Facet.OUTPUT_PADDING: case.output_padding is not None,
        Facet.OUTPUT_PADDING_ABOVE_0: max(case.output_padding or (0,)) > 0,
        Facet.UNEQUAL_OUTPUT_PADDING: len(set(case.output_padding or ())) > 1,
        Facet.INPUT_LENGTH_ONE: 1 in case.input,
        Facet.SQUARE_INPUT: case.ndim > 1 and len(set(case.input)) == 1,
        Facet.OBLONG_INPUT: len(set(case.input)) > 1,
        Facet.LONG_AXIS: max(case.input) >= 8 * max(min(case.input), 1) and case.ndim > 1,
        Facet.LONG_INPUT: max(case.input) >= 32,
        Facet.COINCIDING_SIZES: bool({case.channels, case.filters, case.batch} & (lengths | kernel)),
        Facet.LENGTH_IS_CHANNELS: case.channels in lengths,
        Facet.LENGTH_IS_FILTERS: case.filters in lengths,
        Facet.LENGTH_IS_BATCH: case.batch in lengths,
        Facet.KERNEL_IS_CHANNELS: case.channels in kernel,
        Facet.KERNEL_IS_FILTERS: case.filters in kernel,
        Facet.CHANNELS_IS_FILTERS: case.channels == case.filters > 1
        and case.kind.traits.derived_filters is None,
        Facet.CHANNELS_IS_BATCH: case.channels == case.batch > 1,
        Facet.CHANNELS_FIRST: case.data_format is DataFormat.CHANNELS_FIRST,
        Facet.ONE_CHANNEL: case.channels == 1,
        Facet.ONE_FILTER: case.filters == 1,
        Facet.GROUPED: case.groups > 1,
        Facet.DEPTHWISE: case.groups > 1 and case.groups == case.channels,
        Facet.MULTIPLIED: case.multiplier > 1,
        Facet.WIDE_CHANNELS: max(case.channels, case.filters) >= 8,
        Facet.NO_BIAS: not case.bias and Argument.USE_BIAS in case.layer.arguments,
        Facet.BATCHED: case.batch > 1,
        Facet.REAL_DATA: case.data is DataKind.REAL,
        Facet.TIED_DATA: case.data is DataKind.TIES,
        Facet.NONFINITE_DATA: case.data is DataKind.NONFINITE,
        Facet.SPELLED_PADDING: case.padding != case.padding.lower(),
        Facet.EMPTY_INPUT: 0 in case.input,
        Facet.EMPTY_BATCH: case.batch == 0,
    }
    yield from (facet for facet, holds in claims.items() if holds)
    named = (_MODE_FACETS.get(case.mode), _STYLE_FACETS.get(case.form), _DTYPE_FACETS.get(case.dtype))
    yield from (facet for facet in named if facet is not None)


def _find_kernel_facets(case: Case, geometries: tuple[AxisGeometry, ...]) -> Iterator[Facet]:
    cells = [g for g in geometries if g.length]
    is_valid = parse_padding(case) is Padding.VALID and not geometries[0].is_transposed
    claims = {
        Facet.STRIDE_IS_KERNEL: any(g.stride == g.kernel > 1 for g in geometries),
        Facet.STRIDE_ABOVE_KERNEL: any(g.stride > g.effective_kernel for g in geometries),
        Facet.STRIDE_ABOVE_INPUT: any(g.stride > g.length for g in cells),
        Facet.KERNEL_IS_INPUT: any(g.effective_kernel == g.length for g in geometries),
        Facet.KERNEL_ABOVE_INPUT: any(g.effective_kernel > g.length for g in cells),
        Facet.DILATION_ABOVE_INPUT: any(g.dilation >= max(g.length, 2) and g.kernel > 1 for g in geometries),
        Facet.ONE_CELL_SHORT: is_valid and any(g.length == g.effective_kernel - 1 for g in geometries),
    }
    return (facet for facet, holds in claims.items() if holds)


def _find_window_facets(geometries: tuple[AxisGeometry, ...], padding: Padding) -> Iterator[Facet]:
    totals = [geometry.total for geometry in geometries]
    odd = any(total % 2 for total in totals)
    even = any(total and total % 2 == 0 for total in totals)
    same = padding is Padding.SAME
    valid = padding is Padding.VALID
    read = [(g.out - 1) * g.stride + g.effective_kernel for g in geometries]
    stepped = [g.length - g.effective_kernel if valid else g.length for g in geometries]
    falls_short = any(r < g.length for r, g in zip(read, geometries, strict=True))
    claims = {
        Facet.NO_PADDING: same and not any(totals),
        Facet.SYMMETRIC_SAME: same and any(totals) and not odd,
        Facet.ASYMMETRIC_SAME: same and odd,
        Facet.MIXED_SAME: same and odd and even,
        Facet.CLAMPED_SAME: same and falls_short,
        Facet.UNEQUAL_PADS: same and len(set(totals)) > 1,
        Facet.CAUSAL: padding is Padding.CAUSAL,
        Facet.NOTHING_BUT_PADDING: any(map(_has_window_of_padding, geometries)),
        Facet.INEXACT_DIVISION: any(n % g.stride for n, g in zip(stepped, geometries, strict=True)),
        Facet.UNREAD_CELLS: valid and falls_short,
    }
    return (facet for facet, holds in claims.items() if holds)


def _has_window_of_padding(axis: AxisGeometry) -> bool:
    """Return whether every tap of some window falls on padding."""
    return not all(
        any(0 <= start + tap * axis.dilation < axis.length for tap in range(axis.kernel))
        for start in axis.starts
    )


def _find_transposed_facets(geometries: tuple[AxisGeometry, ...], padding: Padding) -> Iterator[Facet]:
    claims = {
        Facet.CROPPED: any(g.before > 0 or g.after > 0 for g in geometries),
        Facet.CROPPED_ODDLY: padding is Padding.SAME and any(g.total > 0 and g.total % 2 for g in geometries),
        Facet.EXTENDED: any(g.before < 0 or g.after < 0 for g in geometries),
    }
    return (facet for facet, holds in claims.items() if holds)


def _find_output_facets(case: Case, geometries: tuple[AxisGeometry, ...]) -> Iterator[Facet]:
    overlaps = any(g.stride < g.effective_kernel and g.out > 1 for g in geometries)
    claims = {
        Facet.OVERLAPPING: overlaps and (geometries[0].is_transposed or case.kind.traits.is_pooling),
        Facet.ONE_WINDOW: any(g.out == 1 < g.length for g in geometries),
        Facet.SINGLE_OUTPUT: math.prod(g.out for g in geometries) == 1,
        Facet.OUTPUT_IS_FILTERS: case.filters > 1 and any(g.out == case.filters for g in geometries),
    }
    return (facet for facet, holds in claims.items() if holds)


def count_facets(cases: Iterable[Case]) -> Mapping[Facet, int]:
    """Count the cases with each facet, in the order of `Facet`; 0 for a facet that no case has."""
    counts = Counter(facet for case in cases for facet in find_facets(case))
    return {facet: counts[facet] for facet in Facet}


def find_uncovered_facets(counts: Mapping[Facet, int]) -> tuple[Facet, ...]:
    """Return the facets that no case has."""
    return tuple(facet for facet, number in counts.items() if number == 0)
