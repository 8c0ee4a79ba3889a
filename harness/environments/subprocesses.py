"""Runs a program to its end, and ends it early with all that it started when nobody waits any more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import Cancelled

_POLL_S: Final = 0.2
TIMED_OUT: Final = -1
"""The exit status of a program that was ended for taking too long."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it printed."""

    exit_status: int
    output: str
    errors: str


def run_child(
    argv: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    timeout_s: float,
    stop: threading.Event,
    text: str = "",
) -> Ended:
    """Run a program with `text` on its standard input.

    It has a process group of its own, which is killed after `timeout_s` or soon after `stop` is set.

    Raises:
        Cancelled: `stop` was set.
        OSError: the program cannot be started.
    """
    process = subprocess.Popen(
        argv,
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=sys.platform != "win32",
    )
    until = time.monotonic() + timeout_s
    given: str | None = text
    try:
        while True:
            try:
                output, errors = process.communicate(given, timeout=_POLL_S)
                return Ended(process.returncode, output, errors)
            except subprocess.TimeoutExpired:
                given = None
            if stop.is_set():
                raise Cancelled
            if time.monotonic() > until:
                _kill(process)
                output, errors = process.communicate()
                late = f"error: operation timed out after {timeout_s:.0f} s"
                return Ended(TIMED_OUT, output, f"{errors}\n{late}".lstrip("\n"))
    finally:
        if process.returncode is None:
            _kill(process)
            process.communicate()


def _kill(process: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
