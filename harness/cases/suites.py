"""Reads grids and suites from folders of TOML files, checks them, and expands suites."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from harness.cases.expansion import expand_grid
from harness.cases.grids import Grid
from harness.errors import EXIT_EMPTY, HarnessError
from harness.records import Case
from harness.suggestions import find_nearest
from harness.toml_files import read_toml

_GRIDS: Final = "grids"
_REGRESSIONS: Final = "regressions"
_SUITES: Final = "suites"

_MAX_LISTED_NAMES: Final = 8
"""The number of names that an error message lists."""

_ABOUT_KEYS: Final = "cases/README.md"
_NAMED: Final = ("grid", "suite")
"""The tables whose entries have names."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
PositiveCount = Annotated[int, msgspec.Meta(ge=1)]
Parsed = TypeVar("Parsed")


class SuitePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cases that a suite takes from a grid: all, or every nth from the first on."""

    grid: Name
    every: PositiveCount = 1


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named selection of cases. `count` states their number, and is checked."""

    name: Name
    about: str
    take: tuple[SuitePart, ...]
    count: PositiveCount | None = None


class _GridFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    grid: tuple[Grid, ...]


class InstructionSet(StrEnum):
    """What a processor must support, lack, or be restricted to, for a divergence to show."""

    AVX512 = "AVX-512"
    NO_AVX512 = "no AVX-512"
    BFLOAT16 = "AVX512_BF16 or AMX"


class RegressionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A divergence that was found once, its provenance, and the grids that find it again.

    `instruction_set` is the one that it needs, None where every processor shows it.
    """

    found: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    target: str
    what: str
    why: str
    reproduction: str
    upstream: tuple[str, ...]
    grid: tuple[Grid, ...]
    instruction_set: InstructionSet | None = None


class _SuiteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    suite: tuple[Suite, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """All grids and suites, by name, and the file that defines each."""

    grids: Mapping[str, Grid]
    suites: Mapping[str, Suite]
    files: Mapping[str, Path]


def list_case_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder of cases, grids before the suites that take them."""
    for name in (_GRIDS, _REGRESSIONS, _SUITES):
        yield from sorted(folder.glob(f"{name}/*.toml"))


def load_library(folders: Sequence[Path]) -> Library:
    """Read `grids/*.toml`, `regressions/*.toml` and `suites/*.toml` of each folder.

    Raises:
        HarnessError: a folder without cases, malformed TOML, an unknown key or value, a name used twice, or a
            suite that takes a grid twice or one that does not exist.
    """
    grids: dict[str, Grid] = {}
    suites: dict[str, Suite] = {}
    files: dict[str, Path] = {}
    for folder in folders:
        paths = tuple(list_case_files(folder))
        if not any(path.parent.name in {_GRIDS, _SUITES} for path in paths):
            raise HarnessError(f"{folder}: no grids/*.toml and no suites/*.toml; is this a folder of cases?")
        for path in paths:
            if path.parent.name == _SUITES:
                for suite in read_toml(path, _SuiteFile, _ABOUT_KEYS, _NAMED).suite:
                    _add_named(suites, suite.name, suite, path, files, "suite")
            else:
                read = (
                    read_toml(path, _GridFile, _ABOUT_KEYS, _NAMED)
                    if path.parent.name == _GRIDS
                    else read_regression(path)
                )
                for grid in read.grid:
                    _add_named(grids, grid.name, grid, path, files, "grid")
    library = Library(grids, suites, files)
    for suite in suites.values():
        _check_suite(library, suite)
    return library


def read_regression(path: Path) -> RegressionFile:
    """Read the file of one divergence.

    Raises:
        HarnessError: it cannot be read, or a key or value is invalid.
    """
    return read_toml(path, RegressionFile, _ABOUT_KEYS, _NAMED)


def expand_suites(library: Library, suites: Iterable[str]) -> Iterator[Case]:
    """Yield the cases of the suites, each once, in the order of the files.

    A case that two grids or two suites share comes once; one that a grid gives twice is an error.

    Raises:
        HarnessError: an unknown suite, a case that a grid gives twice, or, at the end, all wrong counts.
    """
    last: dict[int, tuple[int, int]] = {}
    miscounted: dict[str, None] = {}
    for number, name in enumerate(suites):
        suite = library.suites.get(name)
        if suite is None:
            raise HarnessError(_describe_unknown_name("suite", name, library))
        count = 0
        for place, case in _expand_suite(library, suite, miscounted):
            key = _hash_case(case)
            before, last[key] = last.get(key), (number, place)
            if before == (number, place):
                where = _format_place(library, "grid", suite.take[place].grid)
                raise HarnessError(f"{where}: the case {case.id} comes twice; drop one")
            count += before is None or before[0] != number
            if before is None:
                yield case
        _note_miscount(
            suite.count, count, f"{_format_place(library, 'suite', name)}", "the grids give", miscounted
        )
    if miscounted:
        raise HarnessError("\n".join(miscounted))
    if not last:
        raise HarnessError("no case was selected; name at least one suite", EXIT_EMPTY)


def count_cases(library: Library, suites: Sequence[str]) -> Mapping[str, int]:
    """Count the cases of each of the suites.

    Raises:
        HarnessError: as `expand_suites`, for all suites at once.
    """
    for _ in expand_suites(library, suites):
        pass
    return {name: sum(1 for _ in expand_suites(library, [name])) for name in suites}


def _note_miscount(
    stated: int | None, counted: int, place: str, gives: str, miscounted: dict[str, None]
) -> None:
    """Note a wrong count. They are reported together, so that all can be corrected at once."""
    if stated not in {None, counted}:
        miscounted[f"{place}: `count` says {stated}, {gives} {counted}; correct whichever is wrong"] = None


def _hash_case(case: Case) -> int:
    """Return eight bytes that identify a case, which take less memory than its id in large suites."""
    return int.from_bytes(hashlib.blake2b(case.id.encode(), digest_size=8).digest())


def _expand_suite(library: Library, suite: Suite, miscounted: dict[str, None]) -> Iterator[tuple[int, Case]]:
    """Yield the cases, each with the index of the part of the suite that it comes from."""
    for number, part in enumerate(suite.take):
        place, grid = _format_place(library, "grid", part.grid), library.grids[part.grid]
        num_cases = 0
        for index, case in enumerate(expand_grid(grid, place)):
            num_cases += 1
            if index % part.every == 0:
                yield number, case
        _note_miscount(grid.count, num_cases, place, "the axes give", miscounted)


def _check_suite(library: Library, suite: Suite) -> None:
    for part in suite.take:
        if part.grid not in library.grids:
            where = f"{_format_place(library, 'suite', suite.name)}: `take`"
            raise HarnessError(f"{where}: {_describe_unknown_name('grid', part.grid, library)}")
    taken = Counter(part.grid for part in suite.take)
    twice = [name for name, number in taken.items() if number > 1]
    if twice:
        where = f"{_format_place(library, 'suite', suite.name)}: `take`"
        raise HarnessError(f"{where}: grid {twice[0]!r} twice; drop one")


def _describe_unknown_name(kind: str, name: str, library: Library) -> str:
    """Describe an unknown name: list similar names, or all there are and how many more."""
    known: Mapping[str, object] = library.suites if kind == "suite" else library.grids
    if near := find_nearest(name, known, 3):
        return f"no {kind} {name!r}; did you mean {' or '.join(near)}?"
    shown = (
        sorted(known)
        if len(known) <= _MAX_LISTED_NAMES
        else find_nearest(name, known, _MAX_LISTED_NAMES, cutoff=0.0)
    )
    more = len(known) - len(shown)
    where = (
        "`keras-harness cases` lists them"
        if kind == "suite"
        else f"{_format_grid_files(library)} define them"
    )
    return f"no {kind} {name!r}; there are {', '.join(shown)}{f' and {more} more; {where}' if more else ''}"


def _format_grid_files(library: Library) -> str:
    """Format where grids are defined."""
    folders = dict.fromkeys(path.parent for key, path in library.files.items() if key.startswith("grid "))
    return ", ".join(f"{folder}/*.toml" for folder in folders)


def _format_place(library: Library, kind: str, name: str) -> str:
    return f"{library.files[f'{kind} {name}']}: {kind} {name!r}"


def _add_named(
    known: dict[str, Parsed], name: str, item: Parsed, path: Path, files: dict[str, Path], kind: str
) -> None:
    key = f"{kind} {name}"
    if key in files:
        raise HarnessError(f"{path}: {kind} {name!r} is already defined in {files[key]}; rename one")
    known[name] = item
    files[key] = path
