from __future__ import annotations

import site
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.environments.launch import prepare_worker_command
from harness.environments.variables import REPRODUCIBLE, isolate_variables
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Api, BuiltEnvironment, Checkout, Command, HostPython, Target, WorkerCommand
from tests.environments.conftest import RUNNING_PYTHON, WORKER, Workshop

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


@pytest.fixture
def noisy(host: dict[str, str]) -> dict[str, str]:
    """A host's environment with variables that no target may see."""
    return host | SECRETS | {"PYTHONPATH": "/host/packages", "LANG": "C.UTF-8", "LC_NUMERIC": "de_DE"}


def launch(target: Target, cache: Path, environ: dict[str, str]) -> WorkerCommand:
    return prepare_worker_command(target, cache, WORKER, environ, pytest.fail)


def test_only_the_allow_list_passes(noisy: dict[str, str], tmp_path: Path) -> None:
    environment = isolate_variables(noisy, tmp_path, {"KERAS_BACKEND": "jax"})
    assert environment.keys() - REPRODUCIBLE.keys() == {
        *("PATH", "LANG", "LC_NUMERIC", "KERAS_BACKEND"),
        *("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
        *("KERAS_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TORCHINDUCTOR_CACHE_DIR"),
        *("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"),
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES",
    }
    foreign = {*SECRETS.values(), "/host/packages"}
    assert not foreign & set(environment.values())
    assert environment["HOME"] == str(tmp_path)


def test_the_homes_of_all_targets_share_what_jax_compiled(tmp_path: Path) -> None:
    one, other = (
        isolate_variables({}, tmp_path / name, {}) for name in ("keras3.15.1-jax", "keras3.14.1-numpy")
    )
    assert one["JAX_COMPILATION_CACHE_DIR"] == other["JAX_COMPILATION_CACHE_DIR"]
    assert Path(one["JAX_COMPILATION_CACHE_DIR"]).is_relative_to(tmp_path)


def test_onednn_is_switched_on_whatever_the_processor(tmp_path: Path) -> None:
    assert isolate_variables({}, tmp_path, {})["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert isolate_variables({}, tmp_path, {"TF_ENABLE_ONEDNN_OPTS": "0"})["TF_ENABLE_ONEDNN_OPTS"] == "0"


def test_the_variables_of_the_target_come_last(noisy: dict[str, str], tmp_path: Path) -> None:
    environment = isolate_variables(noisy, tmp_path, {"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "2"})
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["OMP_NUM_THREADS"]) == ("3", "2")


def test_home_stands_for_the_private_folder_in_a_variable(noisy: dict[str, str], tmp_path: Path) -> None:
    environment = isolate_variables(noisy, tmp_path, {"FLAGS": "dir={home}/a,other={home}/b"})
    assert environment["FLAGS"] == f"dir={tmp_path}/a,other={tmp_path}/b"
    assert isolate_variables(noisy, None, {"FLAGS": "{home}"})["FLAGS"] == "{home}"


def run_in(start: WorkerCommand, program: str) -> str:
    argv = [start.argv[0], "-s", "-c", program]
    done = subprocess.run(argv, env=dict(start.environment), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_a_built_target_starts_its_own_python_by_path_for_its_api(
    target: Target, workshop: Workshop, noisy: dict[str, str]
) -> None:
    environment = workshop.build(target)
    start = launch(target, workshop.cache, noisy)
    assert start.argv == (str(environment.python), "-s", str(WORKER), "keras")
    expected = isolate_variables(noisy, environment.home, target.variables)
    assert start.environment == expected | {"PYTHONPATH": str(environment.site)}
    assert environment.home.is_relative_to(workshop.cache)
    assert environment.home.is_dir()


def test_the_overlay_lies_before_the_base(target: Target, workshop: Workshop, noisy: dict[str, str]) -> None:
    with_old_keras = BuiltEnvironment(RUNNING_PYTHON, ("keras==3.9.2",), ("keras==3.15.1",))
    shadowing = replace(target, realisation=with_old_keras)
    workshop.build(shadowing)
    start = launch(shadowing, workshop.cache, noisy)
    assert run_in(start, "import keras; print(keras.__version__)") == "3.15.1"


def test_an_empty_overlay_has_no_place_on_the_import_path(
    target: Target, workshop: Workshop, noisy: dict[str, str]
) -> None:
    bundled = replace(
        target, api=Api.TF_KERAS, realisation=BuiltEnvironment(RUNNING_PYTHON, ("keras==3.15.1",))
    )
    workshop.build(bundled)
    start = launch(bundled, workshop.cache, noisy)
    assert start.argv[-1] == "tf.keras"
    assert not {"PYTHONPATH", "LD_LIBRARY_PATH"} & start.environment.keys()


def test_the_home_of_a_target_holds_its_compile_caches(
    target: Target, workshop: Workshop, noisy: dict[str, str]
) -> None:
    theano = replace(target, variables={**target.variables, "THEANO_FLAGS": "base_compiledir={home}/theano"})
    environment = workshop.build(theano)
    start = launch(theano, workshop.cache, noisy)
    assert start.environment["THEANO_FLAGS"] == f"base_compiledir={environment.home}/theano"


def test_a_variant_starts_as_its_target_with_its_flags(
    target: Target, workshop: Workshop, noisy: dict[str, str]
) -> None:
    workshop.build(target)
    variant = replace(target, name=f"{target.name}+x=1", variables={**target.variables, "X": "1"})
    start, plain = (launch(one, workshop.cache, noisy) for one in (variant, target))
    assert (start.argv, start.environment) == (plain.argv, {**plain.environment, "X": "1"})


def test_a_checkout_lies_before_the_base_without_an_overlay(
    target: Target, workshop: Workshop, noisy: dict[str, str], tmp_path: Path
) -> None:
    assert target.built is not None
    environment = workshop.build(target)
    (tmp_path / "checkout" / "keras").mkdir(parents=True)
    (tmp_path / "checkout" / "keras" / "__init__.py").write_text("__version__ = 'of the checkout'")
    checkout = Checkout(tmp_path / "checkout", target.built)
    start = launch(replace(target, name="path-checkout-torch", realisation=checkout), workshop.cache, noisy)
    assert start.argv[0] == str(environment.python)
    assert start.environment["HOME"] == str(workshop.cache / "homes" / "path-checkout-torch")
    assert start.environment["PYTHONPATH"] == str(tmp_path / "checkout")
    assert run_in(start, "import keras; print(keras.__version__)") == "of the checkout"


def test_here_keeps_the_import_path_of_the_host(target: Target, cache: Path, noisy: dict[str, str]) -> None:
    here = replace(target, name="here", realisation=HostPython(), variables={"KERAS_BACKEND": "theano"})
    start = launch(here, cache, noisy)
    assert (start.argv[0], start.argv[-2:]) == (sys.executable, (str(WORKER), "keras"))
    assert start.environment["PYTHONPATH"] == "/host/packages"
    assert start.environment["KERAS_BACKEND"] == "theano"
    assert start.environment["HOME"] == str(cache / "homes" / "here")
    assert "AWS_SECRET_ACCESS_KEY" not in start.environment


@pytest.mark.parametrize("is_used", [True, False])
def test_here_keeps_the_user_site_where_the_host_uses_it(
    target: Target, cache: Path, noisy: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, is_used: bool
) -> None:
    monkeypatch.setattr(site, "ENABLE_USER_SITE", is_used)
    start = launch(replace(target, name="here", realisation=HostPython()), cache, noisy)
    assert ("-s" in start.argv) is not is_used
    assert start.environment.get("PYTHONUSERBASE") == (site.getuserbase() if is_used else None)
    assert start.environment["PYTHONNOUSERSITE"] == ("" if is_used else "1")


def test_a_command_keeps_the_home_of_its_owner(target: Target, cache: Path, noisy: dict[str, str]) -> None:
    command = replace(target, realisation=Command((sys.executable, "worker.py")), variables={})
    start = launch(command, cache, noisy)
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
        launch(command, cache, host)
    assert caught.value.exit_code == EXIT_INCOMPLETE


def test_a_home_that_cannot_be_made_is_told(target: Target, tmp_path: Path, host: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="KERAS_HARNESS_CACHE moves it"):
        launch(replace(target, name="here", realisation=HostPython()), tmp_path / "file", host)
