"""The library of wrong semantics: what each mutant does wrong, and in which layers it can.

A mutant answers a case with an observation, or None where it answers as the formula does. It lives in a
layer if that layer has what the mutant gets wrong; a suite has to catch it there, in each such layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from harness.facets import Facet
from harness.mutation.applicability import Lives, changes_gradients, changes_lengths, habitat
from harness.mutation.simulated_target import Subject
from harness.oracle.refusal import known_paddings
from harness.oracle.rules import WRONG_RULES, Padding, Rule, on_one_axis
from harness.records import (
    Argument,
    Case,
    Layer,
    Observation,
    Refusal,
    Shape,
    Values,
)

Answer = Callable[[Subject], Observation | None]


class Theme(StrEnum):
    """What a mutant is wrong about."""

    VALUES = "values"
    ONE_AXIS = "values on one axis"
    INFERRED = "the inferred shape"
    SYMBOLIC = "the shape of a model"
    GRADIENT = "gradients"
    REFUSES = "refuses what it must compute"
    ACCEPTS = "accepts what it must refuse"
    REPLAY = "a fixed bug of Keras"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way of being wrong. `lives_in` tells of a layer and its number of axes whether it can be.

    One that lives `anywhere` has to be caught in some layer, any other in each that it lives in.
    """

    name: str
    theme: Theme
    lives_in: Lives
    answer: Answer
    anywhere: bool = False


def mutants() -> tuple[Mutant, ...]:
    """Every mutant; names are unique."""
    return (*_of_values(), *_of_shapes(), *_of_gradients(), *_refusing(), *_accepting())


def _of_values() -> Iterator[Mutant]:
    for name, rule in WRONG_RULES.items():
        yield Mutant(name, Theme.VALUES, habitat(rule), _computing(rule))
    for name, rule in on_one_axis(WRONG_RULES).items():
        yield Mutant(name, Theme.ONE_AXIS, habitat(rule), _computing(rule))


def _computing(rule: Rule) -> Answer:
    def answer(subject: Subject) -> Observation | None:
        plan = subject.other_plan(rule)
        return None if plan is None else subject.computed(plan)

    return answer


def _of_shapes() -> Iterator[Mutant]:
    """Shapes said before the call that follow a wrong rule, where the output itself is right."""
    for name, rule in WRONG_RULES.items():
        if changes_lengths(rule):
            yield Mutant(f"inferred-{name}", Theme.INFERRED, habitat(rule), _inferring(rule))
    yield Mutant("inferred-channels-of-input", Theme.INFERRED, _chooses_filters, _inferring_channels)
    yield Mutant("model-says-nothing-of-lengths", Theme.SYMBOLIC, _everywhere, _saying_nothing)
    yield Mutant("model-says-the-input's-lengths", Theme.SYMBOLIC, _everywhere, _saying_input)


def _inferring(rule: Rule) -> Answer:
    def answer(subject: Subject) -> Observation | None:
        plan = subject.other_plan(rule)
        inferred = subject.expectation.inferred_shape
        if plan is None or inferred is None:
            return None
        wrong = with_lengths(subject.case, inferred, plan.out)
        return None if wrong == inferred else subject.said(inferred=wrong)

    return answer


def with_lengths(case: Case, shape: Shape, lengths: Sequence[int | None]) -> Shape:
    """The shape with other spatial lengths, where it knows them."""
    wrong = list(shape)
    for axis, length in zip(case.spatial_axes, lengths, strict=True):
        wrong[axis] = None if shape[axis] is None else length
    return tuple(wrong)


def _inferring_channels(subject: Subject) -> Observation | None:
    case, inferred = subject.case, subject.expectation.inferred_shape
    if inferred is None or case.channels == case.filters:
        return None
    place = case.channel_axis
    return subject.said(inferred=(*inferred[:place], case.channels, *inferred[place + 1 :]))


def _saying_nothing(subject: Subject) -> Observation | None:
    symbolic = subject.expectation.symbolic_shape
    if symbolic is None or symbolic == (None,) * len(symbolic):
        return None
    return subject.said(symbolic=(None,) * len(symbolic))


def _saying_input(subject: Subject) -> Observation | None:
    case, symbolic = subject.case, subject.expectation.symbolic_shape
    if symbolic is None:
        return None
    wrong = with_lengths(case, symbolic, case.input)
    return None if wrong == symbolic else subject.said(symbolic=wrong)


def _of_gradients() -> Iterator[Mutant]:
    """Gradients that follow a wrong rule, where the output itself is right."""
    for name, rule in WRONG_RULES.items():
        if changes_gradients(rule):
            yield Mutant(f"gradient-{name}", Theme.GRADIENT, habitat(rule), _differentiating(rule))
    for name, part, change in (
        ("input-zero", 0, lambda values: values * 0),
        ("input-doubled", 0, lambda values: values * 2),
        ("kernel-zero", 1, lambda values: values * 0),
        ("kernel-of-half-the-batch", 1, lambda values: values / 2),
        ("bias-zero", -1, lambda values: values * 0),
        ("bias-averaged", -1, lambda values: values / 2),
    ):
        lives = _everywhere if part == 0 else _has_kernel if part == 1 else _has_bias
        yield Mutant(f"gradient-{name}", Theme.GRADIENT, lives, _spoiling(part, change))


def _differentiating(rule: Rule) -> Answer:
    def answer(subject: Subject) -> Observation | None:
        plan = subject.other_plan(rule)
        return None if plan is None else subject.differentiated(plan)

    return answer


def _spoiling(part: int, change: Callable[[Values], Values]) -> Answer:
    def answer(subject: Subject) -> Observation | None:
        expectation = subject.expectation
        if not expectation.gradients or (part == -1 and not subject.case.bias):
            return None
        gradients = [gradient.values for gradient in expectation.gradients]
        gradients[part] = change(gradients[part])
        assert expectation.values is not None
        return subject.returned(expectation.values, gradients)

    return answer


def _refusing() -> Iterator[Mutant]:
    """Targets that raise an error wherever a facet holds."""
    for facet in Facet:
        if facet not in _NO_REASON:
            yield Mutant(
                f"refuses-{facet}", Theme.REFUSES, _everywhere, _refusing_where(facet), anywhere=True
            )


_NO_REASON: Final = frozenset(
    {
        Facet.MUST_BE_REFUSED,
        Facet.EMPTY_INPUT,
        Facet.EMPTY_BATCH,
        Facet.EMPTY_OUTPUT,
        Facet.ONE_CELL_SHORT,
        Facet.STRIDED_AND_DILATED,
    }
)
"""Facets of which a refusal may be right."""


def _refusing_where(facet: Facet) -> Answer:
    def answer(subject: Subject) -> Observation | None:
        has_to_compute = subject.expectation.refusal is Refusal.WRONG
        return subject.refused("not supported") if has_to_compute and facet in subject.facets else None

    return answer


def _accepting() -> Iterator[Mutant]:
    """Targets that compute something where an exception is due, or that raise one which says nothing."""
    for name, lives, holds in _IMPOSSIBLE:
        yield Mutant(f"accepts-{name}", Theme.ACCEPTS, lives, _accepting_where(holds))
    yield Mutant("refuses-without-naming-the-argument", Theme.ACCEPTS, _everywhere, _without_a_name)
    yield Mutant("no-window-gives-one", Theme.ACCEPTS, _has_windows, _one_window)
    yield Mutant("no-window-gives-memory", Theme.ACCEPTS, _has_windows, _memory)
    yield Mutant("empty-batch-gives-one-entry", Theme.ACCEPTS, _everywhere, _one_entry)


def _accepting_where(holds: Callable[[Case], bool]) -> Answer:
    def answer(subject: Subject) -> Observation | None:
        required = subject.expectation.refusal is Refusal.REQUIRED
        return subject.accepted() if required and holds(subject.case) else None

    return answer


def _without_a_name(subject: Subject) -> Observation | None:
    required = subject.expectation.refusal is Refusal.REQUIRED
    return subject.refused("invalid value") if required else None


def _one_window(subject: Subject) -> Observation | None:
    case = subject.case
    if not _has_no_window(subject):
        return None
    return subject.returned(np.zeros(case.shape_of(case.batch, (1,) * case.ndim, case.filters)))


def _memory(subject: Subject) -> Observation | None:
    case = subject.case
    if not _has_no_window(subject):
        return None
    return subject.returned(np.full(case.shape_of(case.batch, case.input, case.filters), np.nan))


def _has_no_window(subject: Subject) -> bool:
    """Whether nothing comes of the case for want of a window, and not of an entry or a cell."""
    values = subject.expectation.values
    return values is not None and values.size == 0 and subject.case.batch > 0 and min(subject.case.input) > 0


def _one_entry(subject: Subject) -> Observation | None:
    values = subject.expectation.values
    if values is None or subject.case.batch > 0:
        return None
    return subject.returned(np.zeros((1, *values.shape[1:])))


def _everywhere(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (one of `Lives`)
    return True


def _has_kernel(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (one of `Lives`)
    return bool(layer.kind.traits.kernels)


def _has_windows(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (one of `Lives`)
    return not layer.kind.traits.is_transposed


def _has_bias(layer: Layer, ndim: int) -> bool:
    return _takes(Argument.USE_BIAS)(layer, ndim)


def _chooses_filters(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (one of `Lives`)
    return layer.kind.traits.derived_filters is None


def _takes(argument: Argument) -> Lives:
    def lives(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (one of `Lives`)
        return argument in layer.arguments

    return lives


def _refuses_causal(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (one of `Lives`)
    return Padding.CAUSAL not in known_paddings(layer)


_IMPOSSIBLE: Final[tuple[tuple[str, Lives, Callable[[Case], bool]], ...]] = (
    ("unknown-padding", _everywhere, lambda case: case.padding.lower() not in set(Padding)),
    ("causal", _refuses_causal, lambda case: case.padding.lower() == Padding.CAUSAL),
    ("kernel-below-1", _takes(Argument.KERNEL_SIZE), lambda case: min(case.kernel) < 1),
    ("pool-below-1", _takes(Argument.POOL_SIZE), lambda case: min(case.kernel) < 1),
    ("strides-below-1", _everywhere, lambda case: min(case.strides) < 1),
    ("dilation-below-1", _takes(Argument.DILATION_RATE), lambda case: min(case.dilation) < 1),
    ("filters-below-1", _takes(Argument.FILTERS), lambda case: case.filters < 1),
    ("multiplier-below-1", _takes(Argument.DEPTH_MULTIPLIER), lambda case: case.multiplier < 1),
    ("groups-below-1", _takes(Argument.GROUPS), lambda case: case.groups < 1),
    (
        "groups-that-cut-channels",
        _takes(Argument.GROUPS),
        lambda case: case.groups > 0 and case.channels % case.groups > 0,
    ),
    (
        "groups-that-cut-filters",
        _takes(Argument.GROUPS),
        lambda case: case.groups > 0 and case.channels % case.groups == 0 and case.filters % case.groups > 0,
    ),
    (
        "output-padding-beyond-strides",
        _takes(Argument.OUTPUT_PADDING),
        lambda case: any(p >= s for p, s in zip(case.output_padding or (), case.strides, strict=False)),
    ),
)
"""What must be refused: a name, the layers that can be asked for it, and how it is told."""
