"""Which answers of a batch count, and over which case a worker was lost."""

from __future__ import annotations

import json

import pytest

from harness.records import Observation, Outcome, Stage
from harness.runner import wire
from harness.runner.drive import PendingBatch
from harness.runner.timeouts import Timeouts
from harness.runner.work import Work
from tests.fakes.runs import suite, target

FIRST, SECOND, THIRD = suite()[:3]


class Asked:
    """A batch of three cases, numbered from 7, and the answers to it that count."""

    def __init__(self) -> None:
        self.answers: list[Observation] = []
        self.work = Work(target("right"), iter(()), 3, Timeouts(), lambda _: None)
        waiting = {7: FIRST, 8: SECOND, 9: THIRD}
        self.pending = PendingBatch(self.work, self.answers.append, 7, waiting)

    def hear(self, *messages: wire.Message) -> bool:
        ends = [self.pending.handle(message) for message in messages]
        assert not any(ends[:-1])
        return ends[-1]

    def ids(self) -> list[str]:
        return [make_answer.case_id for make_answer in self.answers]


@pytest.fixture
def asked() -> Asked:
    return Asked()


def enter(seq: int, stage: Stage = Stage.CALL) -> wire.StageLine:
    return wire.StageLine(seq, stage)


def make_answer(seq: int, outcome: str = "unsupported") -> wire.Reply:
    line = {"type": "reply", "seq": seq, "outcome": outcome, "stage": "reply"}
    return wire.Reply(seq, Stage.REPLY, json.dumps(line).encode())


def test_a_batch_ends_when_every_case_was_answered(asked: Asked) -> None:
    assert asked.hear(enter(7), make_answer(7), make_answer(9), make_answer(8), wire.End(7))
    assert asked.ids() == [FIRST.id, THIRD.id, SECOND.id]
    assert asked.pending.list_unanswered() == ()
    assert asked.work.observed == 3


def test_an_answer_counts_when_the_worker_goes_on(asked: Asked) -> None:
    asked.hear(make_answer(7))
    assert asked.ids() == []
    asked.hear(enter(8))
    assert asked.ids() == [FIRST.id]


@pytest.mark.parametrize("second", [make_answer(7), enter(7)])
def test_a_case_that_is_answered_twice_has_no_answer(asked: Asked, second: wire.Message) -> None:
    asked.hear(make_answer(7))
    with pytest.raises(wire.WireError, match="it answered the case twice"):
        asked.hear(second)
    assert asked.pending.lose_worker(Outcome.GARBLED, "twice").culprit == FIRST
    assert asked.ids() == []
    assert asked.pending.list_unanswered() == (FIRST, SECOND, THIRD)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (enter(10), "a `seq` that it was not asked or has answered"),
        (make_answer(7), "a `seq` that it was not asked or has answered"),
        (wire.End(7), "it ended the batch without an answer to the case"),
        (wire.End(8), "it sent 'end' in a batch, where stage, reply and end belong"),
        (wire.Hello(1, {}), "it sent 'hello' in a batch, where stage, reply and end belong"),
    ],
)
def test_what_does_not_belong_costs_no_answer_that_came_before(
    asked: Asked, message: wire.Message, said: str
) -> None:
    asked.hear(make_answer(7), enter(8), make_answer(8))
    with pytest.raises(wire.WireError, match=said):
        asked.hear(message)
    asked.pending.lose_worker(Outcome.GARBLED, said)
    assert asked.ids() == [FIRST.id, SECOND.id]
    assert asked.pending.list_unanswered() == (THIRD,)


def test_a_reply_that_is_none_is_lost_over_its_case_though_no_stage_was_announced(asked: Asked) -> None:
    with pytest.raises(wire.WireError, match="a worker answers raised, returned, unsupported"):
        asked.hear(make_answer(8, "crashed"))
    death = asked.pending.lose_worker(Outcome.GARBLED, "so")
    assert (death.culprit, death.stage, asked.ids()) == (SECOND, Stage.REPLY, [])


def test_a_worker_that_announces_nothing_is_lost_over_no_case_in_particular(asked: Asked) -> None:
    assert asked.pending.lose_worker(Outcome.CRASHED, "so").culprit is None
    asked.hear(make_answer(7), make_answer(8), enter(9, Stage.BUILD))
    death = asked.pending.lose_worker(Outcome.CRASHED, "so")
    assert (death.culprit, death.stage) == (THIRD, Stage.BUILD)


def test_the_only_case_left_is_the_one_over_which_a_worker_was_lost(asked: Asked) -> None:
    asked.hear(make_answer(7), make_answer(8))
    assert asked.pending.lose_worker(Outcome.CRASHED, "so").culprit == THIRD
