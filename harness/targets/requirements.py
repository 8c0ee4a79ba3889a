"""Requirements in the words of PEP 508, read by one thread at a time."""

from __future__ import annotations

import threading
from typing import Final

from packaging.requirements import Requirement

_PARSE_LOCK: Final = threading.Lock()


def parse_requirement(text: str) -> Requirement:
    """The requirement that a text states.

    `packaging` reads markers by way of `ast`, which in CPython 3.11 counts its depth for all threads together
    and raises `SystemError` when two parse at once (https://github.com/python/cpython/issues/106905).

    Raises:
        packaging.requirements.InvalidRequirement: it states none.
    """
    with _PARSE_LOCK:
        return Requirement(text)
