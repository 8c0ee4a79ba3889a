"""Suggestions for an unknown word: the known ones that resemble it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the text that follows "unknown": the nearest known word, where one is near, and all of them."""
    listed = list(known)
    near = find_nearest(word, listed, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"{hint}Known: {', '.join(listed) or 'none'}"


def find_nearest(word: str, known: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """Return the known words that resemble the word, ignoring case, the most similar first.

    Args:
        word: what was written.
        known: the valid words.
        most: how many to return at most.
        cutoff: the least similarity, from 0 (any word) to 1.
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    return [
        folded[candidate] for candidate in difflib.get_close_matches(word.casefold(), folded, most, cutoff)
    ]
