"""The entry point of the oracle: from a case and its data to the formula's answer."""

from __future__ import annotations

import math

from harness.oracle.bounds import add_gradient_bounds, compute_output_bound
from harness.oracle.gradients import compute_gradients, make_cotangent
from harness.oracle.plan import compute_axis_geometries, plan_computation
from harness.oracle.refusal import decide_refusal, parse_padding
from harness.oracle.rules import KERAS, Rule
from harness.oracle.values import compute_values
from harness.records import Case, CaseData, Expectation, ExpectedArray, Refusal


def expect(case: Case, case_data: CaseData, rule: Rule = KERAS) -> Expectation:
    """Compute what the formula gives for a case under a rule.

    A case that must be refused has no shape and no values.
    """
    refusal = decide_refusal(case)
    padding = parse_padding(case)
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
    computation = plan_computation(case, padding, rule)
    values = compute_values(case, computation, case_data)
    known = case.mask_unknown(values.shape)
    gradients: tuple[ExpectedArray, ...] = ()
    if case.mode.traits.differentiates:
        weight = make_cotangent(values.shape)
        gradients = add_gradient_bounds(
            case, computation, case_data, weight, compute_gradients(case, computation, case_data, weight)
        )
    return Expectation(
        refusal=refusal.refusal,
        refusal_reason=refusal.reason,
        refusal_arguments=refusal.arguments,
        shape=values.shape,
        inferred_shape=known,
        symbolic_shape=known if case.mode.traits.is_functional else None,
        num_parameters=count_parameters(case),
        dtype=case.dtype,
        output=ExpectedArray(values, compute_output_bound(case, computation, case_data)),
        gradients=gradients,
        weight_shapes=tuple(weight.shape for weight in case_data.weights),
    )


def compute_output_shape(case: Case) -> tuple[int, ...]:
    """Return the output shape of a case that may be computed.

    Raises:
        ValueError: the case must be refused, and so has no output.
    """
    padding = parse_padding(case)
    if padding is None or decide_refusal(case).refusal is Refusal.REQUIRED:
        raise ValueError(f"{case.id} has no output: {decide_refusal(case).reason}")
    lengths = tuple(geometry.out for geometry in compute_axis_geometries(case, padding))
    return case.arrange_shape(case.batch, lengths, case.filters)


def count_parameters(case: Case) -> int:
    """Count the weights of a layer, biases included: 2*2*1*24 + 24 = 120 for the document's `Conv2D`."""
    kernels = sum(math.prod(kernel.compute_shape(case.sizes)) for kernel in case.kind.traits.kernels)
    return kernels + (case.filters if case.bias else 0)
