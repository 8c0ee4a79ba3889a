"""The door of the oracle: a case and its signals in, the formula's answer out."""

from __future__ import annotations

import math

from harness.oracle.convolution import axis_geometries, convolve
from harness.oracle.refusal import padding_of, refusal_of
from harness.oracle.rules import KERAS, Rule
from harness.records import Case, Expectation, Mode, Refusal, Signals


def expect(case: Case, signals: Signals, rule: Rule = KERAS) -> Expectation:
    """What the formula says of a case under a rule (Keras's unless given).

    A case that must be refused has no shape and no values.
    """
    refusal = refusal_of(case)
    padding = padding_of(case)
    if refusal.refusal is Refusal.REQUIRED or padding is None:
        return Expectation(
            refusal.refusal, refusal.reason, refusal.arguments, None, None, None, case.dtype, None
        )
    values = convolve(case, padding, signals, rule)
    return Expectation(
        refusal=refusal.refusal,
        refusal_reason=refusal.reason,
        refusal_arguments=refusal.arguments,
        shape=values.shape,
        inferred_shape=(None, *values.shape[1:]) if case.mode is Mode.SEQUENTIAL else values.shape,
        num_parameters=num_parameters(case),
        dtype=case.dtype,
        values=values,
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
    """Weights of a convolution: `prod(kernel) * (channels/groups) * filters`, and a bias per filter.

    Source: the Keras layer's weight shapes; 2*2*1*24 + 24 = 120 for the document's `Conv2D`.
    """
    kernel = math.prod(case.kernel) * (case.channels // case.groups) * case.filters
    return kernel + (case.filters if case.bias else 0)
