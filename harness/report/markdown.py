"""Markdown that untrusted text cannot break out of: the lines of a table, and cells."""

from __future__ import annotations

from typing import Final

from harness.report.cells import one_line

_CELL_LENGTH: Final = 2000


def table_line(*cells: str) -> str:
    """A row of a table; the cells are escaped already."""
    return f"| {' | '.join(cells)} |"


def escaped(text: str, length: int = _CELL_LENGTH) -> str:
    """Text that cannot end a cell or begin a tag, and that a reader sees as it was written."""
    plain = one_line(text, length)
    for letter in "\\|*`[":
        plain = plain.replace(letter, f"\\{letter}")
    return plain.replace("&", "&amp;").replace("<", "&lt;")
