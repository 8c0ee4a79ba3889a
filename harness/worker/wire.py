"""The messages of the protocol: JSON lines, arrays as base64 of little-endian C-order bytes."""

import base64
import json
from typing import IO, Any, Dict, Optional

import numpy as np

PROTOCOL = 1

Message = Dict[str, Any]


class Writer:
    """Writes one message a line and flushes it, so that a crash has a place."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def send(self, kind: str, **fields: Any) -> None:
        """Send the message `{"type": kind, ...}`."""
        fields["type"] = kind
        self._stream.write(json.dumps(fields).encode("ascii") + b"\n")
        self._stream.flush()


def receive(stream: IO[bytes]) -> Optional[Message]:
    """The next message, or None at the end of the stream."""
    line = stream.readline()
    if not line:
        return None
    message = json.loads(line.decode("utf-8"))  # type: Message
    return message


def decode_array(message: Message) -> Any:
    """A writable array from `{"dtype", "shape", "data"}`."""
    dtype = np.dtype(message["dtype"])
    flat = np.frombuffer(base64.b64decode(message["data"]), dtype=dtype.newbyteorder("<"))
    return flat.astype(dtype).reshape(message["shape"])


def encode_array(array: Any) -> Message:
    """The inverse of `decode_array`. The dtype travels by its NumPy name."""
    array = np.asarray(array)
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(little.tobytes()).decode("ascii"),
    }
