"""`history.html`: the history as one self-contained page, with a column per version.

As in `harness.report.html`, text from targets is escaped, only the page's own script runs, and nothing is
requested. Without JavaScript everything is shown; only the filters are missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.history.gather import History
from harness.history.phrases import CHANGES_DEFINITION, SAME_DEFINITION, describe_end, describe_start
from harness.report.conformance import EVERY, ConformanceCell, ConformanceRow
from harness.report.phrases import LEGEND, describe_shortfall, format_headline
from harness.report.target_facts import list_measured, list_pins
from harness.templates import hash_script, read_asset, write_rendered

_CSS_CLASSES: Final = {"silent": "s", "loud": "l", "inconclusive": "i", "unstable": "i", "unsupported": "u"}
"""The CSS class of a cell by its worst count, worst first. Names are short: cells come in thousands."""

_MAX_SHORT_PATTERNS: Final = 6


def write_history_html(path: Path, history: History) -> None:
    """Write the page of a history."""
    script = read_asset("harness.history/history.js")
    values = {
        "history": history,
        "header": history.info.header,
        "tally": history.tally,
        "headline": format_headline(history.tally),
        "shortfall": describe_shortfall(history.info, history.tally),
        "paddings": sorted({row.padding for family in history.families for row in family.paddings}),
        "notes": (
            ("How to read the tables", LEGEND),
            ("How same is read", SAME_DEFINITION),
            ("How changes are found", CHANGES_DEFINITION),
        ),
        "max_patterns": _MAX_SHORT_PATTERNS,
        "every": EVERY,
        "style": read_asset("harness.report/report.css") + read_asset("harness.history/history.css"),
        "script": script,
        "script_hash": hash_script(script),
        "classify_cell": classify_cell,
        "is_whole": is_whole,
        "describe_start": describe_start,
        "describe_end": describe_end,
        "list_measured": list_measured,
        "list_pins": list_pins,
    }
    write_rendered(path, "harness.history/history.html.j2", values)


def classify_cell(cell: ConformanceCell) -> str:
    """Return the CSS class of a cell: that of its worst count, `w` if all conform, `n` if none was judged."""
    if not cell.num_judged:
        return "n"
    counts = dict(cell.markers)
    return next((css_class for word, css_class in _CSS_CLASSES.items() if counts.get(word)), "w")


def is_whole(row: ConformanceRow) -> bool:
    """Return whether everything that was judged conforms, in every version."""
    return all(cell.conforming == cell.num_judged for cell in row.cells)
