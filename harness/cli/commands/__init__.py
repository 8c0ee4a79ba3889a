"""The commands: a module each, named like the command, with the function `command` that performs it.

A module imports what it needs only when its command is called, because `--help` imports all of them and has
to be fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

_ORDER: Final = (
    *("run", "judge", "report", "cases", "explain", "targets", "prepare", "doctor"),
    *("strength", "history", "repro", "confirm"),
)
"""The order of the commands in `--help`; others follow by name."""


def read_commands() -> Mapping[str, Callable[..., None]]:
    """Return the function of each command by its name, in the order of `--help`."""
    names = sorted((module.name for module in iter_modules(__path__)), key=_rank)
    return {name: import_module(f"{__name__}.{name}").command for name in names}


def _rank(name: str) -> tuple[int, str]:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER), name
