"""The format of a list of targets (TOML), with errors that name file, key and remedy. Knows no target.

A list holds `[[base]]`, `[[family]]` and `[[variant]]` tables; `cases/targets.toml` explains each key.
References between tables are checked in `catalog.py`, since a user's own list may use the
bases of the shipped one.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from harness.errors import HarnessError
from harness.records import Api, StubLibrary
from harness.toml_files import convert_tables, parse_toml

LIST_FORMAT: Final = 2
"""The format of the lists that this harness reads."""

_Words = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class BaseTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A heavy environment that several Keras versions share; one for each version, or a single one."""

    name: str
    python: str
    requires: _Words
    versions: tuple[str, ...] = ()
    stub_libraries: tuple[StubLibrary, ...] = msgspec.field(default=(), name="stand_ins")


class FamilyTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A family of targets, one for each version."""

    name: str
    target: str
    api: Api
    backend: str
    lineage: str
    base: str
    versions: _Words
    overlay: tuple[str, ...] = ()
    variables: dict[str, str] = {}


class VariantTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Flags that can change a target's answers."""

    name: str
    about: _Text
    backends: _Words
    needs: tuple[str, ...] = ()
    variables: Annotated[dict[str, str], msgspec.Meta(min_length=1)]


class ListFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file; its format version is checked before anything else."""

    format: int
    as_of: datetime.date | None = None
    base: tuple[BaseTable, ...] = ()
    family: tuple[FamilyTable, ...] = ()
    variant: tuple[VariantTable, ...] = ()


def read_list(file: Path) -> ListFile:
    """Read the tables of one file.

    Raises:
        HarnessError: it cannot be read, is not TOML, has another format, or has an invalid key or value.
    """
    tables = parse_toml(file)
    if tables.get("format") != LIST_FORMAT:
        raise HarnessError(f"{file}: {_describe_other_format(tables)}")
    content = convert_tables(file, tables, ListFile)
    if not (content.base or content.family or content.variant):
        raise HarnessError(f"{file}: it lists nothing; add a [[family]], a [[base]] or a [[variant]]")
    return content


def _describe_other_format(data: dict[str, object]) -> str:
    match data.get("format"):
        case None:
            return f"Object missing required field `format`; write `format = {LIST_FORMAT}` at the top"
        case 1:
            return (
                f"format: 1 is that of an earlier harness; write {LIST_FORMAT}, call a family's `name` "
                "`target`, and move its `python` and `requires` to a [[base]] that it names, as "
                "cases/targets.toml does"
            )
        case other:
            return f"format: {other!r} is not known; this harness reads format {LIST_FORMAT}"
