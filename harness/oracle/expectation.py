"""The door of the oracle: a case and its signals in, the formula's answer out."""

from __future__ import annotations

import math

from harness.oracle.bounds import output_bound, with_bounds
from harness.oracle.gradients import cotangent, gradients_of
from harness.oracle.plan import axis_geometries, plan_of
from harness.oracle.refusal import padding_of, refusal_of
from harness.oracle.rules import KERAS, Rule
from harness.oracle.values import values_of
from harness.records import Case, Expectation, ExpectedArray, Refusal, Signals


def expect(case: Case, signals: Signals, rule: Rule = KERAS) -> Expectation:
    """What the formula says of a case under a rule (Keras's unless given).

    A case that must be refused has no shape and no values.
    """
    refusal = refusal_of(case)
    padding = padding_of(case)
    if refusal.refusal is Refusal.REQUIRED or padding is None:
        return Expectation(
            refusal=refusal.refusal,
            refusal_reason=refusal.reason,
            refusal_arguments=refusal.arguments,
            shape=None,
            inferred_shape=None,
            symbolic_shape=None,
            num_parameters=None,
            dtype=case.dtype,
            output=None,
        )
    plan = plan_of(case, padding, rule)
    values = values_of(case, plan, signals)
    known = case.known_before_call(values.shape)
    gradients: tuple[ExpectedArray, ...] = ()
    if case.mode.traits.differentiates:
        weight = cotangent(values.shape)
        gradients = with_bounds(case, plan, signals, weight, gradients_of(case, plan, signals, weight))
    return Expectation(
        refusal=refusal.refusal,
        refusal_reason=refusal.reason,
        refusal_arguments=refusal.arguments,
        shape=values.shape,
        inferred_shape=known,
        symbolic_shape=known if case.mode.traits.is_functional else None,
        num_parameters=num_parameters(case),
        dtype=case.dtype,
        output=ExpectedArray(values, output_bound(case, plan, signals)),
        gradients=gradients,
        weight_shapes=tuple(weight.shape for weight in signals.weights),
    )


def output_shape(case: Case) -> tuple[int, ...]:
    """The shape of the output of a case that may be computed.

    Raises:
        ValueError: the case must be refused, and so has no output.
    """
    padding = padding_of(case)
    if padding is None or refusal_of(case).refusal is Refusal.REQUIRED:
        raise ValueError(f"{case.id} has no output: {refusal_of(case).reason}")
    lengths = tuple(geometry.out for geometry in axis_geometries(case, padding))
    return case.shape_of(case.batch, lengths, case.filters)


def num_parameters(case: Case) -> int:
    """How many weights a layer has, biases included: 2*2*1*24 + 24 = 120 for the document's `Conv2D`."""
    kernels = sum(math.prod(kernel.shape(case.sizes)) for kernel in case.kind.traits.kernels)
    return kernels + (case.filters if case.bias else 0)
