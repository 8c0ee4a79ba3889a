"""The errors of a file with invalid keys or words; `tests/cases/test_suites.py` has more of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from harness.errors import HarnessError
from harness.toml_files import convert_tables, parse_toml, read_toml


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    colours: tuple[Colour, ...] = ()


class Things(msgspec.Struct, forbid_unknown_fields=True):
    thing: tuple[Thing, ...]


def refuse(tmp_path: Path, text: str, see: str = "", named: tuple[str, ...] = ()) -> str:
    path = tmp_path / "things.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError) as caught:
        read_toml(path, Things, see, named)
    return str(caught.value).removeprefix(str(path))


def test_a_file_is_read_as_its_type(tmp_path: Path) -> None:
    path = tmp_path / "things.toml"
    path.write_text('[[thing]]\nname = "ball"\ncolours = ["red"]')
    assert read_toml(path, Things) == Things((Thing("ball", (Colour.RED,)),))
    assert convert_tables(path, parse_toml(path), Things) == read_toml(path, Things)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[thing]]\nnmae = "ball"',
            ": thing[0]: unknown key `nmae`; did you mean `name`? Known: name, colours",
        ),
        ("thing = 3", ": thing: Expected `array`, got `int`"),
        ("things = []", ": unknown key `things`; did you mean `thing`? Known: thing"),
        ("[[thing]]\nname = 3", ": thing[0].name: Expected `str`, got `int`"),
        (
            '[[thing]]\nname = "ball"\ncolours = ["red", "bleu"]',
            ": thing[0].colours[1]: unknown word 'bleu'; did you mean `blue`? Known: red, blue",
        ),
    ],
)
def test_a_wrong_key_or_word_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert refuse(tmp_path, text) == said


def test_a_table_is_told_by_its_name_where_it_has_one(tmp_path: Path) -> None:
    wrong = '[[thing]]\nname = "ball"\ncolours = ["rde"]'
    assert refuse(tmp_path, wrong, named=("thing",)).startswith(
        ": thing 'ball': colours[0]: unknown word 'rde'"
    )
    assert refuse(tmp_path, "[[thing]]\nname = 3", named=("thing",)).startswith(": thing[0].name: ")


def test_a_complaint_ends_with_where_the_keys_are_told(tmp_path: Path) -> None:
    assert refuse(tmp_path, "[[thing]]", see="README.md").endswith("field `name`; see README.md for the keys")


@pytest.mark.parametrize("data", [b"[[thing", b'[[thing]]\nname = "\xff"'])
def test_what_is_no_toml_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "things.toml"
    path.write_bytes(data)
    with pytest.raises(HarnessError, match=f"^{path}: malformed TOML: "):
        parse_toml(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"nothing.toml: cannot be read: No such file or directory$"):
        parse_toml(tmp_path / "nothing.toml")
