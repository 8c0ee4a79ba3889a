"""Decide in which layers a wrong rule can have an effect, by what it needs to show."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from harness.oracle.rules import Rule
from harness.oracle.wrong_rules import Need, find_reaches
from harness.records import Argument, Layer, Reduction, Refusal

Applicability = Callable[[Layer, int], bool]


def build_applicability(rule: Rule) -> Applicability:
    """Build the predicate of layers that have, with so many axes, everything that the rule is wrong about."""
    needs = frozenset[Need]().union(*(reach.needs for reach in find_reaches(rule)))
    return lambda layer, ndim: needs <= find_met_needs(layer, ndim)


@cache
def find_met_needs(layer: Layer, ndim: int) -> frozenset[Need]:
    """Return what a layer with this number of axes has of all that wrong rules need.

    An operation has groups and a multiplier by the shape of its kernel.
    """
    traits = layer.kind.traits
    is_met_by_need = {
        Need.SEVERAL_AXES: ndim > 1,
        Need.WINDOWS: not traits.is_transposed,
        Need.SCATTERED_CELLS: traits.is_transposed,
        Need.KERNEL: bool(traits.kernels),
        Need.POINTWISE_KERNEL: traits.has_pointwise,
        Need.GROUPS: traits.derived_groups is None,
        Need.MULTIPLIER: traits.has_multiplier,
        Need.BIAS: Argument.USE_BIAS in layer.arguments,
        Need.CAUSAL_PADDING: layer.causal is Refusal.WRONG,
        Need.POOLING: traits.is_pooling,
        Need.SUM: not traits.reduction.selects_cell,
        Need.MEAN: traits.reduction.divides,
        Need.MAXIMUM: traits.reduction is Reduction.MAXIMUM,
    }
    return frozenset(need for need, is_met in is_met_by_need.items() if is_met)


def is_wrong_about_lengths(rule: Rule) -> bool:
    """Return whether a rule gets lengths wrong, and not only positions."""
    return any(reach.in_lengths for reach in find_reaches(rule))


def can_change_gradients(rule: Rule) -> bool:
    """Return whether a rule can give other gradients where its output has the right shape."""
    return all(reach.in_gradients for reach in find_reaches(rule))
