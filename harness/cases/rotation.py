"""Rotates attribute values over layers so that each meets what it can as early and as evenly as possible.

Plain rotation interferes with the design: of two data formats, each of four strides would only ever meet one.
So a layer takes the values that its kernel, its strides and the values it has already taken were given least
often before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.cases.covering_array import mix_integers


@dataclass(frozen=True, slots=True)
class ZippedAttributes:
    """Attributes that rotate together, and their values. Most have one attribute."""

    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


@dataclass(slots=True)
class RotatingValues:
    """The rotation of attributes over one series of layers.

    `met` counts how often a value was given to a layer with a property.
    """

    units: tuple[ZippedAttributes, ...]
    seed: int
    number: int = 0
    met: Counter[tuple[Hashable, int, int]] = field(default_factory=Counter)

    def take(self, properties: Sequence[Hashable]) -> dict[str, Any]:
        """Return the attributes of the next layer, which has these properties."""
        taken: dict[str, Any] = {}
        had = list(properties)
        for index, unit in enumerate(self.units):
            place = self._choose_place(index, len(unit.values), had)
            self.met.update((prop, index, place) for prop in had)
            had.append((unit.keys, place))
            taken.update(zip(unit.keys, unit.values[place], strict=True))
        self.number += 1
        return taken

    def _choose_place(self, index: int, number: int, had: Sequence[Hashable]) -> int:
        """Return the index of the value that is new to most properties, then met least often by them."""

        def rank_place(place: int) -> tuple[int, int, int]:
            counts = [self.met[prop, index, place] for prop in had]
            return -counts.count(0), sum(counts), mix_integers(self.seed, self.number, index, place)

        return min(range(number), key=rank_place)


def zip_attributes(
    turned: Mapping[str, Sequence[Any]], in_step: Sequence[str]
) -> tuple[ZippedAttributes, ...]:
    """Return the lists of attributes, those in step as one."""
    together = [key for key in turned if key in in_step]
    units = [
        ZippedAttributes((key,), tuple((value,) for value in values))
        for key, values in turned.items()
        if key not in in_step
    ]
    if together:
        units.insert(
            0, ZippedAttributes(tuple(together), tuple(zip(*(turned[key] for key in together), strict=True)))
        )
    return tuple(units)
