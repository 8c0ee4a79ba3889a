"""Facts about a target beyond its findings: what it pins, and what its worker measured."""

from __future__ import annotations

import re
from typing import Final

from harness.records import Fingerprint, TargetRun

_VERSION = re.compile(r"v?\d+(\.\d+)+\S*")
_PROCESSOR_KEYS: Final = frozenset({"processor", "processor_isa", "isa", "onednn", "threads", "subnormals"})
"""Keys of a fingerprint about the processor, and about what libraries derive from it."""


def list_pins(run: TargetRun) -> tuple[str, ...]:
    """List everything that a target pins, the overlay first: it names Keras."""
    return (*run.overlay, *run.requires)


def list_measured(fingerprint: Fingerprint) -> tuple[str, ...]:
    """List the versions that a worker measured, its processor, and what libraries derived from it."""
    return tuple(
        f"{key} {value}"
        for key, value in fingerprint.items()
        if _VERSION.fullmatch(value) or key in _PROCESSOR_KEYS
    )
