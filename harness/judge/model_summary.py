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
    """What a summary of a one-layer model says; None for what it does not say."""

    output_shape: Shape | None
    num_parameters: int | None


def read_summary(text: str) -> ModelSummary:
    """The output shape of the first layer row and the total of the parameters."""
    shape = _SHAPE.search(_extract_shape_column(text))
    total = _TOTAL.search(text)
    return ModelSummary(
        output_shape=None if shape is None else _parse_shape(shape.group()),
        num_parameters=None if total is None else int(total.group(1).replace(",", "")),
    )


def _extract_shape_column(text: str) -> str:
    """The cells of the second column of a box, which Keras 3 wraps over lines; all of a text without one."""
    rows = [line.split("│") for line in text.splitlines()]
    return " ".join(row[2] for row in rows if len(row) > 2) or text


def _parse_shape(text: str) -> Shape:
    words = [word.strip() for word in text.strip("()").split(",")]
    return tuple(None if word == "None" else int(word) for word in words if word)
