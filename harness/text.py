"""Text for people: numbers with their nouns, shapes, and untrusted text as printable, repeatable lines.

Text that comes from a target is untrusted and unstable (escape sequences, addresses, counters in names).
"""

from __future__ import annotations

import re
from typing import Final

from harness.records import Layer, Shape

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


def count(number: int, noun: str) -> str:
    """A number with its noun, `1 case` and `1,536 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_CELL_LENGTH: Final = 2000


def escape_cell(text: str, length: int = _CELL_LENGTH) -> str:
    """Return text that cannot end a cell of Markdown or begin a tag, and that reads as it was written."""
    plain = one_line(text, length)
    for letter in "\\|*`[":
        plain = plain.replace(letter, f"\\{letter}")
    return plain.replace("&", "&amp;").replace("<", "&lt;")
