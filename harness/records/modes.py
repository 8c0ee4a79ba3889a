"""The modes: how a layer is called, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Mode(StrEnum):
    """How the layer is called, each compared with the same formula.

    `sequential` is the document's way: a `Sequential` model, its summary, `predict`. `inferred` asks
    for the shape beforehand in every way there is. `compiled` predicts a batch by the backend's own
    graph, `jit` by its compiler (`jit_compile`). `dynamic` knows batch and spatial lengths at the call
    only. `reloaded` saves the model and loads it. `gradient` differentiates. `symbolic` is `inferred` of an
    operation whose weights are inputs of the model too.
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
        """What follows from calling a layer so."""
        return _TRAITS[self]


class Known(StrEnum):
    """How much of the shapes of the input and the output is known before the call."""

    ALL = "all"
    ALL_BUT_BATCH = "all-but-batch"
    CHANNELS = "channels"


class Execution(StrEnum):
    """What computes the call: the layer's own code, the backend's graph of it, or what its compiler made."""

    EAGER = "eager"
    GRAPH = "graph"
    COMPILED = "compiled"


@dataclass(frozen=True, slots=True)
class ModeTraits:
    """What follows from a mode.

    With `is_functional` a Functional model is built, which says the shape of its output. An operation is
    called there by itself, or, with `wraps_operations`, by a layer of its own, as people use it in models.
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
