"""The specification names functions and tests that exist."""

from __future__ import annotations

import ast
import importlib
import re
from enum import StrEnum
from pathlib import Path

import harness.oracle
from harness.oracle import KERAS, WRONG_RULES

README = Path(harness.oracle.__file__).with_name("README.md")


def rows() -> list[list[str]]:
    """Return the cells of each numbered rule."""
    lines = README.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line[:1] == "|"]
    return [row for row in cells if row[0].strip().isdigit()]


def test_rules_are_numbered_without_gaps() -> None:
    assert [int(row[0]) for row in rows()] == list(range(1, len(rows()) + 1))
    assert len(rows()) >= 50


def test_every_rule_says_fact_formula_source_function_and_test() -> None:
    for row in rows():
        assert len(row) == 6, row
        assert all(cell.strip() for cell in row), row


def test_the_functions_of_the_rules_exist() -> None:
    for row in rows():
        module, name = row[4].strip(" `").split(".")
        assert hasattr(importlib.import_module(f"harness.oracle.{module}"), name), row[4]


def test_the_tests_of_the_rules_exist() -> None:
    for row in rows():
        module, name = row[5].strip(" |`").split(".")
        tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, row[5]


def test_no_two_rules_state_the_same_fact() -> None:
    facts = [row[1] for row in rows()]
    assert len(set(facts)) == len(facts)


def test_every_module_of_rules_is_in_the_specification() -> None:
    # `rules` holds the words of rules, and computes nothing.
    modules = {module.stem for module in README.parent.glob("*.py")} - {"__init__", "rules"}
    assert {row[4].strip(" `").split(".")[0] for row in rows()} == modules


def test_everything_named_besides_the_rules_exists() -> None:
    text = README.read_text(encoding="utf-8")
    modules = "|".join(sorted(module.stem for module in README.parent.glob("*.py")))
    for module, name in re.findall(rf"`({modules})\.(\w+)", text):
        if name != "py":
            assert hasattr(importlib.import_module(f"harness.oracle.{module}"), name), f"{module}.{name}"
    for path in re.findall(r"`((?:tests|harness)/[\w/]+\.py)`", text):
        assert (README.parents[2] / path).is_file(), path
    for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text):
        assert name in WRONG_RULES, name


def test_the_readings_of_targets_are_words_of_the_rules() -> None:
    text = README.read_text(encoding="utf-8")
    readings = re.findall(r"`((?:\w+=[\w-]+(?:, )?)+)`", text)
    assert readings
    for reading in readings:
        for field, word in (part.split("=") for part in reading.split(", ")):
            words: type[StrEnum] = type(getattr(KERAS, field))
            assert word in set(words), reading
