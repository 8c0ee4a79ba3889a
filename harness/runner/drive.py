"""Works on a target with one worker at a time, and handles the death of a worker over a batch.

The life of a batch: it is sent whole and answered case by case; when the worker dies, the case it was in is
marked and the rest is sent again to a fresh worker. A worker that announces no stages cannot say
which case it was in: the rest is then sent one by one, so that the next death can be attributed.

A case that was not answered in time is set aside and asked again when all else of the target is done:
alone, of a fresh worker, with a longer limit. Slow is not wrong.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeAlias, assert_never

from harness.data.case_data import make_case_data
from harness.errors import Cancelled
from harness.records import Case, Observation, Outcome, Stage
from harness.runner import wire
from harness.runner.batches import Batch
from harness.runner.work import Death, Work
from harness.runner.worker_process import StartFailure, WorkerGone, WorkerProcess, WorkerSilent

Emit: TypeAlias = Callable[[Observation], None]


def drive_worker(work: Work, log: Path, emit: Emit, stop: threading.Event) -> None:
    """Work on a target with one worker at a time until its batches are done or it is given up.

    A target whose worker has died is likely to lose more: from then on a standby loads its Keras
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
    with WorkerSlot(work, log, stop) as slot:
        while not stop.is_set() and (batch := work.take_batch()) is not None:
            unsent = [batch]
            while unsent and not stop.is_set() and not work.failure:
                if (worker := slot.get_worker()) is None:
                    return
                unanswered, death = _observe_batch(worker, work, unsent.pop(0), emit, work.timeouts.case_s)
                if death is not None:
                    slot.drop_worker()
                    unsent[:0] = _record_death(work, unanswered, death, emit)


def _record_death(work: Work, unanswered: Batch, death: Death, emit: Emit) -> list[Batch]:
    """Record the culprit of a death, or set it aside; return the batches in which the rest is to be sent."""
    is_late = death.outcome is Outcome.TIMED_OUT
    work.count_death(death.reason, is_settled=death.culprit is not None and not is_late)
    if death.culprit is None:
        return [(case,) for case in unanswered]
    if is_late:
        work.set_aside(death)
    else:
        emit(death.make_observation(work.target.name))
    rest = tuple(case for case in unanswered if case is not death.culprit)
    return [rest] if rest else []


def _ask_again(work: Work, late: Sequence[Death], log: Path, emit: Emit, stop: threading.Event) -> None:
    """Ask each case again alone, while the target is not given up and enough of them answer.

    Cases that an ending run does not reach are not observed.
    """
    if not work.failure:
        work.on_slow(len(late))
    num_silent = 0
    for first in late:
        if work.failure:
            death: Death | None = _explain_unasked(first, "the target was given up")
        elif num_silent == work.timeouts.max_silent_again:
            death = _explain_unasked(first, f"{num_silent} others did not answer then either")
        else:
            death = _ask_alone(work, first, log, emit, stop)
            num_silent += death is not None and death.outcome is Outcome.TIMED_OUT
        if stop.is_set():
            return
        if death is not None:
            work.count_settled()
            emit(death.make_observation(work.target.name))


def _ask_alone(work: Work, first: Death, log: Path, emit: Emit, stop: threading.Event) -> Death | None:
    """Ask a fresh worker one case under the longer limit; return how it was lost, None if it answered."""
    assert first.culprit is not None
    with WorkerSlot(work, log, stop) as slot:
        if (worker := slot.get_worker()) is None:
            return _explain_unasked(first, "the target was given up")
        _, death = _observe_batch(worker, work, (first.culprit,), emit, work.timeouts.again_s)
        if death is None:
            return None
        slot.drop_worker()
    if death.culprit is None:
        return None
    if death.outcome is Outcome.TIMED_OUT:
        both = f"{first.reason}, nor within {work.timeouts.again_s:g} s when asked again alone"
        return replace(death, reason=both)
    return death


def _explain_unasked(first: Death, why: str) -> Death:
    return replace(first, reason=f"{first.reason}; not asked again, since {why}")


def _observe_batch(
    worker: WorkerProcess, work: Work, batch: Batch, emit: Emit, case_s: float
) -> tuple[Batch, Death | None]:
    """Send a batch and take the answers; return the unanswered cases, and how the worker was lost."""
    cases = {seq: case for case, seq in zip(batch, worker.sequence, strict=False)}
    pending = PendingBatch(work, emit, number=min(cases), waiting=cases)
    data = {seq: (case, make_case_data(case)) for seq, case in cases.items()}
    worker.send(wire.encode_batch(pending.number, data))
    death = _take_answers(worker, pending, case_s)
    return pending.list_unanswered(), death


def _take_answers(worker: WorkerProcess, pending: PendingBatch, case_s: float) -> Death | None:
    """Take messages until the batch ends, each answer within `case_s`; return how the worker was lost."""
    until = time.monotonic() + case_s
    try:
        while not pending.handle(message := worker.receive(until - time.monotonic())):
            if isinstance(message, wire.Reply):
                until = time.monotonic() + case_s
    except wire.WireError as error:
        return pending.lose_worker(Outcome.GARBLED, str(error))
    except WorkerSilent:
        return pending.lose_worker(Outcome.TIMED_OUT, f"no answer within {case_s:g} s")
    except WorkerGone:
        return pending.lose_worker(Outcome.CRASHED, worker.describe_death())
    except Cancelled:
        pending.flush_answer()
    return None


@dataclass(slots=True)
class PendingBatch:
    """A batch in a worker's hands: the cases that wait for an answer, by sequence number.

    `current` is the case that the worker is in, and the stage. Its answer counts when the worker has
    moved on: a case that is answered twice has no answer.
    """

    work: Work
    emit: Emit
    number: int
    waiting: dict[int, Case]
    current: tuple[int, Stage] | None = None
    answer: Observation | None = None

    def handle(self, message: wire.Message) -> bool:
        """Take a message; return whether it is the end of the batch.

        Raises:
            WireError: the message does not belong here.
        """
        match message:
            case wire.StageLine(seq=seq, stage=stage):
                self._enter(seq, stage)
            case wire.Reply(seq=seq, stage=stage):
                self._enter(seq, stage)
                self.answer = wire.read_reply(self.work.target.name, self.waiting[seq], message)
            case wire.End(batch=self.number):
                self._end()
                return True
            case wire.End() | wire.Hello() | wire.Failed():
                kind = type(message).__name__.lower()
                raise wire.WireError(f"it sent {kind!r} in a batch, where stage, reply and end belong")
            case _:
                assert_never(message)
        return False

    def flush_answer(self) -> None:
        """Pass on the last answer, unless that was done."""
        if self.current is not None and self.answer is not None:
            self.emit(self.answer)
            self.work.count_answer()
            del self.waiting[self.current[0]]
            self.current = self.answer = None

    def list_unanswered(self) -> Batch:
        """Return the cases without an answer."""
        return tuple(self.waiting.values())

    def lose_worker(self, outcome: Outcome, reason: str) -> Death:
        """Return the death of the worker over its current case: the announced one, or the only one left."""
        self.flush_answer()
        seq, stage = self.current or (None, Stage.START)
        if seq is None and len(self.waiting) == 1:
            (seq,) = self.waiting
        return Death(outcome, None if seq is None else self.waiting[seq], stage, reason)

    def _enter(self, seq: int, stage: Stage) -> None:
        """Note the worker's current case and stage; the answer to another case counts now."""
        if self.answer is not None and self.current is not None and self.current[0] == seq:
            self.answer = None
            raise wire.WireError("it answered the case twice")
        self.flush_answer()
        if seq not in self.waiting:
            raise wire.WireError("it answered with a `seq` that it was not asked or has answered")
        self.current = (seq, stage)

    def _end(self) -> None:
        self.flush_answer()
        if self.waiting:
            raise wire.WireError("it ended the batch without an answer to the case")


class WorkerSlot:
    """The worker on a target and, after the first death, a standby with its own log.

    A context manager that leaves no process behind.
    """

    def __init__(self, work: Work, log: Path, stop: threading.Event) -> None:
        self._work = work
        self._logs = itertools.cycle([log, log.with_stem(f"{log.stem}-standby")])
        self._stop = stop
        self._worker: WorkerProcess | None = None
        self._standby: WorkerProcess | None = None
        self._has_lost = False

    def get_worker(self) -> WorkerProcess | None:
        """Return a worker that has said hello; None when the target was given up or the run is ending."""
        if self._worker is not None:
            return self._worker
        work = self._work
        with work.lock:
            work.began = work.began or time.monotonic()
        try:
            self._worker, self._standby = self._standby or self._start_worker(), None
            fingerprint = self._worker.await_hello(work.timeouts.start_s)
            if self._has_lost:
                self._standby = self._start_worker()
        except StartFailure as failure:
            work.fail(f"could not start: {failure}")
            return None
        except Cancelled:
            return None
        with work.lock:
            work.fingerprint = fingerprint
            work.workers += 1
            work.ready = work.ready or time.monotonic()
        return self._worker

    def drop_worker(self) -> None:
        """End a worker that died, hangs or broke the protocol."""
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

    def _start_worker(self) -> WorkerProcess:
        assert self._work.command is not None, self._work.target.name
        return WorkerProcess(self._work.command, next(self._logs), self._stop)
