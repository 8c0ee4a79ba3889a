"""Programs in process groups of their own, ended with all that they started, on every platform."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import psutil

if sys.platform == "win32":
    _GROUP_FLAG: Final = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _GROUP_FLAG: Final = 0


def start_process(
    argv: Sequence[str],
    environment: Mapping[str, str],
    errors: IO[bytes] | None = None,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a group of its own, with pipes to and from it.

    Args:
        argv: the program and its arguments.
        environment: its whole environment.
        errors: where its standard error goes; a pipe by default.
        directory: its working directory; the current one by default.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        argv,
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors if errors is not None else subprocess.PIPE,
        start_new_session=sys.platform != "win32",
        creationflags=_GROUP_FLAG,
    )


def end_process(process: subprocess.Popen[bytes], grace_s: float = 0.0) -> None:
    """End a process with all that it started, in its group or not, and wait for it.

    If it exits by itself within `grace_s`, only what it started is killed. A descendant that left the group
    and lost its parent before this call is not found.
    """
    leader = _look_up(process)
    started = _find_descendants(leader) if grace_s else set()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    _kill_trees(leader | started)
    _kill_group(process.pid)
    process.wait()


def _look_up(process: subprocess.Popen[bytes]) -> set[psutil.Process]:
    """Return the process as psutil's, identified by number and start time; empty where it is gone."""
    # A process number is not reused before somebody has waited for the process.
    if process.returncode is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            return {psutil.Process(process.pid)}
    return set()


def _find_descendants(roots: Iterable[psutil.Process]) -> set[psutil.Process]:
    descendants: set[psutil.Process] = set()
    for root in roots:
        with contextlib.suppress(psutil.Error):
            descendants.update(root.children(recursive=True))
    return descendants


def _kill_trees(roots: set[psutil.Process]) -> None:
    """Kill processes with their descendants; all are suspended first, so that none starts another."""
    halted: set[psutil.Process] = set()
    running = roots
    while running:
        for process in running:
            with contextlib.suppress(psutil.Error):
                process.suspend()
        halted |= running
        running = _find_descendants(roots) - halted
    for process in halted:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _kill_group(leader: int) -> None:
    """Kill the rest of a group, including those whose parents have died."""
    if os.name == "posix":
        # A group number is not reused while a process of the group lives.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
