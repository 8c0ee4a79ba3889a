from __future__ import annotations

import os
import site
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Built, Checkout, Command, Here, Launch, Target
from harness.targets import launch, prepare
from harness.targets.isolation import REPRODUCIBLE, isolated

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "secret",
    "PYTHONSTARTUP": "x",
    "PYTHONDONTWRITEBYTECODE": "yes",
    "OMP_NUM_THREADS": "64",
    "CUDA_VISIBLE_DEVICES": "7",
    "KERAS_BACKEND": "theano",
    "LD_LIBRARY_PATH": "/host/lib",
    "VIRTUAL_ENV": "/host/venv",
}
WORKER = Path("/harness/worker/__main__.py")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def noisy(host: dict[str, str]) -> dict[str, str]:
    """A host's environment that holds what no target may see."""
    return host | SECRETS | {"PYTHONPATH": "/host/packages", "LANG": "C.UTF-8", "LC_NUMERIC": "de_DE"}


def launched(target: Target, cache: Path, environ: dict[str, str]) -> Launch:
    return launch(target, cache, WORKER, environ, pytest.fail)


def test_only_the_allow_list_passes(noisy: dict[str, str], tmp_path: Path) -> None:
    environment = isolated(noisy, tmp_path, {"KERAS_BACKEND": "jax"})
    assert environment.keys() - REPRODUCIBLE.keys() == {
        *("PATH", "LANG", "LC_NUMERIC", "KERAS_BACKEND"),
        *("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
        *("KERAS_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TORCHINDUCTOR_CACHE_DIR"),
    }
    foreign = {*SECRETS.values(), "/host/packages"}
    assert not foreign & set(environment.values())
    assert environment["HOME"] == str(tmp_path)


def test_the_variables_of_the_target_come_last(noisy: dict[str, str], tmp_path: Path) -> None:
    environment = isolated(noisy, tmp_path, {"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "2"})
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["OMP_NUM_THREADS"]) == ("3", "2")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a script")
def test_a_built_target_starts_its_own_python_by_path(
    target: Target, cache: Path, noisy: dict[str, str], fake_uv: Path
) -> None:
    environment = prepare(target, cache, noisy, print, fake_uv)
    assert environment is not None
    start = launched(target, cache, noisy)
    assert start.argv == (str(environment.python), "-s", str(WORKER))
    assert start.environment == isolated(noisy, environment.home, target.variables)
    assert environment.home.is_relative_to(cache)
    assert environment.home.is_dir()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a script")
def test_a_checkout_lies_before_the_built_environment(
    target: Target, cache: Path, noisy: dict[str, str], fake_uv: Path, tmp_path: Path
) -> None:
    assert isinstance(target.realisation, Built)
    environment = prepare(target, cache, noisy, print, fake_uv)
    assert environment is not None
    (tmp_path / "checkout" / "keras").mkdir(parents=True)
    (tmp_path / "checkout" / "keras" / "__init__.py").write_text("__version__ = 'of the checkout'")
    checkout = Checkout(tmp_path / "checkout", target.realisation)
    start = launched(replace(target, name="path-checkout-torch", realisation=checkout), cache, noisy)
    assert start.argv[0] == str(environment.python)
    assert start.environment["HOME"] == str(cache / "homes" / "path-checkout-torch")
    program = [start.argv[0], "-s", "-c", "import keras; print(keras.__version__)"]
    done = subprocess.run(program, env=dict(start.environment), capture_output=True, text=True, check=True)
    assert done.stdout == "of the checkout\n"


def test_here_keeps_the_import_path_of_the_host(target: Target, cache: Path, noisy: dict[str, str]) -> None:
    here = replace(target, name="here", realisation=Here(), variables={"KERAS_BACKEND": "theano"})
    start = launched(here, cache, noisy)
    assert (start.argv[0], start.argv[-1]) == (sys.executable, str(WORKER))
    assert start.environment["PYTHONPATH"] == "/host/packages"
    assert start.environment["KERAS_BACKEND"] == "theano"
    assert start.environment["HOME"] == str(cache / "homes" / "here")
    assert "AWS_SECRET_ACCESS_KEY" not in start.environment


@pytest.mark.parametrize("is_used", [True, False])
def test_here_keeps_the_user_site_where_the_host_uses_it(
    target: Target, cache: Path, noisy: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, is_used: bool
) -> None:
    monkeypatch.setattr(site, "ENABLE_USER_SITE", is_used)
    start = launched(replace(target, name="here", realisation=Here()), cache, noisy)
    assert ("-s" in start.argv) is not is_used
    assert start.environment.get("PYTHONUSERBASE") == (site.getuserbase() if is_used else None)
    assert start.environment["PYTHONNOUSERSITE"] == ("" if is_used else "1")


def test_a_command_keeps_the_home_of_its_owner(target: Target, cache: Path, noisy: dict[str, str]) -> None:
    command = replace(target, realisation=Command((sys.executable, "worker.py")), variables={})
    start = launched(command, cache, noisy)
    assert start.argv == (sys.executable, "worker.py")
    assert start.environment["HOME"] == noisy["HOME"]
    assert start.environment["OMP_NUM_THREADS"] == "1"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "KERAS_BACKEND"} & start.environment.keys()
    assert not cache.exists()


def test_a_command_that_is_not_there_is_told(target: Target, cache: Path, host: dict[str, str]) -> None:
    command = replace(target, name="exec-nosuch", realisation=Command(("nosuch",)), variables={})
    with pytest.raises(
        HarnessError, match="exec-nosuch cannot start: there is no program 'nosuch'"
    ) as caught:
        launched(command, cache, host)
    assert caught.value.exit_code == EXIT_INCOMPLETE


def test_a_home_that_cannot_be_made_is_told(target: Target, tmp_path: Path, host: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="KERAS_HARNESS_CACHE moves it"):
        launched(replace(target, name="here", realisation=Here()), tmp_path / "file", host)
