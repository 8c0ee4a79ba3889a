"""The contents of a grid file: designs, attributes and layers; and what makes a grid invalid."""

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
    ArgumentStyle,
    DataFormat,
    DataKind,
    DtypeName,
    Layer,
    LayerKind,
    Mode,
)

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Natural: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Lengths: TypeAlias = tuple[int, ...]
WrittenLengths: TypeAlias = int | Lengths
"""One length per axis, or one integer for all axes."""

NONE: Final = "none"
NoneWord: TypeAlias = Literal["none"]


class Lattice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every (kernel, strides, dilation, output_padding, input) of one axis, as scalars.

    Axes are independent, so each is covered exhaustively and only pairs of axes are sampled. In each of
    `rounds` rounds, from `first` on, every setting occurs once on every axis, each round beside another
    partner (in round 0 beside itself: square kernels on square inputs). With `rounds = "all"` every point of
    an axis meets every point of the others. `misfits` states whether lengths in which no window fits are
    included.
    """

    input: tuple[Natural, ...]
    kernel: tuple[Positive, ...]
    strides: tuple[Positive, ...] = ()
    dilation: tuple[Positive, ...] = (1,)
    output_padding: tuple[Natural | NoneWord, ...] = (NONE,)
    rounds: Positive | Literal["all"] = 1
    first: Natural = 0
    misfits: bool = True


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every combination of lengths, for short lists and for refusals."""

    input: tuple[WrittenLengths, ...]
    kernel: tuple[WrittenLengths, ...]
    strides: tuple[WrittenLengths, ...] = ()
    dilation: tuple[WrittenLengths, ...] = (1,)
    output_padding: tuple[WrittenLengths | NoneWord, ...] = (NONE,)


class Cover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A covering array: any two values of any two lists meet (any three, at strength 3).

    The lists are the scalars of each axis, separately per axis, and the attributes under `turn`.
    """

    input: tuple[Natural, ...]
    kernel: tuple[Positive, ...]
    strides: tuple[Positive, ...] = ()
    dilation: tuple[Positive, ...] = (1,)
    output_padding: tuple[Natural | NoneWord, ...] = (NONE,)
    strength: Literal[2, 3] = 2


class Attributes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Lists of values of non-spatial attributes; an empty list leaves the default."""

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
    form: tuple[ArgumentStyle, ...] = ()
    data: tuple[DataKind, ...] = ()


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A design that expands to cases of one `layer` or of several `layers`.

    `count` states the number of cases, and is checked. With `refusal` every case must be refused; without it
    none must be. `ndims` restricts the numbers of axes, by default to all that a layer supports. The lists
    named by `in_step` rotate together.
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


DEFAULT_ATTRIBUTES: Final[Mapping[str, Any]] = MappingProxyType(
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
        "form": ArgumentStyle.TUPLE,
        "data": DataKind.EXACT,
    }
)
"""The attributes of a case where the grid lists none."""


@dataclass(frozen=True, slots=True)
class SpatialLayer:
    """A layer with a number of axes, for which a grid is expanded."""

    layer: Layer
    ndim: int

    @property
    def kind(self) -> LayerKind:
        """The kind of computation that the layer performs."""
        return self.layer.kind

    def choose_default_stride(self, kernel: int) -> int:
        """Return Keras's default stride, for grids that list none."""
        return kernel if self.kind.traits.is_pooling else 1

    @property
    def has_dilation(self) -> bool:
        """Whether the layer has a dilation."""
        return Argument.DILATION_RATE in self.layer.arguments

    @property
    def has_output_padding(self) -> bool:
        """Whether the layer has an output padding."""
        return Argument.OUTPUT_PADDING in self.layer.arguments

    def has_choice_of(self, attribute: str) -> bool:
        """Return whether the layer leaves the attribute open (see `derive_arguments`)."""
        return attribute not in _list_fixed_attributes(self.layer)


@cache
def _list_fixed_attributes(layer: Layer) -> frozenset[str]:
    """Return the attributes that a layer determines."""
    traits = layer.kind.traits
    claims = {
        "groups": traits.derived_groups is not None,
        "filters": traits.derived_filters is not None,
        "multiplier": not traits.has_multiplier,
        "bias": Argument.USE_BIAS not in layer.arguments,
    }
    return frozenset(attribute for attribute, is_fixed in claims.items() if is_fixed)


def list_spatial_layers(grid: Grid) -> tuple[SpatialLayer, ...]:
    """Return the layers of a grid, each with every number of axes that the grid covers."""
    return tuple(
        SpatialLayer(layer, ndim)
        for layer in list_layers(grid)
        for ndim in layer.ndims
        if not grid.ndims or ndim in grid.ndims
    )


def list_layers(grid: Grid) -> tuple[Layer, ...]:
    """Return the layers of a grid, from `layer` or `layers`."""
    return grid.layers if grid.layer is None else (grid.layer,)


def select_multiplied_attributes(grid: Grid) -> dict[str, Sequence[Any]]:
    """Return the attributes that multiply the cases; without `each`, both paddings but in a cover."""
    if grid.each is not None:
        return select_listed_attributes(grid.each)
    return {} if grid.cover is not None else {"padding": ("same", "valid")}


def select_listed_attributes(attributes: Attributes) -> dict[str, Sequence[Any]]:
    """Return the attributes that have values."""
    return {key: values for key, values in msgspec.structs.asdict(attributes).items() if values}


def broadcast_lengths(written: WrittenLengths, ndim: int) -> Lengths:
    """Return the lengths of the first `ndim` axes."""
    return (written,) * ndim if isinstance(written, int) else written[:ndim]


def check_grid(grid: Grid, place: str) -> None:
    """Check that a grid is complete and does not contradict itself.

    Raises:
        HarnessError: it is or does not; the message begins with `place`.
    """
    for problem in _find_problems(grid):
        raise HarnessError(f"{place}: {problem}")


def _find_problems(grid: Grid) -> Iterator[str]:
    if (grid.layer is None) == (not grid.layers):
        yield "give exactly one of `layer` and `layers`"
        return
    if sum(design is not None for design in (grid.lattice, grid.product, grid.cover)) != 1:
        yield "give exactly one of `lattice`, `product` and `cover`"
    both = select_multiplied_attributes(grid).keys() & select_listed_attributes(grid.turn).keys()
    if both:
        yield f"{', '.join(sorted(both))} under both `each` and `turn`; keep one"
    if (
        grid.mode is not None
        and "mode" in select_multiplied_attributes(grid).keys() | select_listed_attributes(grid.turn).keys()
    ):
        yield "`mode` of the grid and of its cases; keep one"
    turned = select_listed_attributes(grid.turn)
    stray = [key for key in grid.in_step if key not in turned]
    if stray:
        yield f"`in_step` has {stray[0]}, which takes no turns"
    elif len({len(turned[key]) for key in grid.in_step}) > 1:
        yield f"{', '.join(grid.in_step)} are in step and not of one length"
    if grid.in_step and grid.cover is not None:
        yield "`in_step` and `cover`; in a cover every value meets every other"
    yield from _find_data_problems(grid)
    yield from _find_axes_problems(grid)


def _find_data_problems(grid: Grid) -> Iterator[str]:
    listed = {**select_multiplied_attributes(grid), **select_listed_attributes(grid.turn)}
    of_pooling = [data.value for data in listed.get("data", ()) if data.is_pooling_only]
    if not of_pooling:
        return
    other = [layer for layer in list_layers(grid) if not layer.kind.traits.is_pooling]
    if other:
        yield f"`data` has {of_pooling[0]}, which is for pooling; give {other[0]} a grid of its own"
    modes = [mode for mode in (grid.mode, *listed.get("mode", ())) if mode is not None]
    if any(mode.traits.differentiates for mode in modes):
        yield f"`data` has {of_pooling[0]}, of which there are no gradients; give them a grid of their own"


def _find_axes_problems(grid: Grid) -> Iterator[str]:
    for layer in list_layers(grid):
        taken = layer.ndims
        if grid.ndims and not set(taken) & set(grid.ndims):
            axes = ", ".join(map(str, taken))
            yield f"`ndims` has {list(grid.ndims)}; {layer} takes {axes}"
    extra = [ndim for ndim in grid.ndims if all(ndim not in layer.ndims for layer in list_layers(grid))]
    if extra:
        yield f"`ndims` has {extra[0]}, which no layer of the grid takes"
    if grid.product is None:
        return
    most = max((subject.ndim for subject in list_spatial_layers(grid)), default=0)
    for axis in ("input", "kernel", "strides", "dilation", "output_padding"):
        for written in getattr(grid.product, axis):
            if isinstance(written, tuple) and len(written) != most:
                yield f"`product.{axis}` has {list(written)}; give one integer, or {most} lengths"
    if any(min(broadcast_lengths(written, most), default=0) < 0 for written in grid.product.input):
        yield "`product.input` has a negative length"
