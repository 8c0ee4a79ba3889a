"""A target's share of a run: its batches, and what happens when a worker dies over one of them.

The life of a batch: sent whole; answered case by case; when the worker dies, the case it was in is
marked and the rest is sent again to a fresh worker. A worker that announces no stages cannot say
which case it was in: the rest is then sent one by one, so that the next death has a name.

A case that was not answered in time is set aside and asked again when all else of the target is done:
alone, of a fresh worker, with a longer limit. Slow is not wrong.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from harness.data.case_data import signals_of
from harness.records import Case, Fingerprint, Launch, Observation, Outcome, Stage, Target
from harness.runner import wire
from harness.runner.batches import Batch
from harness.runner.limits import Limits
from harness.runner.worker_process import Gone, Silence, StartFailure, Stopped, WorkerProcess

Emit = Callable[[Observation], None]


@dataclass(slots=True)
class Work:
    """What is left to do for one target; shared by the threads that work on it.

    `launch` is None until the target's environment is there. `earlier` counts what attempts before
    this one observed. `began`, `ready` and `ended` are monotonic times: the first worker launched, the
    first hello, the last worker gone. `tell` is called with the number of cases that are about to be
    asked again, since they may take long.
    """

    target: Target
    source: Iterator[Batch]
    planned: int
    limits: Limits
    tell: Callable[[int], None]
    earlier: int = 0
    launch: Launch | None = None
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
    _aside: list[_Death] = field(default_factory=list)

    def take(self) -> Batch | None:
        """The next batch, or None when there is none or the target was given up."""
        with self.lock:
            if self.failure:
                return None
            batch = next(self.source, None)
            self.exhausted = batch is None
            return batch

    def times(self) -> tuple[float, float]:
        """Seconds from the first launch to the last worker's end, and to the first hello."""
        if self.began is None:
            return 0.0, 0.0
        return max(self.ended - self.began, 0.0), 0.0 if self.ready is None else self.ready - self.began

    def is_open(self) -> bool:
        """Whether there may be batches left to take."""
        return not self.failure and not self.exhausted

    def is_ready(self) -> bool:
        """Whether a worker can start on it now."""
        return self.is_open() and self.launch is not None

    def fail(self, reason: str) -> None:
        """Give the target up; the first reason stays."""
        with self.lock:
            self.failure = self.failure or reason

    def answered(self) -> None:
        """Count an answer."""
        with self.lock:
            self.observed += 1
            self._deaths_in_a_row = 0

    def set_aside(self, death: _Death) -> None:
        """Keep a case that was not answered in time, to be asked again."""
        with self.lock:
            self._aside.append(death)

    def join(self) -> None:
        """Count a thread that begins to work on the target."""
        with self.lock:
            self._drivers += 1

    def leave(self) -> Sequence[_Death]:
        """What the last thread to leave has to ask again; nothing for the others."""
        with self.lock:
            self._drivers -= 1
            if self._drivers:
                return ()
            aside, self._aside = self._aside, []
            return aside

    def settled(self) -> None:
        """Count a case that was asked again, or given up."""
        with self.lock:
            self.observed += 1

    def died(self, reason: str, *, is_settled: bool) -> None:
        """Count a death, and quarantine the target if there were too many."""
        with self.lock:
            self.observed += is_settled
            self._deaths += 1
            self._deaths_in_a_row += 1
            many = self._deaths > max(self.limits.max_deaths, self.planned // 10)
            if self._deaths_in_a_row >= self.limits.max_deaths_in_a_row or many:
                self.failure = self.failure or (
                    f"quarantined after {self._deaths} deaths of its worker, the last: {reason}"
                )


@dataclass(frozen=True, slots=True)
class _Death:
    """How a worker was lost over a batch, and over which case (None: it did not say)."""

    outcome: Outcome
    culprit: Case | None
    stage: Stage
    reason: str

    def observation(self, target: str) -> Observation:
        """The death as what the target did with the culprit."""
        assert self.culprit is not None
        return Observation(target, self.culprit.id, self.outcome, self.stage, reason=self.reason)


def drive(work: Work, log: Path, emit: Emit, stop: threading.Event) -> None:
    """Work on a target with one worker at a time until its batches are done or it is given up.

    A target whose worker has died is likely to lose more of them: from then on a standby loads its Keras
    while the worker works. The last thread to leave the target asks again what was not answered in time.
    """
    work.join()
    try:
        _work_off(work, log, emit, stop)
    finally:
        late = work.leave()
    if late and not stop.is_set():
        _ask_again(work, late, log, emit, stop)


def _work_off(work: Work, log: Path, emit: Emit, stop: threading.Event) -> None:
    with _Bench(work, log, stop) as bench:
        while not stop.is_set() and (batch := work.take()) is not None:
            pending = [batch]
            while pending and not stop.is_set() and not work.failure:
                if (worker := bench.worker()) is None:
                    return
                left, death = _observe(worker, work, pending.pop(0), emit, work.limits.case_s)
                if death is not None:
                    bench.lose()
                    pending[:0] = _bury(work, left, death, emit)


def _ask_again(work: Work, late: Sequence[_Death], log: Path, emit: Emit, stop: threading.Event) -> None:
    """Ask each case again alone, while the target is not given up and enough of them answer.

    Those to which a run that is ending does not come were not observed.
    """
    if not work.failure:
        work.tell(len(late))
    num_silent = 0
    for first in late:
        if work.failure:
            death: _Death | None = _unasked(first, "the target was given up")
        elif num_silent == work.limits.max_silent_again:
            death = _unasked(first, f"{num_silent} others did not answer then either")
        else:
            death = _ask_alone(work, first, log, emit, stop)
            num_silent += death is not None and death.outcome is Outcome.TIMED_OUT
        if stop.is_set():
            return
        if death is not None:
            work.settled()
            emit(death.observation(work.target.name))


def _ask_alone(work: Work, first: _Death, log: Path, emit: Emit, stop: threading.Event) -> _Death | None:
    """Ask a case of a fresh worker, with time: how it ends without an answer, None where there is one."""
    assert first.culprit is not None
    with _Bench(work, log, stop) as bench:
        if (worker := bench.worker()) is None:
            return _unasked(first, "the target was given up")
        _, death = _observe(worker, work, (first.culprit,), emit, work.limits.again_s)
        if death is None:
            return None
        bench.lose()
    if death.culprit is None:
        return None
    if death.outcome is Outcome.TIMED_OUT:
        return replace(
            death, reason=f"{first.reason}, nor within {work.limits.again_s:g} s when asked again alone"
        )
    return death


def _unasked(first: _Death, why: str) -> _Death:
    return replace(first, reason=f"{first.reason}; not asked again, since {why}")


class _Bench:
    """The worker that works on a target, and after the first death one that stands by, with its own log.

    A context manager that leaves no process behind.
    """

    def __init__(self, work: Work, log: Path, stop: threading.Event) -> None:
        self._work = work
        self._logs = itertools.cycle([log, log.with_stem(f"{log.stem}-standby")])
        self._stop = stop
        self._worker: WorkerProcess | None = None
        self._standby: WorkerProcess | None = None
        self._has_lost = False

    def worker(self) -> WorkerProcess | None:
        """A worker that has said hello; None when the target was given up or the run is ending."""
        if self._worker is not None:
            return self._worker
        work = self._work
        with work.lock:
            work.began = work.began or time.monotonic()
        try:
            self._worker, self._standby = self._standby or self._launched(), None
            fingerprint = self._worker.greet(work.limits.start_s)
            if self._has_lost:
                self._standby = self._launched()
        except (StartFailure, Stopped) as end:
            if isinstance(end, StartFailure):
                work.fail(f"could not start: {end}")
            return None
        with work.lock:
            work.fingerprint = fingerprint
            work.workers += 1
            work.ready = work.ready or time.monotonic()
        return self._worker

    def lose(self) -> None:
        """End the worker that died, hangs or cannot be understood."""
        assert self._worker is not None
        self._worker.kill()
        self._worker.close()
        self._worker = None
        self._has_lost = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._standby is not None:
            self._standby.kill()
            self._standby.close()
        if self._worker is not None:
            if self._stop.is_set() or self._work.failure:
                self._worker.kill()
            self._worker.close()
        with self._work.lock:
            self._work.ended = time.monotonic()

    def _launched(self) -> WorkerProcess:
        assert self._work.launch is not None, self._work.target.name
        return WorkerProcess(self._work.launch, next(self._logs), self._stop)


@dataclass(slots=True)
class _Asked:
    """A batch in a worker's hands: the cases that wait for an answer, by sequence number.

    `current` is the case that the worker is in, and the stage. Its answer counts when the worker has
    gone on to something else: a case that is answered twice has no answer.
    """

    work: Work
    emit: Emit
    number: int
    waiting: dict[int, Case]
    current: tuple[int, Stage] | None = None
    answer: Observation | None = None

    def hear(self, message: wire.Message) -> bool:
        """Take a message; True when it is the end of the batch.

        Raises:
            WireError: the message does not belong here.
        """
        match message:
            case wire.StageLine(seq=seq) | wire.Reply(seq=seq) if self._has_answered(seq):
                self.answer = None
                raise wire.WireError("it answered the case twice")
            case _:
                self.settle()
        match message:
            case wire.StageLine(seq=seq, stage=stage) if seq in self.waiting:
                self.current = (seq, stage)
            case wire.Reply(seq=seq, stage=stage) if seq in self.waiting:
                self.current = (seq, stage)
                self.answer = wire.read_reply(self.work.target.name, self.waiting[seq], message)
            case wire.StageLine() | wire.Reply():
                raise wire.WireError("it answered with a `seq` that it was not asked or has answered")
            case wire.End(batch=self.number) if not self.waiting:
                return True
            case wire.End(batch=self.number):
                raise wire.WireError("it ended the batch without an answer to the case")
            case _:
                kind = type(message).__name__.lower()
                raise wire.WireError(f"it sent {kind!r} in a batch, where stage, reply and end belong")
        return False

    def settle(self) -> None:
        """Hand on the answer that came last, if it has not been yet."""
        if self.current is not None and self.answer is not None:
            self.emit(self.answer)
            self.work.answered()
            del self.waiting[self.current[0]]
            self.current = self.answer = None

    def left(self) -> Batch:
        """The cases without an answer."""
        return tuple(self.waiting.values())

    def lost(self, outcome: Outcome, reason: str) -> _Death:
        """The death of the worker, with the case that it was in: what it said, or the only one left."""
        seq, stage = self.current or (None, Stage.START)
        if seq is None and len(self.waiting) == 1:
            (seq,) = self.waiting
        return _Death(outcome, None if seq is None else self.waiting[seq], stage, reason)

    def _has_answered(self, seq: int) -> bool:
        return self.answer is not None and self.current is not None and self.current[0] == seq


def _observe(
    worker: WorkerProcess, work: Work, batch: Batch, emit: Emit, case_s: float
) -> tuple[Batch, _Death | None]:
    """Send a batch and take the answers; what is left unanswered, and how the worker was lost."""
    cases = {seq: case for case, seq in zip(batch, worker.sequence, strict=False)}
    asked = _Asked(work, emit, number=min(cases), waiting=cases)
    worker.send(wire.batch_line(asked.number, {seq: (case, signals_of(case)) for seq, case in cases.items()}))
    until = time.monotonic() + case_s
    death = None
    try:
        while not asked.hear(message := worker.receive(until - time.monotonic())):
            if isinstance(message, wire.Reply):
                until = time.monotonic() + case_s
    except wire.WireError as error:
        asked.settle()
        death = asked.lost(Outcome.GARBLED, str(error))
    except Silence:
        asked.settle()
        death = asked.lost(Outcome.TIMED_OUT, f"no answer within {case_s:g} s")
    except Gone:
        asked.settle()
        death = asked.lost(Outcome.CRASHED, worker.death())
    except Stopped:
        asked.settle()
    return asked.left(), death


def _bury(work: Work, left: Batch, death: _Death, emit: Emit) -> list[Batch]:
    """Record the culprit of a death, or set it aside, and say how to go on with the rest."""
    is_late = death.outcome is Outcome.TIMED_OUT
    work.died(death.reason, is_settled=death.culprit is not None and not is_late)
    if death.culprit is None:
        return [(case,) for case in left]
    if is_late:
        work.set_aside(death)
    else:
        emit(death.observation(work.target.name))
    rest = tuple(case for case in left if case is not death.culprit)
    return [rest] if rest else []
