"""What is shown of one divergence: expected and observed side by side, around the first difference.

A report shows so many divergences and no more; `DetailSample` spreads them evenly over targets and
causes. Values come from the target and are only ever shown as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.records import Array, Case, DataFormat, Divergence, Finding, Judged, Observation
from harness.report.cells import plain_lines
from harness.verdicts.compare import NEAREST_INTEGER

WINDOW: Final = 12
"""Rows and columns of an array that are shown."""


SUMMARY_LINES: Final = 40
"""Lines of a model's summary that are shown."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One value; `differs` as the comparison has it, `is_first` marks the first difference."""

    text: str
    differs: bool
    is_first: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A window onto one plane of an array, with the indices of its rows and columns.

    `note` says which plane it is and what is left out.
    """

    title: str
    note: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cells: tuple[tuple[GridCell, ...], ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """A divergence as a report shows it. `number` counts from 1 in the order of the findings."""

    number: int
    finding: Finding
    grids: tuple[Grid, ...]
    facts: tuple[tuple[str, str], ...]
    summary: str

    @property
    def has_marks(self) -> bool:
        """Whether a cell that is shown differs from the other side."""
        return any(cell.differs for grid in self.grids for row in grid.cells for cell in row)


class DetailSample:
    """Keeps at most `limit` divergences, spread evenly over the pairs of target and cause.

    Of each pair the first in the order of arrival stay, so that the same run gives the same sample.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._groups: dict[tuple[str, str], list[Detail]] = {}
        self._kept = 0
        self.offered = 0

    def offer(self, judged: Judged) -> None:
        """Keep what is needed to show a divergence, if its pair has a place left or gets one."""
        self.offered += 1
        finding = judged.finding
        key = (finding.target, finding.cause or (finding.divergence or ""))
        group = self._groups.setdefault(key, [])
        if self._kept == self._limit:
            largest = max(self._groups.values(), key=len)
            if len(largest) <= len(group) + 1:
                return
            largest.pop()
            self._kept -= 1
        group.append(_detail(self.offered, judged))
        self._kept += 1

    def details(self) -> tuple[Detail, ...]:
        """What was kept, by target and cause."""
        return tuple(detail for key in sorted(self._groups) for detail in self._groups[key])

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the divergences that were kept."""
        return frozenset(detail.number for group in self._groups.values() for detail in group)


def _detail(number: int, judged: Judged) -> Detail:
    return Detail(
        number=number,
        finding=judged.finding,
        grids=grids_of(judged),
        facts=_facts(judged),
        summary=plain_lines(judged.observation.summary or "", SUMMARY_LINES),
    )


def _facts(judged: Judged) -> tuple[tuple[str, str], ...]:
    """What the formula and the target say where it is neither shape nor value."""
    expectation, observation = judged.expectation, judged.observation
    facts = []
    if judged.finding.divergence is Divergence.PARAMETERS:
        facts.append(("expected parameters", str(expectation.num_parameters)))
    if observation.values is not None and judged.finding.divergence is Divergence.DTYPE:
        facts.append(("dtype", f"{observation.values.dtype}, not {expectation.dtype}"))
    if expectation.refusal_reason:
        facts.append(("refusal", f"{expectation.refusal}: {expectation.refusal_reason}"))
    if observation.reason:
        facts.append(("said of the target", observation.reason))
    return tuple(facts)


def grids_of(judged: Judged) -> tuple[Grid, ...]:
    """Expected and observed, one plane each: the batch entry and filter of the first difference.

    A side that has no array gives no grid. Cells are compared where both sides have one shape.
    """
    case, observation = judged.finding.case, judged.observation
    sides = [("expected", judged.expectation.values), ("observed", _laid_out(case, observation))]
    arrays = [(title, _channels_last(case, values)) for title, values in sides if values is not None]
    index = _channels_last_index(case, judged.finding.first_index)
    comparable = len(arrays) == 2 and arrays[0][1].shape == arrays[1][1].shape
    grids = []
    for position, (title, values) in enumerate(arrays):
        other = arrays[1 - position][1] if comparable else None
        grids.append(_grid(title, values, other, index))
    return tuple(grids)


def _laid_out(case: Case, observation: Observation) -> Array | None:
    """The observed values, where they have the axes that the case has."""
    values = observation.values
    return values if values is not None and values.ndim == case.ndim + 2 else None


def _channels_last(case: Case, values: Array) -> npt.NDArray[np.float64]:
    floats = values.astype(np.float64)
    return floats if case.data_format is DataFormat.CHANNELS_LAST else np.moveaxis(floats, 1, -1)


def _channels_last_index(case: Case, index: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if index is None or len(index) != case.ndim + 2:
        return None
    if case.data_format is DataFormat.CHANNELS_LAST:
        return index
    batch, channel, *spatial = index
    return (batch, *spatial, channel)


def _grid(
    title: str,
    values: npt.NDArray[np.float64],
    other: npt.NDArray[np.float64] | None,
    index: tuple[int, ...] | None,
) -> Grid:
    """One plane of a channels-last array: the last two spatial axes, or the only one as a row."""
    if values.size == 0:
        return Grid(title, "empty", (), (), ())
    at = index if index is not None and _within(index, values.shape) else (0,) * values.ndim
    plane = _plane(values, at)
    other_plane = None if other is None else _plane(other, at)
    *_, row, column = (0, *at[1:-1])
    rows = _window(row, plane.shape[0])
    columns = _window(column, plane.shape[1])
    cells = tuple(
        tuple(
            GridCell(
                text=number_text(float(plane[r, c])),
                differs=other_plane is not None
                and not abs(plane[r, c] - other_plane[r, c]) < NEAREST_INTEGER,
                is_first=other_plane is not None and index is not None and (r, c) == (row, column),
            )
            for c in columns
        )
        for r in rows
    )
    return Grid(title, _note(at, plane.shape, rows, columns), tuple(rows), tuple(columns), cells)


def _within(index: Sequence[int], shape: Sequence[int]) -> bool:
    return all(0 <= i < n for i, n in zip(index, shape, strict=True))


def _plane(values: npt.NDArray[np.float64], at: tuple[int, ...]) -> npt.NDArray[np.float64]:
    batch, *spatial, channel = at
    planes = np.moveaxis(values[batch], -1, 0)
    plane: npt.NDArray[np.float64] = planes[(channel, *spatial[:-2])]
    return np.atleast_2d(plane)


def _window(around: int, length: int) -> range:
    """At most `WINDOW` indices, `around` as near the middle as the ends allow."""
    start = min(max(around - WINDOW // 2, 0), max(length - WINDOW, 0))
    return range(start, min(start + WINDOW, length))


def _note(at: tuple[int, ...], shape: tuple[int, ...], rows: range, columns: range) -> str:
    batch, *spatial, channel = at
    leading = "".join(f", axis {axis} at {i}" for axis, i in enumerate(spatial[:-2], start=1))
    parts = [f"batch entry {batch}, filter {channel}{leading}"]
    for name, shown, length in (("rows", rows, shape[0]), ("columns", columns, shape[1])):
        if len(shown) < length:
            parts.append(f"{name} {shown[0]} to {shown[-1]} of {length}")
    return "; ".join(parts)


def number_text(value: float) -> str:
    """A value as people read it: an integer without a point, else up to seven digits."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.7g}"
