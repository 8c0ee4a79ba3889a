"""Builds many targets ahead of a run, several at a time. One that fails does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from harness.environments.build import prepare_environment
from harness.environments.layout import Base, OnStep, lay_out_environment, read_intact_base
from harness.errors import Cancelled, HarnessError
from harness.records import Target


@dataclass(frozen=True, slots=True)
class Failure:
    """A target that could not be built, and why."""

    target: Target
    error: HarnessError


@dataclass(frozen=True, slots=True)
class _Task:
    """The work of one thread: the layers of targets that share all of them (variants of one target).

    `followers` use the same base and wait until it is built.
    """

    base: Base
    targets: tuple[Target, ...]
    followers: tuple[_Task, ...] = ()

    @property
    def all_targets(self) -> tuple[Target, ...]:
        """Its own targets and those of its followers."""
        return self.targets + tuple(target for task in self.followers for target in task.targets)


@dataclass(slots=True)
class _ReadyCount:
    """The number of ready targets, of how many."""

    on_step: OnStep
    total: int
    errors: dict[str, HarnessError]
    num_ready: int = 0

    def count_ready(self, targets: Sequence[Target]) -> None:
        for target in targets:
            self.num_ready += 1
            self.on_step(f"{self.num_ready} of {self.total} ready: {target.name}")

    def count_failed(self, targets: Sequence[Target], error: HarnessError) -> None:
        """Record the failure of the first target, and of the others because of it."""
        first, *others = targets
        self.errors[first.name] = error
        for other in others:
            self.errors[other.name] = HarnessError(
                f"{other.name} cannot be prepared: it shares layers with {first.name}; {error}",
                error.exit_code,
            )
        names = ", ".join(target.name for target in targets)
        self.on_step(f"{self.num_ready} of {self.total} ready; failed: {names}")


def prepare_all(
    targets: Sequence[Target],
    cache: Path,
    worker: Path,
    environ: Mapping[str, str],
    on_step: OnStep,
    jobs: int,
    stop: threading.Event | None = None,
    uv: Path | None = None,
) -> tuple[Failure, ...]:
    """Build what the targets need, `jobs` at a time; return those that failed, in the order of `targets`.

    Of the targets that share a base the first builds it, and the others start when it is built, so that
    no thread waits for another. `on_step` is called by one thread at a time.

    Raises:
        Cancelled: `stop` was set.
    """
    stop = stop or threading.Event()
    told = _serialize(on_step)
    tasks = _plan_tasks(targets, cache)
    count = _ReadyCount(told, len(targets), {})
    count.count_ready([target for target in targets if lay_out_environment(target, cache) is None])
    with ThreadPoolExecutor(max(1, jobs), thread_name_prefix="prepare") as pool:

        def start(task: _Task) -> Future[object]:
            return pool.submit(prepare_environment, task.targets[0], cache, worker, environ, told, uv, stop)

        running = {start(task): task for task in tasks}
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    for task in _release_followers(running.pop(future), future, count):
                        running[start(task)] = task
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    failed = (target for target in targets if target.name in count.errors)
    return tuple(Failure(target, count.errors[target.name]) for target in failed)


def _release_followers(task: _Task, future: Future[object], count: _ReadyCount) -> tuple[_Task, ...]:
    """Count the targets of a task that has ended; return the tasks that can start now.

    Raises:
        Cancelled: it was stopped.
    """
    try:
        future.result()
    except Cancelled:
        raise
    except HarnessError as error:
        if read_intact_base(task.base) is None:
            count.count_failed(task.all_targets, error)
            return ()
        count.count_failed(task.targets, error)
    else:
        count.count_ready(task.targets)
    return task.followers


def _plan_tasks(targets: Sequence[Target], cache: Path) -> tuple[_Task, ...]:
    """Return one task for each base, those with most followers first, since they take longest."""
    bases: dict[str, Base] = {}
    layers: dict[str, dict[str, list[Target]]] = {}
    for target in targets:
        layout = lay_out_environment(target, cache)
        if layout is not None:
            bases[layout.base.label] = layout.base
            label = layout.overlay.label if layout.overlay is not None else target.name
            layers.setdefault(layout.base.label, {}).setdefault(label, []).append(target)
    tasks = []
    for label, overlays in layers.items():
        first, *others = (_Task(bases[label], tuple(same)) for same in overlays.values())
        tasks.append(_Task(first.base, first.targets, tuple(others)))
    return tuple(sorted(tasks, key=lambda task: -len(task.followers)))


def _serialize(on_step: OnStep) -> OnStep:
    lock = threading.Lock()

    def tell(line: str) -> None:
        with lock:
            on_step(line)

    return tell
