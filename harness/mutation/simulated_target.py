"""A pretended target's answer to a case: what one that follows a rule, or refuses, would have returned.

Every answer is an observation like a real target's, so that what catches it is the comparison that
catches real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.data.case_data import signals_of
from harness.encoding import DTYPES
from harness.facets import Facet, facets_of
from harness.judge.rule_matching import shape_of
from harness.oracle import KERAS, Padding, Rule, expect
from harness.oracle.gradients import cotangent, gradients_of
from harness.oracle.plan import Plan, plan_of
from harness.oracle.refusal import padding_of
from harness.oracle.values import values_of
from harness.records import (
    Case,
    Expectation,
    Observation,
    ObservedError,
    Outcome,
    Refusal,
    Shape,
    Signals,
    Stage,
    Values,
)

TARGET = "pretended"


@dataclass(frozen=True)
class Subject:
    """A case that pretended targets are asked, with what several of them need of it."""

    case: Case

    @cached_property
    def signals(self) -> Signals:
        """The data of the case."""
        return signals_of(self.case)

    @cached_property
    def expectation(self) -> Expectation:
        """The formula's answer."""
        return expect(self.case, self.signals)

    @cached_property
    def facets(self) -> frozenset[Facet]:
        """What is special about the case."""
        return facets_of(self.case)

    @cached_property
    def padding(self) -> Padding | None:
        """The mode of the padding where the case has an answer, None where it must be refused."""
        has_answer = self.expectation.refusal is not Refusal.REQUIRED
        return padding_of(self.case) if has_answer else None

    @cached_property
    def right(self) -> Observation:
        """What a target that follows the formula returns. The case has an answer."""
        expected = self.expectation
        assert expected.values is not None
        return Observation(
            target=TARGET,
            case_id=self.case.id,
            outcome=Outcome.RETURNED,
            stage=Stage.REPLY,
            values=expected.values.astype(DTYPES[self.case.dtype]),
            gradients=tuple(part.values.astype(DTYPES[self.case.dtype]) for part in expected.gradients),
            inferred_shape=expected.inferred_shape,
            symbolic_shape=expected.symbolic_shape,
            weight_shapes=expected.weight_shapes,
        )

    def other_plan(self, rule: Rule) -> Plan | None:
        """The case's plan under a rule; None where it is Keras's or the case has no answer."""
        if self.padding is None:
            return None
        plan = plan_of(self.case, self.padding, rule)
        return None if plan == self._right_plan else plan

    def returned(self, values: Values, gradients: Sequence[Values] | None = None) -> Observation:
        """The right answer but for its values, and for its gradients where they are given."""
        dtype = DTYPES[self.case.dtype]
        with np.errstate(over="ignore"):
            return replace(
                self.right,
                values=values.astype(dtype),
                gradients=self.right.gradients if gradients is None else _as(gradients, self.case.dtype),
            )

    @cached_property
    def _right_plan(self) -> Plan:
        assert self.padding is not None
        return plan_of(self.case, self.padding, KERAS)

    @cached_property
    def _computed(self) -> dict[Plan, Observation]:
        return {}

    def computed(self, plan: Plan) -> Observation:
        """The answer of a target that computes after a plan; shapes said before the call stay right.

        Equal plans have one answer, the same object.
        """
        if plan not in self._computed:
            self._computed[plan] = self.returned(values_of(self.case, plan, self.signals))
        return self._computed[plan]

    def differentiated(self, plan: Plan) -> Observation | None:
        """The right output with the gradients of a plan; None in another mode, or of another length."""
        output = self.expectation.values
        if not self.case.mode.traits.differentiates or output is None:
            return None
        if shape_of(self.case, plan) != output.shape:
            return None
        return self.returned(output, gradients_of(self.case, plan, self.signals, cotangent(output.shape)))

    def said(self, *, inferred: Shape | None = None, symbolic: Shape | None = None) -> Observation:
        """The right output, after another shape was said before the call."""
        return replace(
            self.right,
            inferred_shape=inferred or self.right.inferred_shape,
            symbolic_shape=symbolic or self.right.symbolic_shape,
        )

    def refused(self, message: str) -> Observation:
        """An exception in place of an answer."""
        return Observation(
            target=TARGET,
            case_id=self.case.id,
            outcome=Outcome.RAISED,
            stage=Stage.CALL,
            error=ObservedError("ValueError", message),
        )

    def accepted(self) -> Observation:
        """An array where an exception is due."""
        values = np.ones(self.case.shape_of(max(self.case.batch, 1), (1,) * self.case.ndim, 1))
        return Observation(
            target=TARGET,
            case_id=self.case.id,
            outcome=Outcome.RETURNED,
            stage=Stage.REPLY,
            values=values.astype(DTYPES[self.case.dtype]),
        )


def _as(arrays: Sequence[Values], dtype: str) -> tuple[Values, ...]:
    return tuple(array.astype(DTYPES[dtype]) for array in arrays)
