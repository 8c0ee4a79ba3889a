"""The commands: a module each, which has the command's name and whose function `command` is what it does.

A module imports what it works with when its command is called: `--help` reads all of them, and is to cost
nothing but that.
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
"""How `--help` lists the commands; others follow by their names."""


def read_commands() -> Mapping[str, Callable[..., None]]:
    """Return the function of each command by its name, in the order of `--help`."""
    names = sorted((module.name for module in iter_modules(__path__)), key=_place)
    return {name: import_module(f"{__name__}.{name}").command for name in names}


def _place(name: str) -> tuple[int, str]:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER), name
