"""The real worker and its adapter, with a stand-in for Keras; and what its README promises."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.data.case_data import make_case_data
from harness.records import Api, HostPython, Outcome, Stage, Target, parse_case_id
from harness.resources import WORKER
from harness.runner import wire
from tests.fakes import fake_keras
from tests.fakes.runs import Done, run_targets, selector, suite
from tests.old_python import compile_with, require_python_3_6

README = WORKER.with_name("README.md").read_text(encoding="utf-8")
SOURCES = sorted(WORKER.parent.rglob("*.py"))


@pytest.fixture
def keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, on the import path of the host's Python."""
    assert fake_keras.__file__ is not None
    folder = tmp_path / "packages"
    folder.mkdir()
    shutil.copy(fake_keras.__file__, folder / "keras.py")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "keras.py"


def run_here(tmp_path: Path) -> Done:
    here = Target("here", Api.KERAS, "", "fake", "fake", HostPython(), {})
    return run_targets(tmp_path, [here], suite())


def test_the_real_worker_is_not_disturbed_by_what_keras_prints(keras: Path, tmp_path: Path) -> None:
    done = run_here(tmp_path)
    assert (done.state, done.workers, done.not_conforming()) == ("complete", 1, set())
    log = (tmp_path / "run" / "logs" / "here-0.log").read_text()
    for place in ("import", "build", "call", "summary"):
        assert f"fake keras prints in {place}" in log
        assert f"fake keras writes in {place}" in log
        assert f"a child prints in {place}" in log


def test_the_fingerprint_tells_what_was_imported(keras: Path, tmp_path: Path) -> None:
    footer = run_here(tmp_path).info.footer
    assert footer is not None
    fingerprint = footer.targets[0].fingerprint
    assert fingerprint["keras"] == "3.99"
    assert fingerprint["backend"] == "fake"
    assert fingerprint["keras_path"] == str(keras.parent)
    assert fingerprint["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ImportError('libmissing.so: no such file')", "ImportError: libmissing.so: no such file"),
        ("__version__ = '4.0'", "keras 4.0 at {keras}: the harness has adapters for Keras 1, 2 and 3 only"),
        ("", "keras unknown at {keras}: the harness has adapters"),
        ("import os; os._exit(9)", "the worker ended before its hello: exit code 9"),
    ],
)
def test_a_keras_that_cannot_be_used_fails_the_target(
    keras: Path, tmp_path: Path, source: str, said: str
) -> None:
    keras.write_text(source)
    done = run_here(tmp_path)
    assert said.format(keras=keras) in done.failure
    assert done.state == "incomplete"


@pytest.mark.parametrize(
    ("fault", "outcome", "stage"),
    [
        ("raise SystemExit(3)", Outcome.RAISED, Stage.CALL),
        ("raise RecursionError", Outcome.RAISED, Stage.CALL),
        ("os.kill(os.getpid(), 11)", Outcome.CRASHED, Stage.CALL),
        ("os._exit(0)", Outcome.CRASHED, Stage.CALL),
        ("return object()", Outcome.GARBLED, Stage.REPLY),
    ],
)
def test_what_keras_does_in_a_call_is_told_with_its_stage(
    keras: Path, tmp_path: Path, fault: str, outcome: Outcome, stage: Stage
) -> None:
    marker = 'make_noise("call")'
    shown = "(inputs.shape, self.strides, self.padding) == ((2, 2, 5, 6), (2, 1), 'same')"
    source = keras.read_text()
    assert source.count(marker) == 1
    keras.write_text(source.replace(marker, f"{marker}\n        if {shown}: {fault}"))
    done = run_here(tmp_path)
    (culprit,) = done.not_conforming()
    finding = done.by_case[culprit]
    assert (finding.outcome, finding.stage) == (outcome, stage)
    assert finding.case.strides == (2, 1)


def read_conversation() -> list[tuple[str, bytes]]:
    """Return the README's example, line by line: who writes, and what."""
    block = README.split("```")[1].strip().splitlines()
    return [(line[0], line[2:].encode()) for line in block]


def test_the_example_of_the_readme_is_what_the_harness_writes() -> None:
    said = [json.loads(line) for who, line in read_conversation() if who == ">"]
    assert said[0] == json.loads(wire.encode_hello())
    assert said[-1] == json.loads(wire.encode_bye())
    (batch,) = (message for message in said if message["type"] == "batch")
    cases = {entry["seq"]: parse_case_id(entry["case"]) for entry in batch["cases"]}
    written = json.loads(
        wire.encode_batch(0, {seq: (case, make_case_data(case)) for seq, case in cases.items()})
    )
    for theirs, ours in zip(batch["cases"], written["cases"], strict=True):
        data = ("input", "weights")
        assert {**theirs, **dict.fromkeys(data)} == {**ours, **dict.fromkeys(data)}
        assert theirs["input"].keys() == ours["input"].keys()
        assert [weight["shape"] for weight in theirs["weights"]] == [w["shape"] for w in ours["weights"]]


def test_the_example_of_the_readme_is_what_a_worker_answers() -> None:
    said = b"".join(line + b"\n" for who, line in read_conversation() if who == ">")
    fake = selector("right").removeprefix("exec:").split()
    done = subprocess.run(fake, input=said, capture_output=True, check=True)
    answered = [json.loads(line) for line in done.stdout.splitlines()]
    assert answered == [json.loads(line) for who, line in read_conversation() if who == "<"]


def test_the_harness_understands_the_answers_of_the_readme() -> None:
    messages = [wire.parse_message(line) for who, line in read_conversation() if who == "<"]
    first, second = (message for message in messages if isinstance(message, wire.Reply))
    case = suite()[0]
    values = wire.read_reply("any", case, first).values
    assert values is not None
    assert values.tolist() == [[[[13.0], [16.0]]]]
    assert wire.read_reply("any", case, second).outcome is Outcome.RAISED


@pytest.mark.parametrize("source", SOURCES, ids=[str(path.relative_to(WORKER.parent)) for path in SOURCES])
def test_the_worker_parses_on_python_3_6(source: Path) -> None:
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_worker_compiles_on_a_real_python_3_6() -> None:
    assert compile_with(require_python_3_6(), SOURCES) == ""
