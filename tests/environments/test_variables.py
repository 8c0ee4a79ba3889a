"""Nothing of the host reaches a target that the harness builds."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.environments.layout import (
    SCHEMA,
    BaseState,
    lay_out_environment,
    list_base_distributions,
    write_state,
)
from harness.records import Api, BuiltEnvironment, Target
from tests.fakes import fake_keras
from tests.fakes.runs import run_targets, suite

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links NumPy into the environment")

REPORT = """\
import json, os, sys
with open(os.path.join(os.environ["HOME"], "seen.json"), "w") as file:
    import importlib.util
    json.dump({
        "path": sys.path,
        "modules": sorted(sys.modules),
        "findable": [name for name in ("msgspec", "harness", "loop", "wire", "adapters", "fakes", "sentinel")
                     if importlib.util.find_spec(name)],
        "environment": dict(os.environ),
    }, file)
"""


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """The environment of a host that has another keras, and a module of its own, on its import path."""
    folder = tmp_path / "host-packages"
    folder.mkdir()
    (folder / "keras.py").write_text("__version__ = '3.0-of-the-host'")
    (folder / "sentinel.py").touch()
    return {**os.environ, "PYTHONPATH": str(folder), "KERAS_BACKEND": "theano", "SECRET": "of the host"}


@pytest.fixture
def built(tmp_path: Path) -> Target:
    """A target whose environment exists: a real one, with NumPy and the stand-in for Keras."""
    python = "{}.{}".format(*sys.version_info[:2])
    target = Target(
        "keras3.99-fake", Api.KERAS, "3.99", "fake", "fake", BuiltEnvironment(python, ("keras==3.99",))
    )
    plan = lay_out_environment(target, tmp_path / "cache")
    assert plan is not None
    venv.create(plan.base.venv, with_pip=False, symlinks=True)
    (packages,) = plan.base.venv.glob("lib/python*/site-packages")
    numpy = Path(np.__file__).parent
    for folder in (numpy, numpy.with_name("numpy.libs")):
        if folder.is_dir():
            (packages / folder.name).symlink_to(folder)
    assert fake_keras.__file__ is not None
    source = Path(fake_keras.__file__).read_text(encoding="utf-8")
    (packages / "keras.py").write_text(source + REPORT, encoding="utf-8")
    (packages / "keras-3.99.dist-info").mkdir()
    state = BaseState(
        schema=SCHEMA,
        key=plan.base.key,
        build="made by hand",
        python=python,
        requires=("keras==3.99",),
        installed=list_base_distributions(plan.base),
        stub_libraries=(),
        num_bytes=0,
    )
    write_state(plan.base, state)
    return target


def test_a_host_package_of_another_version_does_not_reach_the_target(
    built: Target, host: dict[str, str], tmp_path: Path
) -> None:
    done = run_targets(tmp_path, [built], suite(), environ=host)
    assert done.not_conforming() == set()
    assert done.info.footer is not None
    fingerprint = done.info.footer.targets[0].fingerprint
    assert fingerprint["keras"] == "3.99"
    plan = lay_out_environment(built, tmp_path / "cache")
    assert plan is not None
    assert Path(fingerprint["prefix"]) == plan.base.venv

    seen = json.loads((plan.home / "seen.json").read_text())
    assert seen["findable"] == []
    library = Path(sysconfig.get_path("stdlib"))
    for entry in map(Path, seen["path"]):
        is_own = entry.is_relative_to(plan.base.folder) or entry.is_relative_to(library)
        assert is_own or entry.suffix == ".zip"
        assert not entry.is_relative_to(Path(harness.__file__).parent)
        assert str(entry) not in site.getsitepackages()
    assert not {"harness", "msgspec", "pytest"} & {name.partition(".")[0] for name in seen["modules"]}
    assert "keras_harness_worker.adapters.keras3" not in seen["modules"]
    assert "keras_harness_worker.loop" in seen["modules"]
    assert not {"SECRET", "PYTHONPATH", "KERAS_BACKEND"} & seen["environment"].keys()


def test_the_stand_in_reports_what_it_could_see(tmp_path: Path) -> None:
    """The check itself: with the host's import path the same code finds the host's modules."""
    (tmp_path / "sentinel.py").touch()
    variables = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", REPORT], env=variables, check=True)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert {"msgspec", "sentinel"} <= set(seen["findable"])
