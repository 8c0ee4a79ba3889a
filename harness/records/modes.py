"""The modes: how a layer is called, and the properties of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Mode(StrEnum):
    """How the layer is called. All modes are compared with the same formula.

    * `eager` calls the layer.
    * `sequential` is the way of the task's document: a `Sequential` model, its summary, `predict`.
    * `inferred` also asks for the output shape beforehand, in every available way.
    * `compiled` predicts a batch by the backend's own graph, `jit` by its compiler (`jit_compile`).
    * `dynamic` leaves batch and spatial lengths unknown until the call.
    * `reloaded` saves the model and loads it.
    * `gradient` differentiates.
    * `symbolic` is `inferred` for an operation whose weights are inputs of the model too.
    """

    EAGER = "eager"
    SEQUENTIAL = "sequential"
    INFERRED = "inferred"
    COMPILED = "compiled"
    JIT = "jit"
    DYNAMIC = "dynamic"
    RELOADED = "reloaded"
    GRADIENT = "gradient"
    SYMBOLIC = "symbolic"

    @property
    def traits(self) -> ModeTraits:
        """The properties of the mode."""
        return _TRAITS[self]


class Known(StrEnum):
    """Which lengths of the input and output shapes are known before the call."""

    ALL = "all"
    ALL_BUT_BATCH = "all-but-batch"
    CHANNELS = "channels"


class Execution(StrEnum):
    """What executes the call: the layer's own code, the backend's graph of it, or its compiler's result."""

    EAGER = "eager"
    GRAPH = "graph"
    COMPILED = "compiled"


@dataclass(frozen=True, slots=True)
class ModeTraits:
    """The properties of a mode.

    With `is_functional` a Functional model is built, which has a symbolic output shape. It calls an operation
    directly or, with `wraps_operations`, within a layer, as users do in models.
    """

    known: Known = Known.ALL
    execution: Execution = Execution.EAGER
    is_functional: bool = False
    wraps_operations: bool = False
    differentiates: bool = False


_TRAITS: Final[Mapping[Mode, ModeTraits]] = MappingProxyType(
    {
        Mode.EAGER: ModeTraits(),
        Mode.SEQUENTIAL: ModeTraits(Known.ALL_BUT_BATCH, Execution.GRAPH),
        Mode.INFERRED: ModeTraits(is_functional=True),
        Mode.COMPILED: ModeTraits(
            Known.ALL_BUT_BATCH, Execution.GRAPH, is_functional=True, wraps_operations=True
        ),
        Mode.JIT: ModeTraits(
            Known.ALL_BUT_BATCH, Execution.COMPILED, is_functional=True, wraps_operations=True
        ),
        Mode.DYNAMIC: ModeTraits(Known.CHANNELS, Execution.GRAPH, is_functional=True, wraps_operations=True),
        Mode.RELOADED: ModeTraits(Known.ALL_BUT_BATCH, Execution.GRAPH, is_functional=True),
        Mode.GRADIENT: ModeTraits(differentiates=True),
        Mode.SYMBOLIC: ModeTraits(is_functional=True),
    }
)
