"""Mutants with wrong semantics: what each gets wrong, and to which layers it applies.

A mutant answers a case with an observation, or None where it answers as the formula does. It applies to a
layer if that layer has what the mutant gets wrong; a suite has to catch it in each such layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from harness.facets import Facet
from harness.mutation.applicability import (
    Applicability,
    build_applicability,
    can_change_gradients,
    is_wrong_about_lengths,
)
from harness.mutation.simulated_target import SimulatedCase
from harness.oracle.refusal import list_known_paddings
from harness.oracle.rules import Padding, Rule
from harness.oracle.wrong_rules import WRONG_RULES, restrict_to_one_axis
from harness.records import (
    Argument,
    Case,
    Layer,
    Observation,
    Refusal,
    Shape,
    Values,
)

Behaviour = Callable[[SimulatedCase], Observation | None]


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
    """A target that is wrong in one known way; `applies_to` says in which layers, with how many axes.

    If it `is_layer_independent`, it has to be caught in some layer, otherwise in each that it applies to.
    """

    name: str
    theme: Theme
    applies_to: Applicability
    answer: Behaviour
    is_layer_independent: bool = False


def list_mutants() -> tuple[Mutant, ...]:
    """List every mutant; names are unique."""
    return (
        *_make_value_mutants(),
        *_make_shape_mutants(),
        *_make_gradient_mutants(),
        *_make_refusing_mutants(),
        *_make_accepting_mutants(),
    )


def _make_value_mutants() -> Iterator[Mutant]:
    for name, rule in WRONG_RULES.items():
        yield Mutant(name, Theme.VALUES, build_applicability(rule), _compute_by_rule(rule))
    for name, rule in restrict_to_one_axis(WRONG_RULES).items():
        yield Mutant(name, Theme.ONE_AXIS, build_applicability(rule), _compute_by_rule(rule))


def _compute_by_rule(rule: Rule) -> Behaviour:
    def respond(simulated: SimulatedCase) -> Observation | None:
        computation = simulated.find_other_computation(rule)
        return None if computation is None else simulated.compute(computation)

    return respond


def _make_shape_mutants() -> Iterator[Mutant]:
    """Make mutants that report a wrong shape before the call and return the right output."""
    for name, rule in WRONG_RULES.items():
        if is_wrong_about_lengths(rule):
            yield Mutant(f"inferred-{name}", Theme.INFERRED, build_applicability(rule), _infer_by_rule(rule))
    yield Mutant("inferred-channels-of-input", Theme.INFERRED, _has_filters, _infer_input_channels)
    yield Mutant("model-says-nothing-of-lengths", Theme.SYMBOLIC, _is_any_layer, _report_no_shape)
    yield Mutant("model-says-the-input's-lengths", Theme.SYMBOLIC, _is_any_layer, _report_input_lengths)


def _infer_by_rule(rule: Rule) -> Behaviour:
    def respond(simulated: SimulatedCase) -> Observation | None:
        computation = simulated.find_other_computation(rule)
        inferred = simulated.expectation.inferred_shape
        if computation is None or inferred is None:
            return None
        wrong = replace_lengths(simulated.case, inferred, computation.out)
        return None if wrong == inferred else simulated.report_shapes(inferred=wrong)

    return respond


def replace_lengths(case: Case, shape: Shape, lengths: Sequence[int | None]) -> Shape:
    """Return the shape with other spatial lengths in place of those that it knows."""
    wrong = list(shape)
    for axis, length in zip(case.spatial_axes, lengths, strict=True):
        wrong[axis] = None if shape[axis] is None else length
    return tuple(wrong)


def _infer_input_channels(simulated: SimulatedCase) -> Observation | None:
    case, inferred = simulated.case, simulated.expectation.inferred_shape
    if inferred is None or case.channels == case.filters:
        return None
    axis = case.channel_axis
    return simulated.report_shapes(inferred=(*inferred[:axis], case.channels, *inferred[axis + 1 :]))


def _report_no_shape(simulated: SimulatedCase) -> Observation | None:
    symbolic = simulated.expectation.symbolic_shape
    if symbolic is None or symbolic == (None,) * len(symbolic):
        return None
    return simulated.report_shapes(symbolic=(None,) * len(symbolic))


def _report_input_lengths(simulated: SimulatedCase) -> Observation | None:
    case, symbolic = simulated.case, simulated.expectation.symbolic_shape
    if symbolic is None:
        return None
    wrong = replace_lengths(case, symbolic, case.input)
    return None if wrong == symbolic else simulated.report_shapes(symbolic=wrong)


def _make_gradient_mutants() -> Iterator[Mutant]:
    """Make mutants that return wrong gradients and the right output."""
    for name, rule in WRONG_RULES.items():
        if can_change_gradients(rule):
            yield Mutant(
                f"gradient-{name}", Theme.GRADIENT, build_applicability(rule), _differentiate_by_rule(rule)
            )
    for name, part, change in (
        ("input-zero", 0, lambda values: values * 0),
        ("input-doubled", 0, lambda values: values * 2),
        ("kernel-zero", 1, lambda values: values * 0),
        ("kernel-of-half-the-batch", 1, lambda values: values / 2),
        ("bias-zero", -1, lambda values: values * 0),
        ("bias-averaged", -1, lambda values: values / 2),
    ):
        is_applicable = _is_any_layer if part == 0 else _has_kernel if part == 1 else _has_bias
        yield Mutant(f"gradient-{name}", Theme.GRADIENT, is_applicable, _spoil_gradient(part, change))


def _differentiate_by_rule(rule: Rule) -> Behaviour:
    def respond(simulated: SimulatedCase) -> Observation | None:
        computation = simulated.find_other_computation(rule)
        return None if computation is None else simulated.differentiate(computation)

    return respond


def _spoil_gradient(part: int, change: Callable[[Values], Values]) -> Behaviour:
    def respond(simulated: SimulatedCase) -> Observation | None:
        expectation = simulated.expectation
        if not expectation.gradients or (part == -1 and not simulated.case.bias):
            return None
        gradients = [gradient.values for gradient in expectation.gradients]
        gradients[part] = change(gradients[part])
        assert expectation.values is not None
        return simulated.return_values(expectation.values, gradients)

    return respond


def _make_refusing_mutants() -> Iterator[Mutant]:
    """Make mutants that raise an error wherever a facet holds."""
    for facet in Facet:
        if facet not in _REFUSABLE_FACETS:
            yield Mutant(
                f"refuses-{facet}",
                Theme.REFUSES,
                _is_any_layer,
                _refuse_where(facet),
                is_layer_independent=True,
            )


_REFUSABLE_FACETS: Final = frozenset(
    {
        Facet.MUST_BE_REFUSED,
        Facet.EMPTY_INPUT,
        Facet.EMPTY_BATCH,
        Facet.EMPTY_OUTPUT,
        Facet.ONE_CELL_SHORT,
        Facet.STRIDED_AND_DILATED,
    }
)
"""Facets of cases that a target may be right to refuse."""


def _refuse_where(facet: Facet) -> Behaviour:
    def respond(simulated: SimulatedCase) -> Observation | None:
        has_to_compute = simulated.expectation.refusal is Refusal.WRONG
        return simulated.refuse("not supported") if has_to_compute and facet in simulated.facets else None

    return respond


def _make_accepting_mutants() -> Iterator[Mutant]:
    """Make mutants that compute something where they must refuse, or that refuse without saying why."""
    for name, is_applicable, holds in _IMPOSSIBLE:
        yield Mutant(f"accepts-{name}", Theme.ACCEPTS, is_applicable, _accept_where(holds))
    yield Mutant("refuses-without-naming-the-argument", Theme.ACCEPTS, _is_any_layer, _refuse_without_name)
    yield Mutant("no-window-gives-one", Theme.ACCEPTS, _has_windows, _return_one_window)
    yield Mutant("no-window-gives-memory", Theme.ACCEPTS, _has_windows, _return_unwritten_memory)
    yield Mutant("empty-batch-gives-one-entry", Theme.ACCEPTS, _is_any_layer, _return_one_entry)


def _accept_where(holds: Callable[[Case], bool]) -> Behaviour:
    def respond(simulated: SimulatedCase) -> Observation | None:
        must_refuse = simulated.expectation.refusal is Refusal.REQUIRED
        return simulated.accept() if must_refuse and holds(simulated.case) else None

    return respond


def _refuse_without_name(simulated: SimulatedCase) -> Observation | None:
    must_refuse = simulated.expectation.refusal is Refusal.REQUIRED
    return simulated.refuse("invalid value") if must_refuse else None


def _return_one_window(simulated: SimulatedCase) -> Observation | None:
    case = simulated.case
    if not _has_no_window(simulated):
        return None
    return simulated.return_values(np.zeros(case.arrange_shape(case.batch, (1,) * case.ndim, case.filters)))


def _return_unwritten_memory(simulated: SimulatedCase) -> Observation | None:
    case = simulated.case
    if not _has_no_window(simulated):
        return None
    return simulated.return_values(np.full(case.arrange_shape(case.batch, case.input, case.filters), np.nan))


def _has_no_window(simulated: SimulatedCase) -> bool:
    """Return whether the output is empty because no window fits, not because the batch or input is empty."""
    values = simulated.expectation.values
    return (
        values is not None and values.size == 0 and simulated.case.batch > 0 and min(simulated.case.input) > 0
    )


def _return_one_entry(simulated: SimulatedCase) -> Observation | None:
    values = simulated.expectation.values
    if values is None or simulated.case.batch > 0:
        return None
    return simulated.return_values(np.zeros((1, *values.shape[1:])))


def _is_any_layer(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (has the signature of `Applicability`)
    return True


def _has_kernel(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (has the signature of `Applicability`)
    return bool(layer.kind.traits.kernels)


def _has_windows(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (has the signature of `Applicability`)
    return not layer.kind.traits.is_transposed


def _has_bias(layer: Layer, ndim: int) -> bool:
    return _has_argument(Argument.USE_BIAS)(layer, ndim)


def _has_filters(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (has the signature of `Applicability`)
    return layer.kind.traits.derived_filters is None


def _has_argument(argument: Argument) -> Applicability:
    def is_applicable(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (has the signature of `Applicability`)
        return argument in layer.arguments

    return is_applicable


def _has_no_causal(layer: Layer, ndim: int) -> bool:  # noqa: ARG001  (has the signature of `Applicability`)
    return Padding.CAUSAL not in list_known_paddings(layer)


_IMPOSSIBLE: Final[tuple[tuple[str, Applicability, Callable[[Case], bool]], ...]] = (
    ("unknown-padding", _is_any_layer, lambda case: case.padding.lower() not in set(Padding)),
    ("causal", _has_no_causal, lambda case: case.padding.lower() == Padding.CAUSAL),
    ("kernel-below-1", _has_argument(Argument.KERNEL_SIZE), lambda case: min(case.kernel) < 1),
    ("pool-below-1", _has_argument(Argument.POOL_SIZE), lambda case: min(case.kernel) < 1),
    ("strides-below-1", _is_any_layer, lambda case: min(case.strides) < 1),
    ("dilation-below-1", _has_argument(Argument.DILATION_RATE), lambda case: min(case.dilation) < 1),
    ("filters-below-1", _has_argument(Argument.FILTERS), lambda case: case.filters < 1),
    ("multiplier-below-1", _has_argument(Argument.DEPTH_MULTIPLIER), lambda case: case.multiplier < 1),
    ("groups-below-1", _has_argument(Argument.GROUPS), lambda case: case.groups < 1),
    (
        "groups-that-cut-channels",
        _has_argument(Argument.GROUPS),
        lambda case: case.groups > 0 and case.channels % case.groups > 0,
    ),
    (
        "groups-that-cut-filters",
        _has_argument(Argument.GROUPS),
        lambda case: case.groups > 0 and case.channels % case.groups == 0 and case.filters % case.groups > 0,
    ),
    (
        "output-padding-beyond-strides",
        _has_argument(Argument.OUTPUT_PADDING),
        lambda case: any(p >= s for p, s in zip(case.output_padding or (), case.strides, strict=False)),
    ),
)
"""What must be refused: its name, the layers that it concerns, and whether a case asks for it."""
