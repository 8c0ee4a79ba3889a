"""Index tables against windows that are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle.geometry import compute_forward_axis, compute_transposed_axis
from harness.oracle.index_tables import (
    NO_CELL,
    build_axis_table,
    build_index_table,
    build_rows_of_cell,
    gather_cells,
    scatter_cells,
)
from harness.oracle.rules import Fill, Padding

SAME5 = compute_forward_axis(5, 2, 2, 1, Padding.SAME)
VALID4 = compute_forward_axis(4, 3, 1, 1, Padding.VALID)


def test_the_odd_cell_of_same_is_read_after_the_input() -> None:
    assert build_axis_table(SAME5, Fill.ZERO).tolist() == [[0, 1], [2, 3], [4, NO_CELL]]


@pytest.mark.parametrize(("fill", "last"), [(Fill.EDGE, 4), (Fill.REFLECT, 3)])
def test_padding_may_repeat_cells_of_the_input(fill: Fill, last: int) -> None:
    assert build_axis_table(SAME5, fill).tolist()[-1] == [4, last]


def test_a_transposed_output_reads_the_input_cells_that_write_it() -> None:
    axis = compute_transposed_axis(2, 3, 2, 1, Padding.VALID, None)
    assert build_axis_table(axis, Fill.ZERO).tolist() == [
        [0, NO_CELL, NO_CELL],
        [NO_CELL, 0, NO_CELL],
        [1, NO_CELL, 0],
        [NO_CELL, 1, NO_CELL],
        [NO_CELL, NO_CELL, 1],
    ]


def test_two_axes_are_crossed_in_c_order() -> None:
    table = build_index_table((SAME5, VALID4))
    assert table.shape == (3 * 2, 2 * 3)
    # Output (2, 1): rows 4 and padding, columns 1 to 3 of four.
    assert table[5].tolist() == [17, 18, 19, NO_CELL, NO_CELL, NO_CELL]


def test_the_rows_of_a_cell_are_those_of_the_whole_tables() -> None:
    other = compute_forward_axis(5, 2, 1, 1, Padding.VALID)
    geometries = [(SAME5, VALID4), (other, VALID4)]
    rows = build_rows_of_cell(geometries, Fill.ZERO, (1, 0))
    for row, axes in zip(rows, geometries, strict=True):
        whole = build_index_table(axes).reshape(*(axis.out for axis in axes), -1)
        assert row.tolist() == whole[1, 0].tolist()


def test_scattering_is_the_adjoint_of_gathering() -> None:
    reads = build_index_table((SAME5,))
    generator = np.random.default_rng(0)
    cells = generator.integers(-9, 9, (2, 5, 3)).astype(np.float64)
    values = generator.integers(-9, 9, (2, 3, 2, 3)).astype(np.float64)
    gathered = gather_cells(cells, reads, 0.0)
    assert (gathered * values).sum() == (cells * scatter_cells(values, reads, 5)).sum()


def test_nothing_is_read_as_the_padding() -> None:
    assert gather_cells(np.ones((1, 5, 1)), build_index_table((SAME5,)), -7.0)[0, 2, 1, 0] == -7.0
