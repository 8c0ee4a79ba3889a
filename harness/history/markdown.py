"""The history as Markdown: `history.md`, to be read and committed, and the short table of a README."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.history.gather import History
from harness.history.phrases import CHANGES_DEFINED, FOLDED, SAME_DEFINED, end_of, start_of
from harness.report.conformance import EVERY
from harness.report.phrases import LEGEND, headline, shortfall
from harness.report.target_facts import list_measured
from harness.templates import render, write_rendered

_SHORT_WAYS: Final = 4
"""Ways of diverging that the short table names of a family."""


def write_history_markdown(path: Path, history: History) -> None:
    """Write `history.md`."""
    values = {
        "history": history,
        "header": history.info.header,
        "tally": history.tally,
        "headline": headline(history.tally),
        "shortfall": shortfall(history.info, history.tally),
        "notes": (
            ("How to read the tables", f"{LEGEND} {FOLDED}"),
            ("How `same` is read", SAME_DEFINED),
            ("How changes are found", CHANGES_DEFINED),
        ),
        "short_ways": _SHORT_WAYS,
        "every": EVERY,
        "start_of": start_of,
        "end_of": end_of,
        "list_measured": list_measured,
    }
    write_rendered(path, "harness.history/history.md.j2", values)


def render_short_history(history: History) -> str:
    """Return a line per family: the versions, what conforms, how `same` is read, and what diverges when."""
    return render("harness.history/short_history.md.j2", {"history": history, "short_ways": _SHORT_WAYS})
