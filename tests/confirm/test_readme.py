"""The README names every word that a script prints."""

from __future__ import annotations

import re
from pathlib import Path

import harness.confirm
from harness.confirm.script_parts import Generation, parts_of

FOLDER = Path(harness.confirm.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def first_cells(after: str) -> set[str]:
    """The words in backticks in the first column of the table after a line."""
    table = README[README.index(after) :].split("\n\n")
    rows = next(block for block in table if block.startswith("|")).splitlines()[2:]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_word_that_a_script_prints_stands_in_the_table() -> None:
    parts = parts_of(Generation.KERAS_3, "torch", knows_jit=True, has_bounds=False, has_nonfinite=False)
    text = "".join(parts[name].text for name in ("difference", "told_wrong", "compare", "check"))
    quoted = re.findall(r'(?:return|found =|where\n|[(,]) *"([a-z-]+)"', text) + re.findall(
        r"\\t([a-z]+)\\t", text
    )
    assert set(quoted) - {"float64", "utf-8"} | {"value", "nonfinite"} == first_cells("**Scripts.**")
