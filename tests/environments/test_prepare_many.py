from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from harness.environments import prepare_many
from harness.environments.cache import is_built
from harness.environments.prepare_many import Failure, prepare_all
from harness.errors import EXIT_INCOMPLETE, Cancelled
from harness.records import BuiltEnvironment, HostPython, Target
from tests.environments.conftest import WORKER, Workshop, make_target

TARGETS = (
    make_target("3.15.1", "torch"),
    make_target("3.14.1", "torch"),
    make_target("3.15.1", "jax", ("numpy==2.0.2",)),
    make_target("3.14.1", "jax", ("numpy==2.0.2",)),
    make_target("3.13.2", "jax", ("numpy==2.0.2",)),
)


def prepare(
    workshop: Workshop, targets: tuple[Target, ...], lines: list[str], mode: str = "", jobs: int = 4
) -> tuple[Failure, ...]:
    host = workshop.host | {"FAKE_UV": mode}
    return prepare_all(targets, workshop.cache, WORKER, host, lines.append, jobs, uv=workshop.uv)


def test_every_layer_is_built_once_and_no_thread_waits(workshop: Workshop) -> None:
    lines: list[str] = []
    assert prepare(workshop, TARGETS, lines) == ()
    assert all(is_built(target, workshop.cache) for target in TARGETS)
    assert workshop.calls().count("pip sync") == 2
    assert workshop.calls().count("pip install") == 5
    assert not any("waiting" in line for line in lines)
    counts = [line for line in lines if " of 5 ready: " in line]
    assert [line.split()[0] for line in counts] == ["1", "2", "3", "4", "5"]
    assert {line.split()[-1] for line in counts} == {target.name for target in TARGETS}


def test_what_is_built_is_counted_and_left_alone(workshop: Workshop) -> None:
    prepare(workshop, TARGETS, [])
    calls, lines = workshop.calls(), list[str]()
    assert prepare(workshop, TARGETS, lines) == ()
    assert workshop.calls() == calls
    assert len(lines) == 5


def test_a_failure_does_not_stop_the_others(workshop: Workshop) -> None:
    lines: list[str] = []
    (failure,) = prepare(workshop, TARGETS, lines, mode="keras==3.13.2")
    assert failure.target.name == "keras3.13.2-jax"
    assert failure.error.exit_code == EXIT_INCOMPLETE
    assert "no such set of pinned packages" in str(failure.error)
    assert [is_built(target, workshop.cache) for target in TARGETS] == [True] * 4 + [False]
    assert any(line.endswith("of 5 ready; failed: keras3.13.2-jax") for line in lines)


def test_a_base_that_fails_is_tried_once_and_fails_its_targets(workshop: Workshop) -> None:
    failures = prepare(workshop, TARGETS, [], mode="numpy==2.0.2")
    assert [failure.target.name for failure in failures] == [target.name for target in TARGETS[2:]]
    for failure in failures:
        assert str(failure.error).startswith(f"{failure.target.name} cannot be prepared: ")
        assert "there is no version of numpy==2.0.2" in str(failure.error)
        assert failure.error.exit_code == EXIT_INCOMPLETE
    assert "it shares layers with keras3.15.1-jax" in str(failures[-1].error)
    assert workshop.calls().count("pip compile") == 2
    assert [is_built(target, workshop.cache) for target in TARGETS[:2]] == [True, True]


def test_the_first_target_of_a_base_that_fails_in_its_overlay_leaves_the_base_to_the_others(
    workshop: Workshop,
) -> None:
    failures = prepare(workshop, TARGETS[:2], [], mode="keras==3.15.1")
    assert [failure.target.name for failure in failures] == ["keras3.15.1-torch"]
    assert is_built(TARGETS[1], workshop.cache)


def test_a_missing_interpreter_fails_its_targets_only(workshop: Workshop) -> None:
    old = replace(TARGETS[0], name="old", realisation=BuiltEnvironment("3.2", ("numpy==1.7",)))
    (failure,) = prepare(workshop, (old, *TARGETS[:2]), [])
    assert failure.target is old
    assert "there is no working Python 3.2" in str(failure.error)
    assert is_built(TARGETS[1], workshop.cache)


def test_variants_are_built_once(workshop: Workshop) -> None:
    variant = replace(TARGETS[0], name=f"{TARGETS[0].name}+x=1", variant="x=1")
    lines: list[str] = []
    assert prepare(workshop, (TARGETS[0], variant), lines) == ()
    assert workshop.calls().count("pip install") == 1
    assert lines[-1] == f"2 of 2 ready: {variant.name}"


def test_what_needs_no_layer_is_ready(workshop: Workshop) -> None:
    lines: list[str] = []
    assert prepare(workshop, (replace(TARGETS[0], name="here", realisation=HostPython()),), lines) == ()
    assert lines == ["1 of 1 ready: here"]


def test_progress_is_told_by_one_thread_at_a_time(workshop: Workshop) -> None:
    telling = threading.Lock()

    def tell(_line: str) -> None:
        assert telling.acquire(blocking=False)
        telling.release()

    assert prepare_all(TARGETS, workshop.cache, WORKER, workshop.host, tell, 4, uv=workshop.uv) == ()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled()])
def test_an_interruption_stops_all_threads(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    seen: list[threading.Event] = []

    def interrupted(_target: Target, _cache: Path, _worker: Path, *rest: object, **_named: object) -> None:
        event = rest[-1]
        assert isinstance(event, threading.Event)
        seen.append(event)
        raise error

    monkeypatch.setattr(prepare_many, "prepare_environment", interrupted)
    with pytest.raises(type(error)):
        prepare(workshop, TARGETS, [])
    assert all(event.is_set() for event in seen)
