"""Reads a TOML file into a type; an error names the place in the file, and what is allowed there.

Knows msgspec's messages and the types of a file; nothing of the subject of the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from harness.errors import HarnessError
from harness.suggestions import suggest

Parsed = TypeVar("Parsed")

_WHERE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)
_UNKNOWN_KEY: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`")
_UNKNOWN_WORD: Final = re.compile(r"Invalid enum value (?P<word>.*)")
_STEP: Final = re.compile(r"(?P<key>[^.\[\]]+)|\[(?P<index>[^\]]*)\]")
_TABLE: Final = re.compile(r"(?P<kind>\w+)\[(?P<index>\d+)\]\.?(?P<rest>.*)")


def read_toml(path: Path, form: type[Parsed], see: str = "", named: Collection[str] = ()) -> Parsed:
    """Read a TOML file into a struct.

    Args:
        path: the file.
        form: a struct of msgspec.
        see: the document that explains the keys.
        named: the kinds of tables that errors identify by `name`: `grid 'mine'` for `grid[0]`.

    Raises:
        HarnessError: it cannot be read, is not TOML, or has an invalid key or value.
    """
    return convert_tables(path, parse_toml(path), form, see, named)


def parse_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file, unchecked.

    Raises:
        HarnessError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: malformed TOML: {error}") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error


def convert_tables(
    path: Path, tables: Mapping[str, Any], form: type[Parsed], see: str = "", named: Collection[str] = ()
) -> Parsed:
    """Convert the tables of a file to the struct `form`; the arguments are those of `read_toml`.

    Raises:
        HarnessError: a key or value is invalid.
    """
    try:
        return msgspec.convert(tables, form)
    except msgspec.ValidationError as error:
        key, what = _describe(error, form)
        place = _name_table(key, tables, named)
        where = f"{path}: {place}" if place else f"{path}"
        raise HarnessError(f"{where}: {what}{f'; see {see} for the keys' if see else ''}") from error


def _name_table(key: str, tables: Mapping[str, Any], named: Collection[str]) -> str:
    """Return a key's path with the name of its table instead of its index: `grid 'mine': turn.bias[0]`."""
    match = _TABLE.fullmatch(key)
    if match is None or match["kind"] not in named:
        return key
    table = tables[match["kind"]][int(match["index"])]
    name = table.get("name") if isinstance(table, dict) else None
    if not isinstance(name, str):
        return key
    return f"{match['kind']} {name!r}" + (f": {match['rest']}" if match["rest"] else "")


def _describe(error: msgspec.ValidationError, form: type) -> tuple[str, str]:
    """Return the path of the invalid key, such as `grid[0].layer`, and what is wrong with it.

    For an unknown key or word the known ones are listed, the nearest first.
    """
    match = _WHERE.fullmatch(str(error))
    what, path = (match["what"], match["path"]) if match else (str(error), "")
    key, word = _UNKNOWN_KEY.fullmatch(what), _UNKNOWN_WORD.fullmatch(what)
    if key is not None:
        what = f"unknown key `{key['key']}`; {suggest(key['key'], _list_keys(_find_type(path, form)))}"
    elif word is not None:
        known = _list_words(_find_type(path, form))
        what = f"unknown word {word['word']}; {suggest(word['word'].strip(chr(39)), known)}"
    return path, what


def _find_type(path: str, form: type) -> inspect.Type:
    """Return the type of the value at the path."""
    kind = inspect.type_info(form)
    for step in _STEP.finditer(path):
        kind = next(_step_into(kind, step["key"]))
    return kind


def _step_into(kind: inspect.Type, key: str | None) -> Iterator[inspect.Type]:
    """Yield the types that a type has under a key; those of its items without one."""
    match kind:
        case inspect.UnionType(types=types):
            for member in types:
                yield from _step_into(member, key)
        case inspect.StructType(fields=fields) if key is not None:
            yield from (field.type for field in fields if field.encode_name == key)
        case inspect.VarTupleType(item_type=item) if key is None:
            yield item
        case inspect.DictType(value_type=value) if key is None:
            yield value
        case _:
            return


def _list_keys(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.StructType(fields=fields):
            return [field.encode_name for field in fields]
        case inspect.UnionType(types=types):
            return [key for member in types for key in _list_keys(member)]
        case _:
            return []


def _list_words(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.EnumType(cls=enum):
            return [str(member.value) for member in enum]
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
        case inspect.UnionType(types=types):
            return [word for union_member in types for word in _list_words(union_member)]
        case _:
            return []
