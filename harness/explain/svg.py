"""The padding picture as SVG: hand-written text, readable in light and dark, with a title and a description.

Draws the model of `picture`: the padded input cell by cell beside its output where both are small,
else a strip for each axis. Every class begins with `pad-`, so that a page can hold many pictures
and one copy of `STYLE`. What a `use` repeats is styled by single classes: no ancestor matches there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from harness.explain.picture import (
    Strip,
    Words,
    axis_names,
    axis_text,
    fits_grid,
    geometries_of,
    has_outside,
    is_padding,
    is_unread,
    padded_positions,
    strips_of,
    taps_of,
    windows_overlap,
    words_of,
)
from harness.oracle.geometry import AxisGeometry
from harness.oracle.refusal import refusal_of
from harness.records import Case, by

STYLE: Final = """
.pad-picture { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif;
  --pad-ink: #1f2933; --pad-dim: #5b6673; --pad-line: #b9c2cc; --pad-cell: #ffffff; --pad-fill: #e6eaee; }
.pad-picture text { fill: var(--pad-ink); text-anchor: middle; dominant-baseline: central; font-size: 12px; }
.pad-picture .pad-caption { text-anchor: start; font-size: 13px; font-weight: 600; }
.pad-picture .pad-note { text-anchor: start; fill: var(--pad-dim); font-size: 11.5px; }
.pad-picture .pad-head { text-anchor: end; fill: var(--pad-dim); font-size: 11px; }
.pad-picture .pad-dim { fill: var(--pad-dim); font-size: 10px; }
.pad-input { fill: var(--pad-cell); }
.pad-edge { stroke: var(--pad-line); }
.pad-zero { fill: var(--pad-fill); }
.pad-lines, .pad-hatch { fill: none; stroke: var(--pad-line); stroke-width: 1; }
.pad-strike { fill: none; stroke: var(--pad-dim); stroke-width: 1; opacity: .7; }
.pad-picture text.pad-faint { fill: var(--pad-dim); opacity: .75; }
.pad-0 { fill: #0072b2; stroke: #0072b2; }
.pad-1 { fill: #d55e00; stroke: #d55e00; }
.pad-2 { fill: #009e73; stroke: #009e73; }
.pad-3 { fill: #b5579b; stroke: #b5579b; }
.pad-4 { fill: #c28a00; stroke: #c28a00; }
.pad-5 { fill: #7a5fd3; stroke: #7a5fd3; }
.pad-window { fill-opacity: .1; stroke-width: 2.5; }
.pad-tap { fill-opacity: .85; stroke: var(--pad-line); stroke-width: .75; }
.pad-hole { fill-opacity: .14; stroke: none; }
.pad-output { fill-opacity: .22; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
.pad-picture { --pad-ink: #e4e9ee; --pad-dim: #9aa7b4; --pad-line: #4a5561;
  --pad-cell: #1b222a; --pad-fill: #2a333d; }
}
"""

_NUM_COLOURS: Final = 6
_CELL: Final = 34
_SMALL: Final = 9
_STRIP_CELL: Final = 24
_MARGIN: Final = 14
_CAPTION: Final = 26
_MAX_PANELS: Final = 49
"""Small panels, one per output cell, that are drawn beside an input whose windows cross."""


def svg_picture(case: Case, *, name: str = "padding", is_standalone: bool = True) -> str:
    """The picture of a case as an SVG element.

    Args:
        case: the case; one that must be refused gives a picture that says why.
        name: a prefix of the ids inside, unlike any other in the page.
        is_standalone: whether the element carries `STYLE`, as a file of its own must.
    """
    geometries = geometries_of(case)
    if geometries is None:
        body, width, height = _refused(case)
    elif fits_grid(case, geometries) and (
        not windows_overlap(geometries) or _num_panels(geometries) <= _MAX_PANELS
    ):
        body, width, height = _side_by_side(case, geometries[0], geometries[1], name)
    else:
        body, width, height = _strips(strips_of(geometries), words_of(case), name)
    if key := _key(case, geometries):
        body.append(_text(_MARGIN, height + 2, key, "pad-note"))
        width, height = max(width, 7 * len(key)), height + _MARGIN + 4
    style = f"<style>{STYLE}</style>" if is_standalone else ""
    hatch = (
        f'<defs><pattern id="{name}-hatch" width="12" height="12" patternUnits="userSpaceOnUse">'
        f"{_rect(0, 0, 12, 12, 'pad-zero')}{_path(((0, 12, 12, 0),), 'pad-hatch')}</pattern></defs>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pad-picture" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<title id="{name}-title">{escape(_title(case))}</title>'
        f'<desc id="{name}-desc">{escape(_description(case, geometries))}</desc>'
        f"{style}{hatch}{''.join(body)}</svg>\n"
    )


def _num_panels(geometries: Sequence[AxisGeometry]) -> int:
    return geometries[0].out * geometries[1].out


def _title(case: Case) -> str:
    text = f"{case.layer}, input {by(case.input)}, kernel {by(case.kernel)}, strides {by(case.strides)}"
    if any(dilation != 1 for dilation in case.dilation):
        text += f", dilation {by(case.dilation)}"
    return f"{text}, padding {case.padding}"


def _description(case: Case, geometries: Sequence[AxisGeometry] | None) -> str:
    if geometries is None:
        return f"Must be refused: {refusal_of(case).reason}."
    names = axis_names(case.ndim)
    return " ".join(
        f"{name.capitalize()}: {axis_text(g, words_of(case))}."
        for name, g in zip(names, geometries, strict=True)
    )


def _key(case: Case, geometries: Sequence[AxisGeometry] | None) -> str:
    """What the signs mean, of those that the picture has."""
    words = words_of(case)
    strips = () if geometries is None else strips_of(geometries)
    signs = []
    if any(has_outside(strip.geometry) for strip in strips):
        signs.append(f"hatched: {words.outside}")
    if any(is_unread(strip.geometry, position) for strip in strips for position in strip.positions):
        signs.append(f"struck out: never {words.touched}")
    return "; ".join(signs)


def _refused(case: Case) -> tuple[list[str], int, int]:
    reason = f"no picture: {refusal_of(case).reason}"
    return [_text(_MARGIN, 20, reason, "pad-note")], 2 * _MARGIN + 7 * len(reason), 40


def _side_by_side(
    case: Case, rows: AxisGeometry, columns: AxisGeometry, name: str
) -> tuple[list[str], int, int]:
    """The padded input, and beside it the output: coloured alike, or a small panel for each output cell."""
    num_rows, num_columns = len(padded_positions(rows)), len(padded_positions(columns))
    top = _MARGIN + _CAPTION
    crossing = windows_overlap((rows, columns))
    caption = f"input {by(case.input)}"
    if (num_rows, num_columns) != case.input:
        caption += f", padded to {by((num_rows, num_columns))}"
    body = [_text(_MARGIN, _MARGIN + 6, caption, "pad-caption")]
    body.extend(_field(rows, columns, _MARGIN, top, size=_CELL, name=name))
    body.extend(_numbers(rows, columns, words_of(case), _MARGIN, top))
    if not crossing:
        body.extend(_boxes(rows, columns, _MARGIN, top))
    width = max(num_columns * _CELL, 8 * len(caption)) + _MARGIN
    height = num_rows * _CELL
    if rows.out * columns.out == 0:
        left = width + 2 * _MARGIN
        body.append(_text(left, top + _CELL // 2, "no full window fits: the output is empty", "pad-note"))
        return body, left + 250, top + max(height, _CELL) + _MARGIN
    left = width + 2 * _MARGIN
    caption = f"output {by((rows.out, columns.out))}"
    if crossing:
        caption += ", and the cells that each reads"
    body.append(_text(left, _MARGIN + 6, caption, "pad-caption"))
    if crossing:
        height_small = num_rows * _SMALL
        panel_width, panel_height = num_columns * _SMALL + 10, height_small + 20
        panel = "".join(_field(rows, columns, 0, 0, size=_SMALL, name=name))
        body.append(f'<defs><g id="{name}-panel">{panel}</g></defs>')
        for i, j in itertools.product(range(rows.out), range(columns.out)):
            x, y = left + j * panel_width, top + i * panel_height
            body.append(f'<use href="#{name}-panel" x="{x}" y="{y}"/>')
            body.extend(_window_cells((rows, i), (columns, j), x, y))
            body.append(_text(x + num_columns * _SMALL // 2, y + height_small + 8, f"{i},{j}", "pad-dim"))
    else:
        panel_width = panel_height = _CELL + 4
        body.extend(_output_cells(rows, columns, left, top))
    right = left + max(columns.out * panel_width, 8 * len(caption)) + _MARGIN
    return body, right, top + max(height, rows.out * panel_height) + _MARGIN


def _field(
    rows: AxisGeometry, columns: AxisGeometry, left: int, top: int, *, size: int, name: str
) -> Iterator[str]:
    """The padded input without its numbers: hatched where it is padding, and the lines between cells."""
    num_rows, num_columns = len(padded_positions(rows)), len(padded_positions(columns))
    width, height = num_columns * size, num_rows * size
    if rows.total or columns.total:
        yield _rect(left, top, width, height, "", fill=f"url(#{name}-hatch)")
    yield _rect(
        left + columns.before * size,
        top + rows.before * size,
        columns.length * size,
        rows.length * size,
        "pad-input",
    )
    across = ((left, top + i * size, left + width, top + i * size) for i in range(num_rows + 1))
    down = ((left + j * size, top, left + j * size, top + height) for j in range(num_columns + 1))
    yield _path((*across, *down), "pad-lines")


def _numbers(rows: AxisGeometry, columns: AxisGeometry, words: Words, left: int, top: int) -> Iterator[str]:
    """What stands in the cells of the input: its number, struck out where unread, or what is padded."""
    strikes = []
    for i, r in enumerate(padded_positions(rows)):
        for j, c in enumerate(padded_positions(columns)):
            x, y = left + j * _CELL, top + i * _CELL
            if is_padding(rows, r) or is_padding(columns, c):
                yield _centred(x, y, _CELL, words.sign, "pad-dim")
                continue
            unread = is_unread(rows, r) or is_unread(columns, c)
            yield _centred(x, y, _CELL, str(r * columns.length + c), "pad-faint" if unread else "")
            if unread:
                strikes.append(_strike(x, y, _CELL))
    if strikes:
        yield _path(strikes, "pad-strike")


def _window_cells(
    row: tuple[AxisGeometry, int], column: tuple[AxisGeometry, int], left: int, top: int
) -> Iterator[str]:
    """The cells that one window reads, in a small panel."""
    colour = _colour(row[1], column[1])
    for (y, height), (x, width) in itertools.product(_spans(*row), _spans(*column)):
        yield _rect(left + x * _SMALL, top + y * _SMALL, width * _SMALL, height * _SMALL, f"{colour} pad-tap")


def _spans(geometry: AxisGeometry, window: int) -> list[tuple[int, int]]:
    """Where a window reads along an axis, counted from the first padded cell: starts and lengths."""
    taps = taps_of(geometry, window)
    if geometry.dilation == 1:
        return [(taps[0] + geometry.before, len(taps))]
    return [(tap + geometry.before, 1) for tap in taps]


def _boxes(rows: AxisGeometry, columns: AxisGeometry, left: int, top: int) -> Iterator[str]:
    for i, j in itertools.product(range(rows.out), range(columns.out)):
        x = left + (columns.starts[j] + columns.before) * _CELL + 2
        y = top + (rows.starts[i] + rows.before) * _CELL + 2
        width, height = columns.effective_kernel * _CELL - 4, rows.effective_kernel * _CELL - 4
        yield _rect(x, y, width, height, f"pad-window {_colour(i, j)}", radius=4)


def _output_cells(rows: AxisGeometry, columns: AxisGeometry, left: int, top: int) -> Iterator[str]:
    for i, j in itertools.product(range(rows.out), range(columns.out)):
        x, y = left + j * (_CELL + 4), top + i * (_CELL + 4)
        yield _rect(x, y, _CELL, _CELL, f"pad-output {_colour(i, j)}", radius=4)
        yield _centred(x, y, _CELL, f"{i},{j}", "")


def _strips(strips: Sequence[Strip], words: Words, name: str) -> tuple[list[str], int, int]:
    """A strip for each axis, one below the other: its cells, and a line for each window."""
    body: list[str] = []
    y, width = _MARGIN, 0
    for strip in strips:
        g = strip.geometry
        caption = f"{strip.name}: {axis_text(g, words)}"
        body.append(_text(_MARGIN, y + 6, caption, "pad-caption"))
        y += _CAPTION
        left = _MARGIN + 70
        body.extend(_strip_cells(strip, words, left, y, name))
        y += _STRIP_CELL + 6
        for window in strip.windows:
            body.extend(_strip_window(strip, window, words, left, y))
            y += 16
        if strip.notice:
            body.append(_text(_MARGIN, y + 8, strip.notice, "pad-note"))
            y += 18
        y += _MARGIN
        width = max(width, left + len(strip.positions) * _STRIP_CELL, 8 * len(caption))
    return body, width + _MARGIN, y


def _strip_cells(strip: Strip, words: Words, left: int, y: int, name: str) -> Iterator[str]:
    yield _text(left - 8, y + _STRIP_CELL // 2, "cell", "pad-head")
    for place, position in enumerate(strip.positions):
        x = left + place * _STRIP_CELL
        if position is None:
            yield _centred(x, y, _STRIP_CELL, "…", "pad-faint")
            continue
        if is_padding(strip.geometry, position):
            yield _rect(x, y, _STRIP_CELL, _STRIP_CELL, "pad-lines", fill=f"url(#{name}-hatch)")
            yield _centred(x, y, _STRIP_CELL, words.sign, "pad-dim")
            continue
        unread = is_unread(strip.geometry, position)
        yield _rect(x, y, _STRIP_CELL, _STRIP_CELL, "pad-input pad-edge")
        yield _centred(x, y, _STRIP_CELL, str(position), "pad-faint" if unread else "")
        if unread:
            yield _path((_strike(x, y, _STRIP_CELL),), "pad-strike")


def _strip_window(strip: Strip, window: int | None, words: Words, left: int, y: int) -> Iterator[str]:
    if window is None:
        yield _text(left - 8, y + 6, "…", "pad-head")
        return
    yield _text(left - 8, y + 6, f"{words.window} {window}", "pad-head")
    taps = taps_of(strip.geometry, window)
    colour = f"pad-{window % _NUM_COLOURS}"
    for place, position in enumerate(strip.positions):
        if position is None or not taps[0] <= position <= taps[-1]:
            continue
        style = "pad-tap" if position in taps else "pad-hole"
        yield _rect(left + place * _STRIP_CELL, y, _STRIP_CELL, 12, f"{colour} {style}")


def _colour(row: int, column: int) -> str:
    """A colour unlike the neighbours'."""
    return f"pad-{(2 * row + column) % _NUM_COLOURS}"


def _rect(x: int, y: int, width: int, height: int, style: str, *, radius: int = 0, fill: str = "") -> str:
    corner = f' rx="{radius}"' if radius else ""
    paint = f' style="fill: {fill}"' if fill else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}"{corner} class="{style}"{paint}/>'


def _path(lines: Iterable[tuple[int, int, int, int]], style: str) -> str:
    """Straight lines, each from a point to a point."""
    steps = "".join(f"M{x1} {y1}L{x2} {y2}" for x1, y1, x2, y2 in lines)
    return f'<path d="{steps}" class="{style}"/>'


def _strike(x: int, y: int, size: int) -> tuple[int, int, int, int]:
    """The line that strikes a cell out."""
    return (x + 5, y + size - 5, x + size - 5, y + 5)


def _text(x: int, y: int, text: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" class="{style}">{escape(text)}</text>'


def _centred(x: int, y: int, size: int, text: str, style: str) -> str:
    return _text(x + size // 2, y + size // 2, text, style)
