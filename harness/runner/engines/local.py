"""Workers as processes of this machine, several at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from harness.records import Observation, Target
from harness.runner.drive import Emit, drive_worker
from harness.runner.work import Work

_POLL_S: Final = 0.2
_CASES_WORTH_A_WORKER: Final = 500
"""The fewest cases for which a further worker on a target is started, since that costs seconds."""

_Observed: TypeAlias = queue.SimpleQueue[Observation | None]
"""The queue of the threads' observations, with None from each that has ended."""


def observe_targets(
    works: Sequence[Work], prepare: Callable[[Work], None], jobs: int, logs: Path, stop: threading.Event
) -> Iterator[Observation]:
    """Yield the observations of all targets as they come, from at most `jobs` workers at once.

    `prepare` sets the command of a work's worker, or fails the work; targets are prepared ahead while others
    are observed, `jobs` at a time, and never two that share a base. Ends when every target is done or
    given up. Closing the iterator (as an interrupt does) sets `stop` and kills the workers.
    """
    observed: _Observed = queue.SimpleQueue()
    scheduler = Scheduler(works, stop, unprepared=[work for work in works if work.is_open()])
    tasks = [
        *(partial(_prepare_works, scheduler, prepare) for _ in range(jobs)),
        *(partial(_observe_works, scheduler, logs, number, observed.put) for number in range(jobs)),
    ]
    threads = [
        threading.Thread(target=_run_task, args=(task, scheduler, observed), daemon=True) for task in tasks
    ]
    for thread in threads:
        thread.start()
    try:
        yield from _receive(observed, len(threads))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if scheduler.errors:
        raise scheduler.errors[0]


def _receive(observed: _Observed, num_threads: int) -> Iterator[Observation]:
    """Yield the queued observations until all threads have ended."""
    while num_threads:
        try:
            observation = observed.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if observation is None:
            num_threads -= 1
        else:
            yield observation


def _run_task(task: Callable[[], None], scheduler: Scheduler, observed: _Observed) -> None:
    """Run a thread's function; an error ends the run."""
    try:
        task()
    except BaseException as error:
        scheduler.errors.append(error)
        scheduler.stop.set()
    finally:
        observed.put(None)


def _prepare_works(scheduler: Scheduler, prepare: Callable[[Work], None]) -> None:
    while (work := scheduler.take_unprepared()) is not None:
        try:
            prepare(work)
        finally:
            scheduler.return_prepared(work)


def _observe_works(scheduler: Scheduler, logs: Path, number: int, emit: Emit) -> None:
    while (work := scheduler.take_ready()) is not None:
        try:
            drive_worker(work, logs / f"{work.target.name}-{number}.log", emit, scheduler.stop)
        finally:
            scheduler.return_observed(work)


@dataclass(slots=True)
class Scheduler:
    """The works of a run, handed out to its threads; waiting threads are woken when one is returned."""

    works: Sequence[Work]
    stop: threading.Event
    unprepared: list[Work]
    errors: list[BaseException] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _bases_at_work: set[str] = field(default_factory=set)

    def take_unprepared(self) -> Work | None:
        """Wait for a work whose base no thread is preparing; None where none is left to prepare."""
        with self._changed:
            while self.unprepared and not self.stop.is_set():
                for work in self.unprepared:
                    base = identify_base(work.target)
                    if base not in self._bases_at_work:
                        self._bases_at_work.add(base)
                        self.unprepared.remove(work)
                        return work
                self._changed.wait(_POLL_S)
            return None

    def return_prepared(self, work: Work) -> None:
        """Release the base of a work that was prepared, or failed."""
        with self._changed:
            self._bases_at_work.discard(identify_base(work.target))
            self._changed.notify_all()

    def take_ready(self) -> Work | None:
        """Wait for a work that is worth another worker; None where nothing is left to begin.

        Of several it is the one with the fewest workers.
        """
        with self._changed:
            while not self.stop.is_set():
                worthy = [work for work in self.works if _is_worth_a_worker(work)]
                if worthy:
                    work = min(worthy, key=lambda candidate: candidate.active)
                    work.active += 1
                    return work
                if not any(work.is_open() and work.command is None for work in self.works):
                    return None
                self._changed.wait(_POLL_S)
            return None

    def return_observed(self, work: Work) -> None:
        """Count one worker fewer on a work."""
        with self._changed:
            work.active -= 1
            self._changed.notify_all()


def identify_base(target: Target) -> str:
    """Return the key of what two threads must not prepare at once, since one would only wait."""
    built = target.built
    return target.name if built is None else "\n".join((built.python, *built.requires))


def _is_worth_a_worker(work: Work) -> bool:
    num_left = work.planned - work.observed
    return work.is_ready() and (not work.active or num_left > _CASES_WORTH_A_WORKER * work.active)
