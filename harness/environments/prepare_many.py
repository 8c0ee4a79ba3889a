"""Builds many targets ahead of a run, some at a time. One that fails does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from harness.environments.build import prepare
from harness.environments.layout import Base, Progress, plan_for, sound_base
from harness.errors import Cancelled, HarnessError
from harness.records import Target


@dataclass(frozen=True, slots=True)
class Failure:
    """A target that could not be built, and why."""

    target: Target
    error: HarnessError


@dataclass(frozen=True, slots=True)
class _Task:
    """What one thread builds: the layers of targets that have the same ones (variants of one target).

    `followers` lie on the same base and wait until it is there.
    """

    base: Base
    targets: tuple[Target, ...]
    followers: tuple[_Task, ...] = ()

    @property
    def all_targets(self) -> tuple[Target, ...]:
        """Its own targets and those of its followers."""
        return self.targets + tuple(target for task in self.followers for target in task.targets)


@dataclass(slots=True)
class _Count:
    """How many targets are ready, of how many."""

    progress: Progress
    total: int
    errors: dict[str, HarnessError]
    num_ready: int = 0

    def ready(self, targets: Sequence[Target]) -> None:
        for target in targets:
            self.num_ready += 1
            self.progress(f"{self.num_ready} of {self.total} ready: {target.name}")

    def failed(self, targets: Sequence[Target], error: HarnessError) -> None:
        """Notes the failure of the first target, and of the others because of it."""
        first, *others = targets
        self.errors[first.name] = error
        for other in others:
            self.errors[other.name] = HarnessError(
                f"{other.name} cannot be prepared: it shares layers with {first.name}; {error}",
                error.exit_code,
            )
        names = ", ".join(target.name for target in targets)
        self.progress(f"{self.num_ready} of {self.total} ready; failed: {names}")


def prepare_all(
    targets: Sequence[Target],
    cache: Path,
    worker: Path,
    environ: Mapping[str, str],
    progress: Progress,
    jobs: int,
    stop: threading.Event | None = None,
    uv: Path | None = None,
) -> tuple[Failure, ...]:
    """Builds what the targets need, `jobs` at a time; gives those that failed, in the order of `targets`.

    Of the targets that share a base the first builds it, and the others start when it is there, so that
    no thread waits for another. `progress` is called by one thread at a time.

    Raises:
        Cancelled: `stop` was set.
    """
    stop = stop or threading.Event()
    told = _one_at_a_time(progress)
    tasks = _tasks(targets, cache)
    count = _Count(told, len(targets), {})
    count.ready([target for target in targets if plan_for(target, cache) is None])
    with ThreadPoolExecutor(max(1, jobs), thread_name_prefix="prepare") as pool:

        def start(task: _Task) -> Future[object]:
            return pool.submit(prepare, task.targets[0], cache, worker, environ, told, uv, stop)

        running = {start(task): task for task in tasks}
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    for task in _released(running.pop(future), future, count):
                        running[start(task)] = task
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    failed = (target for target in targets if target.name in count.errors)
    return tuple(Failure(target, count.errors[target.name]) for target in failed)


def _released(task: _Task, future: Future[object], count: _Count) -> tuple[_Task, ...]:
    """Counts the targets of a task that has ended; gives the tasks that can start now.

    Raises:
        Cancelled: it was stopped.
    """
    try:
        future.result()
    except Cancelled:
        raise
    except HarnessError as error:
        if sound_base(task.base) is None:
            count.failed(task.all_targets, error)
            return ()
        count.failed(task.targets, error)
    else:
        count.ready(task.targets)
    return task.followers


def _tasks(targets: Sequence[Target], cache: Path) -> tuple[_Task, ...]:
    """One task for each base, those with most followers first, for they take longest."""
    bases: dict[str, Base] = {}
    layers: dict[str, dict[str, list[Target]]] = {}
    for target in targets:
        plan = plan_for(target, cache)
        if plan is not None:
            bases[plan.base.label] = plan.base
            label = plan.overlay.label if plan.overlay is not None else target.name
            layers.setdefault(plan.base.label, {}).setdefault(label, []).append(target)
    tasks = []
    for label, overlays in layers.items():
        first, *others = (_Task(bases[label], tuple(same)) for same in overlays.values())
        tasks.append(_Task(first.base, first.targets, tuple(others)))
    return tuple(sorted(tasks, key=lambda task: -len(task.followers)))


def _one_at_a_time(progress: Progress) -> Progress:
    lock = threading.Lock()

    def tell(line: str) -> None:
        with lock:
            progress(line)

    return tell
