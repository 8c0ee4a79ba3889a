"""Targets: what realises them, and how their workers start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Built:
    """A target whose environment the harness builds: one Python, pinned requirements."""

    python: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Here:
    """The Python that runs the command, with what is installed in it."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder that holds the `keras` package, laid before a built environment."""

    directory: Path
    base: Built


@dataclass(frozen=True, slots=True)
class Command:
    """Any program that speaks the worker protocol on its standard input and output."""

    argv: tuple[str, ...]


Realisation: TypeAlias = Built | Here | Checkout | Command


@dataclass(frozen=True, slots=True)
class Target:
    """One Keras version x backend x Python.

    `version` is empty where only the running target can tell (`here`, a checkout, a command).
    `lineage` names the implementation that really computes. `variables` are environment variables
    of the target's process.
    """

    name: str
    api: str
    version: str
    backend: str
    lineage: str
    realisation: Realisation
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a target's worker: a command and its whole environment."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


Fingerprint: TypeAlias = Mapping[str, str]
"""What a worker measured about itself: versions, device, flags."""
