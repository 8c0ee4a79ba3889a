"""Workers as processes of this machine, several at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.records import Observation
from harness.runner.work import Work, drive

_POLL_S: Final = 0.2
_CASES_WORTH_A_WORKER: Final = 500
"""A further worker on a target costs seconds to start; fewer cases than this do not repay it."""


def observe(works: Sequence[Work], jobs: int, logs: Path) -> Iterator[Observation]:
    """Observations of all targets as they come, from at most `jobs` workers at once.

    Ends when every target is done or given up. Closing the iterator (as an interrupt does) kills
    the workers.
    """
    done: queue.SimpleQueue[Observation | None] = queue.SimpleQueue()
    stop = threading.Event()
    choice = threading.Lock()
    errors: list[BaseException] = []

    def work_on(number: int) -> None:
        try:
            while not stop.is_set() and (work := _choose(works, choice)) is not None:
                try:
                    drive(work, logs / f"{work.target.name}-{number}.log", done.put, stop)
                finally:
                    with choice:
                        work.active -= 1
        except BaseException as error:
            errors.append(error)
        finally:
            done.put(None)

    threads = [threading.Thread(target=work_on, args=(number,), daemon=True) for number in range(jobs)]
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
    if errors:
        raise errors[0]


def _choose(works: Sequence[Work], choice: threading.Lock) -> Work | None:
    """The target that most deserves a worker: the one with the fewest, of those that repay it."""
    with choice:
        worthy = [
            work
            for work in works
            if work.is_open()
            and (not work.active or work.planned - work.observed > _CASES_WORTH_A_WORKER * work.active)
        ]
        if not worthy:
            return None
        work = min(worthy, key=lambda candidate: candidate.active)
        work.active += 1
        return work
