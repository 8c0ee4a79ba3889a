"""Determine how scripts call a target's Keras: the generation that it belongs to."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from harness.errors import HarnessError
from harness.records import Api, TargetRun

_EAGER_SINCE: Final = (2, 4)
"""The first Keras outside of TensorFlow that runs on TensorFlow 2 alone, eagerly."""


class ScriptGeneration(StrEnum):
    """How Keras is called: layers take arrays, or a graph has to be built; Keras 1 has its own names."""

    KERAS_3 = "keras-3"
    KERAS_2 = "keras-2"
    KERAS_2_BY_GRAPHS = "keras-2-by-graphs"
    KERAS_1 = "keras-1"


BY_GRAPHS: Final = frozenset({ScriptGeneration.KERAS_2_BY_GRAPHS, ScriptGeneration.KERAS_1})
"""The generations in which a layer cannot be called without a graph."""


def find_generation(target: TargetRun) -> ScriptGeneration:
    """Return the generation of a target's Keras: TensorFlow 2 runs eagerly, and Keras since 2.4 with it.

    Raises:
        HarnessError: the version is unknown: the target never reported it, and no list states it.
    """
    version = find_version(target)
    if not version:
        raise HarnessError(f"{target.name} never started and so never said which Keras it is; run it again")
    if version < (2,):
        return ScriptGeneration.KERAS_1
    if version >= (3,):
        return ScriptGeneration.KERAS_3
    if target.api == Api.KERAS and version < _EAGER_SINCE:
        return ScriptGeneration.KERAS_2_BY_GRAPHS
    is_tensorflow_2 = _find_numbers(target.fingerprint.get("backend_version", "")) >= (2,)
    is_eager = target.backend == "tensorflow" and is_tensorflow_2
    return ScriptGeneration.KERAS_2 if is_eager else ScriptGeneration.KERAS_2_BY_GRAPHS


def find_version(target: TargetRun) -> tuple[int, ...]:
    """Return the numbers of the Keras version that the target reported or else is listed with."""
    return _find_numbers(target.fingerprint.get("keras", target.version))


def _find_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
