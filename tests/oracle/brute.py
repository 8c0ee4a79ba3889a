"""A second implementation of every layer, in plain Python loops over integers and fractions.

It shares no technique with `harness.oracle`: lengths and pads are counted and distributed one by one, a
forward window asks for each of its taps whether the input has that cell, a transposed layer scatters each
input cell times the kernel into the full result and crops it. Each product is a link of an output cell, an
input cell and a kernel cell; values are summed along the links, gradients flow back along them. Written from
the specification and the Keras documentation.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from harness.records import Case, DataFormat, LayerKind

Place: TypeAlias = tuple[int, ...]
Cells: TypeAlias = Mapping[Place, int]
Numbers: TypeAlias = dict[Place, int | Fraction]


@dataclass(frozen=True)
class CellData:
    """The data of a case by index, as plain integers; empty for what the layer does not have."""

    inputs: Cells
    kernel: Cells
    pointwise: Cells
    bias: Cells


def brute_reach(kernel: int, dilation: int) -> int:
    """Count the cells that a kernel spans."""
    reach = 1
    for _ in range(kernel - 1):
        reach += dilation
    return reach


def brute_axis(length: int, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int, int]:
    """Return output length, cells before and cells after of a forward layer, by counting."""
    reach = brute_reach(kernel, dilation)
    windows = before = after = 0
    if padding == "valid":
        while windows * stride + reach <= length:
            windows += 1
        return windows, 0, 0
    while windows * stride < length:
        windows += 1
    if padding == "causal":
        # The last tap of the first window lies on the first cell.
        while reach - 1 > before:
            before += 1
        return windows, before, 0
    assert padding == "same"
    while windows and (windows - 1) * stride + reach > before + length + after:
        if after == before:
            after += 1
        else:
            before += 1
    return windows, before, after


def brute_transposed_axis(
    length: int, kernel: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> tuple[int, int]:
    """Return the output length of a transposed layer, and how many cells of its full result precede it."""
    reach = brute_reach(kernel, dilation)
    full = (length - 1) * stride + reach
    if padding == "valid":
        out = (length - 1) * stride + max(reach, stride) if output_padding is None else full + output_padding
        return max(out, 0), 0
    assert padding == "same"
    out = length * stride if output_padding is None else full + output_padding - 2 * (reach // 2)
    before = after = 0
    while full - before - after > out:
        if after == before:
            after += 1
        else:
            before += 1
    return max(out, 0), before


def brute_axes(case: Case) -> list[tuple[int, int]]:
    """Return output length and cells before, padded or cropped, of each axis."""
    axes = []
    for axis, of_axis in enumerate(zip(case.input, case.kernel, case.strides, case.dilation, strict=True)):
        if case.kind is LayerKind.TRANSPOSE:
            given = None if case.output_padding is None else case.output_padding[axis]
            axes.append(brute_transposed_axis(*of_axis, case.padding.lower(), given))
        else:
            axes.append(brute_axis(*of_axis, case.padding.lower())[:2])
    return axes


def brute_lengths(case: Case) -> Place:
    """Return the output length along each axis."""
    return tuple(out for out, _ in brute_axes(case))


def everywhere(lengths: Place) -> Iterator[Place]:
    """Yield every cell of a box."""
    return itertools.product(*(range(length) for length in lengths))


def meetings(case: Case) -> list[tuple[Place, Place, Place]]:
    """Return where spatially anything is multiplied: the output cell, the input cell and the tap."""
    axes = brute_axes(case)
    found = []
    if case.kind is LayerKind.TRANSPOSE:
        for cell, tap in itertools.product(everywhere(case.input), list(everywhere(case.kernel))):
            hit = tuple(
                cell[a] * case.strides[a] + tap[a] * case.dilation[a] - axes[a][1] for a in range(case.ndim)
            )
            if all(0 <= hit[a] < axes[a][0] for a in range(case.ndim)):
                found.append((hit, cell, tap))
        return found
    for window, tap in itertools.product(everywhere(brute_lengths(case)), list(everywhere(case.kernel))):
        cell = tuple(
            window[a] * case.strides[a] + tap[a] * case.dilation[a] - axes[a][1] for a in range(case.ndim)
        )
        if all(0 <= cell[a] < case.input[a] for a in range(case.ndim)):
            found.append((window, cell, tap))
    return found


def couplings(case: Case) -> list[tuple[int, int, Place]]:
    """Return which channels meet: the input's, the output's, and the rest of the kernel index.

    The output of a separable layer is here that of its depthwise step.
    """
    if case.kind is LayerKind.TRANSPOSE:
        return [(c, f, (f, c)) for c in range(case.channels) for f in range(case.filters)]
    numbers = itertools.count()
    found: list[tuple[int, int, Place]] = []
    if case.kind in {LayerKind.DEPTHWISE, LayerKind.SEPARABLE}:
        return [(c, next(numbers), (c, j)) for c in range(case.channels) for j in range(case.multiplier)]
    assert case.kind is LayerKind.CONVOLUTION
    channels = itertools.count()
    for _ in range(case.groups):
        block = [next(channels) for _ in range(case.channels // case.groups)]
        for _ in range(case.filters // case.groups):
            number = next(numbers)
            found += [(channel, number, (local, number)) for local, channel in enumerate(block)]
    return found


def links(case: Case) -> Iterator[tuple[Place, Place, Place]]:
    """Yield the factors of each product: an output cell (channels last), an input cell and a kernel cell."""
    pairs = couplings(case)
    for out, cell, tap in meetings(case):
        for entry in range(case.batch):
            for channel, number, rest in pairs:
                yield (entry, *out, number), place_of(case, entry, cell, channel), (*tap, *rest)


def windows(case: Case) -> Iterator[tuple[Place, list[Place]]]:
    """Yield each output cell of a pooling layer, and the input cells of its window."""
    cells: dict[Place, list[Place]] = defaultdict(list)
    for out, cell, _ in meetings(case):
        for entry, channel in everywhere((case.batch, case.channels)):
            place = place_of(case, entry, out, channel)
            cells[place].append(place_of(case, entry, cell, channel))
    yield from cells.items()


def brute_values(case: Case, data: CellData) -> tuple[Place, Numbers]:
    """Compute the output's shape and its cells."""
    lengths = brute_lengths(case)
    output: Numbers = {}
    match case.kind:
        case LayerKind.MAX_POOLING:
            output |= {out: max(data.inputs[cell] for cell in window) for out, window in windows(case)}
        case LayerKind.AVERAGE_POOLING:
            for out, window in windows(case):
                output[out] = Fraction(sum(data.inputs[cell] for cell in window), len(window))
        case _:
            sums = multiplied(case, data)
            if case.kind is LayerKind.SEPARABLE:
                sums = mixed(case, sums, data)
            for entry, cell, number in itertools.product(
                range(case.batch), everywhere(lengths), range(case.filters)
            ):
                total = sums.get((entry, *cell, number), 0) + data.bias.get((number,), 0)
                output[place_of(case, entry, cell, number)] = total
    return place_of(case, case.batch, lengths, case.filters), output


def multiplied(case: Case, data: CellData) -> Numbers:
    """Compute the sums of products of a layer, or of a depthwise step, by index with channels last."""
    sums: Numbers = {}
    for out, cell, tap in links(case):
        sums[out] = sums.get(out, 0) + data.inputs[cell] * data.kernel[tap]
    return sums


def mixed(case: Case, depthwise: Numbers, data: CellData) -> Numbers:
    """Compute the pointwise step of a separable layer."""
    sums: Numbers = {}
    for (*cell, middle), value in depthwise.items():
        for number in range(case.filters):
            out = (*cell, number)
            sums[out] = sums.get(out, 0) + value * data.pointwise[(*(0,) * case.ndim, middle, number)]
    return sums


def brute_gradients(case: Case, data: CellData, weight: Cells) -> list[Numbers]:
    """Compute the gradients of `sum(output * weight)`: of the input, of each kernel, and of a bias."""
    of_input: Numbers = dict.fromkeys(data.inputs, 0)
    if case.kind in {LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING}:
        for out, window in windows(case):
            if case.kind is LayerKind.MAX_POOLING:
                of_input[max(window, key=data.inputs.__getitem__)] += weight[out]
            else:
                for cell in window:
                    of_input[cell] += Fraction(weight[out], len(window))
        return [of_input]
    outer: Numbers = {
        (entry, *cell, number): weight[place_of(case, entry, cell, number)]
        for entry in range(case.batch)
        for cell in everywhere(brute_lengths(case))
        for number in range(case.filters)
    }
    of_pointwise: Numbers = dict.fromkeys(data.pointwise, 0)
    inner: Numbers = outer
    if case.kind is LayerKind.SEPARABLE:
        inner = defaultdict(int)
        depthwise = multiplied(case, data)
        for (*at, number), value in outer.items():
            for middle in range(case.channels * case.multiplier):
                place = (*(0,) * case.ndim, middle, number)
                inner[(*at, middle)] += value * data.pointwise[place]
                of_pointwise[place] += value * depthwise.get((*at, middle), 0)
    of_kernel: Numbers = dict.fromkeys(data.kernel, 0)
    for out, cell, tap in links(case):
        of_input[cell] += inner[out] * data.kernel[tap]
        of_kernel[tap] += inner[out] * data.inputs[cell]
    gradients = [of_input, of_kernel, of_pointwise] if of_pointwise else [of_input, of_kernel]
    if data.bias:
        of_bias: Numbers = dict.fromkeys(data.bias, 0)
        for (*_, number), value in outer.items():
            of_bias[(number,)] += value
        gradients.append(of_bias)
    return gradients


def place_of(case: Case, entry: int, cell: Place, channel: int) -> Place:
    """Return the index of a cell in an array of the case's data format."""
    if case.data_format is DataFormat.CHANNELS_LAST:
        return (entry, *cell, channel)
    return (entry, channel, *cell)
