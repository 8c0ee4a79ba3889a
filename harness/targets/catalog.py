"""Makes `Target` records and variants from lists of targets. Knows nothing of uv or processes.

The shipped list and a user's own have the same format (`list_format.py`) and together form one
catalog: a family may use a base that another file lists.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from packaging.requirements import InvalidRequirement
from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError
from harness.records import HOME_PLACEHOLDER, BuiltEnvironment, Target
from harness.suggestions import suggest
from harness.targets.list_format import BaseTable, FamilyTable, ListFile, VariantTable, read_list
from harness.targets.requirements import parse_requirement
from harness.targets.variants import Variant

RESERVED_NAMES: Final = frozenset({"here", "newest"})
"""Selectors that look like names."""

_PYTHON: Final = re.compile(r"3\.\d{1,2}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_VARIANT_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*(=[A-Za-z0-9._-]+)?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")

_Lists: TypeAlias = Sequence[tuple[Path, ListFile]]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All targets that can be built, in the order of the files, and the variants listed for them."""

    targets: tuple[Target, ...]
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class _Base:
    """A base of the list; `place` begins every error about it."""

    place: str
    built: BuiltEnvironment


def read_catalog(files: Sequence[Path]) -> Catalog:
    """Read the targets and variants of all files, in order.

    Raises:
        HarnessError: a file cannot be read, is not TOML, breaks the format, repeats a name, names a base
            or a backend that is not listed, or lists a base that no family uses.
    """
    lists = [(file, read_list(file)) for file in files]
    bases = _make_bases(lists)
    targets, used = _make_targets(lists, bases)
    for name, base in bases.items():
        if name not in used:
            raise HarnessError(
                f"{base.place}: no family uses base {name!r}; name it in a family's `base`, or remove it"
            )
    return Catalog(targets, _make_variants(lists, targets))


def _make_bases(lists: _Lists) -> dict[str, _Base]:
    """Return the bases by name."""
    bases: dict[str, _Base] = {}
    origins: dict[str, Path] = {}
    for file, content in lists:
        for index, table in enumerate(content.base):
            place = f"{file}: base[{index}]"
            for name, built in _expand_base_table(table, content.as_of, place):
                _claim_name(origins, name, file, "base")
                bases[name] = _Base(place, built)
    return bases


def _expand_base_table(
    table: BaseTable, as_of: datetime.date | None, place: str
) -> Iterator[tuple[str, BuiltEnvironment]]:
    """Yield the table's bases, each with its name: one for each version, or the only one."""
    if not _PYTHON.fullmatch(table.python):
        raise HarnessError(f"{place}.python: {table.python!r} is no Python version; write it like '3.11'")
    for version in table.versions or (None,):
        words = _find_placeholder_values(version, f"{place}.versions")
        name = _fill_placeholders(table.name, words, f"{place}.name")
        if not _NAME.fullmatch(name):
            raise HarnessError(
                f"{place}.name: {name!r} cannot name a base; use letters, digits and any of '._-'"
            )
        requires = _fill_requirements(table.requires, words, f"{place}.requires")
        yield (
            name,
            BuiltEnvironment(
                table.python,
                requires,
                stub_libraries=table.stub_libraries,
                as_of="" if as_of is None else as_of.isoformat(),
            ),
        )


def _make_targets(lists: _Lists, bases: Mapping[str, _Base]) -> tuple[tuple[Target, ...], frozenset[str]]:
    """Return the targets of all families, and the names of the bases that they use."""
    targets: list[Target] = []
    used: set[str] = set()
    origins: dict[str, Path] = {}
    lines: dict[str, FamilyTable] = {}
    for file, content in lists:
        for index, table in enumerate(content.family):
            place = f"{file}: family[{index}]"
            _check_family(table, lines.setdefault(table.name, table), place)
            for version in table.versions:
                target, base = _make_target(table, version, bases, place)
                _claim_name(origins, target.name, file, "target")
                targets.append(target)
                used.add(base)
    return tuple(targets), frozenset(used)


def _check_family(table: FamilyTable, first: FamilyTable, place: str) -> None:
    """Reject what is wrong whatever the version; `first` is the first table of the same line."""
    for key in ("name", "backend", "lineage"):
        value = getattr(table, key)
        if not _NAME.fullmatch(value):
            raise HarnessError(f"{place}.{key}: {value!r} is no name; write a word such as 'tensorflow'")
    for key in ("api", "backend", "lineage"):
        this, other = str(getattr(table, key)), str(getattr(first, key))
        if this != other:
            raise HarnessError(
                f"{place}.{key}: {this!r}, but another table of family {table.name!r} has {other!r}; "
                "a family is one line of versions, so give this one another `name`"
            )
    _check_variables(table.variables, place)


def _make_target(
    family: FamilyTable, version: str, bases: Mapping[str, _Base], place: str
) -> tuple[Target, str]:
    """Return the target of a version, and the name of its base."""
    words = _find_placeholder_values(version, f"{place}.versions")
    name = _fill_placeholders(family.target, words, f"{place}.target")
    if not _NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise HarnessError(
            f"{place}.target: {name!r} cannot name a target; use letters, digits and any of '._-', "
            f"put {{version}} where the version stands, and avoid {', '.join(sorted(RESERVED_NAMES))}"
        )
    base = _fill_placeholders(family.base, words, f"{place}.base")
    if base not in bases:
        raise HarnessError(f"{place}.base: base {base!r} is not listed; {suggest(base, bases)}")
    overlay = _fill_requirements(family.overlay, words, f"{place}.overlay")
    target = Target(
        name=name,
        api=family.api,
        version=version,
        backend=family.backend,
        lineage=family.lineage,
        realisation=replace(bases[base].built, overlay=overlay),
        variables=dict(family.variables),
        family=family.name,
    )
    return target, base


def _make_variants(lists: _Lists, targets: Sequence[Target]) -> tuple[Variant, ...]:
    backends = tuple(dict.fromkeys(target.backend for target in targets))
    variants: list[Variant] = []
    origins: dict[str, Path] = {}
    for file, content in lists:
        for index, table in enumerate(content.variant):
            variants.append(_make_variant(table, backends, f"{file}: variant[{index}]"))
            whose = " ".join((*table.backends, *table.needs))
            _claim_name(origins, table.name, file, "variant", whose)
    return tuple(variants)


def _make_variant(table: VariantTable, backends: Sequence[str], place: str) -> Variant:
    if not _VARIANT_NAME.fullmatch(table.name):
        raise HarnessError(
            f"{place}.name: {table.name!r} cannot name a variant; write it like 'onednn=0', "
            "with letters, digits and any of '._-'"
        )
    for backend in table.backends:
        if backend not in backends:
            raise HarnessError(
                f"{place}.backends: no target has backend {backend!r}; {suggest(backend, backends)}"
            )
    _check_variables(table.variables, place)
    needs = _fill_requirements(table.needs, {}, f"{place}.needs")
    return Variant(table.name, table.about, table.backends, dict(table.variables), needs)


def _check_variables(variables: Mapping[str, str], place: str) -> None:
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise HarnessError(f"{place}.variables: {name!r} is no name of an environment variable")
        for placeholder in _PLACEHOLDER.findall(value):
            if placeholder != HOME_PLACEHOLDER:
                raise HarnessError(
                    f"{place}.variables.{name}: {placeholder} stands for nothing; "
                    f"only {HOME_PLACEHOLDER} does, for the private folder of the target"
                )


def _find_placeholder_values(version: str | None, place: str) -> dict[str, str]:
    """Return the values of the placeholders; none where there is no version."""
    if version is None:
        return {}
    try:
        Version(version)
    except InvalidVersion as error:
        raise HarnessError(f"{place}: {version!r} is no version; write it like '3.15.1'") from error
    return {"{version}": version, "{minor}": ".".join(version.split(".")[:2])}


def _fill_placeholders(text: str, words: Mapping[str, str], place: str) -> str:
    """Return the text with its placeholders replaced by their values."""
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in words:
            remedy = suggest(placeholder, words) if words else "list the `versions` that it stands for"
            raise HarnessError(f"{place}: {placeholder} in {text!r} stands for nothing; {remedy}")
    return _PLACEHOLDER.sub(lambda match: words[match[0]], text)


def _fill_requirements(texts: Sequence[str], words: Mapping[str, str], place: str) -> tuple[str, ...]:
    filled = [_fill_placeholders(text, words, f"{place}[{index}]") for index, text in enumerate(texts)]
    for index, text in enumerate(filled):
        try:
            parse_requirement(text)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            raise HarnessError(
                f"{place}[{index}]: {text!r} is no requirement ({reason}); write it like 'numpy==2.4.6'"
            ) from error
    return tuple(filled)


def _claim_name(origins: dict[str, Path], name: str, file: Path, what: str, whose: str = "") -> None:
    """Record the place of a name, which must be unique among those of its kind, `whose`."""
    key = f"{name} {whose}".casefold()
    if key in origins:
        raise HarnessError(
            f"{file}: {what} {name!r} is already defined in {origins[key]}; rename or remove one"
        )
    origins[key] = file
