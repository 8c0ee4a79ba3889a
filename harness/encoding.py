"""Observations and arrays as JSON: the one encoder of stored runs and of the wire.

An array is base64 of its little-endian bytes in C order. The fields of an observation are taken from
the record, so that a new field needs no change here.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

import msgspec
import numpy as np

from harness.records import DTYPE_TRAITS, Array, Observation

DTYPES: Final = MappingProxyType(
    {name: traits.dtype for name, traits in DTYPE_TRAITS.items()}
    | {"bool": np.dtype("bool")}
    | {name: np.dtype(name) for bits in (8, 16, 32, 64) for name in (f"int{bits}", f"uint{bits}")}
)
"""The dtypes that an encoded array may have, by their names; NumPy has no `bfloat16` of its own."""

_IDENTITY: Final = frozenset({"target", "case_id"})
"""The fields that identify an observation, which the file or a sequence number gives."""


class ArrayError(Exception):
    """An invalid encoded array."""


class EncodedArray(msgspec.Struct, frozen=True):
    """An array as JSON holds it."""

    dtype: str
    shape: tuple[int, ...]
    data: str


def encode_line(content: Mapping[str, object]) -> bytes:
    """Encode an object as one line of JSON, records by their fields and arrays as text."""
    return msgspec.json.encode(content, enc_hook=_encode_object) + b"\n"


def gather_fields(observation: Observation) -> dict[str, object]:
    """Return the fields of an observation by name, without its target and case.

    Fields at their default are left out, except numbers: `seconds` is always present.
    """
    values = ((field, getattr(observation, field.name)) for field in fields(observation))
    return {
        field.name: value
        for field, value in values
        if field.name not in _IDENTITY and (value is not field.default or isinstance(value, float))
    }


def convert_observation(target: str, case_id: str, held: Mapping[str, Any]) -> Observation:
    """Return the observation in an object of JSON whose keys are names of fields; other keys are ignored.

    Raises:
        msgspec.ValidationError: a field is missing or of another type.
        ArrayError: an array is invalid.
    """
    whole = {**held, "target": target, "case_id": case_id}
    return msgspec.convert(whole, Observation, dec_hook=_decode_object)


def encode_array(array: Array) -> EncodedArray:
    """Encode an array."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return EncodedArray(array.dtype.name, array.shape, base64.b64encode(little.tobytes()).decode())


def decode_array(array: EncodedArray) -> Array:
    """Decode a result of `encode_array`.

    Raises:
        ArrayError: an unknown dtype, a negative length, or data that do not fill the shape.
    """
    if array.dtype not in DTYPES:
        raise ArrayError(f"an array of dtype {array.dtype!r}; it may be {', '.join(sorted(DTYPES))}")
    if any(length < 0 for length in array.shape):
        raise ArrayError(f"an array of shape {array.shape}")
    dtype = DTYPES[array.dtype].newbyteorder("<")
    try:
        data = base64.b64decode(array.data, validate=True)
    except ValueError as error:
        raise ArrayError(f"an array that is not base64: {error}") from error
    if len(data) != math.prod(array.shape) * dtype.itemsize:
        raise ArrayError(f"an array of shape {array.shape} and {array.dtype} in {len(data)} bytes")
    return np.frombuffer(data, dtype).astype(DTYPES[array.dtype], copy=False).reshape(array.shape)


def _encode_object(value: object) -> EncodedArray:
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return encode_array(value)


def _decode_object(_type: type, held: object) -> Array:
    """Decode a type that msgspec does not know; in an observation only arrays are."""
    try:
        encoded = msgspec.convert(held, EncodedArray)
    except msgspec.ValidationError as error:
        raise ArrayError(f"an array that cannot be read: {error}") from error
    return decode_array(encoded)
