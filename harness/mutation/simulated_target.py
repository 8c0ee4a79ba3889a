"""Simulated targets' answers to a case: what a target that follows a rule, or refuses, would return.

Every answer is an observation like a real target's, so that the comparison that catches real targets
catches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.data.case_data import make_case_data
from harness.encoding import DTYPES
from harness.facets import Facet, find_facets
from harness.judge.rule_matching import compute_result_shape
from harness.oracle import KERAS, Padding, Rule, expect
from harness.oracle.gradients import compute_gradients, make_cotangent
from harness.oracle.plan import Computation, plan_computation
from harness.oracle.refusal import parse_padding
from harness.oracle.values import compute_values
from harness.records import (
    Case,
    CaseData,
    Expectation,
    Observation,
    ObservedError,
    Outcome,
    Refusal,
    Shape,
    Stage,
    Values,
)

SIMULATED_TARGET = "simulated"


@dataclass(frozen=True)
class SimulatedCase:
    """A case as simulated targets get it, with what several of them need of it."""

    case: Case

    @cached_property
    def case_data(self) -> CaseData:
        """The data of the case."""
        return make_case_data(self.case)

    @cached_property
    def expectation(self) -> Expectation:
        """The expectation of the case."""
        return expect(self.case, self.case_data)

    @cached_property
    def facets(self) -> frozenset[Facet]:
        """What is special about the case."""
        return find_facets(self.case)

    @cached_property
    def padding(self) -> Padding | None:
        """The padding mode where the case has an answer, None where it must be refused."""
        has_answer = self.expectation.refusal is not Refusal.REQUIRED
        return parse_padding(self.case) if has_answer else None

    @cached_property
    def expected_observation(self) -> Observation:
        """What a target that follows the formula returns; only for a case that has an answer."""
        expected = self.expectation
        assert expected.values is not None
        return Observation(
            target=SIMULATED_TARGET,
            case_id=self.case.id,
            outcome=Outcome.RETURNED,
            stage=Stage.REPLY,
            values=expected.values.astype(DTYPES[self.case.dtype]),
            gradients=tuple(
                gradient.values.astype(DTYPES[self.case.dtype]) for gradient in expected.gradients
            ),
            inferred_shape=expected.inferred_shape,
            symbolic_shape=expected.symbolic_shape,
            weight_shapes=expected.weight_shapes,
        )

    def find_other_computation(self, rule: Rule) -> Computation | None:
        """Return the case's computation under a rule; None where it is Keras's or the case has no answer."""
        if self.padding is None:
            return None
        computation = plan_computation(self.case, self.padding, rule)
        return None if computation == self._expected_computation else computation

    def return_values(self, values: Values, gradients: Sequence[Values] | None = None) -> Observation:
        """Return the expected observation with other values, and with other gradients where given."""
        dtype = DTYPES[self.case.dtype]
        with np.errstate(over="ignore"):
            return replace(
                self.expected_observation,
                values=values.astype(dtype),
                gradients=self.expected_observation.gradients
                if gradients is None
                else _cast_arrays(gradients, self.case.dtype),
            )

    @cached_property
    def _expected_computation(self) -> Computation:
        assert self.padding is not None
        return plan_computation(self.case, self.padding, KERAS)

    @cached_property
    def _observations(self) -> dict[Computation, Observation]:
        return {}

    def compute(self, computation: Computation) -> Observation:
        """Return the answer of a target with another computation; shapes before the call stay right.

        Equal computations have one answer, the same object.
        """
        if computation not in self._observations:
            self._observations[computation] = self.return_values(
                compute_values(self.case, computation, self.case_data)
            )
        return self._observations[computation]

    def differentiate(self, computation: Computation) -> Observation | None:
        """Return the right output with the gradients of a computation.

        None in a mode without gradients, or where the output has another shape.
        """
        output = self.expectation.values
        if not self.case.mode.traits.differentiates or output is None:
            return None
        if compute_result_shape(self.case, computation) != output.shape:
            return None
        return self.return_values(
            output, compute_gradients(self.case, computation, self.case_data, make_cotangent(output.shape))
        )

    def report_shapes(self, *, inferred: Shape | None = None, symbolic: Shape | None = None) -> Observation:
        """Return the expected observation with other shapes before the call."""
        return replace(
            self.expected_observation,
            inferred_shape=inferred or self.expected_observation.inferred_shape,
            symbolic_shape=symbolic or self.expected_observation.symbolic_shape,
        )

    def refuse(self, message: str) -> Observation:
        """Return an observation of an exception."""
        return Observation(
            target=SIMULATED_TARGET,
            case_id=self.case.id,
            outcome=Outcome.RAISED,
            stage=Stage.CALL,
            error=ObservedError("ValueError", message),
        )

    def accept(self) -> Observation:
        """Return an observation of an array, for a case that must be refused."""
        values = np.ones(self.case.arrange_shape(max(self.case.batch, 1), (1,) * self.case.ndim, 1))
        return Observation(
            target=SIMULATED_TARGET,
            case_id=self.case.id,
            outcome=Outcome.RETURNED,
            stage=Stage.REPLY,
            values=values.astype(DTYPES[self.case.dtype]),
        )


def _cast_arrays(arrays: Sequence[Values], dtype: str) -> tuple[Values, ...]:
    return tuple(array.astype(DTYPES[dtype]) for array in arrays)
