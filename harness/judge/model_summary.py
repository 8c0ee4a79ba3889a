"""Reads the text that `model.summary()` prints, of any Keras version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.records import Shape

_SHAPE: Final = re.compile(r"\(\s*(?:None|\d+)(?:\s*,\s*(?:None|\d+))+\s*,?\s*\)")
_TOTAL: Final = re.compile(r"Total params:\s*([\d,]+)")


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """The contents of the summary of a one-layer model; None for what it does not state."""

    output_shape: Shape | None
    num_parameters: int | None


def read_summary(text: str) -> ModelSummary:
    """Read the output shape in the first layer row, and the total number of parameters."""
    shape = _SHAPE.search(_extract_shape_column(text))
    total = _TOTAL.search(text)
    return ModelSummary(
        output_shape=None if shape is None else _parse_shape(shape.group()),
        num_parameters=None if total is None else int(total.group(1).replace(",", "")),
    )


def _extract_shape_column(text: str) -> str:
    """Return the second column of a table, whose cells Keras 3 wraps, or a text without one as it is."""
    rows = [line.split("│") for line in text.splitlines()]
    return " ".join(row[2] for row in rows if len(row) > 2) or text


def _parse_shape(text: str) -> Shape:
    words = [word.strip() for word in text.strip("()").split(",")]
    return tuple(None if word == "None" else int(word) for word in words if word)
