"""The host's half of the worker protocol; `harness/worker/wire.py` is its twin, README.md there the text.

What a worker sends is untrusted: every line is parsed into one of a closed set of messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from harness.encoding import ArrayError, convert_observation, encode_line
from harness.records import Case, CaseData, Observation, ObservedError, Outcome, Stage, make_arguments

PROTOCOL: Final = 1


class WireError(Exception):
    """A line that is no message of the protocol, or an invalid array."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The worker's announcement that it is ready."""

    protocol: int
    fingerprint: dict[str, str]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The worker's reason why it cannot start."""

    error: ObservedError


class StageLine(msgspec.Struct, frozen=True, tag="stage"):
    """The worker's announcement of a stage of a case."""

    seq: int
    stage: Stage


class _ReplyHead(msgspec.Struct, frozen=True, tag="reply"):
    """The case that a reply is about, and the last stage that it reached."""

    seq: int
    stage: Stage


class End(msgspec.Struct, frozen=True, tag="end"):
    """The worker's statement that every case of a batch has been answered."""

    batch: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a case, on a line that `read_reply` reads when the case is known."""

    seq: int
    stage: Stage
    line: bytes


Message: TypeAlias = Hello | Failed | StageLine | Reply | End

_Head: TypeAlias = Hello | Failed | StageLine | _ReplyHead | End
_DECODER: Final[msgspec.json.Decoder[_Head]] = msgspec.json.Decoder(_Head)
_ANSWERS: Final = frozenset({Outcome.RETURNED, Outcome.RAISED, Outcome.UNSUPPORTED})


def encode_hello() -> bytes:
    """Return the first line for a worker."""
    return encode_line({"type": "hello", "protocol": PROTOCOL})


def encode_bye() -> bytes:
    """Return the last line for a worker."""
    return encode_line({"type": "bye"})


def encode_batch(batch: int, cases: Mapping[int, tuple[Case, CaseData]]) -> bytes:
    """Encode a batch of cases by sequence number, with their inputs and weights."""
    entries = [_make_entry(seq, case, signals) for seq, (case, signals) in cases.items()]
    return encode_line({"type": "batch", "batch": batch, "cases": entries})


def parse_message(line: bytes) -> Message:
    """Return the message on a line; of a reply only which case it is about.

    Raises:
        WireError: the line is no message.
    """
    try:
        message = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _explain_no_message(line, error) from error
    if isinstance(message, _ReplyHead):
        return Reply(message.seq, message.stage, line)
    return message


def read_reply(target: str, case: Case, reply: Reply) -> Observation:
    """Return the observation in a worker's reply.

    Raises:
        WireError: a field is invalid, no worker may give the outcome, or fields do not belong to it.
    """
    try:
        held = msgspec.json.decode(reply.line, type=dict[str, Any])
        observation = convert_observation(target, case.id, {**held, "values": held.get("output")})
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _explain_no_message(reply.line, error) from error
    except ArrayError as error:
        raise WireError(f"it sent {error}") from error
    outcome = observation.outcome
    if outcome not in _ANSWERS:
        raise WireError(f"it answered {outcome.value!r}; a worker answers {', '.join(sorted(_ANSWERS))}")
    if (outcome is Outcome.RETURNED) != (observation.values is not None):
        has = "no `output`" if observation.values is None else "an `output`"
        raise WireError(f"it answered {outcome.value!r} with {has}; `output` goes with 'returned' only")
    if (outcome is Outcome.RAISED) != (observation.error is not None):
        has = "no `error`" if observation.error is None else "an `error`"
        raise WireError(f"it answered {outcome.value!r} with {has}; `error` goes with 'raised' only")
    return observation


def _explain_no_message(line: bytes, error: Exception) -> WireError:
    shown = line[:120].decode("utf-8", "replace").rstrip("\n")
    return WireError(
        f"it wrote {shown!r}, which is no message ({error}); "
        "only messages go to standard output, all else to standard error"
    )


def _make_entry(seq: int, case: Case, signals: CaseData) -> dict[str, object]:
    return {
        "seq": seq,
        "case": case.id,
        "layer": case.layer,
        "mode": case.mode,
        "form": case.form,
        "arguments": make_arguments(case),
        "dtype": case.dtype,
        "input": signals.inputs,
        "weights": signals.weights,
    }
