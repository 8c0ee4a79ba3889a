"""Read the functions that scripts are assembled from: those of the files in `snippets/`."""

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
    """A top-level function or class: its text, the names in it, and the imports that some of them need."""

    text: str
    names: tuple[str, ...]
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The snippets of a script: import lines, and definitions in order."""

    imports: tuple[str, ...]
    definitions: tuple[str, ...]


def gather_snippets(names: Iterable[str]) -> Gathered:
    """Gather the definitions of the names and of all that they use, each once and after what it uses."""
    definitions = read_definitions()
    needed = [definitions[name] for name in _iterate_in_order(names, definitions, set())]
    return Gathered(
        imports=tuple(dict.fromkeys(line for definition in needed for line in definition.imports)),
        definitions=tuple(definition.text for definition in needed),
    )


@functools.cache
def read_definitions() -> Mapping[str, Definition]:
    """Read every definition of the snippets, by its name."""
    return MappingProxyType(
        {
            name: definition
            for path in sorted(SNIPPETS.glob("*.py"))
            for name, definition in _read_module(path)
        }
    )


def find_names(code: ast.AST) -> tuple[str, ...]:
    """Return the names in a piece of code, each once, in order of appearance."""
    nodes = [node for node in ast.walk(code) if isinstance(node, ast.Name)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in nodes))


def _iterate_in_order(
    names: Iterable[str], definitions: Mapping[str, Definition], seen: set[str]
) -> Iterator[str]:
    """Yield the names that have definitions, each after those that it uses, and add them to `seen`."""
    for name in names:
        if name in definitions and name not in seen:
            seen.add(name)
            yield from _iterate_in_order(definitions[name].names, definitions, seen)
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
    """Yield each name that an import of another package binds, with a line that imports only it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], ast.unparse(ast.Import([alias]))
