"""Text for users: numbers with their nouns, shapes, and untrusted text as printable, repeatable lines.

Text that comes from a target is untrusted and unstable (escape sequences, addresses, counters in names).
"""

from __future__ import annotations

from typing import Final

from harness.masking import mask_run, strip_escapes
from harness.records import Shape

ERROR_LENGTH: Final = 400
"""The number of characters of an error in a table cell."""


def format_shape(shape: Shape | None) -> str:
    """Return a shape as Keras prints it, `(None, 3, 3, 24)`; empty where there is none."""
    if shape is None:
        return ""
    return str(tuple(None if length is None else int(length) for length in shape))


def format_one_line(text: str, length: int = ERROR_LENGTH) -> str:
    """Return untrusted text as one printable line that is the same in two runs.

    Escape sequences, line breaks and invisible characters become single spaces; what differs between two runs
    is masked by `mask_run`. Text longer than `length` characters is cut, with the number of those left out.
    """
    text = strip_escapes(text)
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = mask_run(" ".join(text.split()))
    if len(text) <= length:
        return text
    return f"{text[:length]} ... ({len(text) - length} more characters)"


def format_plain_lines(text: str, num_lines: int) -> str:
    """Return the first `num_lines` lines of untrusted text, printable, with the number of those left out."""
    lines = [
        "".join(letter if letter.isprintable() else " " for letter in line).rstrip()
        for line in strip_escapes(text).splitlines()
    ]
    if len(lines) > num_lines:
        lines[num_lines:] = [f"... ({len(lines) - num_lines} more lines)"]
    return "\n".join(lines)


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, `1 case` and `1,536 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_CELL_LENGTH: Final = 2000


def escape_cell(text: str, length: int = _CELL_LENGTH) -> str:
    """Return text that cannot end a cell of Markdown or begin a tag, and that renders as it was written."""
    plain = format_one_line(text, length)
    for letter in "\\|*`[":
        plain = plain.replace(letter, f"\\{letter}")
    return plain.replace("&", "&amp;").replace("<", "&lt;")
