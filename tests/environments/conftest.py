from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.environments.build import PreparedEnvironment, prepare_environment
from harness.environments.cache import is_built
from harness.environments.layout import Base, EnvironmentLayout, Overlay, lay_out_environment
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Api, BuiltEnvironment, Target

RUNNING_PYTHON = "{}.{}".format(*sys.version_info[:2])
WORKER = Path(__file__).with_name("fake_worker.py")


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """The host's environment in the tests: no interpreter on PATH, and a file for uv's calls."""
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
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def make_target(
    version: str = "3.15.1", backend: str = "torch", base: tuple[str, ...] = ("numpy==2.4.6",)
) -> Target:
    """Return a target that the running Python can realise."""
    return Target(
        name=f"keras{version}-{backend}",
        api=Api.KERAS,
        version=version,
        backend=backend,
        lineage=backend,
        realisation=BuiltEnvironment(RUNNING_PYTHON, base, (f"keras=={version}",)),
        variables={"KERAS_BACKEND": backend},
        family=backend,
    )


@pytest.fixture
def target() -> Target:
    return make_target()


@dataclass(frozen=True)
class Workshop:
    """A cache, and the stand-ins for uv and the worker to build in it."""

    cache: Path
    host: dict[str, str]
    uv: Path

    def build(
        self, target: Target, mode: str = "", progress: Callable[[str], None] = lambda _line: None
    ) -> PreparedEnvironment:
        host = self.host | {"FAKE_UV": mode}
        environment = prepare_environment(target, self.cache, WORKER, host, progress, self.uv)
        assert environment is not None
        return environment

    def refuse(self, target: Target, mode: str = "") -> str:
        """Return the error of a target that cannot be built."""
        with pytest.raises(HarnessError) as caught:
            self.build(target, mode)
        assert caught.value.exit_code == EXIT_INCOMPLETE
        assert not is_built(target, self.cache)
        return str(caught.value)

    def plan(self, target: Target) -> EnvironmentLayout:
        plan = lay_out_environment(target, self.cache)
        assert plan is not None
        return plan

    def base(self, target: Target) -> Base:
        return self.plan(target).base

    def overlay(self, target: Target) -> Overlay:
        overlay = self.plan(target).overlay
        assert overlay is not None
        return overlay

    def calls(self) -> list[str]:
        """Return the first two words of each call of uv."""
        file = Path(self.host["FAKE_UV_CALLS"])
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def workshop(cache: Path, host: dict[str, str], fake_uv: Path) -> Workshop:
    if os.name == "nt":
        pytest.skip("the stand-in for uv is a script")
    return Workshop(cache, host, fake_uv)
