"""Pseudorandom arrays from string keys: the same on every machine and with every version of NumPy.

They use integer mixing of our own instead of NumPy's generators, whose streams may change between versions: a
stored run is judged again with the same data. Arrays are cached and read-only.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from harness.records import DTYPE_TRAITS, Array

_EXTRA_BINADES: Final[Mapping[str, int]] = MappingProxyType({"bfloat16": 16, "float16": 4})
"""How many binades of non-consecutive integers `draw_distinct` uses in addition, by dtype."""

MIN_WIDE_INTEGER: Final = 2**26
"""The bound from which integers are drawn that float32 cannot represent."""

_MANY_VALUES: Final = 32
_NUM_ATTEMPTS: Final = 12
"""Of fewer values than `_MANY_VALUES`, up to `_NUM_ATTEMPTS` draws are tried."""

_LARGE_POOL: Final = 4096
_REAL_BINADES: Final = 6

_NUM_THEMES: Final = 4
_MAX_FINITE: Final = 60
"""The number of patterns of nonfinite data, and the largest number in them; every dtype holds its sums."""

Integers = npt.NDArray[np.int64]
_Number = TypeVar("_Number", bound=np.generic)


@lru_cache(maxsize=4096)
def draw_positive(key: str, shape: tuple[int, ...], most: int, dtype: str) -> Array:
    """Draw integers from 1 to `most`; for `most` up to 4096, each block of `most` is all different.

    Wide ones are odd and above half of `most`, so that no narrower dtype represents them. Few values are
    drawn so that slices differ as far as possible (see `_is_distinguishable`).
    """
    if most >= MIN_WIDE_INTEGER:
        return _freeze_array(_draw_wide(key, shape, most), dtype)
    return _freeze_array(
        _draw_distinguishable(key, most, lambda name: 1 + _draw_integers(name, shape, most)), dtype
    )


@lru_cache(maxsize=4096)
def draw_signed(key: str, shape: tuple[int, ...], most: int, dtype: str) -> Array:
    """Draw nonzero integers from `-most` to `most`, otherwise like `draw_positive`."""
    if most >= MIN_WIDE_INTEGER:
        signs = _extract_signs(_draw_words(f"{key} sign", math.prod(shape))).reshape(shape)
        return _freeze_array(_draw_wide(key, shape, most) * signs, dtype)

    def draw(name: str) -> Integers:
        values = _draw_integers(name, shape, 2 * most) - most
        return values + (values >= 0)

    return _freeze_array(_draw_distinguishable(key, most, draw), dtype)


@lru_cache(maxsize=4096)
def draw_distinct(key: str, shape: tuple[int, ...], channel_axis: int, dtype: str) -> Array:
    """Draw negative integers, spread over all that the dtype represents, in no order.

    All differ where the dtype has so many; otherwise those of one channel of a batch entry do, where it has
    so many.
    """
    bits = DTYPE_TRAITS[dtype].significant_bits
    num_ranks = 2**bits - 1 + _EXTRA_BINADES.get(dtype, 0) * 2 ** (bits - 1)
    size = math.prod(shape)
    cells = math.prod(_get_spatial_lengths(shape, channel_axis))
    apart = max(size if size <= num_ranks else min(cells, num_ranks), 1)
    step = num_ranks // apart
    ranks = (
        1
        + _draw_integers(key, (size,), apart) * step
        + (_draw_words(f"{key} spread", size) % np.uint64(step)).astype(np.int64)
    )
    return _freeze_array(_arrange_by_planes(-_convert_ranks(ranks, bits), shape, channel_axis), dtype)


@lru_cache(maxsize=4096)
def draw_real(key: str, shape: tuple[int, ...], greatest: int, dtype: str) -> Array:
    """Draw real numbers of both signs over six binades, with magnitudes below 2 to the power of `greatest`.

    The last bit of every significand is set, so that no narrower dtype represents them. All differ as far as
    a 16-bit dtype has enough values.
    """
    bits = DTYPE_TRAITS[dtype].significant_bits
    num_significands = 2 ** (bits - 2)
    ranks = _draw_integers(key, shape, 2 * _REAL_BINADES * num_significands)
    significands = (2 * (ranks % num_significands) + 2 ** (bits - 1) + 1).astype(np.float64)
    places = ranks // num_significands
    exponents = places // 2 + greatest - _REAL_BINADES - bits + 1
    return _freeze_array(np.where(places % 2, -1.0, 1.0) * np.ldexp(significands, exponents), dtype)


@lru_cache(maxsize=4096)
def draw_real_distinct(key: str, shape: tuple[int, ...], channel_axis: int, dtype: str) -> Array:
    """Draw real numbers of both signs whose magnitudes differ as far as those of `draw_distinct` do."""
    values = draw_distinct(key, shape, channel_axis, dtype).astype(np.float64)
    bits = DTYPE_TRAITS[dtype].significant_bits + _EXTRA_BINADES.get(dtype, 0)
    return _freeze_array(
        np.ldexp(values * _extract_signs(_draw_words(f"{key} sign", values.size).reshape(shape)), 3 - bits),
        dtype,
    )


@lru_cache(maxsize=4096)
def draw_tied(key: str, shape: tuple[int, ...], dtype: str) -> Array:
    """Draw integers from -3 to -1 and zeros of both signs, each value a fifth of all."""
    values = np.array([-3.0, -2.0, -1.0, -0.0, 0.0])
    return _freeze_array(values[_draw_integers(f"{key} tied", shape, len(values))], dtype)


@lru_cache(maxsize=4096)
def draw_nonfinite(key: str, shape: tuple[int, ...], channel_axis: int, dtype: str) -> Array:
    """Draw integers of both signs and nonfinite values, by one of four patterns per channel of a batch entry.

    The patterns, in turn: half of the cells -inf, all together; infinities of both signs; NaN; all of these,
    and -0. The shape decides which pattern comes first.
    """
    cells = math.prod(_get_spatial_lengths(shape, channel_axis))
    planes = shape[0] * shape[channel_axis]
    values: npt.NDArray[np.float64] = np.array(
        draw_signed(f"{key} finite", (planes, cells), _MAX_FINITE, "float64"), dtype=np.float64
    )
    order = _draw_integers(f"{key} nonfinite", (planes, cells), max(cells, 1))
    first = draw_word(f"{key} {shape}")
    for plane, places in enumerate(order):
        match (first + plane) % _NUM_THEMES:
            case 0:
                values[plane, : -(-cells // 2)] = -np.inf
            case 1:
                values[plane, places % 4 == 0] = np.inf
                values[plane, places % 4 == 1] = -np.inf
            case 2:
                values[plane, places % 6 == 0] = np.nan
            case _:
                for place, value in enumerate((np.nan, np.inf, -np.inf, -0.0)):
                    values[plane, places % 9 == place] = value
    return _freeze_array(_arrange_by_planes(values, shape, channel_axis), dtype)


def draw_word(key: str) -> int:
    """Draw a pseudorandom 64-bit integer."""
    return int(_draw_words(key, 1)[0])


def _get_spatial_lengths(shape: tuple[int, ...], channel_axis: int) -> tuple[int, ...]:
    """Return the lengths of the axes that are neither the batch nor the channels."""
    return (*shape[1:channel_axis], *shape[channel_axis + 1 :])


def _arrange_by_planes(
    values: npt.NDArray[_Number], shape: tuple[int, ...], channel_axis: int
) -> npt.NDArray[_Number]:
    """Arrange values, ordered by batch entry, channel and cell, as an array of this shape."""
    planes = values.reshape(shape[0], shape[channel_axis], *_get_spatial_lengths(shape, channel_axis))
    return np.moveaxis(planes, 1, channel_axis)


def _freeze_array(values: npt.NDArray[np.float64] | Integers, dtype: str) -> Array:
    array = values.astype(DTYPE_TRAITS[dtype].dtype)
    array.setflags(write=False)
    return array


def _draw_integers(key: str, shape: tuple[int, ...], pool: int) -> Integers:
    """Draw integers in `range(pool)`; unless the pool is large, each block of `pool` is all different."""
    size = math.prod(shape)
    if pool > _LARGE_POOL and pool > size:
        return (_draw_words(key, size) % np.uint64(pool)).astype(np.int64).reshape(shape)
    rows = -(-size // pool)
    order = np.argsort(_draw_words(key, rows * pool).reshape(rows, pool), axis=1, kind="stable")
    return order.ravel()[:size].reshape(shape)


def _draw_distinguishable(key: str, most: int, draw: Callable[[str], Integers]) -> Integers:
    """Return the draw of the key; of few values, the first of some draws that is distinguishable."""
    if most >= _MANY_VALUES:
        return draw(key)
    draws = (draw(f"{key} {attempt}") for attempt in range(_NUM_ATTEMPTS))
    first = next(draws)
    return next((values for values in (first, *draws) if _is_distinguishable(values)), first)


def _is_distinguishable(values: Integers) -> bool:
    """Return whether slices along each axis differ, and the array from its flips and axis swaps."""
    axes = [axis for axis, length in enumerate(values.shape) if length > 1]
    for axis in axes:
        slices = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
        if len({part.tobytes() for part in slices}) < len(slices):
            return False
    flips = (part for number in range(2, len(axes) + 1) for part in itertools.combinations(axes, number))
    if any(np.array_equal(values, np.flip(values, part)) for part in flips):
        return False
    pairs = itertools.combinations(axes, 2)
    return not any(np.array_equal(values, np.swapaxes(values, *pair)) for pair in pairs)


def _draw_wide(key: str, shape: tuple[int, ...], most: int) -> Integers:
    """Draw odd integers above half of `most`."""
    return most // 2 + 1 + 2 * _draw_integers(key, shape, most // 4)


def _convert_ranks(ranks: Integers, bits: int) -> Integers:
    """Convert ranks, from 1 on, to the integers that `bits` significant bits represent."""
    above = np.maximum(ranks - 2**bits, 0)
    binade = above // 2 ** (bits - 1)
    beyond = (2 ** (bits - 1) + above % 2 ** (bits - 1)) << (binade + 1)
    return np.where(ranks < 2**bits, ranks, beyond)


def _extract_signs(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    return 1.0 - 2.0 * (words >> np.uint64(63)).astype(np.float64)


def _draw_words(key: str, size: int) -> npt.NDArray[np.uint64]:
    """Draw `size` pseudorandom 64-bit words."""
    seed = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
    return _mix_bits(np.arange(size, dtype=np.uint64) + np.uint64(seed % 2**62))


def _mix_bits(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scatter 64-bit integers by a bijection (the finaliser of SplitMix64)."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
