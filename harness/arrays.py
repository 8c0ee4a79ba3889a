"""Arrays as text: base64 of their little-endian bytes in C order, for the wire and for stored runs."""

from __future__ import annotations

import base64
import binascii
import math
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np

from harness.records import DTYPE_TRAITS, Array

DTYPES: Final = MappingProxyType(
    {name: traits.dtype for name, traits in DTYPE_TRAITS.items()}
    | {"bool": np.dtype("bool")}
    | {name: np.dtype(name) for bits in (8, 16, 32, 64) for name in (f"int{bits}", f"uint{bits}")}
)
"""The dtypes that an encoded array may have, by their names; NumPy has no `bfloat16` of its own."""


class EncodedArray(msgspec.Struct, frozen=True):
    """An array as JSON holds it."""

    dtype: str
    shape: tuple[int, ...]
    data: str


def encode(array: Array) -> EncodedArray:
    """An array as text."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return EncodedArray(array.dtype.name, array.shape, base64.b64encode(little.tobytes()).decode())


def decode(array: EncodedArray) -> Array:
    """The inverse of `encode`.

    Raises:
        ValueError: an unknown dtype, a negative length, or data that do not fill the shape.
    """
    if array.dtype not in DTYPES:
        raise ValueError(f"an array of dtype {array.dtype!r}; it may be {', '.join(sorted(DTYPES))}")
    if any(length < 0 for length in array.shape):
        raise ValueError(f"an array of shape {array.shape}")
    dtype = DTYPES[array.dtype].newbyteorder("<")
    try:
        data = base64.b64decode(array.data, validate=True)
    except binascii.Error as error:
        raise ValueError(f"an array that is not base64: {error}") from error
    if len(data) != math.prod(array.shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {array.shape} and {array.dtype} in {len(data)} bytes")
    return np.frombuffer(data, dtype).astype(DTYPES[array.dtype], copy=False).reshape(array.shape)
