"""Starts `keras-harness` as users do, and watches processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from tests.fakes.runs import CASES

PATIENCE_S: Final = 20.0
"""The seconds that a busy machine may take over what is normally immediate."""


@contextmanager
def start_harness(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start `keras-harness` in a process of its own, in the folder `home`; end it at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=home,
        env=make_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run_harness(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `keras-harness` to its end."""
    argv = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(
        argv, cwd=home, env=make_environment(home), capture_output=True, text=True, check=False
    )


def run_arguments(folder: str, *targets: str, jobs: int = 1) -> tuple[str, ...]:
    """Return the arguments of `keras-harness run` on the suite of the fakes."""
    chosen = (word for target in targets for word in ("-t", target))
    return ("run", "fakes", "--cases", str(CASES), *chosen, "-o", folder, "-j", str(jobs))


def make_environment(home: Path) -> dict[str, str]:
    """Return the environment of a user whose home is `home`."""
    return {**os.environ, "HOME": str(home), "KERAS_HARNESS_CACHE": str(home / "cache"), "COLUMNS": "200"}


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when the condition holds; fail when it does not in time."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


def find_logged_processes(run: Path) -> list[int]:
    """Return the processes that the fakes of a run have logged."""
    logs = "".join(log.read_text(encoding="utf-8") for log in run.glob("logs/*.log"))
    return [int(number) for number in re.findall(r"^(?:waiting|child) (\d+)$", logs, re.MULTILINE)]


def is_running(process: int) -> bool:
    """Return whether the process exists and has not ended (one that nobody has waited for has ended)."""
    try:
        return psutil.Process(process).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False
