"""Reads lists of targets (TOML) into `Target` records. Knows the file format, nothing of uv or processes.

A list holds `[[family]]` tables; a family is one target per version. The shipped list and a
person's own have the same format and together form one catalog.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError
from harness.records import Built, Target

Catalog: TypeAlias = tuple[Target, ...]
"""All targets that can be built, in the order of the files."""

API_IMPORTS: Final[Mapping[str, str]] = MappingProxyType({"keras": "import keras"})
"""The APIs that a target may have, and the statement that binds each to the name `keras`."""

RESERVED_NAMES: Final = frozenset({"here", "newest"})
"""Selectors that look like names."""

_PLACEHOLDER: Final = "{version}"
_PYTHON: Final = re.compile(r"3\.\d{1,2}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._+-]*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHERE: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)
_UNKNOWN_KEY: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`")

_Words = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class _Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    api: str
    backend: str
    lineage: str
    python: str
    versions: _Words
    requires: _Words
    variables: dict[str, str] = {}


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Literal[1]
    family: Annotated[tuple[_Family, ...], msgspec.Meta(min_length=1)]


def read_catalog(files: Sequence[Path]) -> Catalog:
    """The targets of all files, in order.

    Raises:
        HarnessError: a file cannot be read, is not TOML, breaks the format, or repeats a target's name.
    """
    origins: dict[str, Path] = {}
    targets: list[Target] = []
    for file in files:
        for target in _read_file(file):
            key = target.name.casefold()
            if key in origins:
                raise HarnessError(
                    f"{file}: target {target.name!r} is already defined in {origins[key]}; "
                    "rename or remove one"
                )
            origins[key] = file
            targets.append(target)
    return tuple(targets)


def _read_file(file: Path) -> Iterator[Target]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{file}: the list of targets cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"{file}: not valid TOML: {error}") from error
    try:
        content = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        raise HarnessError(f"{file}: {_readable(str(error))}") from error
    for index, family in enumerate(content.family):
        yield from _targets(family, f"{file}: family[{index}]")


def _readable(message: str) -> str:
    """A msgspec message with the key's path in front and, for an unknown key, the known ones behind."""
    match = _WHERE.fullmatch(message)
    what, path = (match["what"], match["path"]) if match else (message, "")
    unknown = _UNKNOWN_KEY.fullmatch(what)
    if unknown is not None:
        known = _Family.__struct_fields__ if path else _File.__struct_fields__
        near = difflib.get_close_matches(unknown["key"], known, n=1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        what = f"unknown key `{unknown['key']}`; {hint}Known keys: {', '.join(known)}"
    return f"{path}: {what}" if path else what


def _targets(family: _Family, place: str) -> Iterator[Target]:
    """The family's targets, one per version; `place` begins every complaint."""
    if family.api not in API_IMPORTS:
        raise HarnessError(f"{place}.api: unknown API {family.api!r}; known: {', '.join(API_IMPORTS)}")
    for key, value in (("backend", family.backend), ("lineage", family.lineage)):
        if not _NAME.fullmatch(value):
            raise HarnessError(f"{place}.{key}: {value!r} is no name; write a word such as 'tensorflow'")
    if not _PYTHON.fullmatch(family.python):
        raise HarnessError(f"{place}.python: {family.python!r} is no Python version; write it like '3.11'")
    for variable in family.variables:
        if not _VARIABLE.fullmatch(variable):
            raise HarnessError(f"{place}.variables: {variable!r} is no name of an environment variable")
    for version in family.versions:
        yield _target(family, version, place)


def _target(family: _Family, version: str, place: str) -> Target:
    try:
        Version(version)
    except InvalidVersion as error:
        raise HarnessError(f"{place}.versions: {version!r} is no version; write it like '3.15.1'") from error
    name = family.name.replace(_PLACEHOLDER, version)
    if not _NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise HarnessError(
            f"{place}.name: {name!r} cannot name a target; use letters, digits and any of '._+-', "
            f"put {_PLACEHOLDER} where the version stands, and avoid {', '.join(sorted(RESERVED_NAMES))}"
        )
    return Target(
        name=name,
        api=family.api,
        version=version,
        backend=family.backend,
        lineage=family.lineage,
        realisation=Built(
            python=family.python,
            requires=tuple(
                _requirement(text.replace(_PLACEHOLDER, version), f"{place}.requires[{index}]")
                for index, text in enumerate(family.requires)
            ),
        ),
        variables=dict(family.variables),
    )


def _requirement(text: str, place: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise HarnessError(
            f"{place}: {text!r} is no requirement ({reason}); write it like 'numpy==2.4.6'"
        ) from error
    return text
