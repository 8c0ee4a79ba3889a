"""Cases and data to test the oracle with: not the harness's own, so that neither is tested by the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from harness.oracle import Padding
from harness.oracle.plan import Computation, plan_computation
from harness.records import (
    Argument,
    Array,
    Case,
    CaseData,
    DataFormat,
    Layer,
    LayerKind,
    Mode,
    derive_arguments,
)
from tests.oracle.brute import CellData, Cells, Numbers, Place

Values = npt.NDArray[np.float64]

CASE = Case(
    layer=Layer.CONV1D,
    mode=Mode.EAGER,
    input=(5,),
    kernel=(3,),
    strides=(1,),
    dilation=(1,),
    padding="same",
    data_format=DataFormat.CHANNELS_LAST,
    batch=2,
    channels=2,
    filters=2,
    groups=1,
    bias=True,
    dtype="float64",
)
"""A case with one spatial axis, to be varied with `dataclasses.replace`."""

LAYERS = {
    (layer.kind, ndim): layer for layer in Layer if Argument.DTYPE in layer.arguments for ndim in layer.ndims
}
"""The layer of each kind and number of axes, without operations, which have no dtype of their own."""

CAUSAL = frozenset({Layer.CONV1D, Layer.SEPARABLE_CONV1D})


def paddings_of(layer: Layer) -> tuple[str, ...]:
    """Return the padding names that the layer knows."""
    return ("same", "valid", "causal") if layer in CAUSAL else ("same", "valid")


def plan(case: Case) -> Computation:
    """Return the computation of the case under Keras's rule."""
    return plan_computation(case, Padding(case.padding.lower()))


def signals(case: Case, salt: int = 0) -> CaseData:
    """Make small integers of both signs, from a congruence; without ties for max pooling."""
    if case.kind is LayerKind.MAX_POOLING:
        return CaseData(distinct(case.input_shape, 11 + salt), None)
    inputs = numbers(case.input_shape, 11 + salt)
    if case.kind is LayerKind.AVERAGE_POOLING:
        return CaseData(inputs, None)
    pointwise = None
    tail = (case.channels // max(case.groups, 1), case.filters)
    if case.kind is LayerKind.TRANSPOSE:
        tail = (case.filters, case.channels)
    elif case.kind is not LayerKind.CONVOLUTION:
        tail = (case.channels, case.multiplier)
    if case.kind is LayerKind.SEPARABLE:
        shape = (*(1,) * case.ndim, case.channels * case.multiplier, case.filters)
        pointwise = numbers(shape, 7 + salt)
    bias = numbers((case.filters,), 3 + salt) if case.bias else None
    return CaseData(inputs, numbers((*case.kernel, *tail), 5 + salt), bias, pointwise)


def numbers(shape: Place, seed: int) -> Values:
    """Make an array of integers from -9 to 9, in float64."""
    state, drawn = seed, []
    for _ in range(math.prod(shape)):
        state = (state * 1103515245 + 12345) % 2**31
        drawn.append(state // 65536 % 19 - 9)
    return np.array(drawn, dtype=np.float64).reshape(shape)


def distinct(shape: Place, seed: int) -> Values:
    """Make an array of distinct integers, most of them negative."""
    drawn = [(place * 3571 + seed * 97) % 10007 - 7000 for place in range(math.prod(shape))]
    return np.array(drawn, dtype=np.float64).reshape(shape)


def cells(array: Array | None) -> dict[Place, int]:
    """Return the cells of an array by index, as plain integers."""
    return {} if array is None else {place: int(value) for place, value in np.ndenumerate(array)}


def cell_data(data: CaseData) -> CellData:
    """Return integer case data by index."""
    return CellData(cells(data.inputs), cells(data.kernel), cells(data.pointwise), cells(data.bias))


def array_of(shape: Place, values: Numbers | Cells) -> Values:
    """Make the array with these cells, each the float64 nearest to its number."""
    array = np.full(shape, np.nan)
    for place, value in values.items():
        array[place] = float(value)
    return array


def lines(
    kind: LayerKind, lengths: range, kernels: range, strides: range, dilations: range
) -> Iterator[Case]:
    """Yield every geometry of one axis of a kind, with every padding and every `output_padding`."""
    layer = LAYERS[kind, 1]
    has_dilation = Argument.DILATION_RATE in layer.arguments
    for n, k, s, d, padding in itertools.product(
        lengths, kernels, strides, dilations if has_dilation else (1,), paddings_of(layer)
    ):
        case = replace(
            CASE,
            layer=layer,
            input=(n,),
            kernel=(k,),
            strides=(s,),
            dilation=(d,),
            padding=padding,
            multiplier=2,
            data_format=DataFormat.CHANNELS_FIRST if (n + k + s + d) % 2 else DataFormat.CHANNELS_LAST,
        )
        yield derive_arguments(case)
        if kind is LayerKind.TRANSPOSE:
            for given in range(s):
                yield derive_arguments(replace(case, output_padding=(given,)))


@st.composite
def unequal_cases(draw: st.DrawFn, kind: LayerKind, ndim: int) -> Case:
    """Draw a case of a kind whose axes differ in every parameter, in any format, with any channels."""
    layer = LAYERS[kind, ndim]
    longest = 9 if ndim < 3 else 5

    def unequal(most: int) -> tuple[int, ...]:
        return tuple(draw(st.permutations(range(1, most + 1)))[:ndim])

    strides = unequal(3)
    groups = draw(st.integers(1, 3 if ndim < 3 else 2)) if kind is LayerKind.CONVOLUTION else 1
    given = tuple(draw(st.integers(0, stride - 1)) for stride in strides) if draw(st.booleans()) else None
    return derive_arguments(
        replace(
            CASE,
            layer=layer,
            input=unequal(longest),
            kernel=unequal(3),
            strides=strides,
            dilation=unequal(3) if draw(st.booleans()) else (1,) * ndim,
            padding=draw(st.sampled_from(paddings_of(layer))),
            output_padding=given,
            data_format=draw(st.sampled_from(DataFormat)),
            batch=draw(st.integers(0, 2)),
            channels=groups * draw(st.integers(1, 2)),
            filters=groups * draw(st.integers(1, 2)),
            groups=groups,
            multiplier=draw(st.integers(1, 3)),
            bias=draw(st.booleans()),
        )
    )


@st.composite
def small_cases(draw: st.DrawFn, kind: LayerKind) -> Case:
    """Draw a case of a kind in one to three axes, so small that each of its numbers can be varied in turn."""
    ndim = draw(st.sampled_from([ndim for of_kind, ndim in LAYERS if of_kind is kind]))
    layer = LAYERS[kind, ndim]

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(ndim))

    strides = each(1, 3)
    groups = draw(st.integers(1, 2)) if kind is LayerKind.CONVOLUTION else 1
    given = tuple(draw(st.integers(0, stride - 1)) for stride in strides) if draw(st.booleans()) else None
    return derive_arguments(
        replace(
            CASE,
            layer=layer,
            input=each(1, (7, 4, 3)[ndim - 1]),
            kernel=each(1, 3 if ndim < 3 else 2),
            strides=strides,
            dilation=each(1, 2),
            padding=draw(st.sampled_from(paddings_of(layer))),
            output_padding=given,
            data_format=draw(st.sampled_from(DataFormat)),
            batch=draw(st.integers(1, 2)),
            channels=groups * draw(st.integers(1, 2)),
            filters=groups * draw(st.integers(1, 2)),
            groups=groups,
            multiplier=draw(st.integers(1, 2)),
            bias=draw(st.booleans()),
        )
    )
