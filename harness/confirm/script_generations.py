"""How scripts call a target's Keras: which generation it is."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from harness.errors import HarnessError
from harness.records import Api, TargetRun

_EAGER_SINCE: Final = (2, 4)
"""The first Keras outside of TensorFlow that runs on TensorFlow 2 alone, eagerly."""


class ScriptGeneration(StrEnum):
    """How a Keras is called: layers take arrays, or a graph has to be made; Keras 1 has its own names."""

    KERAS_3 = "keras-3"
    KERAS_2 = "keras-2"
    KERAS_2_BY_GRAPHS = "keras-2-by-graphs"
    KERAS_1 = "keras-1"


BY_GRAPHS: Final = frozenset({ScriptGeneration.KERAS_2_BY_GRAPHS, ScriptGeneration.KERAS_1})
"""The generations in which there is no calling a layer without a graph."""


def find_generation(target: TargetRun) -> ScriptGeneration:
    """Return how this Keras is called: TensorFlow 2 runs eagerly, and Keras since 2.4 with it.

    Raises:
        HarnessError: the target never said which Keras it is, and no list says so.
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
    """Return the numbers of the version of Keras that the target said it is, or else was listed as."""
    return _find_numbers(target.fingerprint.get("keras", target.version))


def _find_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
