"""Programs run to their end, or ended."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.environments import subprocesses
from harness.environments.subprocesses import TIMED_OUT, ProgramResult, run_child
from harness.errors import Cancelled

DAEMON = "import os, sys, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n"


def run_python(text: str, directory: Path, timeout_s: float = 60.0, given: str = "") -> ProgramResult:
    argv = [sys.executable, "-c", text]
    return run_child(argv, os.environ, directory, timeout_s, threading.Event(), given)


def test_a_program_is_given_text_and_gives_what_it_printed(tmp_path: Path) -> None:
    echoes = (
        "import os, sys; print(input(), os.getcwd()); sys.stderr.buffer.write(b'a\\r\\n\\xff'); sys.exit(3)"
    )
    ended = run_python(echoes, tmp_path, given="hello\n")
    assert ended == ProgramResult(3, f"hello {tmp_path}\n", "a\n\N{REPLACEMENT CHARACTER}")


def test_a_program_that_takes_too_long_is_ended_and_what_it_printed_is_kept(tmp_path: Path) -> None:
    ended = run_python("import time; print('begun', flush=True); time.sleep(600)", tmp_path, timeout_s=1.0)
    assert ended == ProgramResult(TIMED_OUT, "begun\n", "error: operation timed out after 1 s")


@pytest.mark.skipif(os.name == "nt", reason="the child leaves by os.setsid, which POSIX alone has")
def test_a_child_in_a_session_of_its_own_holds_nobody_up(tmp_path: Path) -> None:
    began = time.monotonic()
    assert run_python(DAEMON + "time.sleep(600)", tmp_path, timeout_s=0.5).exit_status == TIMED_OUT
    assert time.monotonic() - began < 60


@pytest.mark.skipif(os.name == "nt", reason="the child leaves by os.setsid, which POSIX alone has")
def test_pipes_that_nobody_can_close_hold_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocesses, "_DRAIN_S", 0.2)
    daemon = DAEMON.replace("time.sleep(600)", "print('daemon', flush=True); time.sleep(3)")
    ended = run_python(daemon + "time.sleep(0.2)", tmp_path, timeout_s=0.6)
    assert (ended.exit_status, ended.output) == (TIMED_OUT, "daemon\n")


def test_a_program_is_ended_soon_after_nobody_waits_any_more(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled, match="stopped before it was done"):
        run_child([sys.executable, "-c", "import time; time.sleep(600)"], os.environ, tmp_path, 600.0, stop)
    assert time.monotonic() - began < 60
