"""Caches the expanded cases of suites, since covering arrays take seconds and seldom change.

An entry is a text file: a checksum, then the ids of the cases, one per line. Its name holds a digest of
everything that determines the cases: the case files, the source of the packages that expand them, and the
versions of their dependencies. So an entry is never wrong, only missing: it is rebuilt when it is damaged,
when anything of that has changed, or when the cache cannot be read.
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
"""The packages that determine the cases of a suite."""

_VERSIONS: Final = (__version__, sys.version, np.__version__, ml_dtypes.__version__, msgspec.__version__)
_KEY_LENGTH: Final = 12


def read_or_expand(folders: Sequence[Path], suites: Sequence[str], cache: Path) -> tuple[Case, ...]:
    """Return the cases of the suites as `expand_suites` yields them, from the cache where it holds them.

    Raises:
        HarnessError: as `load_library` and `expand_suites`; never for a fault of the cache.
    """
    try:
        entry = _locate_entry(folders, suites, cache)
    except OSError:
        # A case file cannot be read; parsing it reports which.
        return tuple(expand_suites(load_library(folders), suites))
    cases = _read(entry)
    if cases is None:
        cases = tuple(expand_suites(load_library(folders), suites))
        with contextlib.suppress(OSError):
            _write(entry, cases)
    return cases


def _locate_entry(folders: Sequence[Path], suites: Sequence[str], cache: Path) -> Path:
    """Return the path of the entry: `<key of the folders>-<digest>-<key of the suites>.txt`.

    Raises:
        OSError: a file that the digest covers cannot be read.
    """
    place = _make_key(str(folder.resolve()).encode() for folder in folders)
    digest = _make_key([repr(_VERSIONS).encode(), *_iterate_texts(folders)])
    return cache / SUITES / f"{place}-{digest}-{_make_key(name.encode() for name in suites)}.txt"


def _iterate_texts(folders: Sequence[Path]) -> Iterator[bytes]:
    """Yield the name and the text of every file that determines the cases."""
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
    """Return the cases of an entry, None if it is missing or damaged."""
    try:
        checksum, _, ids = entry.read_text(encoding="utf-8").partition("\n")
        if checksum != _compute_checksum(ids):
            return None
        return tuple(map(parse_case_id, ids.splitlines()))
    except (OSError, UnicodeDecodeError, HarnessError):
        return None


def _write(entry: Path, cases: Iterable[Case]) -> None:
    """Write an entry, and delete outdated entries of the same folders.

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
