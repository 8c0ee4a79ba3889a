"""Measures what the command line costs before it does anything: CPU seconds, user and system, on Linux.

    python tests/benchmarks/start.py [PYTHON]

PYTHON is an interpreter with the harness, by default this one. Each figure is the least of three.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = 3

COMMANDS = ("", "run", "cases", "explain", "confirm")

SUITES = ("smoke", "core")

WORKER = """
import os, sys
words = open(f"/proc/{os.getppid()}/stat").read().rsplit(")", 1)[1].split()
with open(sys.argv[1], "a") as file:
    print(sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK"), file=file)
"""
"""Notes what its parent, the harness, has taken until now, and leaves."""


def main(python: str) -> None:
    """Print the table."""
    print("| what | CPU s |")
    print("|---|--:|")
    for command in COMMANDS:
        words = [*command.split(), "--help"]
        taken = min(help_seconds(python, words) for _ in range(TIMES))
        print(f"| keras-harness {' '.join(words)} | {taken:.2f} |", flush=True)
    for suite in SUITES:
        with tempfile.TemporaryDirectory() as folder:
            first = seconds_to_worker(python, suite, Path(folder))
            again = min(seconds_to_worker(python, suite, Path(folder)) for _ in range(TIMES))
        print(f"| keras-harness run {suite}, to the first worker, for the first time | {first:.2f} |")
        print(f"| keras-harness run {suite}, to the first worker | {again:.2f} |", flush=True)


def help_seconds(python: str, words: list[str]) -> float:
    """What a command that only prints takes from start to end."""
    process = subprocess.Popen([python, "-m", "harness", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def seconds_to_worker(python: str, suite: str, folder: Path) -> float:
    """What a run takes from its start to that of its first worker; the cache lies in the folder."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        worker, noted = Path(place, "worker.py"), Path(place, "noted")
        worker.write_text(WORKER)
        target = f"exec:{sys.executable} {worker} {noted}"
        subprocess.run(
            [python, "-m", "harness", "run", suite, "-t", target, "-j", "1", "-o", str(Path(place, "run"))],
            env={**os.environ, "KERAS_HARNESS_CACHE": str(folder / "cache")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return float(noted.read_text().split()[0])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else sys.executable)
