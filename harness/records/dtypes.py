"""What each dtype of the data holds: its bits, the integers that it counts, its smallest and lowest numbers.

Derived from what NumPy and ml_dtypes say of their types (IEEE 754, and Google's bfloat16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import ml_dtypes
import numpy as np

DtypeName: TypeAlias = Literal["bfloat16", "float16", "float32", "float64"]
"""The dtypes that data are made in, by their names in Keras and NumPy."""


@dataclass(frozen=True, slots=True)
class DtypeTraits:
    """What a dtype holds.

    `dtype` is NumPy's. `fraction_bits` are the bits of a significand after its first one. `smallest` is the
    smallest positive number, a subnormal one; `lowest` is the lowest finite number.
    """

    dtype: np.dtype[np.generic]
    fraction_bits: int
    smallest: float
    lowest: float

    @property
    def significant_bits(self) -> int:
        """The bits of a significand."""
        return self.fraction_bits + 1

    @property
    def exact_integers(self) -> int:
        """Up to where consecutive integers are exact: 2 to the number of significant bits."""
        return int(2**self.significant_bits)


def _derive_traits(name: str) -> DtypeTraits:
    dtype: np.dtype[np.generic] = np.dtype(getattr(ml_dtypes, name, name))
    known = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return DtypeTraits(dtype, int(known.nmant), float(known.smallest_subnormal), float(known.min))


DTYPE_TRAITS: Final[Mapping[str, DtypeTraits]] = MappingProxyType(
    {name: _derive_traits(name) for name in get_args(DtypeName)}
)
"""The traits of each dtype that data are made in."""
