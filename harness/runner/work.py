"""The work on a target in a run: its batches, what was observed, and when the target is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.records import Case, Fingerprint, Observation, Outcome, Stage, Target, WorkerCommand
from harness.runner.batches import Batch
from harness.runner.timeouts import Timeouts


@dataclass(frozen=True, slots=True)
class Death:
    """The loss of a worker over a batch, and the case that it was in (None: unknown)."""

    outcome: Outcome
    culprit: Case | None
    stage: Stage
    reason: str

    def make_observation(self, target: str) -> Observation:
        """Return the death as the observation of the case that caused it."""
        assert self.culprit is not None
        return Observation(target, self.culprit.id, self.outcome, self.stage, reason=self.reason)


@dataclass(slots=True)
class Work:
    """What is left to do for one target; shared by the threads that work on it.

    `command` starts a worker; it is None until the target's environment is built. `earlier` counts the
    observations of attempts before this one. `began`, `ready` and `ended` are monotonic times: the first
    worker started, the first hello, the last worker gone. `on_slow` is called with the number of cases that
    are about to be asked again, since they may take long.
    """

    target: Target
    source: Iterator[Batch]
    planned: int
    timeouts: Timeouts
    on_slow: Callable[[int], None]
    earlier: int = 0
    command: WorkerCommand | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    failure: str = ""
    fingerprint: Fingerprint = field(default_factory=dict)
    observed: int = 0
    workers: int = 0
    active: int = 0
    exhausted: bool = False
    began: float | None = None
    ready: float | None = None
    ended: float = 0.0
    _deaths: int = 0
    _deaths_in_a_row: int = 0
    _drivers: int = 0
    _aside: list[Death] = field(default_factory=list)

    def take_batch(self) -> Batch | None:
        """Return the next batch, or None when there is none or the target was given up."""
        with self.lock:
            if self.failure:
                return None
            batch = next(self.source, None)
            self.exhausted = batch is None
            return batch

    def measure_times(self) -> tuple[float, float]:
        """Return the seconds from the first worker's start to the last one's end, and to the first hello."""
        if self.began is None:
            return 0.0, 0.0
        return max(self.ended - self.began, 0.0), 0.0 if self.ready is None else self.ready - self.began

    def is_open(self) -> bool:
        """Whether there may be batches left to take."""
        return not self.failure and not self.exhausted

    def is_ready(self) -> bool:
        """Whether a worker can start on it now."""
        return self.is_open() and self.command is not None

    def fail(self, reason: str) -> None:
        """Give the target up; the first reason stays."""
        with self.lock:
            self.failure = self.failure or reason

    def count_answer(self) -> None:
        """Count an answer, which resets the number of deaths in a row."""
        with self.lock:
            self.observed += 1
            self._deaths_in_a_row = 0

    def count_settled(self) -> None:
        """Count a case that was asked again, or given up."""
        with self.lock:
            self.observed += 1

    def count_death(self, reason: str, *, is_settled: bool) -> None:
        """Count a death, and quarantine the target if there were too many."""
        with self.lock:
            self.observed += is_settled
            self._deaths += 1
            self._deaths_in_a_row += 1
            is_often = self._deaths > max(self.timeouts.max_deaths, self.planned // 10)
            if self._deaths_in_a_row >= self.timeouts.max_deaths_in_a_row or is_often:
                self.failure = self.failure or (
                    f"quarantined after {self._deaths} deaths of its worker, the last: {reason}"
                )

    def set_aside(self, death: Death) -> None:
        """Keep a case that was not answered in time, to be asked again."""
        with self.lock:
            self._aside.append(death)

    def join(self) -> None:
        """Count a thread that begins to work on the target."""
        with self.lock:
            self._drivers += 1

    def leave(self) -> Sequence[Death]:
        """Count a thread that ends; return the cases to ask again if it was the last."""
        with self.lock:
            self._drivers -= 1
            if self._drivers:
                return ()
            aside, self._aside = self._aside, []
            return aside
