"""`history.html`: the history as one self-contained page, every version in a column of its own.

The rules of `html` hold: what a target wrote is escaped, no script runs but the page's own, and no request
leaves. Without JavaScript everything is there, only the filters are not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from markupsafe import Markup

from harness.files import replacing
from harness.history.gather import History
from harness.history.phrases import CHANGES_DEFINED, SAME_DEFINED, end_of, start_of
from harness.report.conformance import EVERY, LEGEND, Cell, Row
from harness.report.html import environment_of_pages, script_hash, template_text
from harness.report.phrases import headline, shortfall

_PACKAGE: Final = "harness.history"

_WORST: Final = {"silent": "s", "loud": "l", "inconclusive": "i", "unstable": "i", "unsupported": "u"}
"""The class of a cell by its worst count; the worst first. Names are short: there are thousands of cells."""

_SHORT_WAYS: Final = 6


def write_history_html(path: Path, history: History) -> None:
    """Write the page."""
    environment = environment_of_pages(_PACKAGE)
    environment.filters["worst"] = worst
    environment.globals["start_of"] = start_of
    environment.globals["end_of"] = end_of
    environment.globals["is_whole"] = is_whole
    environment.globals["every"] = EVERY
    script = template_text(_PACKAGE, "history.js")
    stream = environment.get_template("history.html.j2").stream(
        history=history,
        header=history.info.header,
        tally=history.tally,
        headline=headline(history.tally),
        shortfall=shortfall(history.info, history.tally),
        paddings=sorted({row.padding for family in history.families for row in family.paddings}),
        notes=(
            ("How to read the tables", LEGEND),
            ("How same is read", SAME_DEFINED),
            ("How changes are found", CHANGES_DEFINED),
        ),
        short_ways=_SHORT_WAYS,
        style=Markup(template_text("harness.report", "report.css") + template_text(_PACKAGE, "history.css")),
        script=Markup(script),
        script_hash=script_hash(script),
    )
    with replacing(path) as file:
        for part in stream:
            file.write(part)


def worst(cell: Cell) -> str:
    """The class of a cell: its worst count, `w` where all conform, `n` where nothing was judged."""
    if not cell.judged:
        return "n"
    counts = dict(cell.markers)
    return next((short for word, short in _WORST.items() if counts.get(word)), "w")


def is_whole(row: Row) -> bool:
    """Whether all that was judged conforms, in every version."""
    return all(cell.conforming == cell.judged for cell in row.cells)
