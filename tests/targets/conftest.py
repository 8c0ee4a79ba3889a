from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.records import Built, Target

RUNNING_PYTHON = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """The host's environment as the tests see it: no interpreter on PATH, and a place for uv's calls."""
    home = tmp_path / "home"
    home.mkdir()
    return {"HOME": str(home), "PATH": str(home), "FAKE_UV_CALLS": str(tmp_path / "calls.txt")}


@pytest.fixture
def fake_uv(tmp_path: Path) -> Path:
    """A program that stands in for uv."""
    program = tmp_path / "uv"
    source = Path(__file__).with_name("fake_uv.py").read_text(encoding="utf-8")
    program.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def target() -> Target:
    """A target that the running Python can realise."""
    return Target(
        name="keras3.15.1-torch",
        api="keras",
        version="3.15.1",
        backend="torch",
        lineage="torch",
        realisation=Built(RUNNING_PYTHON, ("keras==3.15.1", "numpy==2.4.6")),
        variables={"KERAS_BACKEND": "torch"},
    )
