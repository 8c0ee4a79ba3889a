"""The history as Markdown: `history.md`, to be read and committed, and the short table of a README."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.history.gather import History
from harness.history.phrases import (
    CHANGES_DEFINITION,
    FOLDING_NOTE,
    SAME_DEFINITION,
    describe_end,
    describe_start,
)
from harness.report.conformance import EVERY
from harness.report.phrases import LEGEND, describe_shortfall, format_headline
from harness.report.target_facts import list_measured
from harness.templates import render, write_rendered

_MAX_SHORT_PATTERNS: Final = 4
"""Divergence patterns of a family that the short table lists."""


def write_history_markdown(path: Path, history: History) -> None:
    """Write `history.md`."""
    values = {
        "history": history,
        "header": history.info.header,
        "tally": history.tally,
        "headline": format_headline(history.tally),
        "shortfall": describe_shortfall(history.info, history.tally),
        "notes": (
            ("How to read the tables", f"{LEGEND} {FOLDING_NOTE}"),
            ("How `same` is read", SAME_DEFINITION),
            ("How changes are found", CHANGES_DEFINITION),
        ),
        "max_patterns": _MAX_SHORT_PATTERNS,
        "every": EVERY,
        "describe_start": describe_start,
        "describe_end": describe_end,
        "list_measured": list_measured,
    }
    write_rendered(path, "harness.history/history.md.j2", values)


def render_short_history(history: History) -> str:
    """Render a table with a line per family: what conforms, the rule of `same`, what diverges when."""
    return render(
        "harness.history/short_history.md.j2", {"history": history, "max_patterns": _MAX_SHORT_PATTERNS}
    )
