"""Draw the padding of a case as SVG: readable in light and dark, with a title and a description.

Draws the model of `picture`: the padded input cell by cell beside its output if both are small, else a strip
for each axis. This module chooses what is drawn, `templates/picture.svg.j2` draws it. Every class begins with
`pad-`, so that a page can hold many pictures and one copy of `picture.css`. What a `use` element repeats is
styled by single classes, because selectors with ancestors do not match there.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from harness.explain.picture import (
    can_draw_grid,
    choose_words,
    compute_taps,
    describe_axis,
    find_drawn_geometries,
    has_outside,
    has_overlapping_windows,
    is_padding,
    is_unread,
    list_padded_positions,
    make_strips,
    name_axes,
)
from harness.oracle.geometry import AxisGeometry
from harness.oracle.refusal import decide_refusal
from harness.records import Case, format_lengths
from harness.templates import read_asset, render

_MAX_PANELS: Final = 49
"""The most panels, one per output cell, that are drawn beside an input whose windows cross."""


def draw_svg_picture(case: Case, *, name: str = "padding", is_standalone: bool = True) -> str:
    """Draw the picture of a case as an SVG element.

    Args:
        case: the case; the picture of one that must be refused gives the reason.
        name: the prefix of the ids inside, unique within the page.
        is_standalone: whether the element contains `picture.css`, as a separate file must.
    """
    geometries = find_drawn_geometries(case) or ()
    values = {
        "name": name,
        "title": _name_case(case),
        "description": _describe_axes(case, geometries),
        "style": read_asset("harness.explain/picture.css") if is_standalone else "",
        "legend": _explain_signs(case, geometries),
        "words": choose_words(case),
        "refusal": "" if geometries else decide_refusal(case).reason,
        "grid": _describe_grid(case, *geometries) if _is_grid(case, geometries) else None,
        "strips": make_strips(geometries) if geometries else (),
        "describe_axis": describe_axis,
        "is_padding": is_padding,
        "is_unread": is_unread,
        "list_spans": _list_spans,
        "list_padded_positions": list_padded_positions,
        "compute_taps": compute_taps,
    }
    return f"{render('harness.explain/picture.svg.j2', values)}\n"


def _is_grid(case: Case, geometries: Sequence[AxisGeometry]) -> bool:
    """Return whether the input is drawn cell by cell, and not as strips."""
    if not can_draw_grid(case, geometries):
        return False
    rows, columns = geometries
    return not has_overlapping_windows(geometries) or rows.out * columns.out <= _MAX_PANELS


def _name_case(case: Case) -> str:
    lengths = (("input", case.input), ("kernel", case.kernel), ("strides", case.strides))
    text = ", ".join((case.layer.value, *(f"{name} {format_lengths(values)}" for name, values in lengths)))
    if any(dilation != 1 for dilation in case.dilation):
        text += f", dilation {format_lengths(case.dilation)}"
    return f"{text}, padding {case.padding}"


def _describe_axes(case: Case, geometries: Sequence[AxisGeometry]) -> str:
    if not geometries:
        return f"Must be refused: {decide_refusal(case).reason}."
    names = name_axes(case.ndim)
    return " ".join(
        f"{name.capitalize()}: {describe_axis(g, choose_words(case))}."
        for name, g in zip(names, geometries, strict=True)
    )


def _explain_signs(case: Case, geometries: Sequence[AxisGeometry]) -> str:
    """Explain the signs that occur in the picture."""
    words = choose_words(case)
    strips = make_strips(geometries) if geometries else ()
    signs = []
    if any(has_outside(strip.geometry) for strip in strips):
        signs.append(f"hatched: {words.outside}")
    if any(is_unread(strip.geometry, position) for strip in strips for position in strip.positions):
        signs.append(f"struck out: never {words.touched}")
    return "; ".join(signs)


def _describe_grid(case: Case, rows: AxisGeometry, columns: AxisGeometry) -> Mapping[str, object]:
    """Describe the input and the output, which has a panel for each cell where windows cross."""
    padded = (len(list_padded_positions(rows)), len(list_padded_positions(columns)))
    caption, output_caption = (
        f"input {format_lengths(case.input)}",
        f"output {format_lengths((rows.out, columns.out))}",
    )
    if padded != case.input:
        caption += f", padded to {format_lengths(padded)}"
    if has_panels := has_overlapping_windows((rows, columns)):
        output_caption += ", and the cells that each reads"
    return {
        "rows": rows,
        "columns": columns,
        "caption": caption,
        "outputs": tuple(itertools.product(range(rows.out), range(columns.out))),
        "output_caption": output_caption,
        "has_panels": has_panels,
    }


def _list_spans(geometry: AxisGeometry, window: int) -> list[tuple[int, int]]:
    """List what a window reads along an axis: starts, counted from the first padded cell, and lengths."""
    taps = compute_taps(geometry, window)
    if geometry.dilation == 1:
        return [(taps[0] + geometry.before, len(taps))]
    return [(tap + geometry.before, 1) for tap in taps]
