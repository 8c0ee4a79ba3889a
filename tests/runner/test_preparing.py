"""Targets are prepared while others are observed: one that is slow, fails or hangs delays no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.environments.launch import prepare_worker_command
from harness.errors import EXIT_INCOMPLETE, Cancelled, HarnessError
from harness.records import BuiltEnvironment, Observation, Target, Verdict, WorkerCommand
from harness.targets.catalog import Catalog
from harness.targets.selection import select_from_catalog
from tests.fakes.fake_worker import RIGHT
from tests.fakes.runs import Done, Silent, run_targets, selector, suite

PATIENCE_S = 20.0


def make_fakes(number: int) -> list[Target]:
    """Return this many correct fakes with names of their own."""
    (one,) = select_from_catalog([selector(RIGHT)], Catalog(()), {}, Path())
    return [replace(one, name=f"fake-{index}", lineage=f"fake-{index}") for index in range(number)]


def start(target: Target, tmp_path: Path) -> WorkerCommand:
    return prepare_worker_command(
        target, tmp_path / "cache", Path("worker"), {"PATH": ""}, lambda _line: None
    )


def count_conforming(done: Done, target: Target) -> int:
    return sum(one.target == target.name and one.verdict is Verdict.CONFORMS for one in done.findings)


class Seen(Silent):
    """A listener that signals when a target has been observed completely."""

    def __init__(self) -> None:
        self.whole = threading.Event()
        self.failures: dict[str, str] = {}
        self._left = len(suite())

    def note_observed(self, _: Observation) -> None:
        self._left -= 1
        if self._left == 0:
            self.whole.set()

    def note_failed(self, target: str, reason: str) -> None:
        self.failures[target] = reason


def run_with(
    tmp_path: Path, targets: list[Target], prepare: Callable[[Target], WorkerCommand], **how: object
) -> Done:
    # What `how` holds differs from test to test; run_targets is typed for itself.
    return run_targets(tmp_path, targets, suite(), prepare=prepare, **how)  # type: ignore[arg-type]


def test_a_target_that_is_slow_to_prepare_holds_up_no_other(tmp_path: Path) -> None:
    slow, other = make_fakes(2)
    seen = Seen()

    def prepare(target: Target) -> WorkerCommand:
        if target == slow:
            assert seen.whole.wait(PATIENCE_S), "the other target was not observed meanwhile"
        return start(target, tmp_path)

    done = run_with(tmp_path, [slow, other], prepare, jobs=2, listener=seen)
    assert (done.state, count_conforming(done, slow), count_conforming(done, other)) == (
        "complete",
        len(suite()),
        len(suite()),
    )


def test_a_target_that_cannot_be_prepared_is_not_run_and_says_why(tmp_path: Path) -> None:
    broken, other = make_fakes(2)
    seen = Seen()

    def prepare(target: Target) -> WorkerCommand:
        if target == broken:
            raise HarnessError("there is no Python 2.4", EXIT_INCOMPLETE)
        return start(target, tmp_path)

    done = run_with(tmp_path, [broken, other], prepare, listener=seen)
    assert (done.state, count_conforming(done, other)) == ("incomplete", len(suite()))
    assert seen.failures == {broken.name: "there is no Python 2.4"}
    lost = [one for one in done.findings if one.target == broken.name]
    assert {(one.verdict, one.error) for one in lost} == {
        (Verdict.INCONCLUSIVE, "could not start: there is no Python 2.4")
    }


def test_no_two_targets_of_one_base_are_prepared_at_once(tmp_path: Path) -> None:
    lock = threading.Lock()
    at_work: list[str] = []
    most: dict[str, int] = {}
    built = [
        replace(fake, realisation=BuiltEnvironment("3.11", (f"base-{index % 2}",), (fake.name,)))
        for index, fake in enumerate(make_fakes(6))
    ]
    commands = {fake.name: fake for fake in make_fakes(6)}

    def prepare(target: Target) -> WorkerCommand:
        assert isinstance(target.realisation, BuiltEnvironment)
        (base,) = target.realisation.requires
        with lock:
            at_work.append(base)
            most[base] = max(most.get(base, 0), at_work.count(base))
            most["all"] = max(most.get("all", 0), len(at_work))
        time.sleep(0.05)
        with lock:
            at_work.remove(base)
        return start(commands[target.name], tmp_path)

    done = run_with(tmp_path, built, prepare, jobs=4)
    assert done.state == "complete"
    assert most == {"base-0": 1, "base-1": 1, "all": 2}


def test_an_interrupt_does_not_wait_for_what_is_being_prepared(tmp_path: Path) -> None:
    hanging, other = make_fakes(2)
    stop = threading.Event()

    class Interrupting(Silent):
        def note_observed(self, _: Observation) -> None:
            raise KeyboardInterrupt

    def prepare(target: Target) -> WorkerCommand:
        if target == hanging:
            assert stop.wait(PATIENCE_S), "nobody said stop"
            raise Cancelled
        return start(target, tmp_path)

    done = run_with(tmp_path, [hanging, other], prepare, jobs=2, listener=Interrupting(), stop=stop)
    assert done.state == "interrupted"


def test_a_defect_in_preparing_ends_the_run_and_is_not_hidden(tmp_path: Path) -> None:
    def prepare(_: Target) -> WorkerCommand:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_with(tmp_path, make_fakes(3), prepare, jobs=2)
