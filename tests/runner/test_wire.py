"""How the host reads the lines of a worker."""

from __future__ import annotations

import json

import pytest

from harness.records import Outcome, Stage
from harness.runner import wire
from tests.fakes.runs import suite

CASE = suite()[0]
REPLY = {"type": "reply", "seq": 3, "outcome": "unsupported", "stage": "build", "reason": "no such layer"}
ONES = {"dtype": "float32", "shape": [1], "data": "AACAPw=="}


def parse_reply(**changed: object) -> wire.Reply:
    message = wire.parse_message(json.dumps(REPLY | changed).encode())
    assert isinstance(message, wire.Reply)
    return message


def test_a_reply_is_read_with_its_case() -> None:
    observation = wire.read_reply("target", CASE, parse_reply(seconds=1))
    assert (observation.target, observation.case_id) == ("target", CASE.id)
    assert (observation.outcome, observation.stage) == (Outcome.UNSUPPORTED, Stage.BUILD)
    assert (observation.seconds, observation.reason) == (1.0, "no such layer")


def test_the_output_of_a_reply_is_the_values_of_the_observation() -> None:
    reply = parse_reply(outcome="returned", output=ONES, values="of no meaning")
    values = wire.read_reply("target", CASE, reply).values
    assert values is not None
    assert values.tolist() == [1.0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"summary": 3}, r"which is no message \(Expected `str \| null`, got `int` - at `\$.summary`\)"),
        ({"outcome": "crashed"}, "it answered 'crashed'; a worker answers raised, returned, unsupported"),
        ({"outcome": "returned"}, "'returned' with no `output`; `output` goes with 'returned' only"),
        ({"output": ONES}, "'unsupported' with an `output`; `output` goes with 'returned' only"),
        ({"outcome": "raised"}, "'raised' with no `error`; `error` goes with 'raised' only"),
        ({"error": {"type": "E", "message": ""}}, "'unsupported' with an `error`; `error` goes with"),
        ({"output": ONES | {"shape": [2]}}, r"it sent an array of shape \(2,\) and float32 in 4 bytes"),
    ],
)
def test_a_reply_that_contradicts_itself_still_says_which_case_it_is_about(
    changed: dict[str, object], said: str
) -> None:
    reply = parse_reply(**changed)
    assert reply.seq == 3
    with pytest.raises(wire.WireError, match=said):
        wire.read_reply("target", CASE, reply)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"type":"reply"}',
        b'{"type":"bye"}',
        b'{"type":"stage","seq":"3","stage":"call"}',
        b"\xff",
    ],
)
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(wire.WireError, match="which is no message"):
        wire.parse_message(line)
