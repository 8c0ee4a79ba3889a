from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TextIO

import pytest

from harness.errors import HarnessError
from harness.files import explain_disk_errors, replace_text, replace_when_whole, write_table


def test_replacing_a_file_leaves_nothing_else_behind(tmp_path: Path) -> None:
    replace_text(tmp_path / "file", "one\n")
    replace_text(tmp_path / "file", "two\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"two\n"


def test_a_failure_leaves_the_earlier_file_alone(tmp_path: Path) -> None:
    replace_text(tmp_path / "file", "earlier")
    with pytest.raises(ZeroDivisionError), replace_when_whole(tmp_path / "file") as file:
        _write_half(file)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "earlier"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EACCES, "choose another folder with -o"), (errno.ENOSPC, "make room, or choose")],
)
def test_a_refusal_of_the_disk_names_the_place_and_the_remedy(number: int, remedy: str) -> None:
    said = f"out: cannot be written: {os.strerror(number)}; {remedy}"
    with pytest.raises(HarnessError, match=said), explain_disk_errors("out"):
        raise OSError(number, os.strerror(number))


def test_a_table_has_an_empty_cell_for_none(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", ("a", "b"), [(1, None), ("x,y", 2)])
    assert (tmp_path / "table.csv").read_bytes() == b'a,b\n1,\n"x,y",2\n'


def _write_half(file: TextIO) -> None:
    file.write("half")
    raise ZeroDivisionError
