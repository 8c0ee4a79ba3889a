"""The host's half of the worker protocol; `harness/worker/wire.py` is its twin, README.md there the text.

What a worker sends is untrusted: every line is parsed into one of a closed set of messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from harness.arrays import EncodedArray, decode, encode
from harness.records import Case, Observation, ObservedError, Outcome, Shape, Signals, Stage, arguments_of

PROTOCOL: Final = 1


class WireError(Exception):
    """A line that is no message of the protocol, or an array that is none."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The worker is ready."""

    protocol: int
    fingerprint: dict[str, str]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The worker cannot start, and says why."""

    error: ObservedError


class StageLine(msgspec.Struct, frozen=True, tag="stage"):
    """The worker is about to enter a stage of a case."""

    seq: int
    stage: Stage


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """What happened to a case."""

    seq: int
    outcome: Outcome
    stage: Stage
    seconds: float = 0.0
    output: EncodedArray | None = None
    gradients: tuple[EncodedArray, ...] = ()
    inferred_shape: Shape | None = None
    symbolic_shape: Shape | None = None
    inference_error: ObservedError | None = None
    summary: str | None = None
    error: ObservedError | None = None
    reason: str = ""
    weight_shapes: tuple[tuple[int, ...], ...] | None = None


class End(msgspec.Struct, frozen=True, tag="end"):
    """Every case of a batch has been answered."""

    batch: int


Message: TypeAlias = Hello | Failed | StageLine | Reply | End

_DECODER: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
_ANSWERS: Final = frozenset({Outcome.RETURNED, Outcome.RAISED, Outcome.UNSUPPORTED})


def hello() -> bytes:
    """The first line that a worker receives."""
    return _line({"type": "hello", "protocol": PROTOCOL})


def bye() -> bytes:
    """The last line that a worker receives."""
    return _line({"type": "bye"})


def batch_line(batch: int, cases: Mapping[int, tuple[Case, Signals]]) -> bytes:
    """A batch of cases by sequence number, with their inputs and weights."""
    entries = [_entry(seq, case, signals) for seq, (case, signals) in cases.items()]
    return _line({"type": "batch", "batch": batch, "cases": entries})


def parse(line: bytes) -> Message:
    """The message on a line.

    Raises:
        WireError: the line is none.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        shown = line[:120].decode("utf-8", "replace").rstrip("\n")
        raise WireError(
            f"it wrote {shown!r}, which is no message ({error}); "
            "only messages go to standard output, all else to standard error"
        ) from error


def observation(target: str, case: Case, reply: Reply) -> Observation:
    """A worker's reply to a case as an observation.

    Raises:
        WireError: the outcome is not a worker's to give, or its fields do not belong to it.
    """
    if reply.outcome not in _ANSWERS:
        raise WireError(
            f"it answered {reply.outcome.value!r}; a worker answers {', '.join(sorted(_ANSWERS))}"
        )
    if (reply.outcome is Outcome.RETURNED) != (reply.output is not None):
        has = "no `output`" if reply.output is None else "an `output`"
        raise WireError(f"it answered {reply.outcome.value!r} with {has}; `output` goes with 'returned' only")
    if (reply.outcome is Outcome.RAISED) != (reply.error is not None):
        has = "no `error`" if reply.error is None else "an `error`"
        raise WireError(f"it answered {reply.outcome.value!r} with {has}; `error` goes with 'raised' only")
    try:
        values = None if reply.output is None else decode(reply.output)
        gradients = tuple(map(decode, reply.gradients))
    except ValueError as error:
        raise WireError(f"it sent {error}") from error
    return Observation(
        target=target,
        case_id=case.id,
        outcome=reply.outcome,
        stage=reply.stage,
        seconds=reply.seconds,
        values=values,
        gradients=gradients,
        inferred_shape=reply.inferred_shape,
        symbolic_shape=reply.symbolic_shape,
        inference_error=reply.inference_error,
        summary=reply.summary,
        error=reply.error,
        reason=reply.reason,
        weight_shapes=reply.weight_shapes,
    )


def _entry(seq: int, case: Case, signals: Signals) -> dict[str, object]:
    return {
        "seq": seq,
        "case": case.id,
        "layer": case.layer,
        "mode": case.mode,
        "form": case.form,
        "arguments": arguments_of(case),
        "dtype": case.dtype,
        "input": encode(signals.inputs),
        "weights": [encode(weight) for weight in signals.weights],
    }


def _line(message: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(message) + b"\n"
