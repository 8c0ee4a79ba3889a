"""What tells a divergence from others of its kind: the first words of its error, numbers masked."""

from __future__ import annotations

import re
from typing import Final

from harness.records import Divergence, Finding, Judged

_WORDS: Final = 12
"""Words of an error that tell one way from another."""


_LENGTH: Final = 120
"""Characters of these words."""


_WRAPPING = re.compile(
    r"Exception encountered when calling (layer )?\S+( \(type \w+\))?\."
    r"|Graph execution error:.*File \"[^\"]*\", line \d+, in \S+(.{,200}?Node: '[^']*')?"
    r"|\(defined at [^)]*\)|\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*?\]|\[CALL STACK\].*|Arguments received by .*",
    re.DOTALL,
)
"""What frameworks put around an error, and what differs where the error is the same."""


_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


_NOISE = re.compile(r"0x[0-9a-fA-F]+|-?(?<![A-Za-z0-9])\d+(\.\d+)*")


def note_of(judged: Judged) -> str:
    """What tells this divergence from others of its kind, the same for other numbers and addresses."""
    finding = judged.finding
    if finding.divergence is Divergence.MISSING_ERROR:
        return f"must be refused: {', '.join(judged.expectation.refusal_arguments[:1])}"
    return first_words(finding)


def unwrapped(error: str) -> str:
    """An error's text without what frameworks wrap it in."""
    return _WRAPPING.sub("", _ESCAPE.sub("", error))


def first_words(finding: Finding) -> str:
    """The first words of an error without what frameworks wrap it in.

    Numbers, addresses and the case's own name of its padding are masked.
    """
    text = _NOISE.sub("#", unwrapped(finding.error))
    text = text.replace(f"'{finding.case.padding}'", "'#'")
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    first = " ".join(words[:_WORDS])
    return first[:_LENGTH] + (" ..." if len(words) > _WORDS or len(first) > _LENGTH else "")
