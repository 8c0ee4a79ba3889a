"""Runs a program to its end, or ends it early with all that it started once the caller gives up."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import Cancelled
from harness.processes import end_process, start_process

_POLL_S: Final = 0.2
_DRAIN_S: Final = 5.0
"""Seconds that pipes may stay open after a program was ended."""

TIMED_OUT: Final = -1
"""The exit status of a program that was ended for taking too long."""


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """The exit status of a program, and what it printed."""

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
) -> ProgramResult:
    """Run a program with `text` on its standard input.

    It has a process group of its own, which is killed after `timeout_s` or soon after `stop` is set.

    Raises:
        Cancelled: `stop` was set.
        OSError: the program cannot be started.
    """
    until = time.monotonic() + timeout_s
    to_send: bytes | None = text.encode()
    with start_process(argv, environment, directory=directory) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    output, errors = process.communicate(to_send, timeout=_POLL_S)
                    return ProgramResult(process.returncode, _decode(output), _decode(errors))
                to_send = None
                if stop.is_set():
                    raise Cancelled
                if time.monotonic() > until:
                    output, errors = _end_and_drain(process)
                    late = f"error: operation timed out after {timeout_s:.0f} s"
                    return ProgramResult(
                        TIMED_OUT, _decode(output), f"{_decode(errors)}\n{late}".lstrip("\n")
                    )
        finally:
            if process.returncode is None:
                end_process(process)


def _end_and_drain(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """End a program, and return what it had printed."""
    end_process(process)
    try:
        return process.communicate(timeout=_DRAIN_S)
    except subprocess.TimeoutExpired as held_open:
        return held_open.output or b"", held_open.stderr or b""


def _decode(printed: bytes) -> str:
    return printed.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
