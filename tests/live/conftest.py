"""Real runs, made once a session: the command line, as a user types it, on real Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

TARGETS = ("keras3.15.1-tensorflow", "keras3.15.1-jax", "keras3.15.1-torch")
OLD_TARGETS = (
    "keras1.2.2-theano",
    "keras2.3.1-theano",
    "keras2.2.5-tensorflow",
    "tf.keras1.15.0",
    "tf.keras2.15.1",
    "tf_keras2.16.0",
    "keras3.0.5-tensorflow",
    "keras3.0.5-jax",
    "keras3.0.5-torch",
)
"""A handful that spans the generations of the API, graphs and eager calls; uv can bring their Pythons."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended, and the run that it left."""

    exit_code: int
    output: str
    directory: Path

    def findings(self, target: str | None = None) -> pd.DataFrame:
        """`findings.csv`, of one target if given; absent cells are empty strings."""
        table = pd.read_csv(self.directory / "findings.csv", keep_default_na=False, dtype=str)
        return table if target is None else table[table["target"] == target]

    def divergences(self, target: str | None = None) -> pd.DataFrame:
        """The findings that diverge."""
        table = self.findings(target)
        return table[table["verdict"] == "diverges"]

    def run(self) -> dict[str, Any]:
        """`run.json`."""
        run: dict[str, Any] = json.loads((self.directory / "run.json").read_text())
        return run


def keras_harness(
    *arguments: str, directory: Path, variables: Mapping[str, str] | None = None, python: str = sys.executable
) -> Ended:
    """Run the command with `-o directory`."""
    return command(*arguments, "-o", str(directory), directory=directory, variables=variables, python=python)


def command(
    *arguments: str, directory: Path, variables: Mapping[str, str] | None = None, python: str = sys.executable
) -> Ended:
    """Run the command, which reads or writes the run in `directory`."""
    done = subprocess.run(
        [python, "-m", "harness", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(variables or {})},
        timeout=1500,
    )
    return Ended(done.returncode, done.stdout + done.stderr, directory)


@pytest.fixture(scope="session")
def generations(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Suite generations on Kerases of every generation."""
    selection = [word for target in OLD_TARGETS for word in ("-t", target)]
    return keras_harness(
        "run", "generations", *selection, directory=tmp_path_factory.mktemp("runs") / "generations"
    )


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Suites seed and smoke on three backends."""
    selection = [word for target in TARGETS for word in ("-t", target)]
    return keras_harness(
        "run", "seed", "smoke", *selection, directory=tmp_path_factory.mktemp("runs") / "smoke"
    )
