"""Environments are built with a stand-in for uv; `test_*` names say what is kept whole."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Built, Checkout, Command, Here, Target
from harness.targets import PreparedEnvironment, cache_directory, disk_use, is_built, prepare, remove
from harness.targets.environments import plan_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a script")

PREPARE_IN_A_PROCESS = """\
import json, os, sys
from pathlib import Path
from harness.records import Built, Target
from harness.targets import prepare
name, version, backend, python, requires, cache, uv = json.loads(sys.argv[1])
target = Target(name, "keras", version, backend, backend, Built(python, tuple(requires)),
                {"KERAS_BACKEND": backend})
prepare(target, Path(cache), os.environ, print, Path(uv))
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def calls(host: dict[str, str]) -> list[str]:
    file = Path(host["FAKE_UV_CALLS"])
    return file.read_text().splitlines() if file.exists() else []


def prepared(
    target: Target, cache: Path, host: dict[str, str], uv: Path, lines: list[str] | None = None
) -> PreparedEnvironment:
    said = [] if lines is None else lines
    environment = prepare(target, cache, host, said.append, uv)
    assert environment is not None
    return environment


def refused(target: Target, cache: Path, host: dict[str, str], uv: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        prepared(target, cache, host, uv)
    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert not is_built(target, cache)
    return str(caught.value)


def test_an_environment_is_built_once_and_reused(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    assert not is_built(target, cache)
    lines: list[str] = []
    environment = prepared(target, cache, host, fake_uv, lines)
    assert is_built(target, cache)
    assert [line.removeprefix(f"{target.name}: ").split()[0] for line in lines] == [
        *("looking", "resolving", "installing", "checking", "ready,")
    ]
    assert prepared(target, cache, host, fake_uv) == environment
    assert calls(host) == ["python find", "pip compile", "venv --no-project", "pip sync"]


def test_the_state_file_tells_what_was_built(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    environment = prepared(target, cache, host, fake_uv)
    state = json.loads((environment.folder / "state.json").read_text())
    assert state["target"] == target.name
    assert state["python"] == ".".join(map(str, sys.version_info[:3]))
    assert state["requires"] == ["keras==3.15.1", "numpy==2.4.6"]
    assert state["installed"] == ["keras-3.15.1", "numpy-2.4.6"]
    assert (environment.folder / "requirements.lock").read_text().split() == state["requires"]


def test_the_same_pins_on_another_python_are_another_environment(target: Target, cache: Path) -> None:
    def folder(python: str, requires: tuple[str, ...]) -> str:
        plan = plan_for(replace(target, realisation=Built(python, requires)), cache)
        assert plan is not None
        return plan.label

    labels = {folder("3.11", ("a==1",)), folder("3.12", ("a==1",)), folder("3.11", ("a==2",))}
    assert len(labels) == 3


def test_a_folder_without_its_state_file_is_half_built(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    environment = prepared(target, cache, host, fake_uv)
    state_file = environment.folder / "state.json"
    state_file.rename(state_file.with_suffix(".tmp"))
    litter = environment.folder / "litter"
    litter.touch()
    assert not is_built(target, cache)
    assert prepared(target, cache, host, fake_uv) == environment
    assert not litter.exists()
    assert not state_file.with_suffix(".tmp").exists()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"schema": 1, "surprise": 2}'])
def test_a_garbled_state_file_does_not_count(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path, text: str
) -> None:
    environment = prepared(target, cache, host, fake_uv)
    (environment.folder / "state.json").write_text(text)
    assert not is_built(target, cache)


def test_a_state_file_of_another_environment_does_not_count(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    environment = prepared(target, cache, host, fake_uv)
    state_file = environment.folder / "state.json"
    state_file.write_text(state_file.read_text().replace(environment.state.key, "0" * 12))
    assert not is_built(target, cache)


@pytest.mark.parametrize("damage", ["interpreter", "removed package", "added package"])
def test_a_broken_environment_is_rebuilt(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path, damage: str
) -> None:
    environment = prepared(target, cache, host, fake_uv)
    (packages,) = environment.folder.glob("venv/lib/python*/site-packages")
    match damage:
        case "interpreter":
            environment.python.unlink()
            environment.python.symlink_to("/nowhere/python")
        case "removed package":
            shutil.rmtree(packages / "numpy-2.4.6.dist-info")
        case "added package":
            (packages / "six-1.17.0.dist-info").mkdir()
        case _:
            pytest.fail(f"unknown damage {damage}")
    assert not is_built(target, cache)
    lines: list[str] = []
    assert prepared(target, cache, host, fake_uv, lines) == environment
    assert f"{target.name}: removing what is left of a broken environment" in lines
    assert is_built(target, cache)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("unreachable", "the package registry cannot be reached"),
        ("full-disk", "the disk is full"),
        ("broken-keras", "it was installed, but cannot import Keras (exit status 1)"),
        ("other-version", "it should be Keras 3.15.1 on torch, but is Keras 9.9.9 on torch"),
        ("cuda", "its requirements pull in CUDA packages"),
    ],
)
def test_a_failed_build_leaves_a_message_and_a_log_and_nothing_else(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path, *, mode: str, said: str
) -> None:
    message = refused(target, cache, host | {"FAKE_UV": mode}, fake_uv)
    assert said in message.splitlines()[0]
    (log,) = (cache / "logs").iterdir()
    assert f"full log: {log}" in message
    assert log.stat().st_size > 0
    assert list((cache / "environments").iterdir()) == []
    prepared(target, cache, host, fake_uv)


def test_cuda_packages_are_named_and_not_installed(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    message = refused(target, cache, host | {"FAKE_UV": "cuda"}, fake_uv)
    assert "nvidia-cublas\n" in message
    assert "triton\n" in message
    assert "pip sync" not in calls(host)


def test_the_check_sees_the_backend_that_the_variables_choose(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    wrong = replace(target, variables={"KERAS_BACKEND": "jax"})
    assert "it should be Keras 3.15.1 on torch, but is Keras 3.15.1 on jax" in refused(
        wrong, cache, host, fake_uv
    )


def test_a_cache_that_cannot_be_written_is_told(
    target: Target, tmp_path: Path, host: dict[str, str], fake_uv: Path
) -> None:
    cache = tmp_path / "file"
    cache.touch()
    assert "KERAS_HARNESS_CACHE moves it" in refused(target, cache, host, fake_uv)


def test_two_processes_at_once_build_once(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    assert isinstance(target.realisation, Built)
    words = (target.name, target.version, target.backend, target.realisation.python)
    argument = json.dumps([*words, target.realisation.requires, str(cache), str(fake_uv)])
    root = str(Path(harness.__file__).parents[1])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE_IN_A_PROCESS, argument],
            env=host | {"FAKE_UV": "slow", "PYTHONPATH": root},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum("ready" in output for output in outputs) == 1
    assert sum("waiting for another process" in output for output in outputs) == 1
    assert calls(host).count("pip sync") == 1


def test_a_checkout_and_its_base_share_one_environment(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path, tmp_path: Path
) -> None:
    assert isinstance(target.realisation, Built)
    environment = prepared(target, cache, host, fake_uv)
    checkout = replace(target, name="path-x", version="", realisation=Checkout(tmp_path, target.realisation))
    assert is_built(checkout, cache)
    assert prepared(checkout, cache, host, fake_uv) == environment


@pytest.mark.parametrize("realisation", [Here(), Command(("worker",))])
def test_what_needs_no_environment_is_ready(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path, realisation: Here | Command
) -> None:
    ready = replace(target, realisation=realisation)
    assert is_built(ready, cache)
    assert prepare(ready, cache, host, pytest.fail, fake_uv) is None
    assert disk_use(ready, cache) == 0
    assert not remove(ready, cache)
    assert not cache.exists()


def test_a_removed_environment_is_gone(
    target: Target, cache: Path, host: dict[str, str], fake_uv: Path
) -> None:
    environment = prepared(target, cache, host, fake_uv)
    assert disk_use(target, cache) > 0
    assert remove(target, cache)
    assert not is_built(target, cache)
    assert not environment.folder.exists()
    assert disk_use(target, cache) == 0
    assert not remove(target, cache)


def test_the_cache_is_where_the_variable_says(tmp_path: Path) -> None:
    assert cache_directory({"KERAS_HARNESS_CACHE": str(tmp_path)}) == tmp_path.resolve()
    assert cache_directory({}).name == "keras-harness"
