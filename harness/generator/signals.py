"""The exact inputs and weights of a case: small integers, so that every sum is exact and `==` decides.

The data sees what a comparison of shapes cannot: cells are positive (padding by anything but zero
shows), taps are signed and differ (flips, shifts and swapped axes show), filters, biases, channels
and batch entries differ (permutations show). Equal layers get equal weights, whatever their input
length, so that a worker may keep the layer.

The numbers come from our own integer mixing and not from NumPy's generators, whose streams may
change between versions: a stored run is judged again with the same data.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError
from harness.records import Case, Signals

SIGNALS_VERSION: Final = 1

EXACT_INTEGERS: Final = {"float16": 2**11, "float32": 2**24, "float64": 2**53}
"""Up to where consecutive integers are exact, by dtype (11, 24 and 53 significant bits)."""

_MAX_INPUT: Final = 127
_MAX_TAP: Final = 63
_MAX_BIAS: Final = 1023


def signals_of(case: Case) -> Signals:
    """The inputs and weights of a case, the same on every machine.

    The weights have the shape that the layer ought to build; where the case must be refused and so
    has no such shape, one is made of its parameters clipped to 1.

    Raises:
        HarnessError: the dtype is unknown, or too narrow for exact sums over this many terms.
    """
    kernel_shape = (*(max(length, 1) for length in case.kernel), _fan_in(case), max(case.filters, 1))
    terms = math.prod(kernel_shape[:-1])
    max_input, max_tap, max_bias = _amplitudes(case, terms)
    weights = f"kernel {kernel_shape} {case.dtype}"
    inputs = 1 + _draw(f"inputs {case.input_shape} {terms}", case.input_shape, max_input)
    taps = _draw(weights, kernel_shape, 2 * max_tap) - max_tap
    taps += taps >= 0
    bias = max_bias - _draw(f"bias {weights}", kernel_shape[-1:], max_bias) if case.bias else None
    return Signals(
        inputs=inputs.astype(case.dtype),
        kernel=taps.astype(case.dtype),
        bias=None if bias is None else bias.astype(case.dtype),
    )


def _fan_in(case: Case) -> int:
    return max(case.channels // max(case.groups, 1), 1)


def _amplitudes(case: Case, terms: int) -> tuple[int, int, int]:
    """The largest input, tap and bias such that no partial sum leaves the exact integers."""
    limit = EXACT_INTEGERS.get(case.dtype)
    if limit is None:
        known = ", ".join(EXACT_INTEGERS)
        raise HarnessError(f"{case.id}: no exact data for dtype {case.dtype}; use {known}")
    max_input, max_tap, max_bias = _MAX_INPUT, _MAX_TAP, min(_MAX_BIAS, limit // 4)
    while terms * max_input * max_tap + max_bias >= limit:
        max_input, max_tap = -(-max_input // 2), -(-max_tap // 2)
        if max_input == max_tap == 1:
            raise HarnessError(
                f"{case.id}: {terms} terms are too many for exact sums in {case.dtype}; use a wider dtype"
            )
    return max_input, max_tap, max_bias


def _draw(key: str, shape: tuple[int, ...], pool: int) -> npt.NDArray[np.int64]:
    """Integers in `range(pool)`, every `pool` consecutive ones all different."""
    size = math.prod(shape)
    seed = int.from_bytes(hashlib.blake2b(f"{SIGNALS_VERSION} {key}".encode(), digest_size=8).digest())
    rows = -(-size // pool)
    keys = _mix(np.arange(rows * pool, dtype=np.uint64) + np.uint64(seed % 2**62))
    order = np.argsort(keys.reshape(rows, pool), axis=1, kind="stable")
    return order.ravel()[:size].reshape(shape)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A bijection of 64-bit integers that scatters neighbours (the finaliser of SplitMix64)."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
