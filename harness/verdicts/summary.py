"""Reads the text that `model.summary()` prints, of any Keras version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.records import Shape

_SHAPE: Final = re.compile(r"\(\s*(?:None|\d+)(?:\s*,\s*(?:None|\d+))+\s*,?\s*\)")
_TOTAL: Final = re.compile(r"Total params:\s*([\d,]+)")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary of a one-layer model says; None for what it does not say."""

    output_shape: Shape | None
    num_parameters: int | None


def read_summary(text: str) -> Summary:
    """The output shape of the first layer row and the total of the parameters."""
    shape = _SHAPE.search(text)
    total = _TOTAL.search(text)
    return Summary(
        output_shape=None if shape is None else _parse_shape(shape.group()),
        num_parameters=None if total is None else int(total.group(1).replace(",", "")),
    )


def _parse_shape(text: str) -> Shape:
    words = [word.strip() for word in text.strip("()").split(",")]
    return tuple(None if word == "None" else int(word) for word in words if word)
