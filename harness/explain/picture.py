"""Draw the padding of a case as text: which cells are padding, which cells each window covers.

Padding is independent per axis, so a picture of each axis is complete; two axes are also drawn as a grid if
the grid is small. `svg` draws the same model.

A transposed layer is drawn as the convolution whose gradient it is: its output takes the place of that
convolution's input, each of its own input cells is a window that writes, and what is cut off is the padding.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.oracle.geometry import AxisGeometry
from harness.oracle.plan import compute_axis_geometries
from harness.oracle.refusal import decide_refusal, parse_padding
from harness.records import Case, Refusal, format_lengths
from harness.text import format_count

MAX_CELLS: Final = 24
"""The most cells of one axis that are drawn; the middle of a longer axis is left out."""

MAX_WINDOWS: Final = 12
"""The most windows of one axis that are drawn."""

MAX_GRID: Final = 16
"""The most padded cells of an axis for two axes to be drawn as a grid."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters of a text picture. `joints` is indexed by up + 2*down + 4*left + 8*right."""

    padding: str
    unread: str
    tap: str
    hole: str
    gap: str
    horizontal: str
    vertical: str
    joints: str


UNICODE_MARKS: Final = Marks("░", "×", "■", "·", "…", "─", "│", " ││││┘┐┤│└┌├─┴┬┼")
ASCII_MARKS: Final = Marks(".", "x", "#", "-", "~", "-", "|", " ||||+++|+++-+++")


@dataclass(frozen=True, slots=True)
class Words:
    """The terms for the parts of a picture.

    `window` heads the line of a window, `windows` is the noun in counts; `padded` says what is done with the
    cells outside, `outside` what they are, and `sign` is written into them; `touched` is what a window does
    to a cell, by `by_what`, and `untouched` heads the line of cells to which no window does it.
    """

    window: str
    windows: str
    padded: str
    outside: str
    sign: str
    touched: str
    untouched: str
    by_what: str


FORWARD_WORDS: Final = Words(
    "output", "window", "padded", "padding (zeros)", "0", "read", "not read", "the window"
)
POOLING_WORDS: Final = replace(FORWARD_WORDS, outside="padding (counts for nothing)", sign="")
TRANSPOSED_WORDS: Final = Words(
    "input", "input cell", "cut off", "cut off", "", "written", "unwritten", "the input cell"
)


@dataclass(frozen=True, slots=True)
class Strip:
    """One axis as drawn: positions counted from the first real cell, None for a gap."""

    name: str
    geometry: AxisGeometry
    positions: tuple[int | None, ...]
    windows: tuple[int | None, ...]
    notice: str


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of the windows' boxes, as the (row, column) of the cell below or to the right."""

    above: frozenset[tuple[int, int]]
    left: frozenset[tuple[int, int]]


def find_drawn_geometries(case: Case) -> tuple[AxisGeometry, ...] | None:
    """Return the axes of a case as they are drawn, or None where the case must be refused."""
    padding = parse_padding(case)
    if padding is None or decide_refusal(case).refusal is Refusal.REQUIRED:
        return None
    return tuple(map(_swap_transposed_axis, compute_axis_geometries(case, padding)))


def _swap_transposed_axis(geometry: AxisGeometry) -> AxisGeometry:
    """Return an axis as it is drawn: the cells of a transposed one are its output, the windows its input."""
    if not geometry.is_transposed:
        return geometry
    return replace(geometry, length=geometry.out, out=geometry.length, is_transposed=False)


def choose_words(case: Case) -> Words:
    """Return the terms for the parts of the picture of a case."""
    if case.kind.traits.is_transposed:
        return TRANSPOSED_WORDS
    return POOLING_WORDS if case.kind.traits.is_pooling else FORWARD_WORDS


def name_axes(ndim: int) -> tuple[str, ...]:
    """Return the names of the spatial axes."""
    return ("depth", "rows", "columns")[-ndim:] if ndim > 1 else ("steps",)


def join_axis_names(names: Sequence[str]) -> str:
    """Join the names of axes that share a description: `depth, rows and columns, each`."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}, each"


def compute_taps(geometry: AxisGeometry, window: int) -> range:
    """Return the positions that a window reads, padding included."""
    start = geometry.starts[window]
    return range(start, start + geometry.effective_kernel, geometry.dilation)


def is_padding(geometry: AxisGeometry, position: int) -> bool:
    """Return whether a position lies outside the real cells."""
    return not 0 <= position < geometry.length


def find_windows_reading(geometry: AxisGeometry, position: int) -> frozenset[int]:
    """Return the windows that read a position."""
    windows = set()
    for tap in range(geometry.kernel):
        window, rest = divmod(position + geometry.before - tap * geometry.dilation, geometry.stride)
        if rest == 0 and 0 <= window < geometry.out:
            windows.add(window)
    return frozenset(windows)


def is_unread(geometry: AxisGeometry, position: int | None) -> bool:
    """Return whether a position is a real cell that no window reads."""
    return (
        position is not None
        and not is_padding(geometry, position)
        and not find_windows_reading(geometry, position)
    )


def list_padded_positions(geometry: AxisGeometry) -> range:
    """Return every position: padding before, real cells, padding after."""
    return range(-geometry.before, geometry.length + max(geometry.after, 0))


def has_outside(geometry: AxisGeometry) -> bool:
    """Return whether an axis has cells that are not real."""
    return len(list_padded_positions(geometry)) > geometry.length


def has_overlapping_windows(geometries: Sequence[AxisGeometry]) -> bool:
    """Return whether two windows share a cell, so that their boxes would cross."""
    return any(g.out > 1 and g.stride < g.effective_kernel for g in geometries)


def describe_padding(geometry: AxisGeometry, words: Words) -> str:
    """Describe how an axis is padded or cut."""
    before, after = geometry.before, max(geometry.after, 0)
    if before + after == 0:
        return "no padding" if words.padded == "padded" else f"nothing {words.padded}"
    return f"{before} {words.padded} before, {after} after"


def describe_axis(geometry: AxisGeometry, words: Words) -> str:
    """Describe an axis in a line: its cells, what lies outside, its windows."""
    windows = format_count(geometry.out, words.windows)
    return f"{format_count(geometry.length, 'cell')}, {describe_padding(geometry, words)}; {windows}"


def make_strip(name: str, geometry: AxisGeometry) -> Strip:
    """Build the strip of an axis, without its middle where it is too long to draw."""
    positions = list_padded_positions(geometry)
    drawn_positions = _keep_ends(positions, MAX_CELLS)
    drawn = [position for position in drawn_positions if position is not None]
    reading_windows = frozenset[int]().union(
        *(find_windows_reading(geometry, position) for position in drawn)
    )
    windows = _insert_gaps(_keep_ends(sorted(reading_windows), MAX_WINDOWS))
    hidden_windows = geometry.out - sum(window is not None for window in windows)
    left_out = []
    if len(drawn) < len(positions):
        left_out.append(f"{len(positions) - len(drawn):,} of {len(positions):,} cells")
    if hidden_windows:
        left_out.append(f"{hidden_windows:,} of {geometry.out:,} windows")
    notice = f"not drawn: {' and '.join(left_out)}" if left_out else ""
    return Strip(name, geometry, drawn_positions, windows, notice)


def make_strips(geometries: Sequence[AxisGeometry]) -> tuple[Strip, ...]:
    """Build a strip for each axis, or one for all of them where they are equal."""
    names = name_axes(len(geometries))
    if len(set(geometries)) == 1:
        return (make_strip(join_axis_names(names), geometries[0]),)
    return tuple(make_strip(name, geometry) for name, geometry in zip(names, geometries, strict=True))


def _keep_ends(items: Sequence[int], limit: int) -> tuple[int | None, ...]:
    """Return the items, or as many of the first and last as fit, with None between them."""
    if len(items) <= limit:
        return tuple(items)
    tail = (limit - 1) // 2
    return (*items[: limit - 1 - tail], None, *items[len(items) - tail :])


def _insert_gaps(windows: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the windows, with None wherever the next is not drawn."""
    with_gaps: list[int | None] = []
    for window in windows:
        if window is not None and with_gaps and with_gaps[-1] is not None and window > with_gaps[-1] + 1:
            with_gaps.append(None)
        with_gaps.append(window)
    return tuple(with_gaps)


def can_draw_grid(case: Case, geometries: Sequence[AxisGeometry]) -> bool:
    """Return whether a case has two axes and a padded input that is small enough to be drawn cell by cell.

    The windows of a transposed layer write, and a grid would not show which wrote what.
    """
    is_small = len(geometries) == 2 and all(len(list_padded_positions(g)) <= MAX_GRID for g in geometries)
    return is_small and not case.kind.traits.is_transposed


def draw_text_picture(case: Case, *, ascii_only: bool = False) -> str:
    """Draw the picture of a case in plain text, without a trailing newline.

    A case that must be refused has no picture: the text gives the reason.
    """
    marks = ASCII_MARKS if ascii_only else UNICODE_MARKS
    geometries = find_drawn_geometries(case)
    if geometries is None:
        return f"no picture: {decide_refusal(case).reason}"
    blocks, words = [], choose_words(case)
    if can_draw_grid(case, geometries):
        blocks.append(_draw_grid(case, geometries[0], geometries[1], marks))
    strips = make_strips(geometries)
    blocks.extend(_draw_strip(strip, marks, words) for strip in strips)
    blocks.append(_format_legend(strips, marks, words))
    return "\n\n".join(blocks)


def _format_legend(strips: Sequence[Strip], marks: Marks, words: Words) -> str:
    signs = []
    if any(has_outside(strip.geometry) for strip in strips):
        signs.append(f"{marks.padding} {words.outside}")
    if any(is_unread(strip.geometry, position) for strip in strips for position in strip.positions):
        signs.append(f"{marks.unread} never {words.touched}")
    if any(strip.geometry.out for strip in strips):
        signs.append(f"{marks.tap} {words.touched} by {words.by_what}")
    if any(strip.geometry.dilation > 1 for strip in strips):
        signs.append(f"{marks.hole} skipped by the dilation")
    return "   ".join(signs)


def _draw_strip(strip: Strip, marks: Marks, words: Words) -> str:
    geometry = strip.geometry
    width = len(str(geometry.length - 1))

    def format_line(head: str, signs: Iterable[str]) -> str:
        return f"  {head:<10}{' '.join(f'{sign:>{width}}' for sign in signs)}".rstrip()

    lines = [
        f"{strip.name}: {describe_axis(geometry, words)}",
        format_line(
            "cell", (_format_heading(geometry, position, width, marks) for position in strip.positions)
        ),
    ]
    for window in strip.windows:
        if window is None:
            lines.append(f"  {marks.gap}")
        else:
            signs = (_choose_sign(geometry, window, position, marks) for position in strip.positions)
            lines.append(format_line(f"{words.window} {window}", signs))
    unread = [is_unread(geometry, position) for position in strip.positions]
    if any(unread):
        lines.append(format_line(words.untouched, (marks.unread if is_set else "" for is_set in unread)))
    if strip.notice:
        lines.append(f"  {strip.notice}")
    return "\n".join(lines)


def _format_heading(geometry: AxisGeometry, position: int | None, width: int, marks: Marks) -> str:
    if position is None:
        return marks.gap
    return marks.padding * width if is_padding(geometry, position) else str(position)


def _choose_sign(geometry: AxisGeometry, window: int, position: int | None, marks: Marks) -> str:
    if position is None:
        return ""
    taps = compute_taps(geometry, window)
    if position in taps:
        return marks.tap
    return marks.hole if taps[0] < position < taps[-1] else ""


def _draw_grid(case: Case, rows: AxisGeometry, columns: AxisGeometry, marks: Marks) -> str:
    """Draw the padded input cell by cell, each window boxed where no two cross."""
    boxed = rows.out * columns.out > 0 and not has_overlapping_windows((rows, columns))
    edges = _find_edges(rows, columns) if boxed else Edges(frozenset(), frozenset())
    row_range, column_range = list_padded_positions(rows), list_padded_positions(columns)
    width = max(len(str(rows.length * columns.length - 1)), 2)
    lines = [_format_grid_title(case, rows, columns, boxed=boxed)]
    for r in (*row_range, row_range.stop):
        if any(edge_row == r for edge_row, _ in edges.above):
            lines.append(_draw_edge_line(r, column_range, width, edges, marks))
        if r == row_range.stop:
            break
        line = " "
        for c in (*column_range, column_range.stop):
            line += marks.vertical if (r, c) in edges.left else " "
            if c < column_range.stop:
                line += f" {_format_cell((rows, columns), (r, c), width, marks)} "
        lines.append(line.rstrip())
    return "\n".join(lines)


def _format_grid_title(case: Case, rows: AxisGeometry, columns: AxisGeometry, *, boxed: bool) -> str:
    padded = (len(list_padded_positions(rows)), len(list_padded_positions(columns)))
    title = f"input {format_lengths(case.input)}"
    if padded != case.input:
        title += f", padded to {format_lengths(padded)}"
    if rows.out * columns.out == 0:
        return f"{title}; no full window fits"
    boxes = ", a box for each window" if boxed else ""
    return f"{title}; output {format_lengths((rows.out, columns.out))}{boxes}"


def _format_cell(
    geometries: tuple[AxisGeometry, AxisGeometry], cell: tuple[int, int], width: int, marks: Marks
) -> str:
    axes = tuple(zip(geometries, cell, strict=True))
    if any(is_padding(geometry, position) for geometry, position in axes):
        return marks.padding * width
    if any(is_unread(geometry, position) for geometry, position in axes):
        return f"{marks.unread:>{width}}"
    return f"{cell[0] * geometries[1].length + cell[1]:>{width}}"


def _find_edges(rows: AxisGeometry, columns: AxisGeometry) -> Edges:
    above: set[tuple[int, int]] = set()
    left: set[tuple[int, int]] = set()
    for first_row, first_column in itertools.product(rows.starts, columns.starts):
        end_row, end_column = first_row + rows.effective_kernel, first_column + columns.effective_kernel
        above.update(itertools.product((first_row, end_row), range(first_column, end_column)))
        left.update(itertools.product(range(first_row, end_row), (first_column, end_column)))
    return Edges(frozenset(above), frozenset(left))


def _draw_edge_line(row: int, columns: range, width: int, edges: Edges, marks: Marks) -> str:
    line = " "
    for c in (*columns, columns.stop):
        up, down = (row - 1, c) in edges.left, (row, c) in edges.left
        left, right = (row, c - 1) in edges.above, (row, c) in edges.above
        line += marks.joints[up + 2 * down + 4 * left + 8 * right]
        if c < columns.stop:
            line += (marks.horizontal if right else " ") * (width + 2)
    return line.rstrip()
