"""Layers, built with a stand-in for uv and a stand-in for the worker."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.environments.build import prepare_environment
from harness.environments.cache import is_built
from harness.environments.layout import EnvironmentLayer, EnvironmentLayout, lay_out_environment, lock_layer
from harness.errors import EXIT_INTERRUPTED, Cancelled
from harness.records import Api, BuiltEnvironment, Checkout, Command, HostPython, StubLibrary, Target
from tests.environments.conftest import RUNNING_PYTHON, WORKER, Workshop, make_target

PREPARE_IN_A_PROCESS = """\
import json, os, sys
from pathlib import Path
from harness.records import Api, BuiltEnvironment, Target
from harness.environments.build import prepare_environment
version, python, base, cache, worker, uv = json.loads(sys.argv[1])
target = Target(f"keras{version}-torch", Api.KERAS, version, "torch", "torch",
                BuiltEnvironment(python, tuple(base), (f"keras=={version}",)), {"KERAS_BACKEND": "torch"})
prepare_environment(target, Path(cache), Path(worker), os.environ, print, Path(uv))
"""
BUILT_FROM_NOTHING = ["python find", "pip compile", "venv --no-project", "pip sync", "pip install"]


def test_layers_are_built_once_and_reused(target: Target, workshop: Workshop) -> None:
    assert not is_built(target, workshop.cache)
    lines: list[str] = []
    environment = workshop.build(target, progress=lines.append)
    assert is_built(target, workshop.cache)
    assert [line.removeprefix(f"{target.name}: ").split()[0] for line in lines] == [
        *("looking", "resolving", "installing", "installing", "checking", "ready")
    ]
    assert workshop.build(target, progress=pytest.fail) == environment
    assert workshop.calls() == BUILT_FROM_NOTHING


def test_versions_with_the_same_base_share_it(target: Target, workshop: Workshop) -> None:
    older = make_target("3.14.1", "jax")
    first, second = workshop.build(target), workshop.build(older)
    assert first.python == second.python
    assert first.site != second.site
    assert first.home != second.home
    assert workshop.calls() == [*BUILT_FROM_NOTHING, "pip install"]
    assert workshop.overlay(older).base_note.read_text().strip() == workshop.base(target).label


def test_an_empty_overlay_holds_the_note_of_the_check_only(target: Target, workshop: Workshop) -> None:
    bundled = BuiltEnvironment(RUNNING_PYTHON, ("keras==3.15.1",))
    environment = workshop.build(replace(target, realisation=bundled))
    assert environment.site is None
    assert "pip install" not in workshop.calls()
    overlay = workshop.overlay(replace(target, realisation=bundled))
    assert sorted(file.name for file in overlay.folder.iterdir()) == ["base", "state.json"]


def test_a_variant_has_the_layers_of_its_target(target: Target, workshop: Workshop) -> None:
    environment = workshop.build(target)
    variant = replace(target, name=f"{target.name}+x=1", variant="x=1", variables={"X": "1"})
    assert is_built(variant, workshop.cache)
    assert workshop.build(variant) == environment


def test_the_state_files_tell_what_was_built(target: Target, workshop: Workshop) -> None:
    workshop.build(target)
    base = json.loads(workshop.base(target).state_file.read_text())
    overlay = json.loads(workshop.overlay(target).state_file.read_text())
    assert (base["requires"], base["installed"]) == (["numpy==2.4.6"], ["numpy-2.4.6"])
    assert (overlay["requires"], overlay["installed"]) == (["keras==3.15.1"], ["keras-3.15.1"])
    assert overlay["base_build"] == base["build"]
    assert overlay["target"] == target.name
    assert overlay["fingerprint"]["path"] == str(workshop.overlay(target).site / "keras")
    assert workshop.base(target).folder.joinpath("requirements.lock").read_text() == "numpy==2.4.6"


def test_whatever_can_change_a_layer_is_in_its_label(target: Target, workshop: Workshop) -> None:
    built = target.built
    assert built is not None
    others = [
        replace(target, realisation=replace(built, python="3.6")),
        replace(target, realisation=replace(built, requires=("numpy==2.0.2",))),
        replace(target, realisation=replace(built, stub_libraries=(StubLibrary.MPI,))),
        replace(target, realisation=replace(built, as_of="2026-11-15")),
        replace(target, realisation=replace(built, overlay=("keras==3.14.1",))),
        replace(target, api=Api.KERAS_MXNET),
        replace(target, version="3.14.1"),
        replace(target, backend="jax"),
    ]
    assert len({workshop.overlay(one).label for one in (target, *others)}) == 9
    assert len({workshop.base(one).label for one in (target, *others)}) == 5
    assert workshop.base(target).label.startswith("numpy-")
    assert workshop.overlay(target).label.startswith("keras3.15.1-torch-")


def test_a_base_is_resolved_as_on_the_day_of_its_list(target: Target, workshop: Workshop) -> None:
    built = target.built
    assert built is not None
    dated = replace(target, realisation=replace(built, as_of="2026-11-15"))
    for one in (target, dated):
        workshop.build(one)
    asked = "--exclude-newer 2026-11-15 --exclude-newer-package torch=false"
    assert asked in workshop.base(dated).log.read_text()
    assert "--exclude-newer" not in workshop.base(target).log.read_text()


def get_layer(plan: EnvironmentLayout, kind: str) -> EnvironmentLayer:
    assert plan.overlay is not None
    return {"base": plan.base, "overlay": plan.overlay}[kind]


@pytest.mark.parametrize("kind", ["base", "overlay"])
def test_a_folder_without_its_state_file_is_half_built(target: Target, workshop: Workshop, kind: str) -> None:
    environment = workshop.build(target)
    layer = get_layer(workshop.plan(target), kind)
    layer.state_file.rename(layer.state_file.with_suffix(".tmp"))
    litter = layer.folder / "litter"
    litter.touch()
    assert not is_built(target, workshop.cache)
    assert workshop.build(target) == environment
    assert not litter.exists()
    assert not layer.state_file.with_suffix(".tmp").exists()


@pytest.mark.parametrize("kind", ["base", "overlay"])
@pytest.mark.parametrize("text", ["", "{", "{}", '{"schema": 2, "surprise": 2}', "other key"])
def test_a_garbled_or_foreign_state_file_does_not_count(
    target: Target, workshop: Workshop, kind: str, text: str
) -> None:
    workshop.build(target)
    layer = get_layer(workshop.plan(target), kind)
    foreign = layer.state_file.read_text().replace(layer.key, "0" * 12)
    layer.state_file.write_text(foreign if text == "other key" else text)
    assert not is_built(target, workshop.cache)


@pytest.mark.parametrize("damage", ["interpreter", "removed package", "added package", "removed folder"])
def test_a_broken_base_is_rebuilt_and_the_overlay_checked_again(
    target: Target, workshop: Workshop, damage: str
) -> None:
    environment = workshop.build(target)
    base = workshop.base(target)
    (packages,) = base.venv.glob("lib/python*/site-packages")
    match damage:
        case "interpreter":
            environment.python.unlink()
            environment.python.symlink_to("/nowhere/python")
        case "removed package":
            shutil.rmtree(packages / "numpy-2.4.6.dist-info")
        case "added package":
            (packages / "six-1.17.0.dist-info").mkdir()
        case "removed folder":
            shutil.rmtree(base.folder)
        case _:
            pytest.fail(f"unknown damage {damage}")
    assert not is_built(target, workshop.cache)
    lines: list[str] = []
    assert workshop.build(target, progress=lines.append) == environment
    assert f"{target.name}: removing what is left of a broken environment" in lines
    assert f"{target.name}: checking that its worker starts" in lines
    assert is_built(target, workshop.cache)


def test_a_rebuilt_base_brings_the_other_overlays_to_be_checked_again(
    target: Target, workshop: Workshop
) -> None:
    other = make_target("3.14.1")
    workshop.build(target)
    workshop.build(other)
    shutil.rmtree(workshop.base(target).folder)
    workshop.build(target)
    assert not is_built(other, workshop.cache)
    workshop.build(other)
    assert workshop.calls().count("pip sync") == 2


@pytest.mark.parametrize("damage", ["keras-3.15.1.dist-info", ""])
def test_a_broken_overlay_is_rebuilt_on_its_base(target: Target, workshop: Workshop, damage: str) -> None:
    workshop.build(target)
    shutil.rmtree(workshop.overlay(target).site / damage)
    assert not is_built(target, workshop.cache)
    workshop.build(target)
    assert is_built(target, workshop.cache)
    assert workshop.calls() == [*BUILT_FROM_NOTHING, "pip install"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("unreachable", "the package registry cannot be reached"),
        ("full-disk", "the disk is full"),
        ("cuda", "its requirements pull in CUDA packages"),
        ("numpy==2.4.6", "the registry has no such set of pinned packages"),
    ],
)
def test_a_base_that_fails_leaves_a_message_and_a_log_and_nothing_else(
    target: Target, workshop: Workshop, mode: str, said: str
) -> None:
    message = workshop.refuse(target, mode)
    assert said in message.splitlines()[0]
    log = workshop.base(target).log
    assert f"full log: {log}" in message
    assert log.stat().st_size > 0
    assert list((workshop.cache / "environments").iterdir()) == []
    assert list((workshop.cache / "overlays").iterdir()) == []
    workshop.build(target)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("overlay-full-disk", "the disk is full"),
        ("keras==3.15.1", "the registry has no such set of pinned packages"),
        ("overlay-other-version", "its version should be 3.15.1, but its worker says 9.9.9"),
    ],
)
def test_an_overlay_that_fails_leaves_its_base_and_nothing_else(
    target: Target, workshop: Workshop, mode: str, said: str
) -> None:
    message = workshop.refuse(target, mode)
    assert said in message.splitlines()[0]
    assert f"full log: {workshop.overlay(target).log}" in message
    assert list((workshop.cache / "overlays").iterdir()) == []
    workshop.build(target)
    assert workshop.calls().count("pip sync") == 1


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("crash", "its worker says no hello (exit status -6)"),
        ("silent", "its worker says no hello (exit status 0)"),
        ("other-api", "its api should be keras, but its worker says tf.keras"),
        ("terse", "its backend should be torch, but its worker says nothing"),
    ],
)
def test_a_worker_that_is_not_what_the_name_says_is_told(
    target: Target, workshop: Workshop, mode: str, said: str
) -> None:
    wrong = replace(target, variables={**target.variables, "FAKE_WORKER": mode})
    assert said in workshop.refuse(wrong).splitlines()[0]
    assert list((workshop.cache / "overlays").iterdir()) == []


def test_a_worker_that_cannot_import_keras_is_told(target: Target, workshop: Workshop) -> None:
    built = BuiltEnvironment(RUNNING_PYTHON, ("numpy==2.4.6",), ("keras-nightly==3.15.1",))
    message = workshop.refuse(replace(target, realisation=built))
    assert "its worker cannot start: ImportError\n    No module named 'keras'" in message


def test_the_check_sees_the_backend_that_the_variables_choose(target: Target, workshop: Workshop) -> None:
    wrong = replace(target, variables={"KERAS_BACKEND": "jax"})
    assert "its backend should be torch, but its worker says jax" in workshop.refuse(wrong)


def test_a_version_that_is_not_named_may_be_any(target: Target, workshop: Workshop) -> None:
    workshop.build(replace(target, version=""), "overlay-other-version")


def test_cuda_packages_are_named_and_not_installed(target: Target, workshop: Workshop) -> None:
    message = workshop.refuse(target, "cuda")
    assert "nvidia-cublas\n" in message
    assert "triton\n" in message
    assert "pip sync" not in workshop.calls()


def test_a_base_that_vanishes_while_a_target_is_prepared_is_told(target: Target, workshop: Workshop) -> None:
    message = workshop.refuse(target, "vanishing-base")
    assert f"its base {workshop.base(target).folder} was removed or changed meanwhile" in message
    assert "prepare it again" in message
    workshop.build(target)


def test_a_cache_that_cannot_be_written_is_told(target: Target, workshop: Workshop) -> None:
    workshop.cache.touch()
    assert "KERAS_HARNESS_CACHE moves it" in workshop.refuse(target)


def test_building_ends_soon_after_it_is_stopped(target: Target, workshop: Workshop) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled) as caught:
        prepare_environment(target, workshop.cache, WORKER, workshop.host, print, workshop.uv, stop)
    assert caught.value.exit_code == EXIT_INTERRUPTED
    assert list((workshop.cache / "environments").iterdir()) == []


def test_waiting_for_another_builder_ends_soon_after_it_is_stopped(tmp_path: Path) -> None:
    layer = EnvironmentLayer(tmp_path, "overlays", "layer", "")
    has_begun, is_built, stop = threading.Event(), threading.Event(), threading.Event()
    said: list[str] = []

    def build() -> None:
        with lock_layer(layer, "another", said.append, threading.Event()):
            has_begun.set()
            is_built.wait()

    builder = threading.Thread(target=build, daemon=True)
    builder.start()
    has_begun.wait()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Cancelled), lock_layer(layer, "layer", said.append, stop):
        pytest.fail("there are two builders")
    is_built.set()
    builder.join()
    assert said == ["layer: waiting for another process that builds it"]
    with lock_layer(layer, "layer", pytest.fail, stop):
        pass


@pytest.mark.parametrize(("versions", "num_overlays"), [(("3.15.1", "3.15.1"), 1), (("3.15.1", "3.14.1"), 2)])
def test_processes_at_once_build_each_layer_once(
    workshop: Workshop, versions: tuple[str, ...], num_overlays: int
) -> None:
    root = str(Path(harness.__file__).parents[1])
    places = (str(workshop.cache), str(WORKER), str(workshop.uv))
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", PREPARE_IN_A_PROCESS),
                json.dumps([version, RUNNING_PYTHON, ["numpy==2.4.6"], *places]),
            ],
            env=workshop.host | {"FAKE_UV": "slow", "PYTHONPATH": root},
            stdout=subprocess.PIPE,
            text=True,
        )
        for version in versions
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum("ready" in output for output in outputs) == num_overlays
    assert sum("waiting for another process" in output for output in outputs) == 1
    assert workshop.calls().count("pip sync") == 1
    assert workshop.calls().count("pip install") == num_overlays


def test_a_checkout_needs_the_base_only(target: Target, workshop: Workshop, tmp_path: Path) -> None:
    assert target.built is not None
    checkout = replace(target, name="path-x", version="", realisation=Checkout(tmp_path, target.built))
    environment = workshop.build(checkout)
    assert is_built(checkout, workshop.cache)
    assert environment.python == workshop.build(target).python
    assert workshop.calls() == BUILT_FROM_NOTHING


@pytest.mark.parametrize("realisation", [HostPython(), Command(("worker",))])
def test_what_needs_no_layer_is_ready(
    target: Target, workshop: Workshop, realisation: HostPython | Command
) -> None:
    ready = replace(target, realisation=realisation)
    assert lay_out_environment(ready, workshop.cache) is None
    assert is_built(ready, workshop.cache)
    assert prepare_environment(ready, workshop.cache, WORKER, workshop.host, pytest.fail, workshop.uv) is None
    assert not workshop.cache.exists()
