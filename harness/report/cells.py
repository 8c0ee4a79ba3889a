"""How a finding reads in a file: the columns, and each value as the text of one cell.

Knows findings and their observations only. Text that comes from a target is untrusted and unstable
(escape sequences, addresses, counters in names); `one_line` makes it one printable, repeatable line.
"""

from __future__ import annotations

import re
from typing import Final

from harness.records import Judged, Layer, Shape, by

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
    "batch",
    "channels",
    "bias",
    "dtype",
    "multiplier",
    "output_padding",
    "form",
    "data",
    "symbolic_shape",
)
"""Stable: people read `findings.csv` by these. A new column comes last."""

ERROR_LENGTH: Final = 400
"""Characters of an error that a cell keeps."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_TIME_OF_DAY = re.compile(r"\b\d\d:\d\d:\d\d\b")
_FRAMES = re.compile(r"(?:File \"[^\"]*\", line \d+, in \S+ ?)+")
_TRACED = re.compile(r"\b(__inference_\w+?)_\d+\b")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER_NAMES = (
    "convolution1d",
    "convolution2d",
    "convolution3d",
    "functional",
    "operating",
    "calls",
    "input",
    "input_layer",
    "keras_tensor",
    "model",
    "sequential",
)


def layer_name(layer: Layer) -> str:
    """The name that Keras gives to a layer or operation, to which it appends a counter."""
    words = layer.value.rpartition(".")[2]
    # A hump after a digit divides `conv2d_transpose`; one before `1D` does not divide `pooling1d`.
    return _HUMP.sub("_", re.sub(r"\dD", lambda match: match[0].lower(), words)).lower()


_COUNTED_NAME = re.compile(rf"\b({'|'.join((*map(layer_name, Layer), *_OTHER_NAMES))})(_\d+)+(?![0-9A-Za-z])")


def row_of(one: Judged) -> tuple[str, ...]:
    """The cells of a finding, in the order of `COLUMNS`; what is absent is empty."""
    finding = one.finding
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
        str(case.batch),
        str(case.channels),
        "true" if case.bias else "false",
        case.dtype,
        str(case.multiplier),
        "" if case.output_padding is None else by(case.output_padding),
        case.form,
        case.data,
        shape_text(one.observation.symbolic_shape),
    )


def shape_text(shape: Shape | None) -> str:
    """A shape as Keras prints it, `(None, 3, 3, 24)`; empty where there is none."""
    if shape is None:
        return ""
    return str(tuple(None if length is None else int(length) for length in shape))


def one_line(text: str, length: int = ERROR_LENGTH) -> str:
    """Untrusted text as one printable line that is the same in two runs.

    Escape sequences, line breaks and invisible characters become single spaces; addresses
    (`0x7f...`), times of day and the counters that Keras and TensorFlow append to names (`conv2d_28`,
    `functional_7_1`, `__inference_call_4`) are masked, because they differ between two runs of the same
    case. The lines of a traceback within the text are left out, which differ between two machines. More
    than `length` characters are cut, and counted.
    """
    text = _ESCAPE.sub("", text)
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = " ".join(text.split())
    text = _FRAMES.sub("", _TIME_OF_DAY.sub("#:#:#", _ADDRESS.sub("0x#", text)))
    text = _COUNTED_NAME.sub(r"\1_#", _TRACED.sub(r"\1_#", text))
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
