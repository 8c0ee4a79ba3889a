"""Requirements as in PEP 508, parsed by one thread at a time."""

from __future__ import annotations

import threading
from typing import Final

from packaging.requirements import Requirement

_PARSE_LOCK: Final = threading.Lock()


def parse_requirement(text: str) -> Requirement:
    """Parse a requirement.

    `packaging` reads markers through `ast`, which in CPython 3.11 counts its depth for all threads together
    and raises `SystemError` when two parse at once (https://github.com/python/cpython/issues/106905).

    Raises:
        packaging.requirements.InvalidRequirement: the text is no requirement.
    """
    with _PARSE_LOCK:
        return Requirement(text)
