from __future__ import annotations

import numpy as np
import pytest

from harness.oracle.channel_layout import round_values
from harness.oracle.rules import Precision
from harness.records import DTYPE_TRAITS

NARROW = [precision for precision in Precision if precision is not Precision.FULL]


@pytest.mark.parametrize("precision", NARROW)
def test_halfway_the_number_whose_last_bit_is_0_is_taken(precision: Precision) -> None:
    step = 2.0 ** -DTYPE_TRAITS[precision].fraction_bits
    halfway = np.array([1 + step / 2, 1 + 3 * step / 2, -1 - step / 2, 1 + step / 2 + step / 8])
    assert round_values(halfway, precision).tolist() == [1, 1 + 2 * step, -1, 1 + step]


@pytest.mark.parametrize("precision", NARROW)
def test_what_a_precision_holds_stays_as_it_is(precision: Precision) -> None:
    traits = DTYPE_TRAITS[precision]
    held = np.array([0.0, 1.0, traits.smallest, traits.lowest, -traits.lowest, np.inf, -np.inf])
    assert round_values(held, precision).tolist() == held.tolist()
    assert np.isnan(round_values(np.array([np.nan]), precision)).all()
    assert np.signbit(round_values(np.array([-0.0]), precision)).all()


@pytest.mark.parametrize("precision", [Precision.FLOAT16, Precision.BFLOAT16])
def test_beyond_the_largest_number_is_infinity(precision: Precision) -> None:
    beyond = np.array([-2.0, 2.0]) * DTYPE_TRAITS[precision].lowest
    assert round_values(beyond, precision).tolist() == [np.inf, -np.inf]


def test_bfloat16_is_float32_with_the_last_half_of_its_bits_rounded_off() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint64).astype(np.uint32)
    numbers = bits.view(np.float32)[np.isfinite(bits.view(np.float32))]
    bits = numbers.view(np.uint32)
    last_kept = (bits >> np.uint32(16)) & np.uint32(1)
    kept = (bits + np.uint32(0x7FFF) + last_kept) & np.uint32(0xFFFF0000)
    right = kept.view(np.float32).astype(np.float64)
    assert np.array_equal(round_values(numbers.astype(np.float64), Precision.BFLOAT16), right)


def test_full_precision_rounds_nothing() -> None:
    values = np.array([1 + 2.0**-52])
    assert round_values(values, Precision.FULL) is values
