"""Reads grids and suites from folders of TOML and checks them; the only files the generator touches."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from harness.errors import EXIT_EMPTY, HarnessError
from harness.generator.design import expand
from harness.generator.grids import Grid
from harness.records import Case

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Count = Annotated[int, msgspec.Meta(ge=1)]
Parsed = TypeVar("Parsed")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a suite takes from a grid: every case, or every nth beginning with the first."""

    grid: Name
    every: Count = 1


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named selection of cases. `count` states how many there are, and is checked."""

    name: Name
    about: str
    count: Count
    take: tuple[Part, ...]


class _GridFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    grid: tuple[Grid, ...]


class _RegressionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A divergence that was found once, its provenance, and the grids that find it again."""

    found: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    target: str
    what: str
    why: str
    reproduction: str
    upstream: tuple[str, ...]
    grid: tuple[Grid, ...]


class _SuiteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    suite: tuple[Suite, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """All grids and suites that were found, by name, and the file each came from."""

    grids: Mapping[str, Grid]
    suites: Mapping[str, Suite]
    files: Mapping[str, Path]


def load_library(folders: Sequence[Path]) -> Library:
    """Read `grids/*.toml`, `regressions/*.toml` and `suites/*.toml` of each folder.

    Raises:
        HarnessError: a folder without cases, malformed TOML, an unknown key or value, a name used
            twice, a suite that takes a grid that does not exist, or one twice.
    """
    grids: dict[str, Grid] = {}
    suites: dict[str, Suite] = {}
    files: dict[str, Path] = {}
    for folder in folders:
        if not any(folder.glob("grids/*.toml")) and not any(folder.glob("suites/*.toml")):
            raise HarnessError(f"{folder}: no grids/*.toml and no suites/*.toml; is this a folder of cases?")
        for path in sorted(folder.glob("grids/*.toml")):
            for grid in _read(path, _GridFile).grid:
                _add(grids, grid.name, grid, path, files, "grid")
        for path in sorted(folder.glob("regressions/*.toml")):
            for grid in _read(path, _RegressionFile).grid:
                _add(grids, grid.name, grid, path, files, "grid")
        for path in sorted(folder.glob("suites/*.toml")):
            for suite in _read(path, _SuiteFile).suite:
                _add(suites, suite.name, suite, path, files, "suite")
    library = Library(grids, suites, files)
    for suite in suites.values():
        _check_suite(library, suite)
    return library


def cases_of(library: Library, suites: Iterable[str]) -> Iterator[Case]:
    """The cases of the suites, each once, in the order of the files. Streams; checks as it goes.

    A case that two grids or two suites share comes once; one that a grid gives twice is an error.

    Raises:
        HarnessError: an unknown suite, a count that does not hold, a case that a grid gives twice.
    """
    last: dict[int, tuple[int, int]] = {}
    for number, name in enumerate(suites):
        suite = library.suites.get(name)
        if suite is None:
            raise HarnessError(_unknown("suite", name, library.suites))
        count = 0
        for place, case in _suite_cases(library, suite):
            key = _key(case)
            before, last[key] = last.get(key), (number, place)
            if before == (number, place):
                where = _place(library, "grid", suite.take[place].grid)
                raise HarnessError(f"{where}: the case {case.id} comes twice; drop one")
            count += before is None or before[0] != number
            if before is None:
                yield case
        if count != suite.count:
            raise HarnessError(
                f"{_place(library, 'suite', name)}: `count` says {suite.count}, the grids give {count};"
                " correct whichever is wrong"
            )
    if not last:
        raise HarnessError("no case was selected; name at least one suite", EXIT_EMPTY)


def _key(case: Case) -> int:
    """Eight bytes to know a case by: a suite of hundreds of thousands has no need of their names."""
    return int.from_bytes(hashlib.blake2b(case.id.encode(), digest_size=8).digest())


def _suite_cases(library: Library, suite: Suite) -> Iterator[tuple[int, Case]]:
    """The cases, each with the number of the part of the suite that it comes from."""
    for number, part in enumerate(suite.take):
        place = _place(library, "grid", part.grid)
        for index, case in enumerate(expand(library.grids[part.grid], place)):
            if index % part.every == 0:
                yield number, case


def _check_suite(library: Library, suite: Suite) -> None:
    for part in suite.take:
        if part.grid not in library.grids:
            where = f"{_place(library, 'suite', suite.name)}: `take`"
            raise HarnessError(f"{where}: {_unknown('grid', part.grid, library.grids)}")
    taken = Counter(part.grid for part in suite.take)
    twice = [name for name, number in taken.items() if number > 1]
    if twice:
        where = f"{_place(library, 'suite', suite.name)}: `take`"
        raise HarnessError(f"{where}: grid {twice[0]!r} twice; drop one")


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(known))}"
    return f"no {kind} {name!r}; {hint}"


def _place(library: Library, kind: str, name: str) -> str:
    return f"{library.files[f'{kind} {name}']}: {kind} {name!r}"


def _add(
    known: dict[str, Parsed], name: str, item: Parsed, path: Path, files: dict[str, Path], kind: str
) -> None:
    key = f"{kind} {name}"
    if key in files:
        raise HarnessError(f"{path}: {kind} {name!r} is already defined in {files[key]}; rename one")
    known[name] = item
    files[key] = path


def _read(path: Path, form: type[Parsed]) -> Parsed:
    """Parse and validate one file; msgspec's errors name the key's path."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=form)
    except msgspec.ValidationError as error:
        raise HarnessError(f"{path}: {error}; see cases/README.md for the keys") from error
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: malformed TOML: {error}") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error
