from __future__ import annotations

import numpy as np
import pytest

from harness.records import DTYPE_TRAITS

FRACTION_BITS = {"bfloat16": 7, "float16": 10, "float32": 23, "float64": 52}
SMALLEST = {"bfloat16": 2.0**-133, "float16": 2.0**-24, "float32": 2.0**-149, "float64": 2.0**-1074}
LOWEST = {
    "bfloat16": -(2.0**127) * (2 - 2**-7),
    "float16": -65504.0,
    "float32": -(2.0**127) * (2 - 2**-23),
    "float64": -(2.0**1023) * (2 - 2**-52),
}


def test_the_traits_are_those_of_ieee_754_and_of_googles_bfloat16() -> None:
    assert {name: traits.fraction_bits for name, traits in DTYPE_TRAITS.items()} == FRACTION_BITS
    assert {name: traits.smallest for name, traits in DTYPE_TRAITS.items()} == SMALLEST
    assert {name: traits.lowest for name, traits in DTYPE_TRAITS.items()} == LOWEST


def test_a_dtype_is_that_of_its_name() -> None:
    for name, traits in DTYPE_TRAITS.items():
        assert traits.dtype.name == name


def test_half_of_the_smallest_number_of_float64_is_0() -> None:
    assert DTYPE_TRAITS["float64"].smallest / 2 == 0
    assert all(traits.smallest / 2 > 0 for name, traits in DTYPE_TRAITS.items() if name != "float64")


@pytest.mark.parametrize("name", DTYPE_TRAITS)
def test_consecutive_integers_are_exact_up_to_the_limit_and_not_beyond(name: str) -> None:
    traits = DTYPE_TRAITS[name]
    limit = traits.exact_integers
    assert limit == 2 ** (FRACTION_BITS[name] + 1)
    whole = np.array([limit - 1, limit, limit + 1], dtype=np.float64).astype(traits.dtype)
    assert whole.astype(np.float64).tolist()[:2] == [limit - 1, limit]
    assert name == "float64" or float(whole[2]) != limit + 1
