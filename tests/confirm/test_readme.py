"""The README names every word that a script prints, and every snippet."""

from __future__ import annotations

import re
from pathlib import Path

import harness.confirm
from harness.confirm.script_results import ScriptWord
from harness.confirm.snippet_files import SNIPPETS

README = (Path(harness.confirm.__file__).parent / "README.md").read_text(encoding="utf-8")


def list_first_cells(header: str) -> list[str]:
    """Return the words in backticks in the first column of the table with this header."""
    (table,) = [block for block in README.split("\n\n") if block.startswith(f"| {header} |")]
    rows = table.splitlines()[2:]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_word_that_a_script_prints_stands_in_the_table() -> None:
    assert sorted(list_first_cells("word")) == sorted(ScriptWord)


def test_every_snippet_stands_in_the_table() -> None:
    modules = {path.stem for path in SNIPPETS.glob("*.py")} - {"__init__"}
    assert sorted(list_first_cells("snippets")) == sorted(modules)
