"""The host's half of the worker protocol; `harness/worker/wire.py` is its twin, README.md there the text.

What a worker sends is untrusted: every line is parsed into one of a closed set of messages.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec
import numpy as np

from harness.records import Array, Case, Observation, ObservedError, Outcome, Shape, Signals, Stage

PROTOCOL: Final = 1

DTYPES: Final = frozenset(
    {"bool", "float16", "float32", "float64"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
"""The dtypes that an array on the wire may have."""


class WireError(Exception):
    """A line that is no message of the protocol, or an array that is none."""


class WireArray(msgspec.Struct, frozen=True):
    """An array: base64 of its little-endian bytes in C order."""

    dtype: str
    shape: tuple[int, ...]
    data: str


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
    output: WireArray | None = None
    inferred_shape: Shape | None = None
    summary: str | None = None
    error: ObservedError | None = None
    reason: str = ""


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
        raise WireError(f"not a message of the protocol ({error}): {shown!r}") from error


def observation(target: str, case: Case, reply: Reply) -> Observation:
    """A worker's reply to a case as an observation.

    Raises:
        WireError: the outcome is not a worker's to give, or its fields do not belong to it.
    """
    if reply.outcome not in _ANSWERS:
        raise WireError(f"a worker cannot answer {reply.outcome.value!r}")
    if (reply.outcome is Outcome.RETURNED) != (reply.output is not None):
        raise WireError(f"the outcome {reply.outcome.value!r} and an output do not go together")
    if (reply.outcome is Outcome.RAISED) != (reply.error is not None):
        raise WireError(f"the outcome {reply.outcome.value!r} and an error do not go together")
    return Observation(
        target=target,
        case_id=case.id,
        outcome=reply.outcome,
        stage=reply.stage,
        seconds=reply.seconds,
        values=None if reply.output is None else _decode(reply.output),
        inferred_shape=reply.inferred_shape,
        summary=reply.summary,
        error=reply.error,
        reason=reply.reason,
    )


def _entry(seq: int, case: Case, signals: Signals) -> dict[str, object]:
    weights = [signals.kernel] if signals.bias is None else [signals.kernel, signals.bias]
    return {
        "seq": seq,
        "case": case.id,
        "layer": case.layer,
        "mode": case.mode,
        "arguments": {
            "filters": case.filters,
            "kernel_size": case.kernel,
            "strides": case.strides,
            "padding": case.padding,
            "data_format": case.data_format,
            "dilation_rate": case.dilation,
            "groups": case.groups,
            "use_bias": case.bias,
            "dtype": case.dtype,
        },
        "input": _encode(signals.inputs),
        "weights": [_encode(weight) for weight in weights],
    }


def _line(message: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _encode(array: Array) -> WireArray:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return WireArray(array.dtype.name, array.shape, base64.b64encode(little.tobytes()).decode())


def _decode(array: WireArray) -> Array:
    if array.dtype not in DTYPES:
        raise WireError(f"an output of dtype {array.dtype!r}; the wire carries {', '.join(sorted(DTYPES))}")
    if any(length < 0 for length in array.shape):
        raise WireError(f"an output of shape {array.shape}")
    dtype = np.dtype(array.dtype).newbyteorder("<")
    try:
        data = base64.b64decode(array.data, validate=True)
    except binascii.Error as error:
        raise WireError(f"an output that is not base64: {error}") from error
    if len(data) != math.prod(array.shape) * dtype.itemsize:
        raise WireError(f"an output of shape {array.shape} and {array.dtype} in {len(data)} bytes")
    return np.frombuffer(data, dtype).astype(array.dtype, copy=False).reshape(array.shape)
