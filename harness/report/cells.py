"""How a finding reads in a file: the columns, and each value as the text of one cell.

Knows findings only. Text that comes from a target is untrusted and unstable (escape sequences,
addresses, counters in names); `one_line` makes it one printable, repeatable line.
"""

from __future__ import annotations

import re
from typing import Final

from harness.records import Finding, Layer, Shape, by

COLUMNS: Final = (
    "target",
    "case",
    "layer",
    "mode",
    "input",
    "kernel",
    "strides",
    "dilation",
    "padding",
    "data_format",
    "groups",
    "filters",
    "outcome",
    "stage",
    "verdict",
    "divergence",
    "silent",
    "expected_shape",
    "observed_shape",
    "inferred_shape",
    "max_abs_error",
    "first_index",
    "cause",
    "standing",
    "error",
)

ERROR_LENGTH: Final = 400
"""Characters of an error that a cell keeps."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_TIME_OF_DAY = re.compile(r"\b\d\d:\d\d:\d\d\b")
_COUNTED_NAME = re.compile(rf"\b({'|'.join(layer.lower() for layer in Layer)}|sequential|keras_tensor)_\d+\b")


def row_of(finding: Finding) -> tuple[str, ...]:
    """The cells of a finding, in the order of `COLUMNS`; what is absent is empty."""
    case = finding.case
    return (
        finding.target,
        case.id,
        case.layer,
        case.mode,
        by(case.input),
        by(case.kernel),
        by(case.strides),
        by(case.dilation),
        case.padding,
        case.data_format,
        str(case.groups),
        str(case.filters),
        finding.outcome,
        finding.stage,
        finding.verdict,
        finding.divergence or "",
        "true" if finding.is_silent else "false",
        shape_text(finding.expected_shape),
        shape_text(finding.observed_shape),
        shape_text(finding.inferred_shape),
        "" if finding.max_abs_error is None else repr(float(finding.max_abs_error)),
        shape_text(finding.first_index),
        finding.cause,
        finding.standing,
        one_line(finding.error),
    )


def shape_text(shape: Shape | None) -> str:
    """A shape as Keras prints it, `(None, 3, 3, 24)`; empty where there is none."""
    if shape is None:
        return ""
    return str(tuple(None if length is None else int(length) for length in shape))


def one_line(text: str, length: int = ERROR_LENGTH) -> str:
    """Untrusted text as one printable line that is the same in two runs.

    Escape sequences, line breaks and invisible characters become single spaces; addresses
    (`0x7f...`), times of day and the counters that Keras appends to names (`conv2d_28`) are masked, because
    they differ between two runs of the same case. More than `length` characters are cut, and counted.
    """
    text = _ESCAPE.sub("", text)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    text = _COUNTED_NAME.sub(r"\1_#", _TIME_OF_DAY.sub("#:#:#", _ADDRESS.sub("0x#", text)))
    if len(text) <= length:
        return text
    return f"{text[:length]} ... ({len(text) - length} more characters)"


def plain_lines(text: str, num_lines: int) -> str:
    """Untrusted text of several lines: printable, the first `num_lines`, saying how many more there were."""
    lines = [
        "".join(letter if letter.isprintable() else " " for letter in line).rstrip()
        for line in _ESCAPE.sub("", text).splitlines()
    ]
    if len(lines) > num_lines:
        lines[num_lines:] = [f"... ({len(lines) - num_lines} more lines)"]
    return "\n".join(lines)
