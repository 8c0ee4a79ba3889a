"""Snippets are plain modules that old Pythons parse, and print no word that the harness does not know."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.confirm.script_results import ScriptWord
from harness.confirm.snippet_files import SNIPPETS, read_definitions
from tests.confirm.scripts import load_snippets
from tests.old_python import compile_with, require_python_3_6

SOURCES = sorted(SNIPPETS.glob("*.py"))
BODIES = {path: ast.parse(path.read_text(encoding="utf-8")).body for path in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_snippet_parses_on_python_3_6(source: Path) -> None:
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_snippets_compile_on_a_real_python_3_6() -> None:
    assert compile_with(require_python_3_6(), SOURCES) == ""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_snippet_holds_imports_and_definitions_only(source: Path) -> None:
    docstring, *others = BODIES[source]
    assert isinstance(docstring, ast.Expr)
    for node in others:
        assert isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        if isinstance(node, ast.Import):
            assert not any(one.name.startswith("harness") for one in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1
            assert {one.name for one in node.names} <= read_definitions().keys()


def test_every_name_is_defined_once() -> None:
    names = [
        node.name
        for body in BODIES.values()
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert {*names} == read_definitions().keys()


def test_no_variable_hides_a_definition_or_a_module() -> None:
    """A variable named like a definition would pull that definition into every script."""
    nodes = [node for body in BODIES.values() for top in body for node in ast.walk(top)]
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)} | {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    modules = {
        one.asname or one.name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import)
        for one in node.names
    }
    assert bound & {*read_definitions(), *modules} == set()


def test_scripts_print_the_words_of_the_enum() -> None:
    """The strings in `comparing` that consist of letters and hyphens are the words."""
    nodes = [node for top in BODIES[SNIPPETS / "comparing.py"] for node in ast.walk(top)]
    strings = [
        part
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for part in node.value.split("\t")
    ]
    words = {text for text in strings if re.fullmatch(r"[a-z]+(-[a-z]+)*", text)}
    assert words == {*map(str, ScriptWord)}


def test_the_cotangent_has_the_small_integers_but_zero() -> None:
    found = load_snippets("make_cotangent")["make_cotangent"](np.zeros((100, 3)))
    assert found.shape == (100, 3)
    assert set(found.ravel().tolist()) == {-3, -2, -1, 1, 2, 3}
    wanted = [(31 * i * i + 17 * i + 5) % 251 % 6 for i in range(300)]
    assert found.ravel().tolist() == [h - 3 if h < 3 else h - 2 for h in wanted]
