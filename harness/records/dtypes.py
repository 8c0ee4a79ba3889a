"""Numeric properties of each dtype: its bits, its exact integers, its smallest and lowest numbers.

Derived from NumPy and ml_dtypes (IEEE 754, and Google's bfloat16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import ml_dtypes
import numpy as np

DtypeName: TypeAlias = Literal["bfloat16", "float16", "float32", "float64"]
"""The dtypes of case data, by their names in Keras and NumPy."""


@dataclass(frozen=True, slots=True)
class DtypeTraits:
    """Numeric properties of a dtype.

    `dtype` is NumPy's. `fraction_bits` counts the bits of a significand after the first. `smallest` is the
    smallest positive (subnormal) number, `lowest` the lowest finite one.
    """

    dtype: np.dtype[np.generic]
    fraction_bits: int
    smallest: float
    lowest: float

    @property
    def significant_bits(self) -> int:
        """The number of bits of a significand."""
        return self.fraction_bits + 1

    @property
    def exact_integers(self) -> int:
        """The integer up to which all integers are exact: 2 to the number of significant bits."""
        return int(2**self.significant_bits)


def _derive_traits(name: str) -> DtypeTraits:
    dtype: np.dtype[np.generic] = np.dtype(getattr(ml_dtypes, name, name))
    info = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return DtypeTraits(dtype, int(info.nmant), float(info.smallest_subnormal), float(info.min))


DTYPE_TRAITS: Final[Mapping[str, DtypeTraits]] = MappingProxyType(
    {name: _derive_traits(name) for name in get_args(DtypeName)}
)
"""The properties of each dtype of case data."""
