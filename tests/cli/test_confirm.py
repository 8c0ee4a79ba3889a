"""`history`, `repro` and `confirm`: the commands that work on a stored run."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.judge.stored_run import judge_run
from harness.records import Judgement, Standing
from tests.cli.conftest import Cli
from tests.fakes import fake_keras
from tests.fakes.fake_worker import RIGHT
from tests.fakes.runs import CASES, selector

RUN = ("run", "fakes", "--cases", str(CASES))
FILES = {"history.csv", "history.md", "history.html", "changes.csv", "targets.csv"}
COUNT_PARAMS = """\
    def count_params(self) -> int:
        return int(self.layer.kernel.size + self.layer.use_bias * self.layer.filters)
"""
HALF = "found.append((windows, total // 2))"


@pytest.fixture
def run(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a run on `here`, whose Keras puts the odd cell before."""
    assert fake_keras.__file__ is not None
    source = Path(fake_keras.__file__).read_text(encoding="utf-8")
    assert source.count(HALF) == 1
    folder = tmp_path / "packages"
    folder.mkdir()
    wrong = source.replace(HALF, HALF.replace("total // 2", "total - total // 2"))
    if "def count_params" not in source:
        wrong = wrong.replace("    def predict(self", f"{COUNT_PARAMS}\n    def predict(self")
    (folder / "keras.py").write_text(wrong)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr("harness.cli.inputs.is_installed", lambda package: package in {"keras", "tensorflow"})
    ended = cli(*RUN, "-t", "here", "-o", str(tmp_path / "run"), "-j", "1")
    assert ended.code == 1, ended
    return tmp_path / "run"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_history_is_written_from_a_stored_run_and_printed_short(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    ended = cli("history", str(run), "-o", str(tmp_path / "tables"))
    assert ended.code == 0
    assert {file.name for file in (tmp_path / "tables").iterdir()} == FILES
    assert ended.out.startswith("| family |")
    assert "odd cell before" in ended.out
    assert str(tmp_path / "tables" / "history.html") in ended.out


def test_every_divergence_is_called_again_by_hand(cli: Cli, run: Path) -> None:
    ended = cli("confirm", str(run), "-j", "1", "--tables", str(run.parent))
    assert ended.code == 0, ended
    confirmed, diverging = rows(run / "confirmed.csv"), rows(run / "divergences.csv")
    assert [row["case"] for row in confirmed] == [row["case"] for row in diverging]
    assert {row["by_hand"] for row in confirmed if row["divergence"] == "value"} == {"value"}
    assert f"by hand: {len(diverging)} hold, 0 do not hold, 0 not called" in ended.out
    counts = rows(run.parent / "confirmed.csv")
    assert sum(int(row["cases"]) for row in counts) == len(diverging)
    assert {(row["target"], row["result"], row["why"]) for row in counts} == {("here", "holds", "")}


def test_what_no_script_can_call_has_a_reason_and_the_rest_is_called(
    cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mute, *others) = rows(run / "divergences.csv")
    reason = "nobody can"
    monkeypatch.setattr(
        "harness.cli.confirming.explain_no_script",
        lambda _run, case: reason if case.id == mute["case"] else "",
    )
    ended = cli("confirm", str(run), "-j", "1", "--tables", str(run.parent))
    assert ended.code == 3
    assert "not called: 1 divergence: nobody can" in ended.out
    assert f"by hand: {len(others)} hold, 0 do not hold, 1 not called" in ended.out
    answers = {
        row["case"]: (row["by_hand"], row["result"], row["why"]) for row in rows(run / "confirmed.csv")
    }
    assert answers.pop(mute["case"]) == ("", "not-called", reason)
    assert {result for _, result, _ in answers.values()} == {"holds"}
    assert len(answers) == len(others)
    counts = rows(run.parent / "confirmed.csv")
    assert [(row["cases"], row["why"]) for row in counts if row["result"] == "not-called"] == [("1", reason)]


def test_a_divergence_that_is_not_there_by_hand_is_told_and_never_green(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    keras = tmp_path / "packages" / "keras.py"
    keras.write_text(keras.read_text().replace("total - total // 2", "total // 2"))
    ended = cli("confirm", str(run))
    values = [row for row in rows(run / "confirmed.csv") if row["divergence"] == "value"]
    assert ended.code == 1
    assert len(values) > 3
    assert {(row["by_hand"], row["result"]) for row in values} == {("same", "does-not-hold")}
    assert f"does not hold: here {values[0]['case']}: value, by hand same\n" in ended.out
    assert f"{len(values)} do not hold, 0 not called" in ended.out


def test_a_target_that_keeps_its_divergences_is_called_again_wherever_it_lies(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    ended = cli(*RUN, "-t", "here", "--set", "A_FLAG=1", "-o", str(tmp_path / "set"), "-j", "1")
    assert ended.code == 1, ended
    assert cli("confirm", str(tmp_path / "set"), "-t", "here+A_FLAG=1", "-j", "1").code == 0
    assert {row["target"] for row in rows(tmp_path / "set" / "confirmed.csv")} == {"here+A_FLAG=1"}


def test_a_script_makes_one_call_and_runs_by_itself(cli: Cli, run: Path, tmp_path: Path) -> None:
    case_id = next(row["case"] for row in rows(run / "divergences.csv") if row["divergence"] == "value")
    ended = cli("repro", str(run), case_id, "here")
    assert ended.code == 0
    (tmp_path / "script.py").write_text(ended.out)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert f"@ {case_id}\tvalue\t" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("history", "nowhere"), "no run here"),
        (("confirm", "nowhere"), "no run here"),
        (("confirm", "RUN", "-t", "keras3.15.1-jax"), "has no target keras3.15.1-jax; it has here"),
        (("repro", "RUN", "no-such-case", "here"), "has no case no-such-case"),
        (("repro", "RUN", "CASE", "keras3.15.1-jax"), "has no target keras3.15.1-jax; it has here"),
    ],
)
def test_what_a_run_does_not_hold_is_a_usage_error(
    refused: Callable[..., str], run: Path, arguments: tuple[str, ...], message: str
) -> None:
    case_id = (run / "cases.txt").read_text().split()[0]
    words = {"RUN": str(run), "CASE": case_id}
    assert message in refused(*(words.get(word, word) for word in arguments))


WHY = "a program behind the worker's wire format is no Keras that a script could import"


def test_a_program_cannot_be_called_by_hand_and_costs_its_own_divergences_only(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    both = ("-t", selector("odd-cell-before"), "-t", "here")
    cli(*RUN, *both, "-o", str(tmp_path / "both"))
    ended = cli("confirm", str(tmp_path / "both"))
    assert ended.code == 3
    confirmed = rows(tmp_path / "both" / "confirmed.csv")
    assert {(row["target"] == "here", row["result"], row["why"]) for row in confirmed} == {
        (True, "holds", ""),
        (False, "not-called", WHY),
    }


def test_of_programs_alone_confirm_and_repro_say_that_they_cannot(
    cli: Cli, refused: Callable[..., str], tmp_path: Path
) -> None:
    cli(*RUN, "-t", selector("odd-cell-before"), "-o", str(tmp_path / "run"))
    found = rows(tmp_path / "run" / "divergences.csv")[0]
    assert f"cannot be called by hand: {WHY}" in refused("confirm", str(tmp_path / "run"))
    message = refused("repro", str(tmp_path / "run"), found["case"], found["target"])
    assert f"{found['case']}: no script can call it on {found['target']}: {WHY}" in message


def test_what_is_unstable_is_not_called(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unstable(*arguments: Any) -> Iterator[Judgement]:
        for one in judge_run(*arguments):
            yield replace(one, finding=replace(one.finding, standing=Standing.UNSTABLE))

    monkeypatch.setattr("harness.cli.confirming.judge_run", unstable)
    assert cli("confirm", str(run)).code == 3
    found = {(row["result"], row["why"].split(":")[0]) for row in rows(run / "confirmed.csv")}
    assert found == {("not-called", "it is unstable")}


def test_a_target_that_is_gone_is_not_called_and_the_terminal_says_why(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    kept = run / "run.json"
    text, times = re.subn(r'("selector": ?)"here"', r'\1"path:gone"', kept.read_text())
    assert times == 1
    kept.write_text(text)
    ended = cli("confirm", str(run))
    assert ended.code == 3
    assert "here was not called: target 'path:gone'" in ended.err
    assert {row["result"] for row in rows(run / "confirmed.csv")} == {"not-called"}
    assert cli("confirm", str(run), "-t", "here").code == 3


def test_nothing_that_diverges_is_nothing_to_confirm(cli: Cli, tmp_path: Path) -> None:
    cli("run", "seed", "-t", selector(RIGHT), "-o", str(tmp_path / "run"))
    ended = cli("confirm", str(tmp_path / "run"))
    assert ended.code == 0
    assert "by hand: 0 hold, 0 do not hold, 0 not called" in ended.out
