"""What a grid file may say: designs, attributes, and what they are spread over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from harness.errors import HarnessError
from harness.records import (
    Argument,
    Data,
    DataFormat,
    DtypeName,
    Form,
    Layer,
    LayerKind,
    Mode,
)

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Natural: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Lengths: TypeAlias = tuple[int, ...]
Written: TypeAlias = int | Lengths
"""Lengths of every axis, or one integer for all of them."""

NONE: Final = "none"
OrNone: TypeAlias = Literal["none"]


class Lattice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every (kernel, strides, dilation, output_padding, input) of one axis, in scalars.

    Padding factorises, so an axis is covered exhaustively on its own and only pairs of axes are
    sampled. Layers are pairs of axis settings; each of `rounds` rounds, from `first` on, lets every
    setting stand on every axis once, beside another partner (in round 0 beside itself: square kernels
    on square inputs). With `rounds = "all"` every point of an axis meets every point of the others.
    `misfits` says whether lengths in which no window fits stand there too.
    """

    input: tuple[Natural, ...]
    kernel: tuple[Positive, ...]
    strides: tuple[Positive, ...] = ()
    dilation: tuple[Positive, ...] = (1,)
    output_padding: tuple[Natural | OrNone, ...] = (NONE,)
    rounds: Positive | Literal["all"] = 1
    first: Natural = 0
    misfits: bool = True


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every combination of lengths, for short lists and for refusals."""

    input: tuple[Written, ...]
    kernel: tuple[Written, ...]
    strides: tuple[Written, ...] = ()
    dilation: tuple[Written, ...] = (1,)
    output_padding: tuple[Written | OrNone, ...] = (NONE,)


class Cover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A covering array: any two values of any two lists meet (any three, at strength 3).

    The lists are the scalars of each axis, each axis on its own, and what takes turns.
    """

    input: tuple[Natural, ...]
    kernel: tuple[Positive, ...]
    strides: tuple[Positive, ...] = ()
    dilation: tuple[Positive, ...] = (1,)
    output_padding: tuple[Natural | OrNone, ...] = (NONE,)
    strength: Literal[2, 3] = 2


class Attributes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Lists of values for what is not spatial; an empty list leaves the default."""

    mode: tuple[Mode, ...] = ()
    padding: tuple[Annotated[str, msgspec.Meta(pattern="^[A-Za-z_]+$")], ...] = ()
    data_format: tuple[DataFormat, ...] = ()
    batch: tuple[Natural, ...] = ()
    channels: tuple[Positive, ...] = ()
    filters: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    multiplier: tuple[int, ...] = ()
    bias: tuple[bool, ...] = ()
    dtype: tuple[DtypeName, ...] = ()
    form: tuple[Form, ...] = ()
    data: tuple[Data, ...] = ()


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Axes that expand to cases, of one `layer` or of several `layers`, by one design.

    `count` states how many there are, and is checked. With `refusal` every case must be refused; without,
    none must be.
    `ndims` are the numbers of axes that are meant, by default all that a layer takes. The lists `in_step`
    take their turns together.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    about: str
    count: Positive | None = None
    layer: Layer | None = None
    layers: tuple[Layer, ...] = ()
    ndims: tuple[int, ...] = ()
    mode: Mode | None = None
    lattice: Lattice | None = None
    product: Product | None = None
    cover: Cover | None = None
    each: Attributes | None = None
    turn: Attributes = Attributes()
    in_step: tuple[str, ...] = ()
    refusal: bool = False


DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "mode": Mode.EAGER,
        "padding": "same",
        "data_format": DataFormat.CHANNELS_LAST,
        "batch": 2,
        "channels": 2,
        "filters": 3,
        "groups": 1,
        "multiplier": 1,
        "bias": True,
        "dtype": "float32",
        "form": Form.TUPLE,
        "data": Data.EXACT,
    }
)
"""What a case has of which the grid says nothing."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a grid is expanded for: a layer, and the number of its axes."""

    layer: Layer
    ndim: int

    @property
    def kind(self) -> LayerKind:
        """What the layer computes."""
        return self.layer.kind

    def default_stride(self, kernel: int) -> int:
        """The stride where a grid names none: Keras's default."""
        return kernel if self.kind.traits.is_pooling else 1

    @property
    def takes_dilation(self) -> bool:
        """Whether a dilation makes a difference."""
        return Argument.DILATION_RATE in self.layer.arguments

    @property
    def takes_output_padding(self) -> bool:
        """Whether an output padding makes a difference."""
        return Argument.OUTPUT_PADDING in self.layer.arguments

    def leaves(self, attribute: str) -> bool:
        """Whether the layer leaves a choice of the attribute (see `fitted`)."""
        return attribute not in _fixed(self.layer)


@cache
def _fixed(layer: Layer) -> frozenset[str]:
    """The attributes that a layer leaves no choice of."""
    traits = layer.kind.traits
    claims = {
        "groups": traits.derived_groups is not None,
        "filters": traits.derived_filters is not None,
        "multiplier": not traits.has_multiplier,
        "bias": Argument.USE_BIAS not in layer.arguments,
    }
    return frozenset(attribute for attribute, is_fixed in claims.items() if is_fixed)


def subjects_of(grid: Grid) -> tuple[Subject, ...]:
    """The layers of a grid, each with every number of axes that is meant."""
    return tuple(
        Subject(layer, ndim)
        for layer in layers_of(grid)
        for ndim in layer.ndims
        if not grid.ndims or ndim in grid.ndims
    )


def layers_of(grid: Grid) -> tuple[Layer, ...]:
    """The layers of a grid, however many."""
    return grid.layers if grid.layer is None else (grid.layer,)


def each_of(grid: Grid) -> dict[str, Sequence[Any]]:
    """The attributes that multiply the cases; both paddings, where a lattice or a product names none."""
    if grid.each is not None:
        return given(grid.each)
    return {} if grid.cover is not None else {"padding": ("same", "valid")}


def given(attributes: Attributes) -> dict[str, Sequence[Any]]:
    """The attributes that have values."""
    return {key: values for key, values in msgspec.structs.asdict(attributes).items() if values}


def spread(written: Written, ndim: int) -> Lengths:
    """The lengths of the first `ndim` axes."""
    return (written,) * ndim if isinstance(written, int) else written[:ndim]


def check(grid: Grid, place: str) -> None:
    """Refuse a grid that says too little, too much, or contradicts itself.

    Raises:
        HarnessError: `place` begins the message.
    """
    for problem in _problems(grid):
        raise HarnessError(f"{place}: {problem}")


def _problems(grid: Grid) -> Iterator[str]:
    if (grid.layer is None) == (not grid.layers):
        yield "give exactly one of `layer` and `layers`"
        return
    if sum(design is not None for design in (grid.lattice, grid.product, grid.cover)) != 1:
        yield "give exactly one of `lattice`, `product` and `cover`"
    both = each_of(grid).keys() & given(grid.turn).keys()
    if both:
        yield f"{', '.join(sorted(both))} under both `each` and `turn`; keep one"
    if grid.mode is not None and "mode" in each_of(grid).keys() | given(grid.turn).keys():
        yield "`mode` of the grid and of its cases; keep one"
    turned = given(grid.turn)
    stray = [key for key in grid.in_step if key not in turned]
    if stray:
        yield f"`in_step` has {stray[0]}, which takes no turns"
    elif len({len(turned[key]) for key in grid.in_step}) > 1:
        yield f"{', '.join(grid.in_step)} are in step and not of one length"
    if grid.in_step and grid.cover is not None:
        yield "`in_step` and `cover`; in a cover every value meets every other"
    yield from _data_problems(grid)
    yield from _axes_problems(grid)


def _data_problems(grid: Grid) -> Iterator[str]:
    listed = {**each_of(grid), **given(grid.turn)}
    of_pooling = [data.value for data in listed.get("data", ()) if data.is_of_pooling]
    if not of_pooling:
        return
    other = [layer for layer in layers_of(grid) if not layer.kind.traits.is_pooling]
    if other:
        yield f"`data` has {of_pooling[0]}, which is for pooling; give {other[0]} a grid of its own"
    modes = [mode for mode in (grid.mode, *listed.get("mode", ())) if mode is not None]
    if any(mode.traits.differentiates for mode in modes):
        yield f"`data` has {of_pooling[0]}, of which there are no gradients; give them a grid of their own"


def _axes_problems(grid: Grid) -> Iterator[str]:
    for layer in layers_of(grid):
        taken = layer.ndims
        if grid.ndims and not set(taken) & set(grid.ndims):
            axes = ", ".join(map(str, taken))
            yield f"`ndims` has {list(grid.ndims)}; {layer} takes {axes}"
    extra = [ndim for ndim in grid.ndims if all(ndim not in layer.ndims for layer in layers_of(grid))]
    if extra:
        yield f"`ndims` has {extra[0]}, which no layer of the grid takes"
    if grid.product is None:
        return
    most = max((subject.ndim for subject in subjects_of(grid)), default=0)
    for axis in ("input", "kernel", "strides", "dilation", "output_padding"):
        for written in getattr(grid.product, axis):
            if isinstance(written, tuple) and len(written) != most:
                yield f"`product.{axis}` has {list(written)}; give one integer, or {most} lengths"
    if any(min(spread(written, most), default=0) < 0 for written in grid.product.input):
        yield "`product.input` has a negative length"
