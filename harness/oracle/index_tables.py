"""Which input cell meets which tap in which output cell: all that padding decides, as tables.

Along one axis output cell `o` reads through tap `t`

* of a forward layer input cell `o*s + t*d - before`;
* of a transposed layer the input cell `i` with `i*s + t*d = o + before`, if there is one,

and nothing where that is no cell of the input. Every layer of the family is such a table with a way of
combining what is read: products summed over taps, a maximum, a mean. Its gradients are the
same table read from the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.oracle.geometry import AxisGeometry
from harness.oracle.rules import Fill
from harness.records import Values

IndexTable = npt.NDArray[np.intp]

NO_CELL = -1
"""In a table: no cell of the input is read. It is also where `gather_cells` finds the padding."""


@lru_cache(maxsize=65536)
def build_axis_table(axis: AxisGeometry, fill: Fill) -> IndexTable:
    """The input cell that each output cell reads through each tap: shape `(out, kernel)`.

    Where padding repeats cells of the input (`edge`, `reflect`), these are read.
    """
    outputs = np.arange(axis.out)[:, np.newaxis]
    taps = np.arange(axis.kernel)[np.newaxis, :] * axis.dilation
    if axis.is_transposed:
        steps = outputs + axis.before + axis.shift - taps
        cells = np.where(steps % axis.stride == 0, steps // axis.stride, NO_CELL)
        cells[axis.out - axis.zeroed :] = NO_CELL
    else:
        cells = outputs * axis.stride + taps + (axis.shift - axis.before)
        if axis.length and fill is Fill.EDGE:
            cells = np.clip(cells, 0, axis.length - 1)
        elif axis.length and fill is Fill.REFLECT:
            last = axis.length - 1
            cells = last - np.abs(last - np.abs(cells) % (2 * last)) if last else np.zeros_like(cells)
    return np.where((cells >= 0) & (cells < axis.length), cells, NO_CELL)


@lru_cache(maxsize=8192)
def build_index_table(axes: tuple[AxisGeometry, ...], fill: Fill = Fill.ZERO) -> IndexTable:
    """The same over all axes at once, cells and taps counted in C order: shape `(prod out, prod kernel)`."""
    whole = np.zeros((1, 1), dtype=np.intp)
    for axis in axes:
        own = build_axis_table(axis, fill)
        crossed = whole[:, np.newaxis, :, np.newaxis] * axis.length + own[np.newaxis, :, np.newaxis, :]
        missing = (whole[:, np.newaxis, :, np.newaxis] < 0) | (own[np.newaxis, :, np.newaxis, :] < 0)
        crossed[missing] = NO_CELL
        whole = crossed.reshape(whole.shape[0] * own.shape[0], whole.shape[1] * own.shape[1])
    return whole


def build_rows_of_cell(
    geometries: Sequence[tuple[AxisGeometry, ...]], fill: Fill, cell: tuple[int, ...]
) -> IndexTable:
    """What one output cell reads under each of several geometries: shape `(geometries, prod kernel)`.

    Row `i` is the cell's row of `build_index_table(geometries[i], fill)`. The geometries have the same input
    lengths and kernel.
    """
    whole = np.zeros((len(geometries), 1), dtype=np.intp)
    for place, index in enumerate(cell):
        own = np.stack([build_axis_table(axes[place], fill)[index] for axes in geometries])
        crossed = whole[:, :, np.newaxis] * geometries[0][place].length + own[:, np.newaxis, :]
        crossed[(whole[:, :, np.newaxis] < 0) | (own[:, np.newaxis, :] < 0)] = NO_CELL
        whole = crossed.reshape(len(geometries), -1)
    return whole


def gather_cells(cells: Values, reads: IndexTable, padding: float) -> Values:
    """What each output cell reads through each tap.

    Args:
        cells: `(batch, prod input, channels)`.
        reads: a table of `(prod out, prod kernel)`.
        padding: what a cell that is not there holds.

    Returns:
        `(batch, prod out, prod kernel, channels)`.
    """
    batch, _, channels = cells.shape
    beyond = np.full((batch, 1, channels), padding)
    return np.concatenate((cells, beyond), axis=1)[:, reads]


def scatter_cells(values: Values, reads: IndexTable, num_cells: int) -> Values:
    """The adjoint of `gather_cells`: each value goes back to the cell it was read from, if to any.

    Args:
        values: `(batch, prod out, prod kernel, channels)`.
        reads: the table by which they were read.
        num_cells: how many cells the input has.

    Returns:
        `(batch, num_cells, channels)`.
    """
    cells = np.zeros((values.shape[0], num_cells + 1, values.shape[-1]))
    for tap in range(reads.shape[1]):
        # Through one tap no two outputs read the same cell; only what reads nothing meets in the last.
        cells[:, reads[:, tap]] += values[:, :, tap]
    return cells[:, :num_cells]
