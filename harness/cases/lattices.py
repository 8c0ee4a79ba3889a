"""The covering design: every point of one axis, the axes paired by cyclic shifts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from harness.cases.grids import NONE, Lattice, Lengths, SpatialLayer
from harness.cases.layer_specs import AxisSpec, LayerSpec, has_output


def expand_lattice(lattice: Lattice, subject: SpatialLayer, spelled: str) -> Iterator[LayerSpec]:
    """Yield the layers of a lattice under a padding.

    Either all axes have an output padding or none has; layers without one form a lattice of their own.
    """
    for axes in _list_axis_specs(lattice, subject):
        if lattice.rounds == "all":
            yield from _expand_all_rounds(lattice, subject, axes)
        else:
            yield from _expand_rounds(lattice, subject, axes, spelled, lattice.rounds)


def _list_axis_specs(lattice: Lattice, subject: SpatialLayer) -> Iterator[tuple[AxisSpec, ...]]:
    """Yield the settings of an axis without output padding, then those with every one below the stride."""
    dilations = lattice.dilation if subject.has_dilation else (1,)
    listed = lattice.output_padding if subject.has_output_padding else (NONE,)
    steps = [
        (kernel, stride, dilation)
        for kernel in lattice.kernel
        for stride in lattice.strides or (subject.choose_default_stride(kernel),)
        for dilation in dilations
    ]
    if NONE in listed:
        yield tuple(AxisSpec(*step, None) for step in steps)
    paddings = [padding for padding in listed if isinstance(padding, int)]
    if paddings:
        yield tuple(AxisSpec(*step, padding) for step in steps for padding in paddings if padding < step[1])


def _expand_rounds(
    lattice: Lattice, subject: SpatialLayer, axes: Sequence[AxisSpec], spelled: str, rounds: int
) -> Iterator[LayerSpec]:
    """Pair settings, and their input lengths, by cyclic shifts.

    With `m` settings, round `r` puts setting `i` on axis 0 and `(i + r*step*axis) mod m` on the others.
    `step` is coprime to `m`, so this is a bijection: every setting occurs on every axis once per round, with
    every length that fits it. A single axis has no partner and one round.
    """
    step = find_coprime_step(len(axes))
    turns = range(lattice.first, lattice.first + rounds) if subject.ndim > 1 else range(1)
    alone = min(rounds, subject.ndim)
    for turn in turns:
        for index in range(len(axes)):
            chosen = [axes[(index + turn * step * axis) % len(axes)] for axis in range(subject.ndim)]
            inputs = _pair_lengths(lattice, chosen, subject, spelled, turn, alone, index)
            yield _make_spec(chosen, tuple(dict.fromkeys(inputs)))


def _expand_all_rounds(
    lattice: Lattice, subject: SpatialLayer, axes: Sequence[AxisSpec]
) -> Iterator[LayerSpec]:
    inputs = tuple(itertools.product(lattice.input, repeat=subject.ndim))
    for chosen in itertools.product(axes, repeat=subject.ndim):
        yield _make_spec(chosen, inputs)


def _make_spec(chosen: Sequence[AxisSpec], inputs: tuple[Lengths, ...]) -> LayerSpec:
    paddings = tuple(axis.output_padding for axis in chosen if axis.output_padding is not None)
    return LayerSpec(
        tuple(axis.kernel for axis in chosen),
        tuple(axis.stride for axis in chosen),
        tuple(axis.dilation for axis in chosen),
        paddings or None,
        inputs,
    )


def _pair_lengths(
    lattice: Lattice,
    chosen: Sequence[AxisSpec],
    subject: SpatialLayer,
    spelled: str,
    turn: int,
    alone: int,
    index: int,
) -> Iterator[Lengths]:
    """Yield input lengths for a layer.

    Lengths in which a window fits meet each other, so that no empty axis hides its partner; those in which
    none fits occur on one axis at a time: on every `alone`th axis of a turn, so that each axis gets its turn.
    """
    lengths = lattice.input
    fitting = [
        [n for n in lengths if has_output(subject, n, axis, spelled)] or list(lengths) for axis in chosen
    ]
    for place in range(max(map(len, fitting))):
        yield tuple(fit[(place + axis * turn * (index + 1)) % len(fit)] for axis, fit in enumerate(fitting))
    if not lattice.misfits:
        return
    for misfit in range(turn % alone, len(chosen), alone):
        for place, length in enumerate(n for n in lengths if n not in fitting[misfit]):
            yield tuple(
                length if axis == misfit else fit[(place + index) % len(fit)]
                for axis, fit in enumerate(fitting)
            )


def find_coprime_step(number: int) -> int:
    """Return a step coprime to `number` and near its golden section, so that shifts spread."""
    start = max(round(number * 0.618), 1)
    return next(step for step in itertools.count(start) if math.gcd(step, number) == 1)
