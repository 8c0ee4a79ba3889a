"""Reads the functions that scripts are put together from: those of the files in `snippets/`."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

SNIPPETS: Final = Path(__file__).parent / "snippets"


@dataclass(frozen=True, slots=True)
class Definition:
    """A top-level function or class: its text, the names in it, and the lines that import some of them."""

    text: str
    names: tuple[str, ...]
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a script holds of the snippets: import lines, and definitions in their order."""

    imports: tuple[str, ...]
    definitions: tuple[str, ...]


def gather_snippets(names: Iterable[str]) -> Gathered:
    """Gather the definitions among the names and all that they call, each once and after what it calls."""
    definitions = read_definitions()
    needed = [definitions[name] for name in _order(names, definitions, set())]
    return Gathered(
        imports=tuple(dict.fromkeys(line for one in needed for line in one.imports)),
        definitions=tuple(one.text for one in needed),
    )


@functools.cache
def read_definitions() -> Mapping[str, Definition]:
    """Read every definition of the snippets, by its name."""
    return MappingProxyType(
        {name: one for path in sorted(SNIPPETS.glob("*.py")) for name, one in _read_module(path)}
    )


def find_names(code: ast.AST) -> tuple[str, ...]:
    """Return the names in a piece of code, each once, in the order in which they stand."""
    nodes = [node for node in ast.walk(code) if isinstance(node, ast.Name)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in nodes))


def _order(names: Iterable[str], definitions: Mapping[str, Definition], seen: set[str]) -> Iterator[str]:
    """Yield the definitions among the names, each after those that it names; `seen` gets them all."""
    for name in names:
        if name in definitions and name not in seen:
            seen.add(name)
            yield from _order(definitions[name].names, definitions, seen)
            yield name


def _read_module(path: Path) -> Iterator[tuple[str, Definition]]:
    source = path.read_text(encoding="utf-8")
    body = ast.parse(source).body
    imports = {name: line for node in body for name, line in _iterate_imports(node)}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = find_names(node)
            lines = tuple(imports[name] for name in names if name in imports)
            text = ast.get_source_segment(source, node)
            assert text is not None
            yield node.name, Definition(text, names, lines)


def _iterate_imports(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield each name that an import of another package binds, and a line that imports it alone."""
    if isinstance(node, ast.Import):
        for one in node.names:
            yield one.asname or one.name.partition(".")[0], ast.unparse(ast.Import([one]))
