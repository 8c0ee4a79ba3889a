"""The padding picture in the terminal: which cells are padding, which cells each window covers.

Padding factorises, so a picture of each axis says all there is; two axes are also drawn as a grid
where the windows lie side by side. `svg` draws the same model.

A transposed layer is drawn as the convolution that it is the gradient of: its output lies where that
one has its input, each of its own input cells is a window that writes, and the padding is what is cut off.
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
"""Cells of one axis that are drawn; the middle of a longer axis is left out."""

MAX_WINDOWS: Final = 12
"""Windows of one axis that are drawn."""

MAX_GRID: Final = 16
"""Padded cells of an axis up to which two axes are drawn as a grid."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs of a picture in text. `joints` is indexed by up + 2*down + 4*left + 8*right."""

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
    """What the parts of a picture are called.

    `window` heads the line of one, `windows` is what they are counted as; `padded` says what becomes of
    the cells outside, `outside` what they are and `sign` what is written into them; `touched` is what a
    window does to a cell, and `untouched` heads the line of the cells that none does it to.
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
    """One axis as it is drawn: positions counted from the first real cell, None for what is left out."""

    name: str
    geometry: AxisGeometry
    positions: tuple[int | None, ...]
    windows: tuple[int | None, ...]
    notice: str


@dataclass(frozen=True, slots=True)
class Edges:
    """The sides of the windows' boxes, as the (row, column) of the cell below them or right of them."""

    above: frozenset[tuple[int, int]]
    left: frozenset[tuple[int, int]]


def find_drawn_geometries(case: Case) -> tuple[AxisGeometry, ...] | None:
    """The axes of a case as they are drawn, or None where it must be refused and so has none."""
    padding = parse_padding(case)
    if padding is None or decide_refusal(case).refusal is Refusal.REQUIRED:
        return None
    return tuple(map(_swap_transposed_axis, compute_axis_geometries(case, padding)))


def _swap_transposed_axis(geometry: AxisGeometry) -> AxisGeometry:
    """An axis as it is drawn: the cells of a transposed one are its output, the windows its input."""
    if not geometry.is_transposed:
        return geometry
    return replace(geometry, length=geometry.out, out=geometry.length, is_transposed=False)


def choose_words(case: Case) -> Words:
    """What the parts of the picture of a case are called."""
    if case.kind.traits.is_transposed:
        return TRANSPOSED_WORDS
    return POOLING_WORDS if case.kind.traits.is_pooling else FORWARD_WORDS


def name_axes(ndim: int) -> tuple[str, ...]:
    """What the spatial axes are called."""
    return ("depth", "rows", "columns")[-ndim:] if ndim > 1 else ("steps",)


def join_axis_names(names: Sequence[str]) -> str:
    """All axes as one: `depth, rows and columns, each`."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}, each"


def compute_taps(geometry: AxisGeometry, window: int) -> range:
    """The positions that one window reads, padding included."""
    start = geometry.starts[window]
    return range(start, start + geometry.effective_kernel, geometry.dilation)


def is_padding(geometry: AxisGeometry, position: int) -> bool:
    """Whether a position lies outside the real cells."""
    return not 0 <= position < geometry.length


def find_windows_reading(geometry: AxisGeometry, position: int) -> frozenset[int]:
    """The windows that read a position."""
    found = set()
    for tap in range(geometry.kernel):
        window, rest = divmod(position + geometry.before - tap * geometry.dilation, geometry.stride)
        if rest == 0 and 0 <= window < geometry.out:
            found.add(window)
    return frozenset(found)


def is_unread(geometry: AxisGeometry, position: int | None) -> bool:
    """Whether a position is a real cell that no window reads."""
    return (
        position is not None
        and not is_padding(geometry, position)
        and not find_windows_reading(geometry, position)
    )


def list_padded_positions(geometry: AxisGeometry) -> range:
    """Every position: padding before, real cells, padding after."""
    return range(-geometry.before, geometry.length + max(geometry.after, 0))


def has_outside(geometry: AxisGeometry) -> bool:
    """Whether an axis has cells that are no real ones."""
    return len(list_padded_positions(geometry)) > geometry.length


def has_overlapping_windows(geometries: Sequence[AxisGeometry]) -> bool:
    """Whether two windows span a common cell, so that boxes would cross."""
    return any(g.out > 1 and g.stride < g.effective_kernel for g in geometries)


def describe_padding(geometry: AxisGeometry, words: Words) -> str:
    """How an axis is padded or cut, in words."""
    before, after = geometry.before, max(geometry.after, 0)
    if before + after == 0:
        return "no padding" if words.padded == "padded" else f"nothing {words.padded}"
    return f"{before} {words.padded} before, {after} after"


def describe_axis(geometry: AxisGeometry, words: Words) -> str:
    """An axis in a line: its cells, what lies outside, its windows."""
    windows = format_count(geometry.out, words.windows)
    return f"{format_count(geometry.length, 'cell')}, {describe_padding(geometry, words)}; {windows}"


def make_strip(name: str, geometry: AxisGeometry) -> Strip:
    """One axis, without its middle where it is too long to draw."""
    positions = list_padded_positions(geometry)
    shown = _keep_ends(positions, MAX_CELLS)
    drawn = [position for position in shown if position is not None]
    reading = frozenset[int]().union(*(find_windows_reading(geometry, position) for position in drawn))
    windows = _insert_gaps(_keep_ends(sorted(reading), MAX_WINDOWS))
    hidden_windows = geometry.out - sum(window is not None for window in windows)
    left_out = []
    if len(drawn) < len(positions):
        left_out.append(f"{len(positions) - len(drawn):,} of {len(positions):,} cells")
    if hidden_windows:
        left_out.append(f"{hidden_windows:,} of {geometry.out:,} windows")
    notice = f"not drawn: {' and '.join(left_out)}" if left_out else ""
    return Strip(name, geometry, shown, windows, notice)


def make_strips(geometries: Sequence[AxisGeometry]) -> tuple[Strip, ...]:
    """A strip for each axis; one for all of them where they are alike."""
    names = name_axes(len(geometries))
    if len(set(geometries)) == 1:
        return (make_strip(join_axis_names(names), geometries[0]),)
    return tuple(make_strip(name, geometry) for name, geometry in zip(names, geometries, strict=True))


def _keep_ends(items: Sequence[int], limit: int) -> tuple[int | None, ...]:
    """The items, or as many of the first and last as fit, with None between them."""
    if len(items) <= limit:
        return tuple(items)
    tail = (limit - 1) // 2
    return (*items[: limit - 1 - tail], None, *items[len(items) - tail :])


def _insert_gaps(windows: Sequence[int | None]) -> tuple[int | None, ...]:
    """The windows, with None wherever the next is not drawn."""
    found: list[int | None] = []
    for window in windows:
        if window is not None and found and found[-1] is not None and window > found[-1] + 1:
            found.append(None)
        found.append(window)
    return tuple(found)


def can_draw_grid(case: Case, geometries: Sequence[AxisGeometry]) -> bool:
    """Whether the padded input is small enough, and has the two axes, to be drawn cell by cell.

    The windows of a transposed layer write, and a grid would not show who wrote what.
    """
    is_small = len(geometries) == 2 and all(len(list_padded_positions(g)) <= MAX_GRID for g in geometries)
    return is_small and not case.kind.traits.is_transposed


def draw_text_picture(case: Case, *, ascii_only: bool = False) -> str:
    """The picture of a case in plain text, without a line break at its end.

    A case that must be refused has no picture: the text says why.
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
    """The padded input cell by cell, each window boxed where no two cross."""
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
    along = tuple(zip(geometries, cell, strict=True))
    if any(is_padding(geometry, position) for geometry, position in along):
        return marks.padding * width
    if any(is_unread(geometry, position) for geometry, position in along):
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
