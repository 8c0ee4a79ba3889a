"""`targets`, `prepare` and `doctor`: what is listed, built, removed and missing."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.fakes.fake_worker import RIGHT
from tests.fakes.runs import selector

LIST = """
format = 2

[[base]]
name = "nothing"
python = "{python}"
requires = ["no-such-package==1"]

[[family]]
name = "mine"
target = "mine{{version}}"
api = "keras"
backend = "mine"
lineage = "mine"
base = "nothing"
versions = ["1.0.1", "1.0.2", "1.1.0"]
"""


@pytest.fixture
def own_list(tmp_path: Path) -> Path:
    """Write a user's own list of targets, none of which can be built offline."""
    path = tmp_path / "mine.toml"
    path.write_text(LIST.format(python="{}.{}".format(*sys.version_info[:2])))
    return path


def names(text: str) -> list[str]:
    return [row["target"] for row in csv.DictReader(io.StringIO(text))]


def test_every_line_of_keras_is_listed_in_one_selector(cli: Cli) -> None:
    ended = cli("targets", "keras>=1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert ended.code == 0
    assert len(rows) >= 140
    assert {row["api"] for row in rows} == {"keras", "tf.keras", "tf_keras", "keras-mxnet", "plaidml-keras"}
    assert {row["backend"] for row in rows} == {
        *("tensorflow", "theano", "cntk", "mxnet", "plaidml", "jax", "torch", "openvino", "numpy")
    }
    assert {row["lineage"] for row in rows if row["backend"] == "numpy"} == {"jax"}
    assert all(row["requires"] and row["python"] for row in rows)


def test_the_newest_of_each_minor_version(cli: Cli, own_list: Path) -> None:
    ended = cli(
        *("targets", "family=mine", "--newest-per-minor", "--targets-file", str(own_list), "--format", "csv")
    )
    assert names(ended.out) == ["mine1.0.2", "mine1.1.0"]


def test_the_table_of_targets_counts_them_and_lists_variants(cli: Cli) -> None:
    ended = cli("targets", "family=theano")
    assert "keras1.0.8-theano" in ended.out
    assert "9 targets, 0 built here" in ended.out
    assert "+onednn=0 (tensorflow): TF_ENABLE_ONEDNN_OPTS=0" in ended.out


def test_a_target_that_cannot_be_built_does_not_stop_the_others(cli: Cli, own_list: Path) -> None:
    ended = cli(
        *("prepare", "-t", "mine1.0.1", "-t", selector(RIGHT), "-t", "mine1.1.0"),
        *("--targets-file", str(own_list), "-j", "2"),
    )
    assert ended.code == 3
    assert "1 of 3 targets are ready, 2 failed" in ended.out
    assert "mine1.0.1 cannot be prepared" in ended.err
    assert "UV_OFFLINE" in ended.err
    assert "Traceback" not in ended.err


def test_what_needs_no_building_is_ready(cli: Cli, tmp_path: Path) -> None:
    ended = cli("prepare", "-t", selector(RIGHT))
    assert (ended.code, "1 of 1 targets are ready, 0 failed" in ended.out) == (0, True)
    assert f"{tmp_path / 'cache'} takes 0.0 GB" in ended.out


def test_removing_what_is_not_there_says_so(cli: Cli) -> None:
    ended = cli("prepare", "-t", "family=cntk", "--remove")
    assert ended.code == 0
    assert ended.out.count("was not built") == 5


def test_stale_environments_are_told_and_removed(cli: Cli, tmp_path: Path) -> None:
    litter = tmp_path / "cache" / "environments" / "keras-0123456789ab"
    litter.mkdir(parents=True)
    (litter / "file").write_text("x" * 10_000)
    assert "1 environments that no list of targets needs" in cli("doctor").out
    assert "1 stale environments removed" in cli("prepare", "--remove-stale").out
    assert not litter.exists()


def test_what_another_list_may_need_is_not_stale(cli: Cli, own_list: Path, tmp_path: Path) -> None:
    assert cli("prepare", "-t", "mine1.0.1", "--targets-file", str(own_list)).code == 3
    (note,) = (tmp_path / "cache" / "lists").iterdir()
    (label,) = (
        label for label in json.loads(note.read_text())["labels"] if label.startswith("no-such-package")
    )
    built = tmp_path / "cache" / "environments" / label
    built.mkdir(parents=True)
    assert "0 stale environments removed" in cli("prepare", "--remove-stale").out
    assert built.exists()
    own_list.unlink()
    assert "1 stale environments removed" in cli("prepare", "--remove-stale").out
    assert not built.exists()


def test_a_run_notes_what_its_list_needs_before_it_builds(cli: Cli, own_list: Path, tmp_path: Path) -> None:
    mine = ("--targets-file", str(own_list), "-o", str(tmp_path / "run"))
    assert cli("run", "seed", "-t", "mine1.0.1", *mine).code == 3
    (note,) = (tmp_path / "cache" / "lists").iterdir()
    assert json.loads(note.read_text())["files"][1:] == [str(own_list)]


def test_the_doctor_says_which_interpreter_is_missing_and_how_to_get_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    ended = cli("doctor")
    words = " ".join(ended.out.replace("│", " ").split())
    assert ended.code == 3
    assert "targets need it" in words
    assert "pyenv install 3.6" in words
    assert "family theano" in words
    assert "0 of 9 built" in words
    assert "every wrong rule is caught" in words


def test_settings_make_variants_with_names_of_their_own(cli: Cli, tmp_path: Path) -> None:
    ended = cli(
        *("run", "seed", "-t", selector(RIGHT), "--set", "A=1", "-o", str(tmp_path / "run"), "-j", "1")
    )
    assert ended.code == 0
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    (target,) = run["footer"]["targets"]
    assert target["name"].endswith("+A=1")
    assert target["variant"] == "A=1"
    assert target["variables"]["A"] == "1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("targets", "keras==9.9.9"), "near misses: "),
        (("run", "seed", "-t", "family=theona"), "no target has family 'theona'"),
        (("run", "seed", "--set", "A"), "write NAME=VALUE"),
        (
            ("prepare", "-t", "keras3.15.1-jax+onednn=0"),
            "variant 'onednn=0' is for tensorflow (tensorflow>=2.5",
        ),
    ],
)
def test_a_wrong_selection_is_a_usage_error(
    refused: Callable[..., str], arguments: tuple[str, ...], message: str
) -> None:
    assert message in " ".join(refused(*arguments).split())
