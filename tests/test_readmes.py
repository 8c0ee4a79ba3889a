"""The README of a package names every module of it, and nothing else as one."""

from __future__ import annotations

import importlib
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
    told = modules_in_table(readme)
    place = f"the table of modules in {readme.relative_to(PACKAGE.parent)}"
    assert not modules - told, f"add a row to {place} for each of {sorted(modules - told)}"
    assert not told - modules, f"delete from {place} what is no module: {sorted(told - modules)}"


def test_packages_of_several_features_have_a_table() -> None:
    names = {readme.parent.name for readme in WITH_TABLES}
    assert names >= {"confirm", "environments", "explain", "history", "mutation", "report", "targets"}


def read_glossary() -> list[tuple[str, str]]:
    """The words of the glossary, each with the name that it has in the code."""
    text = (PACKAGE / "README.md").read_text(encoding="utf-8").partition("## Glossary")[2]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")][2:]
    return [(word.strip(), name.strip(" `")) for word, _, name in rows]


@pytest.mark.parametrize(("word", "name"), read_glossary())
def test_a_word_of_the_glossary_is_a_name_in_the_code(word: str, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(f"harness.{module}"), attribute)
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", attribute).replace("_", " ").lower()
    parts = {*spelled.split(), *module.replace("_", " ").replace(".", " ").split()}
    for one in word.split():
        assert any(part.startswith(one.rstrip("sy")) for part in parts), (one, parts)


def test_no_word_of_the_glossary_stands_twice() -> None:
    words = [word for word, _ in read_glossary()]
    names = [name for _, name in read_glossary()]
    assert len(set(words)) == len(words) >= 30
    assert len(set(names)) == len(names)
