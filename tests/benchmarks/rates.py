"""Measures the harness against ways of calling Keras by hand, in one run, and prints a table.

    python tests/benchmarks/rates.py [TARGET ...]

The ratio is to the document's own way (`Sequential` + `predict`) on the same target.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.cases.suites import expand_suites, load_library
from harness.data.case_data import make_case_data
from harness.environments.cache import find_cache_directory
from harness.environments.launch import prepare_worker_command
from harness.oracle import expect
from harness.resources import WORKER, find_cases_folder
from harness.targets.catalog import read_catalog
from harness.targets.selection import select_from_catalog

DEFAULT_TARGETS = ("keras3.15.1-tensorflow", "keras3.15.1-torch")


def main(names: tuple[str, ...]) -> None:
    """Print the table."""
    print("| what | cases/s | to Sequential + predict |")
    print("|---|--:|--:|")
    for what, rate in oracle_rates():
        print(f"| {what} | {rate:,.0f} | |")
    catalog = read_catalog([find_cases_folder() / "targets.toml"])
    for target in select_from_catalog(names, catalog, os.environ, Path.cwd()):
        started = prepare_worker_command(
            target, find_cache_directory(os.environ), WORKER, os.environ, lambda _: None
        )
        by_hand = subprocess.run(
            [started.argv[0], str(Path(__file__).with_name("ways.py")), target.backend],
            env=dict(started.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        rates = json.loads(by_hand.stdout.splitlines()[-1]) | harness_rates(target.name)
        base = rates["Sequential + predict"]
        for what, rate in rates.items():
            print(f"| {target.name}: {what} | {rate:,.0f} | {rate / base:,.1f} |")


def oracle_rates() -> Iterator[tuple[str, float]]:
    """Cases a second of suite core, on one core: the data alone, and the formula alone."""
    cases = list(expand_suites(load_library([find_cases_folder()]), ("core",)))
    began = time.perf_counter()
    signals = [make_case_data(case) for case in cases]
    drawn = time.perf_counter()
    for case, data in zip(cases, signals, strict=True):
        expect(case, data)
    yield "signals of suite core", len(cases) / (drawn - began)
    yield "oracle on suite core", len(cases) / (time.perf_counter() - drawn)


def harness_rates(target: str) -> dict[str, float]:
    """Cases a second of `keras-harness run core` from a built environment, without and with its start."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "run")
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "harness", "run", "core", "-t", target, "-o", str(directory)],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode not in {0, 1}:
            raise SystemExit(done.stdout + done.stderr)
        footer = json.loads((directory / "run.json").read_text())["footer"]
    start = footer["targets"][0]["start_seconds"]
    return {
        "keras-harness run core, end to end": footer["observed"] / (seconds - start),
        "the same with the start of Keras counted": footer["observed"] / seconds,
    }


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or DEFAULT_TARGETS)
