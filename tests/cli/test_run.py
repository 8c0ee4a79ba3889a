"""`run`, `judge` and `report`: exit codes, files, and the messages about users' mistakes."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness.cases.suites import Library, expand_suites
from harness.data.case_data import CASE_DATA_VERSION
from harness.errors import (
    EXIT_EMPTY,
    EXIT_INCOMPLETE,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNEXPECTED,
)
from harness.records import Case
from harness.report.write import REPORTS
from tests.cli.conftest import Cli
from tests.fakes.runs import CASES, selector, suite

FAMILY = """
format = 2
[[base]]
name = "old"
python = "3.5"
requires = ["old==1"]
[[family]]
name = "old"
target = "keras{version}-old"
api = "keras"
backend = "old"
lineage = "old"
base = "old"
versions = ["2.0.0"]
overlay = ["keras=={version}"]
"""
FILES = {*REPORTS, "run.json"}


def on(*faults: str) -> list[str]:
    """Return arguments that run the suite of the fakes on fakes, into the folder `run`."""
    targets = [word for fault in faults for word in ("-t", selector(fault))]
    return ["run", "fakes", "--cases", str(CASES), "-o", "run", "-j", "2", *targets]


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_nothing_unexpected_is_0_and_every_report_is_written(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on("right"))
    assert ended.code == EXIT_OK, ended
    assert "Nothing diverges" in ended.out
    written = {path.name for path in (tmp_path / "run").iterdir() if path.is_file()}
    assert written == FILES | {"cases.txt"}
    assert len(rows(tmp_path / "run" / "findings.csv")) == len(suite())
    assert rows(tmp_path / "run" / "divergences.csv") == []


def test_cases_are_expanded_once_however_many_targets_and_looks(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    expansions: list[tuple[str, ...]] = []

    def expanded(library: Library, suites: Sequence[str]) -> Iterator[Case]:
        expansions.append(tuple(suites))
        return expand_suites(library, suites)

    monkeypatch.setattr("harness.cases.suite_cache.expand_suites", expanded)
    ended = cli(*on("right", "nan"))
    assert "asking 6 divergent cases again" in ended.err
    assert expansions == [("fakes",)]


def test_a_divergence_is_1(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on("right", "groups-interleaved"))
    assert ended.code == EXIT_UNEXPECTED, ended
    assert "2 silent divergences" in ended.out
    found = rows(tmp_path / "run" / "divergences.csv")
    assert [(row["divergence"], row["cause"]) for row in found] == [("value", "groups-interleaved")] * 2


@pytest.mark.parametrize("fault", ["segfaults", "cannot-import-keras", "chatters", "old-protocol"])
def test_what_is_incomplete_or_inconclusive_is_3_with_its_reason(cli: Cli, fault: str) -> None:
    ended = cli(*on(fault, "right"))
    assert ended.code == EXIT_INCOMPLETE, ended
    assert "Traceback" not in ended.out + ended.err
    message = {
        "segfaults": "quarantined after 5 deaths of its worker, the last: SIGSEGV",
        "cannot-import-keras": "could not start: ModuleNotFoundError: No module named 'keras'",
        "chatters": "quarantined after 5 deaths of its worker, the last: it wrote 'I0000 some framework",
        "old-protocol": "could not start: the worker speaks protocol 0, the harness 1; update the worker",
    }
    assert message[fault] in ended.err
    assert f"{len(suite())}/{len(suite())}" in ended.out


def test_a_divergence_that_comes_again_counts_and_is_stored_twice(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on("right", "nan"))
    assert ended.code == EXIT_UNEXPECTED, ended
    assert "asking 6 divergent cases again, of fresh workers" in ended.err
    assert [len(file.read_text().splitlines()) for file in (tmp_path / "run" / "again").iterdir()] == [6]
    assert {row["standing"] for row in rows(tmp_path / "run" / "divergences.csv")} == {"new"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan-once", "at first nonfinite, first at (0, 0, 0, 0); when asked again it conforms"),
        ("segfaults-once", "at first crash (SIGSEGV); when asked again it conforms"),
        ("raises-always-once", "at first unexpected-error (RuntimeError: out of order); when asked again it"),
    ],
)
def test_what_does_not_come_again_is_unstable_and_3(
    cli: Cli, fault: str, message: str, tmp_path: Path
) -> None:
    ended = cli(*on(), "-t", selector(fault, suite()[3]))
    assert ended.code == EXIT_INCOMPLETE, ended
    assert "Nothing diverges, but 1 divergence did not come again" in ended.out
    (row,) = rows(tmp_path / "run" / "divergences.csv")
    assert (row["case"], row["verdict"], row["standing"]) == (suite()[3].id, "diverges", "unstable")
    assert row["error"].startswith(message)
    counts = rows(tmp_path / "run" / "conformance.csv")
    assert sum(int(one["unstable"]) for one in counts if one["facet"] == "all") == 1
    assert sum(int(one["silent"]) + int(one["loud"]) for one in counts) == 0
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    assert '<span class="mark unstable">unstable</span>' in page
    before = (tmp_path / "run" / "findings.csv").read_bytes()
    assert cli("judge", "run").code == EXIT_INCOMPLETE
    assert (tmp_path / "run" / "findings.csv").read_bytes() == before


def test_what_is_wrong_twice_in_other_numbers_is_a_divergence_and_1(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on(), "-t", selector("never-twice-alike", suite()[3]))
    assert ended.code == EXIT_UNEXPECTED, ended
    (row,) = rows(tmp_path / "run" / "divergences.csv")
    assert (row["case"], row["divergence"], row["standing"]) == (suite()[3].id, "value", "new")


def test_one_that_does_not_come_again_has_all_of_its_signature_asked(cli: Cli, tmp_path: Path) -> None:
    culprits = suite()[:10]
    ended = cli(*on(), "-t", selector("nan-once", *culprits))
    assert ended.code == EXIT_INCOMPLETE, ended
    found = rows(tmp_path / "run" / "divergences.csv")
    assert len(found) > 4
    assert {row["standing"] for row in found} == {"unstable"}


def test_a_slow_case_that_answers_when_asked_again_is_no_divergence(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on(), "-t", selector("hangs-once", suite()[3]), "--timeout", "1")
    assert ended.code == EXIT_OK, ended
    assert "asking 1 slow case again, each alone and for up to 5 s" in ended.err
    assert "divergent" not in ended.err


@pytest.mark.parametrize("others", [(), ("unsupported",)])
def test_a_run_that_computed_nothing_is_no_success(cli: Cli, others: tuple[str, ...]) -> None:
    ended = cli(*on("unsupported", *others))
    assert ended.code == EXIT_INCOMPLETE, ended
    assert "Nothing was computed of " in ended.out


def test_a_target_that_computed_nothing_is_named_beside_one_that_did(cli: Cli) -> None:
    ended = cli(*on("unsupported", "right"))
    assert ended.code == EXIT_OK, ended
    assert re.search(r"exec-.*: nothing was computed of \d+ cases that had to be: \d+ unsupported", ended.err)
    assert ended.err.count("nothing was computed") == 1


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("leaves", "its worker was lost in stage call of conv2d-"),
        ("chatters", "it wrote 'I0000 some framework says hello', which is no message"),
        ("answers-twice", "it answered the case twice"),
    ],
)
def test_a_worker_that_dies_or_lies_is_told_with_the_reason_and_its_log(
    cli: Cli, tmp_path: Path, fault: str, why: str
) -> None:
    ended = cli(*on(), "-t", selector(fault, suite()[0]))
    assert why in ended.err, ended
    assert suite()[0].id in ended.err
    (log,) = re.findall(r"its log is (\S+)", ended.err)
    assert (tmp_path / log).is_file()


def test_a_target_that_is_given_up_is_told_with_its_log(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on("segfaults"))
    assert ended.err.count("its worker was lost in stage") == 3
    assert "further losses are in findings.csv" in ended.err
    (log,) = re.findall(r"quarantined after 5 deaths .*; its log is (\S+)", ended.err)
    assert (tmp_path / log).is_file()


def test_the_closing_table_counts_what_was_refused(cli: Cli) -> None:
    table = cli(*on("right")).out.splitlines()
    header = next(line for line in table if "conforming" in line).split()
    row = next(line for line in table if "exec-" in line).split()
    assert dict(zip(header, row, strict=True))["refused"] == "2"


def test_one_case_that_cannot_be_judged_makes_3_of_a_complete_run(cli: Cli, tmp_path: Path) -> None:
    ended = cli(*on(), "-t", selector("chatters", suite()[0]))
    assert ended.code == EXIT_INCOMPLETE, ended
    assert "Nothing diverges, but 1 finding could not be judged" in ended.out
    assert json.loads((tmp_path / "run" / "run.json").read_text())["footer"]["state"] == "complete"


def test_a_defect_of_the_harness_is_4_with_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.cli.inputs.load_library", lambda _folders: 1 / 0)
    ended = cli("cases")
    assert ended.code == EXIT_INTERNAL
    assert "ZeroDivisionError" in ended.err


def test_nothing_selected_is_5(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grids").mkdir()
    (tmp_path / "grids" / "fakes.toml").write_bytes((CASES / "grids" / "fakes.toml").read_bytes())
    monkeypatch.setattr("harness.cli.inputs.find_cases_folder", lambda: tmp_path)
    ended = cli("cases", "--format", "csv")
    assert (ended.code, ended.out) == (EXIT_EMPTY, "")
    assert "no case was selected; name at least one suite" in ended.err


def test_an_interrupt_outside_a_run_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_folders: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.cli.inputs.load_library", interrupted)
    ended = cli("cases")
    assert ended.code == EXIT_INTERRUPTED
    assert "Traceback" not in ended.err


def test_a_stored_run_is_judged_and_reported_again_byte_by_byte(cli: Cli, tmp_path: Path) -> None:
    cli(*on("odd-cell-before"))
    before = {name: (tmp_path / "run" / name).read_bytes() for name in FILES}
    for name in FILES - {"run.json"}:
        (tmp_path / "run" / name).unlink()
    assert cli("judge", "run").code == EXIT_UNEXPECTED
    assert {name: (tmp_path / "run" / name).read_bytes() for name in FILES} == before
    (tmp_path / "run" / "index.html").unlink()
    ended = cli("report", "run")
    assert (ended.code, ended.out.strip()) == (EXIT_OK, str(Path("run", "index.html")))
    assert (tmp_path / "run" / "index.html").read_bytes() == before["index.html"]


def test_a_run_goes_on_only_when_asked_to(cli: Cli, refused: Callable[..., str], tmp_path: Path) -> None:
    cli(*on("right"))
    before = (tmp_path / "run" / "findings.csv").read_bytes()
    assert "run: already holds a run; add --resume, or choose another folder" in refused(*on("right"))
    assert cli(*on("right"), "--resume").code == EXIT_OK
    assert (tmp_path / "run" / "findings.csv").read_bytes() == before
    message = refused(*on("nan"), "--resume")
    assert "with other cases or targets than asked for now; choose another folder with -o" in message


def test_resuming_needs_a_folder(refused: Callable[..., str]) -> None:
    assert "--resume needs -o DIR" in refused("run", "seed", "--resume", "-t", selector("right"))


def test_a_folder_without_a_run_cannot_be_resumed(refused: Callable[..., str], tmp_path: Path) -> None:
    message = refused("run", "seed", "--resume", "-o", str(tmp_path / "mistyped"), "-t", selector("right"))
    assert "no run here" in message
    assert not (tmp_path / "mistyped").exists()


def test_a_folder_that_cannot_be_written_is_told(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    assert "run: cannot be written: File exists; choose another folder with -o" in refused(*on("right"))


def test_a_missing_interpreter_costs_its_target_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FAMILY)
    ended = cli(*on("right"), "-t", "keras2.0.0-old", "--targets-file", "mine.toml")
    assert ended.code == EXIT_INCOMPLETE, ended
    assert "Traceback" not in ended.err
    assert "there is no working Python 3.5" in ended.err
    verdicts = {(row["target"], row["verdict"]) for row in rows(tmp_path / "run" / "findings.csv")}
    assert {verdict for name, verdict in verdicts if name == "keras2.0.0-old"} == {"inconclusive"}
    assert {verdict for name, verdict in verdicts if name != "keras2.0.0-old"} == {"conforms"}
    footer = json.loads((tmp_path / "run" / "run.json").read_text())["footer"]
    assert footer["observed"] == footer["not_run"] == len(suite())


def test_a_program_that_is_not_there_costs_its_target_only(cli: Cli) -> None:
    ended = cli(*on("right"), "-t", "exec:no-such-program --fast")
    assert ended.code == EXIT_INCOMPLETE, ended
    assert "there is no program 'no-such-program'; give its path after exec:" in ended.err
    assert f"{len(suite())}/{len(suite())}" in ended.out


def test_here_with_another_backend_than_keras_would_take_says_how_to_choose(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr("harness.cli.inputs.is_installed", lambda package: package in {"keras", "torch"})
    message = refused("run", "seed", "-t", "here")
    assert "Keras's default is tensorflow, which is not installed" in message
    assert "choose: KERAS_BACKEND=torch keras-harness ... -t here" in message


@pytest.mark.parametrize("command", ["judge", "report"])
def test_a_folder_without_a_run_is_told(refused: Callable[..., str], command: str) -> None:
    assert "nowhere: no run here (" in refused(command, "nowhere")


def test_a_run_of_other_signals_is_not_judged(cli: Cli, refused: Callable[..., str], tmp_path: Path) -> None:
    cli(*on("right"))
    path = tmp_path / "run" / "run.json"
    info = json.loads(path.read_text())
    info["header"]["signals"] += 1
    path.write_text(json.dumps(info))
    message = f"run: observed with signals {CASE_DATA_VERSION + 1}, this version makes {CASE_DATA_VERSION}"
    assert message in refused("judge", "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "smok"], "no suite 'smok'; did you mean smoke"),
        (["run", "fakes"], "no suite 'fakes'"),
        (["run", "seed", "-t", "keras3.15.1-jaxx"], "'keras3.15.1-jaxx'; near misses: keras3.15.1-jax"),
        (["run", "seed", "-t", "backend=jaxs"], "no target has backend 'jaxs'"),
        (["run", "seed", "-t", "exec:"], "no command; write exec:COMMAND"),
        (["run", "seed", "-t", "path:nowhere"], "has no keras/__init__.py"),
        (["run", "seed", "-j", "0"], "Invalid value for '-j'"),
        (["run", "seed", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["run", "seed", "--cases", "nowhere"], "nowhere: no grids/*.toml and no suites/*.toml"),
        (["run", "seed", "--targets-file", "nowhere.toml"], "nowhere.toml"),
        (["run", "seed", "--nosuch"], "No such option"),
        (["nosuch"], "No such command"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_a_remedy_and_nothing_is_left_behind(
    refused: Callable[..., str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in " ".join(refused(*arguments).split())
    assert list(tmp_path.iterdir()) == []
