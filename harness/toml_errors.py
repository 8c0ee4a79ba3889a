"""What is said of a TOML file in which a key or a word is none: where it stands, and what it may be.

Knows msgspec's messages and the types of a file; nothing of what the file is about.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import inspect

_WHERE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)
_UNKNOWN_KEY: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`")
_UNKNOWN_WORD: Final = re.compile(r"Invalid enum value (?P<word>.*)")
_STEP: Final = re.compile(r"(?P<key>[^.\[\]]+)|\[(?P<index>[^\]]*)\]")


def readable(error: msgspec.ValidationError, form: type) -> tuple[str, str]:
    """The path of the key that is wrong, such as `grid[0].layer`, and what is wrong with it.

    `form` is the type of the file. Of an unknown key or word the known ones are told, the nearest first.
    """
    match = _WHERE.fullmatch(str(error))
    what, path = (match["what"], match["path"]) if match else (str(error), "")
    key, word = _UNKNOWN_KEY.fullmatch(what), _UNKNOWN_WORD.fullmatch(what)
    if key is not None:
        what = f"unknown key `{key['key']}`; {near_misses(key['key'], _keys(_type_at(path, form)))}"
    elif word is not None:
        known = _words(_type_at(path, form))
        what = f"unknown word {word['word']}; {near_misses(word['word'].strip(chr(39)), known)}"
    return path, what


def near_misses(word: str, known: Iterable[str]) -> str:
    """What to say behind "unknown": the nearest known word, where one is near, and all of them."""
    listed = list(known)
    near = nearest(word, listed, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"{hint}Known: {', '.join(listed) or 'none'}"


def nearest(word: str, known: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """The known words that are like the word, whatever the case of their letters, the likest first."""
    folded = {one.casefold(): one for one in known}
    return [folded[one] for one in difflib.get_close_matches(word.casefold(), folded, most, cutoff)]


def _type_at(path: str, form: type) -> inspect.Type:
    """The type of what stands at the path."""
    found = inspect.type_info(form)
    for step in _STEP.finditer(path):
        found = next(_below(found, step["key"]))
    return found


def _below(found: inspect.Type, key: str | None) -> Iterator[inspect.Type]:
    """What a type holds under a key; without one, its items."""
    match found:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _below(one, key)
        case inspect.StructType(fields=fields) if key is not None:
            yield from (field.type for field in fields if field.encode_name == key)
        case inspect.VarTupleType(item_type=item) if key is None:
            yield item
        case inspect.DictType(value_type=value) if key is None:
            yield value
        case _:
            return


def _keys(found: inspect.Type) -> list[str]:
    match found:
        case inspect.StructType(fields=fields):
            return [field.encode_name for field in fields]
        case inspect.UnionType(types=types):
            return [key for one in types for key in _keys(one)]
        case _:
            return []


def _words(found: inspect.Type) -> list[str]:
    match found:
        case inspect.EnumType(cls=enum):
            return [str(member.value) for member in enum]
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
        case inspect.UnionType(types=types):
            return [word for one in types for word in _words(one)]
        case _:
            return []
