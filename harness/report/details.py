"""Details of a divergence: expected and observed side by side, around the first difference.

A report shows a limited number of divergences; `DetailSample` spreads them evenly over targets and causes.
Values come from the target and are only ever shown as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from harness.explain.picture import name_axes
from harness.judge.differences import find_wrong_cells
from harness.records import (
    Array,
    Case,
    ChannelExtent,
    Divergence,
    ExpectedArray,
    Finding,
    Judgement,
    Values,
    list_gradient_names,
)
from harness.text import format_plain_lines, format_shape

_Cell = TypeVar("_Cell", bound=np.generic)

MAX_SHOWN_CELLS: Final = 12
"""The most rows and columns of an array that are shown."""


_CHANNEL_AXES: Final = {ChannelExtent.FILTERS: "filter", ChannelExtent.MULTIPLIER: "multiplier"}
"""The names of the axes of a kernel that are neither spatial nor of channels."""

MAX_SUMMARY_LINES: Final = 40
"""The most lines of a model's summary that are shown."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One value; `differs` is the result of the comparison, `is_first` marks the first difference."""

    text: str
    differs: bool
    is_first: bool


@dataclass(frozen=True, slots=True)
class ValueGrid:
    """A part of one plane of an array, with the indices of its rows and columns.

    `note` says which plane it is and which part is shown.
    """

    title: str
    note: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cells: tuple[tuple[GridCell, ...], ...]


@dataclass(frozen=True, slots=True)
class ArrayLayout:
    """The names of the axes of an array, and the one or two of them that a grid shows."""

    names: tuple[str, ...]
    shown_axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """A divergence as a report shows it; `number` counts from 1 in the order of the findings."""

    number: int
    finding: Finding
    grids: tuple[ValueGrid, ...]
    facts: tuple[tuple[str, str], ...]
    summary: str

    @property
    def has_marks(self) -> bool:
        """Whether a shown cell differs from the other side."""
        return any(cell.differs for grid in self.grids for row in grid.cells for cell in row)


class DetailSample:
    """At most `limit` divergences, spread evenly over the pairs of target and cause.

    Of each pair the first that arrive are kept, so that the same run gives the same sample.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._groups: dict[tuple[str, str], list[Detail]] = {}
        self._kept = 0
        self.offered = 0

    def offer(self, judgement: Judgement) -> None:
        """Keep the details of a divergence if its pair has a place left or gets one."""
        self.offered += 1
        finding = judgement.finding
        key = (finding.target, finding.cause or (finding.divergence or ""))
        group = self._groups.setdefault(key, [])
        if self._kept == self._limit:
            largest = max(self._groups.values(), key=len)
            if len(largest) <= len(group) + 1:
                return
            largest.pop()
            self._kept -= 1
        group.append(_make_detail(self.offered, judgement))
        self._kept += 1

    def list_details(self) -> tuple[Detail, ...]:
        """List the details that were kept, by target and cause."""
        return tuple(detail for key in sorted(self._groups) for detail in self._groups[key])

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the divergences that were kept."""
        return frozenset(detail.number for group in self._groups.values() for detail in group)


def _make_detail(number: int, judgement: Judgement) -> Detail:
    return Detail(
        number=number,
        finding=judgement.finding,
        grids=make_grids(judgement),
        facts=_list_facts(judgement),
        summary=format_plain_lines(judgement.observation.summary or "", MAX_SUMMARY_LINES),
    )


def _list_facts(judgement: Judgement) -> tuple[tuple[str, str], ...]:
    """List what the formula and the target say that is neither shape nor value."""
    expectation, observation = judgement.expectation, judgement.observation
    facts = []
    if judgement.finding.divergence is Divergence.PARAMETERS:
        facts.append(("expected parameters", str(expectation.num_parameters)))
    if observation.values is not None and judgement.finding.divergence is Divergence.DTYPE:
        facts.append(("dtype", f"{observation.values.dtype}, not {expectation.dtype}"))
    if judgement.finding.divergence is Divergence.INFERRED_SHAPE:
        facts.append(("to be inferred", format_shape(expectation.inferred_shape)))
    if observation.symbolic_shape is not None:
        symbolic = format_shape(observation.symbolic_shape)
        is_right = observation.symbolic_shape == expectation.symbolic_shape
        facts.append(
            (
                "the model's output",
                symbolic if is_right else f"{symbolic}, not {format_shape(expectation.symbolic_shape)}",
            )
        )
    if expectation.refusal_reason:
        facts.append(("refusal", f"{expectation.refusal}: {expectation.refusal_reason}"))
    if observation.reason:
        facts.append(("said of the target", observation.reason))
    return tuple(facts)


def make_grids(judgement: Judgement) -> tuple[ValueGrid, ...]:
    """Make grids of expected and observed, one plane each, around the first difference.

    They show the output or, if that is right, the first gradient that differs. A side without an array gives
    no grid, and neither does a computation with weights of other shapes. Cells are compared if both sides
    have the same shape.
    """
    case, observation = judgement.finding.case, judgement.observation
    if judgement.finding.divergence is Divergence.WEIGHTS:
        return ()
    title, layout = "", _make_layout(case)
    expected, observed = judgement.expectation.output, observation.values
    if judgement.finding.divergence is Divergence.GRADIENT:
        gradient = _find_first_wrong_gradient(judgement)
        if gradient is None:
            return ()
        name, expected, observed = gradient
        title, layout = f", gradient of the {name}", _make_gradient_layout(case, name)
    if observed is not None and observed.ndim != len(layout.names):
        observed = None
    index = judgement.finding.first_index
    if index is None or len(index) != len(layout.names):
        index = None
    sides = _list_sides(expected, observed)
    differs = None
    if len(sides) == 2 and expected is not None and sides[0][1].shape == sides[1][1].shape:
        differs = find_wrong_cells(sides[1][1], expected)
    return tuple(_make_grid(f"{side}{title}", values, differs, index, layout) for side, values in sides)


def _list_sides(expected: ExpectedArray | None, observed: Array | None) -> list[tuple[str, Values]]:
    sides = [] if expected is None else [("expected", expected.values)]
    return sides if observed is None else [*sides, ("observed", observed.astype(np.float64))]


def _find_first_wrong_gradient(judgement: Judgement) -> tuple[str, ExpectedArray, Array] | None:
    names = list_gradient_names(judgement.finding.case)
    gradients = zip(names, judgement.expectation.gradients, judgement.observation.gradients, strict=False)
    for name, expected, observed in gradients:
        if (
            observed.shape != expected.values.shape
            or find_wrong_cells(observed.astype(np.float64), expected).any()
        ):
            return name, expected, observed
    return None


def _make_layout(case: Case) -> ArrayLayout:
    """Make the layout of the input and the output."""
    names = ["batch entry", *name_axes(case.ndim)]
    names.insert(case.channel_axis, "channel")
    return ArrayLayout(tuple(names), tuple(case.spatial_axes)[-2:])


def _make_gradient_layout(case: Case, name: str) -> ArrayLayout:
    if name == "input":
        return _make_layout(case)
    if name == "bias":
        return ArrayLayout(("filter",), (0,))
    kernel = case.kind.traits.kernels[list_gradient_names(case).index(name) - 1]
    names = (*name_axes(case.ndim), *(_CHANNEL_AXES.get(axis, "channel") for axis in kernel.axes))
    if kernel.is_pointwise:  # It has a single tap, so only its matrix is worth showing.
        return ArrayLayout(names, (case.ndim, case.ndim + 1))
    return ArrayLayout(names, tuple(range(case.ndim))[-2:])


def _make_grid(
    title: str,
    values: Values,
    differs: npt.NDArray[np.bool_] | None,
    index: tuple[int, ...] | None,
    layout: ArrayLayout,
) -> ValueGrid:
    """Make the grid of one plane of an array: the axes that the layout shows, a single one as a row."""
    if values.size == 0:
        return ValueGrid(title, "empty", (), (), ())
    at = index if index is not None and _is_within(index, values.shape) else (0,) * values.ndim
    plane = _select_plane(values, at, layout)
    wrong = np.zeros(plane.shape, dtype=bool) if differs is None else _select_plane(differs, at, layout)
    row, column = (0, *(at[axis] for axis in layout.shown_axes))[-2:]
    rows = _choose_shown_indices(row, plane.shape[0])
    columns = _choose_shown_indices(column, plane.shape[1])
    cells = tuple(
        tuple(
            GridCell(
                text=format_number(float(plane[r, c])),
                differs=bool(wrong[r, c]),
                is_first=differs is not None and index is not None and (r, c) == (row, column),
            )
            for c in columns
        )
        for r in rows
    )
    return ValueGrid(
        title, _describe_plane(at, plane.shape, rows, columns, layout), tuple(rows), tuple(columns), cells
    )


def _is_within(index: Sequence[int], shape: Sequence[int]) -> bool:
    return all(0 <= i < n for i, n in zip(index, shape, strict=True))


def _select_plane(values: npt.NDArray[_Cell], at: tuple[int, ...], layout: ArrayLayout) -> npt.NDArray[_Cell]:
    indices = tuple(slice(None) if axis in layout.shown_axes else index for axis, index in enumerate(at))
    plane: npt.NDArray[_Cell] = values[indices]
    return np.atleast_2d(plane)


def _choose_shown_indices(around: int, length: int) -> range:
    """Choose at most `MAX_SHOWN_CELLS` indices, with `around` as near the middle as the ends allow."""
    start = min(max(around - MAX_SHOWN_CELLS // 2, 0), max(length - MAX_SHOWN_CELLS, 0))
    return range(start, min(start + MAX_SHOWN_CELLS, length))


def _describe_plane(
    at: tuple[int, ...], shape: tuple[int, ...], rows: range, columns: range, layout: ArrayLayout
) -> str:
    """Describe where the plane lies, and which part of it is shown."""
    fixed = (
        (name, place)
        for axis, (name, place) in enumerate(zip(layout.names, at, strict=True))
        if axis not in layout.shown_axes
    )
    parts = [", ".join(f"{name} {place}" for name, place in fixed)]
    names = ("", *(layout.names[axis] for axis in layout.shown_axes))[-2:]
    for name, shown, length in ((names[0], rows, shape[0]), (names[1], columns, shape[1])):
        if len(shown) < length:
            parts.append(f"{name} {shown[0]} to {shown[-1]} of {length}")
    return "; ".join(filter(None, parts))


def format_number(value: float) -> str:
    """Format a value for reading: an integer without a point, else up to seven digits."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.7g}"
