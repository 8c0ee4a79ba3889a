"""Every listed Keras is built, observed and put into the history tables, as a user types the commands.

Takes about half an hour, and interpreters from Python 3.6 on: `keras-harness doctor` tells which are
missing.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store import read_info

pytestmark = pytest.mark.matrix

EVERY = ("-t", "keras>=1")
COMMITTED = Path(__file__).parents[2] / "reports" / "tables" / "history"
NUM_TARGETS = 140
MAX_BYTES = 5_000_000


def keras_harness(*arguments: str) -> int:
    """Run the command, with what it prints shown."""
    return subprocess.run([sys.executable, "-m", "harness", *arguments], check=False).returncode


def targets_of(tables: Path) -> set[str]:
    with (tables / "targets.csv").open(encoding="utf-8") as file:
        return {row["target"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of suite history on every target."""
    directory = tmp_path_factory.mktemp("runs") / "every-keras"
    assert keras_harness("prepare", *EVERY) == 0
    assert keras_harness("run", "history", *EVERY, "-o", str(directory)) == 1
    return directory


def test_every_planned_case_is_observed_on_every_keras(run: Path) -> None:
    info = read_info(run)
    assert info.is_complete
    assert len(info.target_runs) >= NUM_TARGETS
    assert [name for name, one in info.target_runs.items() if one.failure] == []


def test_every_keras_is_the_one_that_its_name_says(run: Path) -> None:
    for one in read_info(run).target_runs.values():
        assert (one.fingerprint["version"], one.fingerprint["backend"]) == (one.version, one.backend)


def test_the_history_tables_hold_the_targets_of_the_committed_ones_and_stay_small(
    run: Path, tmp_path: Path
) -> None:
    assert keras_harness("history", str(run), "-o", str(tmp_path)) == 0
    assert targets_of(tmp_path) >= targets_of(COMMITTED)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < MAX_BYTES


def test_every_divergence_holds_when_called_by_hand(run: Path) -> None:
    assert keras_harness("confirm", str(run)) == 0
