"""Tables of which input cell meets which tap in which output cell: all that padding decides.

Along one axis output cell `o` reads through tap `t`

* of a forward layer the input cell `o*s + t*d - before`;
* of a transposed layer the input cell `i` with `i*s + t*d = o + before`, if there is one,

and nothing where that is not an input cell. Every layer of the family is such a table and a reduction of the
cells read: a sum of products over taps, a maximum, a mean. Its gradients are the same table read in the other
direction.
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
"""The entry of a table where no input cell is read; as an index of `gather_cells` it selects the padding."""


@lru_cache(maxsize=65536)
def build_axis_table(axis: AxisGeometry, fill: Fill) -> IndexTable:
    """Build the table of the input cell that each output cell reads through each tap: `(out, kernel)`.

    Where padding repeats input cells (`edge`, `reflect`), the table refers to these.
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
    """Build the table over all axes, cells and taps flattened in C order: `(prod out, prod kernel)`."""
    combined = np.zeros((1, 1), dtype=np.intp)
    for axis in axes:
        table = build_axis_table(axis, fill)
        crossed = combined[:, np.newaxis, :, np.newaxis] * axis.length + table[np.newaxis, :, np.newaxis, :]
        missing = (combined[:, np.newaxis, :, np.newaxis] < 0) | (table[np.newaxis, :, np.newaxis, :] < 0)
        crossed[missing] = NO_CELL
        combined = crossed.reshape(combined.shape[0] * table.shape[0], combined.shape[1] * table.shape[1])
    return combined


def build_rows_of_cell(
    geometries: Sequence[tuple[AxisGeometry, ...]], fill: Fill, cell: tuple[int, ...]
) -> IndexTable:
    """Build the row of one output cell under each of several geometries: `(geometries, prod kernel)`.

    Row `i` is the cell's row of `build_index_table(geometries[i], fill)`. All geometries have the same input
    lengths and kernel.
    """
    combined = np.zeros((len(geometries), 1), dtype=np.intp)
    for place, index in enumerate(cell):
        rows = np.stack([build_axis_table(axes[place], fill)[index] for axes in geometries])
        crossed = combined[:, :, np.newaxis] * geometries[0][place].length + rows[:, np.newaxis, :]
        crossed[(combined[:, :, np.newaxis] < 0) | (rows[:, np.newaxis, :] < 0)] = NO_CELL
        combined = crossed.reshape(len(geometries), -1)
    return combined


def gather_cells(cells: Values, reads: IndexTable, padding: float) -> Values:
    """Gather the cells that each output cell reads through each tap.

    Args:
        cells: `(batch, prod input, channels)`.
        reads: a table of `(prod out, prod kernel)`.
        padding: the value read where there is no input cell.

    Returns:
        `(batch, prod out, prod kernel, channels)`.
    """
    batch, _, channels = cells.shape
    beyond = np.full((batch, 1, channels), padding)
    return np.concatenate((cells, beyond), axis=1)[:, reads]


def scatter_cells(values: Values, reads: IndexTable, num_cells: int) -> Values:
    """Add each value to the cell that it was read from, if any: the adjoint of `gather_cells`.

    Args:
        values: `(batch, prod out, prod kernel, channels)`.
        reads: the table by which they were read.
        num_cells: the number of input cells.

    Returns:
        `(batch, num_cells, channels)`.
    """
    cells = np.zeros((values.shape[0], num_cells + 1, values.shape[-1]))
    for tap in range(reads.shape[1]):
        # Through one tap no two outputs read the same cell, so that `+=` loses nothing; only the last cell,
        # which stands for no cell, is read by several.
        cells[:, reads[:, tap]] += values[:, :, tap]
    return cells[:, :num_cells]
