"""Masks the parts of an error's text that vary: from run to run, and by how frameworks wrap it."""

from __future__ import annotations

import re
from typing import Final

from harness.records import Layer, name_layer

_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_TIME_OF_DAY: Final = re.compile(r"\b\d\d:\d\d:\d\d\b")
_FRAME: Final = r"File \"[^\"]*\", line \d+, in \S+"
_FRAMES: Final = re.compile(rf"(?:{_FRAME} ?)+")
_TRACED: Final = re.compile(r"\b(__inference_\w+?)_\d+\b")
_COUNTED: Final = (
    *map(name_layer, Layer),
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
_COUNTED_NAME: Final = re.compile(rf"\b({'|'.join(_COUNTED)})(_\d+)+(?![0-9A-Za-z])")
_WRAPPING: Final = re.compile(
    r"Exception encountered when calling (layer )?\S+( \(type \w+\))?\."
    rf"|Graph execution error:.*{_FRAME}(.{{,200}}?Node: '[^']*')?"
    r"|\(defined at [^)]*\)|\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*?\]|\[CALL STACK\].*|Arguments received by .*",
    re.DOTALL,
)
_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]+|-?(?<![A-Za-z0-9])\d+(\.\d+)*")
_NUMBERED: Final = re.compile(r"[-0-9_]+")


def strip_escapes(text: str) -> str:
    """Return a text without the escape sequences of terminals."""
    return _ESCAPE.sub("", text)


def mask_run(text: str) -> str:
    """Return a line without what differs between two runs of the same case, or between two machines.

    It masks addresses (`0x7f...`), times of day, and the counters that Keras and TensorFlow append to names
    (`conv2d_28`, `functional_7_1`, `__inference_call_4`). The lines of a traceback are left out.
    """
    text = _FRAMES.sub("", _TIME_OF_DAY.sub("#:#:#", _ADDRESS.sub("0x#", text)))
    return _COUNTED_NAME.sub(r"\1_#", _TRACED.sub(r"\1_#", text))


def mask_numbers(text: str) -> str:
    """Return a text with `#` for every number and address; digits within names stay."""
    return _NUMBER.sub("#", text)


def unwrap_error(error: str) -> str:
    """Return an error without escape sequences and without what frameworks add (layers, nodes, stacks)."""
    return _WRAPPING.sub("", strip_escapes(error))


def mask_first_words(error: str, num_words: int) -> tuple[str, ...]:
    """Return the first words of an unwrapped error, with `#` for numbers, also those within names."""
    return tuple(_NUMBERED.sub("#", word) for word in unwrap_error(error).split()[:num_words])
