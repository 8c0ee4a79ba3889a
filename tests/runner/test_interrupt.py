"""Ctrl-C, kill and resuming a run, with the real command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK
from harness.runner.batches import make_batches
from harness.store import read_info
from tests.fakes.runs import selector, suite
from tests.runner.watching import (
    PATIENCE_S,
    find_logged_processes,
    is_running,
    run_arguments,
    run_harness,
    start_harness,
    wait_until,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

NUM_BEFORE = 6
CULPRIT = [case for batch in make_batches(suite()) for case in batch][NUM_BEFORE]
CSV = ("findings.csv", "divergences.csv", "conformance.csv")


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """Restore Ctrl-C, which a shell ignores for background processes, and children inherit."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def send_amid_a_case(process: subprocess.Popen[str], run: Path, number: signal.Signals) -> None:
    """Send a signal while the fake waits in its case and the earlier ones are stored; wait for the end."""
    wait_until(lambda: bool(find_logged_processes(run)) and count_stored(run) == NUM_BEFORE)
    process.send_signal(number)
    process.wait(timeout=PATIENCE_S)


def count_stored(run: Path) -> int:
    """Return the number of observations on disk."""
    return sum(file.read_bytes().count(b"\n") for file in run.glob("observations/*.jsonl"))


def uninterrupted(home: Path, fake: str) -> dict[str, bytes]:
    """Return the files of a run that was not interrupted."""
    (home / "go").touch()
    assert run_harness(home, *run_arguments("whole", fake)).returncode == EXIT_OK
    return {name: (home / "whole" / name).read_bytes() for name in CSV}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_readable_run_and_no_process_and_resuming_completes_it(
    home: Path, number: signal.Signals
) -> None:
    fake = selector("waits-with-child", CULPRIT)
    with start_harness(home, *run_arguments("run", fake)) as process:
        send_amid_a_case(process, home / "run", number)
        assert process.returncode == EXIT_INTERRUPTED
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    lost = find_logged_processes(home / "run")
    assert len(lost) == 2
    wait_until(lambda: not any(map(is_running, lost)))

    info = read_info(home / "run")
    assert info.footer is not None
    assert info.footer.state == "interrupted"
    assert info.footer.observed == NUM_BEFORE
    assert info.header.planned == info.footer.observed + info.footer.not_run == len(suite())
    assert (home / "run" / "index.html").exists()
    judged = run_harness(home, "judge", "run")
    assert judged.returncode == EXIT_INTERRUPTED
    assert judged.stderr == "interrupted; the same command with --resume -o run goes on\n"

    whole = uninterrupted(home, fake)
    resumed = run_harness(home, *run_arguments("run", fake), "--resume")
    assert resumed.returncode == EXIT_OK, resumed.stderr
    assert {name: (home / "run" / name).read_bytes() for name in CSV} == whole


def test_a_killed_run_is_incomplete_and_can_be_resumed(home: Path) -> None:
    fake = selector("waits", CULPRIT)
    with start_harness(home, *run_arguments("run", fake)) as process:
        send_amid_a_case(process, home / "run", signal.SIGKILL)
    judged = run_harness(home, "judge", "run")
    assert (judged.returncode, judged.stderr) == (EXIT_INCOMPLETE, "")
    assert json.loads((home / "run" / "run.json").read_text())["footer"]["state"] == "running"
    findings = (home / "run" / "findings.csv").read_text().splitlines()
    assert len(findings) == 1 + len(suite())
    assert sum(",not-run," in line for line in findings) == len(suite()) - NUM_BEFORE

    whole = uninterrupted(home, fake)
    wait_until(lambda: not any(map(is_running, find_logged_processes(home / "run"))))
    resumed = run_harness(home, *run_arguments("run", fake), "--resume")
    assert resumed.returncode == EXIT_OK, resumed.stderr
    assert {name: (home / "run" / name).read_bytes() for name in CSV} == whole


def test_an_interrupt_does_not_wait_for_a_worker_that_has_yet_to_start(home: Path) -> None:
    with start_harness(home, *run_arguments("run", selector("no-hello"))) as process:
        wait_until(lambda: any(home.glob("run/logs/*.log")))
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE_S)
        assert process.returncode == EXIT_INTERRUPTED
