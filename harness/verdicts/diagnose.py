"""Names the cause of a wrong answer: the wrong rules of the oracle that give exactly what was observed."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.generator.signals import signals_of
from harness.oracle.convolution import axis_geometries, convolve
from harness.oracle.refusal import padding_of
from harness.oracle.rules import WRONG_RULES
from harness.records import Array, Case

_MAX_CAUSES: Final = 3
_CLOSE: Final = 0.25
_BEYOND_DATA: Final = 1e30
"""No sum of the data comes near; memory that was never written does, as targets are started with
allocators that fill it with such values (`harness.targets.isolation`)."""

NEVER_WRITTEN: Final = "memory-never-written"
"""The cause of values that cannot come from the data."""


def cause_of(case: Case, observed: Array) -> str:
    """The names of the wrong rules that fit, the first three, joined by `or`; empty where none does.

    `observed` has any shape. Where no rule fits and values are beyond any sum of the data, the cause
    is `NEVER_WRITTEN`.
    """
    padding = padding_of(case)
    if padding is None:
        return ""
    signals = signals_of(case)
    fitting: list[str] = []
    values = observed.astype(np.float64)
    for name, rule in WRONG_RULES.items():
        lengths = tuple(geometry.out for geometry in axis_geometries(case, padding, rule))
        if case.shape_of(case.batch, lengths, case.filters) != values.shape:
            continue
        with np.errstate(invalid="ignore"):
            if (np.abs(convolve(case, padding, signals, rule) - values) < _CLOSE).all():
                fitting.append(name)
    if not fitting and (np.abs(values) > _BEYOND_DATA).any():
        return NEVER_WRITTEN
    more = len(fitting) - _MAX_CAUSES
    return " or ".join(fitting[:_MAX_CAUSES]) + (f" or {more} more" if more > 0 else "")
