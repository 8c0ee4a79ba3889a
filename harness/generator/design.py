"""Grids, and how they expand to cases.

A grid has one spatial design and attributes. The design is a `lattice` (every point of one axis,
the axes paired by a covering design) or a `product` (every combination, for short lists). Attributes
under `each` multiply the cases; those under `turn` take turns, one layer after the other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from harness.errors import HarnessError
from harness.oracle.geometry import axis_geometry
from harness.oracle.rules import Padding
from harness.records import Case, DataFormat, Layer, Mode

NDIM = {Layer.CONV2D: 2}
"""The number of spatial axes of each layer."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
Lengths = tuple[int, ...]


class Lattice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every (kernel, strides, dilation, input) of one axis, in scalars.

    Padding factorises, so an axis is covered exhaustively on its own and only pairs of axes are
    sampled. Layers are pairs of axis settings; each of `rounds` rounds lets every setting stand on
    every axis once, beside another partner (in the first round beside itself: square kernels on
    square inputs).
    """

    input: tuple[Positive, ...]
    kernel: tuple[Positive, ...]
    strides: tuple[Positive, ...]
    dilation: tuple[Positive, ...] = (1,)
    rounds: Positive = 1


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every combination of N-dimensional lengths, for short lists and for refusals."""

    input: tuple[Lengths, ...]
    kernel: tuple[Lengths, ...]
    strides: tuple[Lengths, ...] = ((1, 1),)
    dilation: tuple[Lengths, ...] = ((1, 1),)


class Attributes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Lists of values for what is not spatial; an empty list leaves the default."""

    padding: tuple[Annotated[str, msgspec.Meta(pattern="^[A-Za-z_]+$")], ...] = ()
    data_format: tuple[DataFormat, ...] = ()
    batch: tuple[Positive, ...] = ()
    channels: tuple[Positive, ...] = ()
    filters: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    bias: tuple[bool, ...] = ()
    dtype: tuple[str, ...] = ()


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Axes that expand to `count` cases; exactly one of `lattice` and `product` is given."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    about: str
    count: Positive
    layer: Layer
    mode: Mode = Mode.EAGER
    lattice: Lattice | None = None
    product: Product | None = None
    each: Attributes = Attributes(padding=("same", "valid"))
    turn: Attributes = Attributes()


@dataclass(frozen=True, slots=True)
class _Layer:
    """The spatial parameters of one layer, and the input lengths that it is called with."""

    kernel: Lengths
    strides: Lengths
    dilation: Lengths
    inputs: tuple[Lengths, ...]


_DEFAULTS: Mapping[str, Any] = {
    "padding": "same",
    "data_format": DataFormat.CHANNELS_LAST,
    "batch": 2,
    "channels": 2,
    "filters": 3,
    "groups": 1,
    "bias": True,
    "dtype": "float32",
}


def expand(grid: Grid, place: str) -> Iterator[Case]:
    """The cases of a grid; those of one layer stand together.

    Raises:
        HarnessError: the grid has no design or two, lengths of the wrong number of axes, attributes
            both under `each` and `turn`, nothing to expand, or not `count` cases. `place` begins
            the message.
    """
    _check(grid, place)
    number = 0
    for index, (attributes, layer) in enumerate(_layers(grid)):
        turned = {key: values[_turn(index, len(values))] for key, values in _given(grid.turn).items()}
        for lengths in layer.inputs:
            number += 1
            yield Case(
                layer=grid.layer,
                mode=grid.mode,
                input=lengths,
                kernel=layer.kernel,
                strides=layer.strides,
                dilation=layer.dilation,
                **{**_DEFAULTS, **attributes, **turned},
            )
    if number == 0:
        raise HarnessError(f"{place}: expands to nothing; give every axis at least one value")
    if number != grid.count:
        raise HarnessError(
            f"{place}: `count` says {grid.count}, the axes give {number}; correct whichever is wrong"
        )


def _check(grid: Grid, place: str) -> None:
    if (grid.lattice is None) == (grid.product is None):
        raise HarnessError(f"{place}: give exactly one of `lattice` and `product`")
    both = _given(grid.each).keys() & _given(grid.turn).keys()
    if both:
        raise HarnessError(f"{place}: {', '.join(sorted(both))} under both `each` and `turn`; keep one")
    if grid.product is not None:
        for axis in ("input", "kernel", "strides", "dilation"):
            for lengths in getattr(grid.product, axis):
                if len(lengths) != NDIM[grid.layer]:
                    raise HarnessError(
                        f"{place}: `product.{axis}` has {list(lengths)};"
                        f" {grid.layer} takes {NDIM[grid.layer]} lengths"
                    )
        if any(min(lengths) < 0 for lengths in grid.product.input):
            raise HarnessError(f"{place}: `product.input` has a negative length")


def _given(attributes: Attributes) -> dict[str, Sequence[Any]]:
    """The attributes that have values."""
    return {key: values for key, values in msgspec.structs.asdict(attributes).items() if values}


def _layers(grid: Grid) -> Iterator[tuple[dict[str, Any], _Layer]]:
    each = _given(grid.each)
    for values in itertools.product(*each.values()):
        attributes = dict(zip(each, values, strict=True))
        if grid.product is not None:
            layers = _product_layers(grid.product)
        else:
            assert grid.lattice is not None
            spelled = attributes.get("padding", _DEFAULTS["padding"])
            layers = _lattice_layers(grid.lattice, spelled, NDIM[grid.layer])
        for layer in layers:
            yield attributes, layer


def _product_layers(product: Product) -> Iterator[_Layer]:
    for kernel, strides, dilation in itertools.product(product.kernel, product.strides, product.dilation):
        yield _Layer(kernel, strides, dilation, product.input)


def _lattice_layers(lattice: Lattice, spelled: str, ndim: int) -> Iterator[_Layer]:
    """The covering design: settings paired by cyclic shifts, and their lengths too.

    With `m` settings, round `r` puts setting `i` on axis 0 and `(i + r*step*axis) mod m` on the
    others, with `step` coprime to `m`: a bijection, so every setting stands on every axis once a
    round, and every length that fits it is used there.
    """
    settings = tuple(itertools.product(lattice.kernel, lattice.strides, lattice.dilation))
    step = _coprime_step(len(settings))
    for turn in range(lattice.rounds):
        for index in range(len(settings)):
            chosen = [settings[(index + turn * step * axis) % len(settings)] for axis in range(ndim)]
            kernel, strides, dilation = zip(*chosen, strict=True)
            inputs = _pair_lengths(lattice.input, chosen, spelled, turn, index)
            yield _Layer(kernel, strides, dilation, tuple(dict.fromkeys(inputs)))


def _pair_lengths(
    lengths: Sequence[int], chosen: Sequence[tuple[int, ...]], spelled: str, turn: int, index: int
) -> Iterator[Lengths]:
    """Input lengths for a layer.

    Lengths in which a window fits meet each other, so that no empty axis hides its partner; those
    in which none fits stand on one axis at a time.
    """
    fits = [[n for n in lengths if _window_fits(n, setting, spelled)] or list(lengths) for setting in chosen]
    number = max(map(len, fits))
    for place in range(number):
        yield tuple(fit[(place + axis * turn * (index + 1)) % len(fit)] for axis, fit in enumerate(fits))
    misfit_axis = turn % len(chosen)
    for place, length in enumerate(n for n in lengths if n not in fits[misfit_axis]):
        yield tuple(
            length if axis == misfit_axis else fit[(place + index) % len(fit)]
            for axis, fit in enumerate(fits)
        )


def _window_fits(length: int, setting: tuple[int, ...], spelled: str) -> bool:
    kernel, stride, dilation = setting
    padding = Padding(spelled.lower()) if spelled.lower() in set(Padding) else Padding.SAME
    return axis_geometry(length, kernel, stride, dilation, padding).out > 0


def _turn(index: int, number: int) -> int:
    """Which of `number` values the layer takes: `floor(number * frac(index * sqrt(4*number + 3)))`.

    Plain rotation beats against the design: of two data formats, each of four strides would only ever
    meet one. Steps of an irrational length meet every value evenly along every arithmetic progression
    (Weyl 1916), and `4*number + 3` is never a square. Lists of one length stay in step.
    """
    return math.isqrt((number * index) ** 2 * (4 * number + 3)) % number


def _coprime_step(number: int) -> int:
    """A step near the golden section of `number` that is coprime to it, so that shifts spread."""
    start = max(round(number * 0.618), 1)
    return next(step for step in itertools.count(start) if math.gcd(step, number) == 1)
