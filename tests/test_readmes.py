"""The README of a package names every module of it, and nothing else as one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent
READMES = sorted(PACKAGE.glob("*/README.md"))
OF_SEVERAL_FOLDERS = {"worker"}

WITH_TABLES = [
    readme
    for readme in READMES
    if "| module |" in readme.read_text(encoding="utf-8") and readme.parent.name not in OF_SEVERAL_FOLDERS
]


def modules_in_table(readme: Path) -> set[str]:
    """The words in backticks in the first column of the table of modules."""
    tables = [
        block for block in readme.read_text(encoding="utf-8").split("\n\n") if block.startswith("| module |")
    ]
    rows = [row for table in tables for row in table.splitlines()[2:]]
    return {word for row in rows for word in re.findall(r"`([^`/.]+)`", row.split("|")[1])}


@pytest.mark.parametrize("readme", WITH_TABLES, ids=lambda one: one.parent.name)
def test_every_module_stands_in_the_table(readme: Path) -> None:
    modules = {path.stem for path in readme.parent.glob("*.py")} - {"__init__"}
    assert modules_in_table(readme) == modules


def test_packages_of_several_features_have_a_table() -> None:
    names = {readme.parent.name for readme in WITH_TABLES}
    assert names >= {"confirm", "environments", "explain", "history", "mutation", "report", "targets"}
