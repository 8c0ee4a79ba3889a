"""Expectations, observations, and the findings made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.records.cases import Case
from harness.records.words import Array, Divergence, Outcome, Refusal, Shape, Stage, Standing, Verdict

Values: TypeAlias = npt.NDArray[np.float64]

INTEGER_TOLERANCE: Final = 0.25
"""How far a value may deviate from the right integer: algorithms that transform the data round."""


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedArray:
    """The formula's values in float64, and how far an answer may deviate from each.

    Without a bound the values are integers that are exact in any order of summation, and an answer within
    `INTEGER_TOLERANCE` of one equals it. Where the bound is infinite nothing is documented about the cell,
    and any value conforms, including NaN.
    """

    values: Values
    bound: Values | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """The formula's answer to a case.

    `output` is None where the case must be refused. `gradients` are those of the input, then of each weight
    in Keras's order; empty unless the mode differentiates. `inferred_shape` is the output shape that a layer
    must infer before the call, `symbolic_shape` the one that a model must have. A required refusal must name
    one of `refusal_arguments`. `weight_shapes` are the shapes that a layer must build, in Keras's order.
    """

    refusal: Refusal
    refusal_reason: str
    refusal_arguments: tuple[str, ...]
    shape: tuple[int, ...] | None
    inferred_shape: Shape | None
    symbolic_shape: Shape | None
    num_parameters: int | None
    dtype: str
    output: ExpectedArray | None
    gradients: tuple[ExpectedArray, ...] = ()
    weight_shapes: tuple[tuple[int, ...], ...] | None = None

    @property
    def values(self) -> Values | None:
        """The values of the output."""
        return None if self.output is None else self.output.values


@dataclass(frozen=True, slots=True)
class ObservedError:
    """An exception as the target reported it."""

    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What a target did with a case, before it is judged.

    `stage` is the last stage reached. `values` is set if the outcome is `returned`, `error` if it is
    `raised`, `reason` where the harness or the adapter adds an explanation (the signal of a crash, why a case
    was not run). `gradients` are those of the input, then of each weight. `inferred_shape` is the output
    shape that the layer inferred before the call, `inference_error` what it raised instead, `symbolic_shape`
    the output shape of a model. `summary` is the text of `model.summary()` in mode `sequential`.
    `weight_shapes` are the shapes that a layer built, in Keras's order and axes. What was observed before the
    call is set whatever the call did.
    """

    target: str
    case_id: str
    outcome: Outcome
    stage: Stage
    seconds: float = 0.0
    values: Array | None = None
    gradients: tuple[Array, ...] = ()
    inferred_shape: Shape | None = None
    symbolic_shape: Shape | None = None
    inference_error: ObservedError | None = None
    summary: str | None = None
    error: ObservedError | None = None
    reason: str = ""
    weight_shapes: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement of one (case, target): a row of `findings.csv`.

    `first_index` is the index of the first wrong value in the output. `cause` names the wrong rule that
    explains the divergence, and is empty where none does. `refusal` is whether the formula requires, allows
    or forbids refusing the case.
    """

    target: str
    case: Case
    outcome: Outcome
    stage: Stage
    verdict: Verdict
    divergence: Divergence | None = None
    expected_shape: Shape | None = None
    observed_shape: Shape | None = None
    inferred_shape: Shape | None = None
    max_abs_error: float | None = None
    first_index: tuple[int, ...] | None = None
    cause: str = ""
    standing: Standing = Standing.AGREED
    error: str = ""
    refusal: Refusal = Refusal.WRONG

    @property
    def is_silent(self) -> bool:
        """Whether the target gave a wrong answer without any sign of it."""
        return self.divergence is not None and self.divergence.is_silent


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A finding with the expectation and the observation that it was made from."""

    finding: Finding
    expectation: Expectation
    observation: Observation
