"""The note that distinguishes a divergence from others of its kind: the first words of its error, masked."""

from __future__ import annotations

from typing import Final

from harness.masking import mask_numbers, unwrap_error
from harness.records import Divergence, Finding, Judgement

_MAX_WORDS: Final = 12
"""The number of words of an error that distinguish it."""


_MAX_LENGTH: Final = 120
"""The number of characters of these words."""


def make_error_note(judged: Judgement) -> str:
    """Make the note of a divergence, which is independent of numbers and addresses."""
    finding = judged.finding
    if finding.divergence is Divergence.MISSING_ERROR:
        return f"must be refused: {', '.join(judged.expectation.refusal_arguments[:1])}"
    return extract_first_words(finding)


def extract_first_words(finding: Finding) -> str:
    """Extract the first words of an error, without the text in which frameworks wrap it.

    Numbers, addresses and the case's spelling of its padding are masked.
    """
    text = mask_numbers(unwrap_error(finding.error))
    text = text.replace(f"'{finding.case.padding}'", "'#'")
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    first = " ".join(words[:_MAX_WORDS])
    return first[:_MAX_LENGTH] + (" ..." if len(words) > _MAX_WORDS or len(first) > _MAX_LENGTH else "")
