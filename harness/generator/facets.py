"""What is special about a case, computed from its geometry and never written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum

from harness.oracle.convolution import axis_geometries
from harness.oracle.geometry import AxisGeometry
from harness.oracle.refusal import EMPTY_OUTPUT, STRIDED_AND_DILATED, padding_of, refusal_of
from harness.oracle.rules import Padding
from harness.records import Case, DataFormat, Mode, Refusal


class Facet(StrEnum):
    """A property of a case; the comment behind each is its definition."""

    NO_PADDING = "no-padding"  # same, and no axis needs a padded cell
    SYMMETRIC_SAME = "symmetric-same"  # same, padded, before equals after on every axis
    ASYMMETRIC_SAME = "asymmetric-same"  # same, one axis has an odd number of padded cells
    MIXED_SAME = "mixed-same"  # same, one axis padded evenly and another oddly
    CLAMPED_SAME = "clamped-same"  # same, the formula's total is negative and clamped to 0
    INEXACT_DIVISION = "inexact-division"  # the stride does not divide the length it steps over
    UNREAD_CELLS = "unread-cells"  # valid, and the end of an axis is never read
    STRIDED = "strided"  # a stride above 1
    UNEQUAL_STRIDES = "unequal-strides"
    STRIDE_ABOVE_KERNEL = "stride>kernel"
    STRIDE_ABOVE_INPUT = "stride>input"
    POINTWISE = "pointwise"  # every kernel length is 1
    EVEN_KERNEL = "even-kernel"
    UNEQUAL_KERNEL = "unequal-kernel"
    KERNEL_IS_INPUT = "kernel=input"  # the effective kernel is as long as the input
    KERNEL_ABOVE_INPUT = "kernel>input"  # the effective kernel is longer than the input
    DILATED = "dilated"
    UNEQUAL_DILATION = "unequal-dilation"
    INPUT_LENGTH_ONE = "input-length-1"
    SQUARE_INPUT = "square-input"
    OBLONG_INPUT = "oblong-input"
    LONG_AXIS = "long-axis"  # one axis at least 8 times as long as another
    SINGLE_OUTPUT = "single-output"  # one window in all
    COINCIDING_SIZES = "coinciding-sizes"  # a length equals the channels, the filters or the batch
    CHANNELS_FIRST = "channels-first"
    GROUPED = "grouped"
    DEPTHWISE = "depthwise"  # as many groups as channels
    WIDE_CHANNELS = "wide-channels"  # 8 channels or filters and more: blocked kernels start here
    NO_BIAS = "no-bias"
    BATCHED = "batched"  # a batch above 1
    SPELLED_PADDING = "spelled-padding"  # a padding name that is not all lower case
    SEQUENTIAL = "sequential"  # called through a Sequential model
    EMPTY_OUTPUT = "empty-output"  # no window fits
    STRIDED_AND_DILATED = "strided-and-dilated"
    MUST_BE_REFUSED = "must-be-refused"


def facets_of(case: Case) -> frozenset[Facet]:
    """Every facet of the case. One that must be refused has only those that need no geometry."""
    found = set(_plain(case))
    refusal = refusal_of(case)
    padding = padding_of(case)
    if refusal.refusal is Refusal.REQUIRED or padding is None:
        return frozenset(found | {Facet.MUST_BE_REFUSED})
    if refusal is STRIDED_AND_DILATED:
        found.add(Facet.STRIDED_AND_DILATED)
    geometries = axis_geometries(case, padding)
    found.update(_kernel_facets(geometries))
    if refusal is EMPTY_OUTPUT or any(geometry.out == 0 for geometry in geometries):
        return frozenset(found | {Facet.EMPTY_OUTPUT})
    found.update(_window_facets(geometries, padding))
    return frozenset(found)


def _plain(case: Case) -> Iterator[Facet]:
    """Facets of the parameters alone."""
    coinciding = {case.channels, case.filters, case.batch} & {*case.input, *case.kernel}
    claims = {
        Facet.POINTWISE: set(case.kernel) == {1},
        Facet.EVEN_KERNEL: any(length > 0 and length % 2 == 0 for length in case.kernel),
        Facet.UNEQUAL_KERNEL: len(set(case.kernel)) > 1,
        Facet.STRIDED: max(case.strides) > 1,
        Facet.UNEQUAL_STRIDES: len(set(case.strides)) > 1,
        Facet.DILATED: max(case.dilation) > 1,
        Facet.UNEQUAL_DILATION: len(set(case.dilation)) > 1,
        Facet.INPUT_LENGTH_ONE: 1 in case.input,
        Facet.SQUARE_INPUT: case.ndim > 1 and len(set(case.input)) == 1,
        Facet.OBLONG_INPUT: len(set(case.input)) > 1,
        Facet.LONG_AXIS: max(case.input) >= 8 * max(min(case.input), 1),
        Facet.COINCIDING_SIZES: bool(coinciding - {1}),
        Facet.CHANNELS_FIRST: case.data_format is DataFormat.CHANNELS_FIRST,
        Facet.GROUPED: case.groups > 1,
        Facet.DEPTHWISE: case.groups > 1 and case.groups == case.channels,
        Facet.WIDE_CHANNELS: max(case.channels, case.filters) >= 8,
        Facet.NO_BIAS: not case.bias,
        Facet.BATCHED: case.batch > 1,
        Facet.SPELLED_PADDING: case.padding != case.padding.lower(),
        Facet.SEQUENTIAL: case.mode is Mode.SEQUENTIAL,
    }
    return (facet for facet, holds in claims.items() if holds)


def _kernel_facets(geometries: tuple[AxisGeometry, ...]) -> Iterator[Facet]:
    claims = {
        Facet.STRIDE_ABOVE_KERNEL: any(g.stride > g.effective_kernel for g in geometries),
        Facet.STRIDE_ABOVE_INPUT: any(g.stride > g.length for g in geometries),
        Facet.KERNEL_IS_INPUT: any(g.effective_kernel == g.length for g in geometries),
        Facet.KERNEL_ABOVE_INPUT: any(g.effective_kernel > g.length for g in geometries),
    }
    return (facet for facet, holds in claims.items() if holds)


def _window_facets(geometries: tuple[AxisGeometry, ...], padding: Padding) -> Iterator[Facet]:
    totals = [geometry.total for geometry in geometries]
    odd = any(total % 2 for total in totals)
    even = any(total and total % 2 == 0 for total in totals)
    same = padding is Padding.SAME
    read = [(g.out - 1) * g.stride + g.effective_kernel for g in geometries]
    stepped = [g.length if same else g.length - g.effective_kernel for g in geometries]
    claims = {
        Facet.NO_PADDING: same and not any(totals),
        Facet.SYMMETRIC_SAME: same and any(totals) and not odd,
        Facet.ASYMMETRIC_SAME: same and odd,
        Facet.MIXED_SAME: same and odd and even,
        Facet.CLAMPED_SAME: same and any(r < g.length for r, g in zip(read, geometries, strict=True)),
        Facet.INEXACT_DIVISION: any(n % g.stride for n, g in zip(stepped, geometries, strict=True)),
        Facet.UNREAD_CELLS: not same and any(r < g.length for r, g in zip(read, geometries, strict=True)),
        Facet.SINGLE_OUTPUT: math.prod(g.out for g in geometries) == 1,
    }
    return (facet for facet, holds in claims.items() if holds)
