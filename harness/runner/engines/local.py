"""Workers as processes of this machine, several at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.records import Observation, Target
from harness.runner.work import Work, drive

_POLL_S: Final = 0.2
_CASES_WORTH_A_WORKER: Final = 500
"""A further worker on a target costs seconds to start; fewer cases than this do not repay it."""


@dataclass(slots=True)
class _Crew:
    """What the threads of a run share: the works, and news of them."""

    works: Sequence[Work]
    stop: threading.Event
    news: threading.Condition = field(default_factory=threading.Condition)
    preparing: set[str] = field(default_factory=set)
    unprepared: list[Work] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


def observe(
    works: Sequence[Work], prepare: Callable[[Work], None], jobs: int, logs: Path, stop: threading.Event
) -> Iterator[Observation]:
    """Observations of all targets as they come, from at most `jobs` workers at once.

    `prepare` gives a work its launch, or fails it; targets are prepared ahead while others are
    observed, `jobs` at a time, and never two that share a base. Ends when every target is done or
    given up. Closing the iterator (as an interrupt does) sets `stop` and kills the workers.
    """
    done: queue.SimpleQueue[Observation | None] = queue.SimpleQueue()
    crew = _Crew(works, stop, unprepared=[work for work in works if work.is_open()])

    def work_on(number: int) -> None:
        while (work := _choose(crew)) is not None:
            try:
                drive(work, logs / f"{work.target.name}-{number}.log", done.put, stop)
            finally:
                with crew.news:
                    work.active -= 1
                    crew.news.notify_all()

    def get_ready(_number: int) -> None:
        while (work := _next_unprepared(crew)) is not None:
            try:
                prepare(work)
            finally:
                with crew.news:
                    crew.preparing.discard(base_of(work.target))
                    crew.news.notify_all()

    def guarded(task: Callable[[int], None], number: int) -> None:
        try:
            task(number)
        except BaseException as error:
            crew.errors.append(error)
            stop.set()
        finally:
            done.put(None)

    threads = [
        threading.Thread(target=guarded, args=(task, number), daemon=True)
        for task in (get_ready, work_on)
        for number in range(jobs)
    ]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            try:
                observation = done.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if observation is None:
                running -= 1
            else:
                yield observation
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if crew.errors:
        raise crew.errors[0]


def base_of(target: Target) -> str:
    """What must not be prepared by two threads at once: one of them would only wait."""
    built = target.built
    return target.name if built is None else "\n".join((built.python, *built.requires))


def _next_unprepared(crew: _Crew) -> Work | None:
    """The first work to be prepared whose base no thread is at; waits for one, None where none is left."""
    with crew.news:
        while crew.unprepared and not crew.stop.is_set():
            for work in crew.unprepared:
                base = base_of(work.target)
                if base not in crew.preparing:
                    crew.preparing.add(base)
                    crew.unprepared.remove(work)
                    return work
            crew.news.wait(_POLL_S)
        return None


def _choose(crew: _Crew) -> Work | None:
    """The target that most deserves a worker: the one with the fewest, of those that repay it.

    Waits while targets are still being prepared; None where nothing is left to begin.
    """
    with crew.news:
        while not crew.stop.is_set():
            worthy = [
                work
                for work in crew.works
                if work.is_ready()
                and (not work.active or work.planned - work.observed > _CASES_WORTH_A_WORKER * work.active)
            ]
            if worthy:
                work = min(worthy, key=lambda candidate: candidate.active)
                work.active += 1
                return work
            if not any(work.is_open() and work.launch is None for work in crew.works):
                return None
            crew.news.wait(_POLL_S)
        return None
