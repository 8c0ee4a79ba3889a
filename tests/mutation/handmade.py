"""Handmade cases for every layer: few, and each different from the others in something that matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from harness.mutation.kills import LayerVariant
from harness.records import (
    Argument,
    ArgumentStyle,
    Case,
    DataFormat,
    DataKind,
    Layer,
    LayerKind,
    Mode,
    derive_arguments,
)

Changes: TypeAlias = dict[str, object]

_PLAIN = Case(
    layer=Layer.CONV2D,
    mode=Mode.EAGER,
    input=(7, 8, 6),
    kernel=(3, 2, 4),
    strides=(1, 1, 1),
    dilation=(1, 1, 1),
    padding="valid",
    data_format=DataFormat.CHANNELS_LAST,
    batch=2,
    channels=4,
    filters=6,
    groups=1,
    bias=True,
    dtype="float32",
    multiplier=3,
)


@dataclass(frozen=True)
class Made:
    """The differences of a case from the plain one; lengths are cut to the layer's axes."""

    changes: Changes = field(default_factory=dict)
    needs: Argument | LayerKind | None = None
    """The argument, or the kind, without which a layer has no such case."""


def _made(needs: Argument | LayerKind | None = None, **changes: object) -> Made:
    return Made(changes, needs)


_STRIDED: Changes = {"strides": (2, 3, 1)}
_SAME: Changes = {"padding": "same"}
_FIRST: Changes = {"data_format": DataFormat.CHANNELS_FIRST}

_GEOMETRIES: tuple[Changes, ...] = (
    {},
    _SAME,
    _STRIDED,
    _STRIDED | _SAME,
    _SAME | {"input": (8, 7, 9), "kernel": (2, 3, 3), "strides": (3, 2, 2)},
    _SAME | {"input": (7, 9, 8), "kernel": (4, 3, 2), "strides": (2, 4, 3)},
    _SAME | {"input": (6, 8, 9), "kernel": (1, 1, 2), "strides": (3, 4, 4)},
    _SAME | {"input": (8, 6, 9), "kernel": (1, 2, 1), "strides": (5, 3, 4)},
    _SAME | {"input": (1, 3, 2), "kernel": (3, 5, 3), "strides": (3, 1, 2)},
    _SAME | {"input": (9, 5, 7), "kernel": (5, 3, 5), "strides": (2, 2, 1)},
    _SAME | {"input": (5, 5, 5), "kernel": (3, 3, 3), "strides": (1, 1, 1)},
    {"input": (3, 5, 4), "kernel": (2, 2, 1), "strides": (4, 3, 2)},
    {"input": (5, 9, 7), "kernel": (2, 3, 3), "strides": (4, 4, 3)},
    _SAME | {"input": (2, 3, 2), "kernel": (5, 4, 3), "strides": (1, 2, 1)},
    _SAME | {"input": (6, 6, 6), "kernel": (3, 3, 3), "strides": (2, 2, 2)},
    _SAME | {"input": (6, 6, 6), "kernel": (1, 1, 1), "strides": (3, 3, 3)},
    _SAME | {"input": (4, 3, 4), "kernel": (2, 2, 2), "strides": (1, 1, 1)},
    _STRIDED | {"input": (7, 7, 7)},
)

_DILATIONS: tuple[Changes, ...] = (
    {"dilation": (2, 3, 1)},
    {"dilation": (3, 2, 1)} | _SAME,
    {"dilation": (2, 2, 2), "kernel": (2, 3, 2)} | _SAME,
    {"dilation": (2, 2, 2), "kernel": (2, 2, 2), "strides": (2, 2, 2), "input": (8, 9, 8)},
    {"dilation": (3, 1, 2), "kernel": (3, 3, 2), "strides": (2, 2, 2), "input": (14, 9, 8)} | _SAME,
    {"dilation": (3, 3, 3), "kernel": (2, 2, 2), "input": (1, 2, 3)} | _SAME,
)

_OUTPUT_PADDINGS: tuple[Changes, ...] = (
    {"output_padding": (1, 2, 0), "strides": (2, 3, 1)},
    {"output_padding": (1, 0, 1), "strides": (2, 2, 2)} | _SAME,
    {"output_padding": (0, 1, 0), "strides": (3, 2, 1)} | _SAME,
)

_IMPOSSIBLE: tuple[Made, ...] = (
    _made(padding="bogus"),
    _made(padding="causal"),
    _made(kernel=(-5, -5, -5)),
    _made(kernel=(0, 2, 2)),
    _made(strides=(0, 1, 1)),
    _made(Argument.DILATION_RATE, dilation=(0, 1, 1)),
    _made(Argument.FILTERS, filters=0),
    _made(Argument.DEPTH_MULTIPLIER, multiplier=0),
    _made(Argument.GROUPS, groups=0),
    _made(Argument.GROUPS, groups=3),
    _made(Argument.GROUPS, groups=4),
    _made(Argument.OUTPUT_PADDING, output_padding=(2, 1, 1), strides=(2, 2, 2)),
)

_OTHERS: tuple[Made, ...] = (
    _made(batch=0),
    _made(input=(2, 2, 2), kernel=(3, 3, 3)),
    _made(input=(0, 3, 3), kernel=(1, 1, 1)),
    _made(padding="Same", form=ArgumentStyle.LIST),
    _made(form=ArgumentStyle.INT, kernel=(2, 2, 2)),
    _made(form=ArgumentStyle.DEFAULTS, bias=False),
    _made(dtype="float64", padding="same"),
    _made(dtype="float16", padding="same"),
    _made(dtype="bfloat16", padding="same", kernel=(2, 2, 2), channels=2, multiplier=1),
    _made(data=DataKind.REAL, padding="same"),
    _made(dtype="float64", data=DataKind.REAL),
    _made(Argument.POOL_SIZE, data=DataKind.TIES),
    _made(Argument.POOL_SIZE, data=DataKind.NONFINITE),
    _made(channels=8, filters=8, groups=2, input=(33, 4, 8), batch=4),
    _made(channels=3, filters=3, batch=3, input=(3, 24, 5), kernel=(3, 3, 1)),
    _made(channels=1, filters=1, input=(4, 1, 3), kernel=(4, 1, 1)),
    _made(channels=4, filters=4, multiplier=4, kernel=(2, 2, 2)),
    _made(channels=4, filters=4, multiplier=4, mode=Mode.GRADIENT),
    _made(channels=2, input=(8, 8, 8), kernel=(3, 3, 3)),
    _made(channels=2, input=(8, 8, 8), kernel=(3, 3, 3), data_format=DataFormat.CHANNELS_FIRST),
    _made(channels=2, input=(4, 4, 4), kernel=(3, 3, 3), data_format=DataFormat.CHANNELS_FIRST),
    _made(LayerKind.CONVOLUTION, groups=4, filters=8),
    _made(padding="causal", dilation=(2, 1, 1)),
    _made(padding="causal", strides=(2, 1, 1), kernel=(4, 1, 1)),
    _made(padding="causal", dilation=(2, 1, 1), mode=Mode.GRADIENT),
    _made(padding="causal", input=(5, 1, 1), kernel=(2, 1, 1), strides=(3, 1, 1), mode=Mode.GRADIENT),
    _made(padding="causal", strides=(2, 1, 1), kernel=(4, 1, 1), mode=Mode.GRADIENT),
    _made(input=(5, 6, 7), channels=5, filters=7),
    _made(input=(6, 5, 5), channels=5, filters=5, data_format=DataFormat.CHANNELS_FIRST),
    _made(input=(6, 5, 4), channels=4, filters=5, kernel=(1, 1, 1), data_format=DataFormat.CHANNELS_FIRST),
    _made(input=(5, 6, 4), channels=4, filters=5, kernel=(1, 1, 1)),
)


def handmade(layer_variant: LayerVariant) -> Iterator[Case]:
    """Yield the cases of a layer with a number of axes, each once."""
    seen = set[str]()
    for made in _all():
        case = _case(layer_variant, made)
        if case is not None and case.id not in seen:
            seen.add(case.id)
            yield case


def _all() -> Iterator[Made]:
    for geometry in (*_GEOMETRIES, *_DILATIONS, *_OUTPUT_PADDINGS):
        for mode in (Mode.EAGER, Mode.INFERRED, Mode.GRADIENT):
            yield Made({**geometry, "mode": mode})
        for mode in (Mode.RELOADED, Mode.DYNAMIC):
            yield Made({**geometry, **_FIRST, "mode": mode})
    for mode in Mode:
        yield _made(LayerKind.CONVOLUTION, mode=mode, groups=2)
        yield _made(mode=mode, bias=False)
    yield from _OTHERS
    yield from _IMPOSSIBLE


def _case(layer_variant: LayerVariant, made: Made) -> Case | None:
    layer, ndim = layer_variant
    has = {None, layer.kind, *layer.arguments}
    needs = {made.needs, Argument.OUTPUT_PADDING if "output_padding" in made.changes else None}
    if not needs <= has:
        return None
    case = replace(_PLAIN, layer=layer, **made.changes)  # type: ignore[arg-type]  # names of fields
    cut = {name: getattr(case, name)[:ndim] for name in ("input", "kernel", "strides", "dilation")}
    output_padding = None if case.output_padding is None else case.output_padding[:ndim]
    return derive_arguments(replace(case, output_padding=output_padding, **cut))
