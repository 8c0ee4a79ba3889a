"""`cases` and `targets`: listings, a user's own files, and the messages about mistakes in them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.listing import make_case_row
from harness.facets import Facet
from harness.records import parse_case_id
from harness.resources import find_cases_folder
from tests.cli.conftest import Cli
from tests.fakes.fake_worker import RIGHT
from tests.fakes.runs import CASES, selector, suite

GRID = """
[[grid]]
name = "mine"
about = "two cases"
layer = "Conv2D"
count = 2
product = { input = [[3, 4]], kernel = [[2, 2]] }
"""
SUITE = """
[[suite]]
name = "mine"
about = "two cases"
count = 2
take = [{ grid = "mine" }]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a user's own cases; return their folder."""
    for name, text in (("grids", GRID), ("suites", SUITE)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "mine.toml").write_text(text)
    return tmp_path / "mine"


def test_the_suites_are_listed_with_their_counts(cli: Cli, folder: Path) -> None:
    ended = cli("cases", "--cases", str(folder))
    assert ended.code == 0
    listed = {
        line.split("│")[1].strip(): line.split("│")[2].strip()
        for line in ended.out.splitlines()
        if "│" in line
    }
    assert (listed["mine"], listed["seed"]) == ("2", "3")
    assert int(listed["core"].replace(",", "")) >= 1500


def test_core_covers_every_facet_and_says_so(cli: Cli) -> None:
    ended = cli("cases", "core")
    assert ended.code == 0
    assert f"{len(Facet)} of {len(Facet)} facets covered" in ended.out
    assert "--format csv writes them all" in ended.out


def test_facets_that_are_not_covered_are_named(cli: Cli, folder: Path) -> None:
    out = cli("cases", "mine", "--cases", str(folder)).out
    assert any("dilated" in line and "none" in line for line in out.splitlines())


def test_cases_are_written_as_csv_and_json_alike(cli: Cli) -> None:
    arguments = ("cases", "fakes", "--cases", str(CASES), "--format")
    from_csv = list(csv.DictReader(io.StringIO(cli(*arguments, "csv").out)))
    from_json = json.loads(cli(*arguments, "json").out)
    ids = [case.id for case in suite()]
    assert [row["case"] for row in from_csv] == [row["case"] for row in from_json] == ids
    assert [{key: str(value) for key, value in row.items()} for row in from_json] == from_csv
    assert from_json[0]["filters"] == parse_case_id(ids[0]).filters
    assert list(from_json[0])[-5:] == ["multiplier", "output_padding", "form", "data", "facets"]


def test_a_case_is_listed_with_what_only_some_layers_have() -> None:
    case = parse_case_id(
        "conv1dtranspose-dynamic-i5-k3-s2-d1-same-o1-last-b2-c2-f3-nobias-float16-defaults-real"
    )
    row = make_case_row(case)
    assert (row["output_padding"], row["multiplier"], row["form"], row["data"]) == (
        "1",
        1,
        "defaults",
        "real",
    )
    assert (row["layer"], row["mode"]) == ("Conv1DTranspose", "dynamic")
    assert make_case_row(replace(case, output_padding=None))["output_padding"] == ""


def test_targets_are_written_as_csv_and_json_alike(cli: Cli) -> None:
    from_json = json.loads(cli("targets", "--format", "json").out)
    from_csv = list(csv.DictReader(io.StringIO(cli("targets", "--format", "csv").out)))
    assert [row["target"] for row in from_csv] == [row["target"] for row in from_json]
    row = next(row for row in from_json if row["target"] == "keras3.15.1-jax")
    assert (row["backend"], row["lineage"], row["python"], row["built"]) == ("jax", "jax", "3.11", False)


def test_targets_are_listed_and_selected(cli: Cli) -> None:
    ended = cli("targets", "keras==3.15.1 backend=torch")
    assert ended.code == 0
    assert "keras3.15.1-torch" in ended.out
    assert "keras3.15.1-jax" not in ended.out


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("grids", "count = 2", "count = 3", "grid 'mine': `count` says 3, the axes give 2"),
        ("suites", "count = 2", "count = 7", "suite 'mine': `count` says 7, the grids give 2"),
        ("grids", "[[2, 2]]", "[]", "grid 'mine': expands to nothing; give every axis at least one value"),
        ("grids", "kernel =", "kernal =", "'mine': product: unknown key `kernal`; did you mean `kernel`?"),
        ("grids", "Conv2D", "Conv2d", "layer: unknown word 'Conv2d'; did you mean `Conv2D`? Known: Conv1D, "),
        ("grids", "product", "turn = { data_format = ['channel_first'] }\nproduct",
         "turn.data_format[0]: unknown word 'channel_first'; did you mean `channels_first`? Known: "),
        ("grids", "product", "each = { dtype = ['float23'] }\nproduct", "dtype[0]: unknown word 'float23'"),
        ("grids", "product", "each = { padding = ['same', 'vaild'] }\nproduct",
         "`padding` has 'vaild', which Conv2D must refuse; did you mean `valid`? Known: valid, same."),
        ("grids", "count = 2", "count = 2\nmode = 'eagre'", "eagre"),
        ("grids", "count = 2", "count = 2\ncolour = 'red'", "colour"),
        ("grids", "Conv2D", "Conv9D", "Conv9D"),
        ("grids", "[[3, 4]]", "[[3, 4, 5]]", "`product.input` has [3, 4, 5]"),
        ("grids", "product", "each = { padding = ['a b'] }\nproduct", "padding"),
        ("grids", "product", "each = { bias = [true] }\nturn = { bias = [true] }\nproduct", "under both"),
        ("suites", '{ grid = "mine" }', '{ grid = "mine" }, { grid = "mine" }', "'mine' twice; drop one"),
        ("grids", "[[grid]]", "[[grid]", "malformed TOML"),
        ("grids", 'name = "mine"', 'name = "conv2d-lattice"', "grid 'conv2d-lattice' is already defined in"),
        ("suites", 'name = "mine"', 'name = "core"', "suite 'core' is already defined in"),
        ("suites", 'grid = "mine"', 'grid = "mime"', "no grid 'mime'; did you mean mine"),
        ("suites", "take", "tale", "tale"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_persons_own_cases_names_the_file_and_the_key(
    refused: Callable[..., str], folder: Path, file: str, old: str, new: str, said: str
) -> None:
    path = folder / file / "mine.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    complaint = refused("cases", "mine", "--cases", str(folder))
    assert said in complaint
    assert str(path) in complaint


def test_nothing_is_listed_before_what_is_wrong_is_said(
    cli: Cli, refused: Callable[..., str], folder: Path
) -> None:
    for path in folder.glob("*/mine.toml"):
        path.write_text(path.read_text().replace("count = 2", "count = 3"))
    for arguments in (["mine"], [], ["mine", "--format", "csv"], ["mine", "--format", "json"]):
        ended = cli("cases", *arguments, "--cases", str(folder))
        assert (ended.code, ended.out) == (2, "")
        assert "grid 'mine': `count` says 3, the axes give 2" in ended.err
        assert "suite 'mine': `count` says 3, the grids give 2" in ended.err


def test_a_suite_without_a_count_is_counted(cli: Cli, folder: Path) -> None:
    for path in folder.glob("*/mine.toml"):
        path.write_text(path.read_text().replace("count = 2\n", ""))
    out = cli("cases", "--cases", str(folder)).out
    assert any(line.replace("│", " ").split()[:2] == ["mine", "2"] for line in out.splitlines())


def test_the_example_of_the_readme_runs_as_it_stands(cli: Cli, tmp_path: Path) -> None:
    readme = (find_cases_folder() / "README.md").read_text(encoding="utf-8")
    own = readme[readme.index("## Cases of your own") :]
    files = re.findall(r"`DIR/(grids/mine\.toml|suites/mine\.toml)`.*?```toml\n(.*?)```", own, re.DOTALL)
    assert [name for name, _ in files] == ["grids/mine.toml", "suites/mine.toml"]
    for name, text in files:
        (tmp_path / "DIR" / name).parent.mkdir(parents=True)
        (tmp_path / "DIR" / name).write_text(text, encoding="utf-8")
    (command,) = re.findall(r"`keras-harness (run --cases DIR mine)`", own)
    ended = cli(*command.split(), "-t", selector(RIGHT), "-o", "run")
    assert ended.code == 0, ended
    assert "mine: 10 cases a target" in ended.out
    counts = next(line for line in ended.out.splitlines() if "exec-" in line).split()
    assert counts[1:3] == ["10/10", "2"]


def test_a_misspelled_padding_is_never_green(cli: Cli, folder: Path) -> None:
    path = folder / "grids" / "mine.toml"
    path.write_text(path.read_text().replace("count = 2", 'each = { padding = ["same", "vaild"] }'))
    ended = cli("run", "--cases", str(folder), "mine", "-t", selector(RIGHT), "-o", "run")
    assert (ended.code, ended.out) == (2, "")
    assert "did you mean `valid`?" in ended.err


def test_the_columns_of_targets_are_whole_when_they_are_piped(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = cli("targets", "tf.keras1.4.0", "keras-mxnet2.2.4.3-mxnet1.6.0").out
    rows = [line.replace("│", " ").split() for line in out.splitlines() if "│" in line]
    assert rows[-1][:4] == ["keras-mxnet2.2.4.3-mxnet1.6.0", "mxnet", "mxnet", "3.7"]


def test_an_unknown_suite_has_its_near_misses(refused: Callable[..., str]) -> None:
    assert "no suite 'coer'; did you mean core" in refused("cases", "coer")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1", "format: 1 is that of an earlier harness"),
        ("format = 2", "it lists nothing; add a [[family]]"),
        ("format = 3", "format"),
        ("format = 2\n[[family]]\nnam = 'x'", "unknown key `nam`; did you mean `name`?"),
        ("format = ", "mine.toml"),
    ],
)
def test_a_mistake_in_a_persons_own_targets_names_the_file_and_the_key(
    refused: Callable[..., str], tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "mine.toml").write_text(text)
    complaint = refused("targets", "--targets-file", "mine.toml")
    assert said in complaint
    assert "mine.toml" in complaint
