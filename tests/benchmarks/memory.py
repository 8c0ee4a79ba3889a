"""Measures the host's peak memory as the number of cases grows, against a worker that answers at once.

python tests/benchmarks/memory.py [CASES ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.errors import EXIT_INCOMPLETE

WORKER = """
import json, sys
sys.stdin.readline()
print(json.dumps({"type": "hello", "protocol": 1, "fingerprint": {}}), flush=True)
for line in sys.stdin:
    batch = json.loads(line)
    if batch["type"] == "bye":
        break
    for case in batch["cases"]:
        print(json.dumps({"type": "reply", "seq": case["seq"], "outcome": "unsupported", "stage": "start"}))
    print(json.dumps({"type": "end", "batch": batch["batch"]}), flush=True)
"""

GRID = """
[[grid]]
name = "many"
about = "As many cases as asked for, all small"
layer = "Conv2D"
count = {count}
product = {{ input = [{inputs}], kernel = [[2, 2]], strides = [{strides}] }}
each = {{ padding = ["same"] }}
"""

SUITE = """
[[suite]]
name = "many"
about = "As many cases as asked for"
count = {count}
take = [{{ grid = "many" }}]
"""


def main(counts: tuple[int, ...]) -> None:
    """Print the table."""
    print("| cases | peak memory, MB | to the first |")
    print("|--:|--:|--:|")
    first = 0.0
    for count in counts:
        peak = peak_megabytes(count)
        first = first or peak
        print(f"| {count:,} | {peak:,.0f} | {peak / first:.2f} |", flush=True)


def peak_megabytes(count: int) -> float:
    """The peak resident memory of the command that runs so many cases."""
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder, "cases")
        (cases / "grids").mkdir(parents=True)
        (cases / "suites").mkdir()
        inputs = ", ".join(f"[{2 + number % 10}, {2 + number // 10}]" for number in range(100))
        strides = ", ".join(f"[{1 + number % 10}, {1 + number // 10}]" for number in range(count // 100))
        grid = GRID.format(count=count // 100 * 100, inputs=inputs, strides=strides)
        (cases / "grids" / "many.toml").write_text(grid)
        (cases / "suites" / "many.toml").write_text(SUITE.format(count=count // 100 * 100))
        worker = Path(folder, "worker.py")
        worker.write_text(WORKER)
        selection = ["--cases", str(cases), "-t", f"exec:{sys.executable} {worker}", "-j", "1"]
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "run", "many", *selection, "-o", str(Path(folder, "run"))],
            env={**os.environ, "KERAS_HARNESS_CACHE": str(Path(folder, "cache"))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    # A run that computes nothing, as here, ends with 3.
    if process.returncode != EXIT_INCOMPLETE:
        raise SystemExit(f"the run of {count} cases ended with {process.returncode}")
    return float(usage.ru_maxrss) / 1024


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (1000, 5000, 20000))
