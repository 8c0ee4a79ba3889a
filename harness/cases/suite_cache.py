"""Keeps the expanded cases of suites, since covering arrays take seconds and seldom change.

An entry is a text file: a checksum, and below it the ids of the cases, one a line. Its name holds a digest of
all that the cases are made from: the files of cases, the source of the packages that expand them, and the
versions of what those compute with. So an entry is never wrong, only missing: it is made again where it is
damaged, where anything of that has changed, and where the cache cannot be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import ml_dtypes
import msgspec
import numpy as np

from harness import __version__
from harness.cases.suites import expand_suites, list_case_files, load_library
from harness.errors import HarnessError
from harness.files import replace_text
from harness.records import Case, parse_case_id
from harness.resources import PACKAGE

SUITES: Final = "suites"
"""The folder of the cache that holds the entries."""

EXPANDING: Final = ("cases", "data", "oracle", "records")
"""The packages that decide which cases a suite has."""

_VERSIONS: Final = (__version__, sys.version, np.__version__, ml_dtypes.__version__, msgspec.__version__)
_KEY_LENGTH: Final = 12


def read_or_expand(folders: Sequence[Path], suites: Sequence[str], cache: Path) -> tuple[Case, ...]:
    """Return the cases of the suites as `expand_suites` gives them, from the cache where they lie there.

    Raises:
        HarnessError: as `load_library` and `expand_suites`; nothing that is wrong with the cache.
    """
    try:
        entry = _locate_entry(folders, suites, cache)
    except OSError:
        # A file of cases that cannot be read: those who parse it say which.
        return tuple(expand_suites(load_library(folders), suites))
    cases = _read(entry)
    if cases is None:
        cases = tuple(expand_suites(load_library(folders), suites))
        with contextlib.suppress(OSError):
            _write(entry, cases)
    return cases


def _locate_entry(folders: Sequence[Path], suites: Sequence[str], cache: Path) -> Path:
    """Return where the cases lie: `<key of the folders>-<digest>-<key of the suites>.txt`.

    Raises:
        OSError: a file that they are made from cannot be read.
    """
    place = _make_key(str(folder.resolve()).encode() for folder in folders)
    digest = _make_key([repr(_VERSIONS).encode(), *_iterate_texts(folders)])
    return cache / SUITES / f"{place}-{digest}-{_make_key(name.encode() for name in suites)}.txt"


def _iterate_texts(folders: Sequence[Path]) -> Iterator[bytes]:
    """Give the name and the text of every file that cases are made from."""
    sources = (path for name in EXPANDING for path in sorted((PACKAGE / name).rglob("*.py")))
    for path in (*sources, *(path for folder in folders for path in list_case_files(folder))):
        yield f"{path.parent.name}/{path.name}".encode()
        yield path.read_bytes()


def _make_key(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d " % len(part))
        digest.update(part)
    return digest.hexdigest()[:_KEY_LENGTH]


def _read(entry: Path) -> tuple[Case, ...] | None:
    """Return the cases of an entry, None where it is missing or damaged."""
    try:
        checksum, _, ids = entry.read_text(encoding="utf-8").partition("\n")
        if checksum != _compute_checksum(ids):
            return None
        return tuple(map(parse_case_id, ids.splitlines()))
    except (OSError, UnicodeDecodeError, HarnessError):
        return None


def _write(entry: Path, cases: Iterable[Case]) -> None:
    """Write an entry, and delete those that the same folders had before something changed.

    Raises:
        OSError: the cache cannot be written.
    """
    ids = "".join(f"{case.id}\n" for case in cases)
    entry.parent.mkdir(parents=True, exist_ok=True)
    replace_text(entry, f"{_compute_checksum(ids)}\n{ids}")
    place, digest, _ = entry.name.split("-")
    for other in entry.parent.glob(f"{place}-*.txt"):
        if other.name.split("-")[1] != digest:
            other.unlink(missing_ok=True)


def _compute_checksum(text: str) -> str:
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"
