"""Files written whole or not at all, and the errors of disks that refuse a write."""

from __future__ import annotations

import csv
import errno
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from harness.errors import EXIT_USAGE, HarnessError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The errors of a full disk and of an exhausted quota."""


@contextmanager
def replace_when_whole(path: Path) -> Iterator[TextIO]:
    """Open a text file that gets its name only when the block succeeds. The parent directory must exist.

    Raises:
        OSError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a whole text file in one step.

    Raises:
        OSError: the file cannot be written.
    """
    with replace_when_whole(path) as file:
        file.write(text)


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file, a header and rows, in one step; an empty cell for None.

    Raises:
        OSError: the file cannot be written.
    """
    with replace_when_whole(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


@contextmanager
def explain_disk_errors(
    place: object,
    remedy: str = "choose another folder with -o",
    if_full: str = "",
    exit_code: int = EXIT_USAGE,
) -> Iterator[None]:
    """Turn an error of the file system while writing into one that names the place and the remedy.

    Args:
        place: what could not be written.
        remedy: what to do.
        if_full: what to do where the disk is full; `remedy` by default.
        exit_code: the exit code of the command.

    Raises:
        HarnessError: the block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        what = remedy
        if error.errno in _FULL:
            what = if_full or f"make room, or {remedy}"
        raise HarnessError(f"{place}: cannot be written: {error.strerror}; {what}", exit_code) from error
