"""A second convolution in plain Python loops and plain integers, and cases to try it on.

It shares no technique with `harness.oracle`: lengths and pads are counted up and dealt out one by
one, and a window asks for each of its taps whether the input has that cell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.records import Array, Case, DataFormat, Layer, Mode, Signals

Place: TypeAlias = tuple[int, ...]
Cells: TypeAlias = Mapping[Place, int]

CASE = Case(
    layer=Layer.CONV2D,
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
"""A case of one spatial axis, to be varied with `dataclasses.replace`."""


def brute_axis(length: int, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int, int]:
    """Output length, cells before and cells after, by counting."""
    reach = 1
    for _ in range(kernel - 1):
        reach += dilation
    windows = 0
    if padding == "valid":
        while windows * stride + reach <= length:
            windows += 1
        return windows, 0, 0
    while windows * stride < length:
        windows += 1
    before = after = 0
    while windows and (windows - 1) * stride + reach > before + length + after:
        if after == before:
            after += 1
        else:
            before += 1
    return windows, before, after


def brute_convolution(
    case: Case, inputs: Cells, kernel: Cells, bias: Sequence[int] | None
) -> tuple[Place, dict[Place, int]]:
    """The output's shape and cells; `inputs` by place in the array, `kernel` by tap, channel and filter."""
    axes = [
        brute_axis(*axis, case.padding)
        for axis in zip(case.input, case.kernel, case.strides, case.dilation, strict=True)
    ]
    lengths = tuple(windows for windows, _, _ in axes)
    taps = list(itertools.product(*(range(length) for length in case.kernel)))
    output: dict[Place, int] = {}
    for entry, window, (number, channels) in itertools.product(
        range(case.batch), itertools.product(*(range(n) for n in lengths)), _blocks(case)
    ):
        total = 0 if bias is None else bias[number]
        for tap in taps:
            cell = tuple(
                window[a] * case.strides[a] + tap[a] * case.dilation[a] - axes[a][1] for a in range(case.ndim)
            )
            if all(0 <= cell[a] < case.input[a] for a in range(case.ndim)):
                for local, channel in enumerate(channels):
                    total += inputs[place_of(case, entry, cell, channel)] * kernel[(*tap, local, number)]
        output[place_of(case, entry, window, number)] = total
    return place_of(case, case.batch, lengths, case.filters), output


def brute_adjoint(case: Case, outputs: Cells, kernel: Cells) -> dict[Place, int]:
    """The transposed convolution: each output cell scattered over the input cells that it was made from."""
    axes = [
        brute_axis(*axis, case.padding)
        for axis in zip(case.input, case.kernel, case.strides, case.dilation, strict=True)
    ]
    windows = list(itertools.product(*(range(windows) for windows, _, _ in axes)))
    inputs: dict[Place, int] = {}
    for entry, window, (number, channels) in itertools.product(range(case.batch), windows, _blocks(case)):
        value = outputs[place_of(case, entry, window, number)]
        for (*tap, local, to), weight in kernel.items():
            cell = tuple(
                window[a] * case.strides[a] + tap[a] * case.dilation[a] - axes[a][1] for a in range(case.ndim)
            )
            if to == number and all(0 <= cell[a] < case.input[a] for a in range(case.ndim)):
                place = place_of(case, entry, cell, channels[local])
                inputs[place] = inputs.get(place, 0) + value * weight
    return inputs


def _blocks(case: Case) -> Iterator[tuple[int, list[int]]]:
    """Each filter, and the channels of its group in the order of the kernel."""
    channels, filters = iter(range(case.channels)), iter(range(case.filters))
    for _ in range(case.groups):
        read = [next(channels) for _ in range(case.channels // case.groups)]
        for _ in range(case.filters // case.groups):
            yield next(filters), read


def place_of(case: Case, entry: int, cell: Place, channel: int) -> Place:
    """Where a cell stands in an array of the case's data format."""
    if case.data_format is DataFormat.CHANNELS_LAST:
        return (entry, *cell, channel)
    return (entry, channel, *cell)


def signals(case: Case, salt: int = 0) -> Signals:
    """Small integers of both signs, from a congruence; not the harness's own data."""
    kernel = (*case.kernel, case.channels // case.groups, case.filters)
    return Signals(
        numbers(case.input_shape, 11 + salt),
        numbers(kernel, 5 + salt),
        numbers((case.filters,), 3 + salt) if case.bias else None,
    )


def numbers(shape: Place, seed: int) -> npt.NDArray[np.float64]:
    """An array of integers from -9 to 9, held in float64."""
    state, drawn = seed, []
    for _ in range(int(np.prod(shape))):
        state = (state * 1103515245 + 12345) % 2**31
        drawn.append(state // 65536 % 19 - 9)
    return np.array(drawn, dtype=np.float64).reshape(shape)


def cells(array: Array) -> dict[Place, int]:
    """The cells of an array by their place, as plain integers."""
    return {place: int(value) for place, value in np.ndenumerate(array)}


def array_of(shape: Place, values: Cells) -> npt.NDArray[np.float64]:
    """The array that has these cells, zero where there is none."""
    array = np.zeros(shape)
    for place, value in values.items():
        array[place] = value
    return array


def tiny_axes() -> Iterator[Case]:
    """Every geometry of one axis: length 0..8, kernel 1..5, stride 1..4, dilation 1..3, both paddings."""
    for length, kernel, stride, dilation, padding in itertools.product(
        range(9), range(1, 6), range(1, 5), range(1, 4), ("same", "valid")
    ):
        yield replace(
            CASE, input=(length,), kernel=(kernel,), strides=(stride,), dilation=(dilation,), padding=padding
        )


def tiny_planes() -> Iterator[Case]:
    """Pairs of axis settings, thinned, so that the axes are unequal in everything; attributes take turns."""
    axes = list(itertools.product(range(1, 5), range(1, 4), range(1, 4), range(1, 3)))
    pairs = [(a, b) for i, a in enumerate(axes) for j, b in enumerate(axes) if (5 * i + 3 * j) % 7 == 0]
    attributes = itertools.cycle(
        itertools.product(DataFormat, (1, 2, 3), (True, False), ((1, 1, 2), (4, 2, 2), (3, 3, 3), (2, 2, 1)))
    )
    for (first, second), (data_format, batch, bias, widths) in zip(pairs, attributes, strict=False):
        channels, filters, groups = widths if widths[0] % widths[2] == 0 else (2, 3, 1)
        for padding in ("same", "valid"):
            yield replace(
                CASE,
                input=(first[0], second[0]),
                kernel=(first[1], second[1]),
                strides=(first[2], second[2]),
                dilation=(first[3], second[3]),
                padding=padding,
                data_format=data_format,
                batch=batch if bias else 1,
                bias=bias,
                channels=channels,
                filters=filters,
                groups=groups,
            )


def tiny_volumes() -> Iterator[Case]:
    """Some geometries of three axes, all unequal."""
    for lengths, kernel, strides, dilation, padding, data_format in itertools.product(
        ((3, 4, 2), (1, 5, 3)),
        ((2, 3, 1), (1, 2, 3)),
        ((1, 2, 3), (2, 1, 1)),
        ((1, 1, 1), (2, 1, 1), (1, 2, 1)),
        ("same", "valid"),
        DataFormat,
    ):
        yield replace(
            CASE,
            input=lengths,
            kernel=kernel,
            strides=strides,
            dilation=dilation,
            padding=padding,
            data_format=data_format,
        )
