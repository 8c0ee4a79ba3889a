"""The messages of the protocol: JSON lines, arrays as base64 of little-endian C-order bytes."""

import base64
import json
from typing import IO, Any, Dict, Optional

import numpy as np

PROTOCOL = 1

Message = Dict[str, Any]


class Writer:
    """A writer of one message a line, each flushed, so that a crash can be located."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def send(self, kind: str, **fields: Any) -> None:
        """Send the message `{"type": kind, ...}`."""
        fields["type"] = kind
        self._stream.write(json.dumps(fields).encode("ascii") + b"\n")
        self._stream.flush()


def receive(stream: IO[bytes]) -> Optional[Message]:
    """Return the next message, or None at the end of the stream."""
    line = stream.readline()
    if not line:
        return None
    message = json.loads(line.decode("utf-8"))  # type: Message
    return message


def decode_array(message: Message) -> Any:
    """Return a writable array from `{"dtype", "shape", "data"}`.

    NumPy has no `bfloat16`, the upper half of a `float32`: such elements become the same `float32` numbers.
    """
    data = base64.b64decode(message["data"])
    if message["dtype"] == "bfloat16":
        halves = np.frombuffer(data, dtype="<u2").astype(np.uint32)
        return np.left_shift(halves, np.uint32(16)).view(np.float32).reshape(message["shape"])
    dtype = np.dtype(message["dtype"])
    flat = np.frombuffer(data, dtype=dtype.newbyteorder("<"))
    return flat.astype(dtype).reshape(message["shape"])


def encode_array(array: Any) -> Message:
    """Encode an array as a message, its dtype by name; `bfloat16` too, where a library added it to NumPy."""
    array = np.asarray(array)
    whole = np.ascontiguousarray(array)
    if array.dtype.name == "bfloat16":
        whole = whole.view(np.uint16)
    little = whole.astype(whole.dtype.newbyteorder("<"), copy=False)
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def describe_error(error: BaseException) -> Message:
    """Return an exception as `{"type", "message"}`, even one that cannot be printed."""
    try:
        message = str(error)
    except Exception:
        message = "(the exception cannot be printed)"
    return {"type": type(error).__name__, "message": message.encode("utf-8", "replace").decode("utf-8")}
