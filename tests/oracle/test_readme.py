"""The specification names functions and tests that exist."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import harness.oracle

README = Path(harness.oracle.__file__).with_name("README.md")


def rows() -> list[list[str]]:
    """The cells of each numbered rule."""
    lines = README.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line[:1] == "|"]
    return [row for row in cells if row[0].strip().isdigit()]


def test_rules_are_numbered_without_gaps() -> None:
    assert [int(row[0]) for row in rows()] == list(range(1, len(rows()) + 1))
    assert len(rows()) >= 20


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
