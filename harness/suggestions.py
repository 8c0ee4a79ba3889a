"""What is said of a word that nothing has: those that are like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """Return what to say behind "unknown": the nearest known word, where one is near, and all of them."""
    listed = list(known)
    near = find_nearest(word, listed, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"{hint}Known: {', '.join(listed) or 'none'}"


def find_nearest(word: str, known: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """Return the known words that are like the word, whatever the case of their letters, the likest first.

    Args:
        word: what was written.
        known: what could have been.
        most: how many to return at most.
        cutoff: how like they must be, from 0 (every word is) to 1.
    """
    folded = {one.casefold(): one for one in known}
    return [folded[one] for one in difflib.get_close_matches(word.casefold(), folded, most, cutoff)]
