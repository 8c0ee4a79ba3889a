"""From what the formula expects and what a target did to a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.records.cases import Case
from harness.records.words import Array, Divergence, Outcome, Refusal, Shape, Stage, Standing, Verdict

Values: TypeAlias = npt.NDArray[np.float64]

INTEGER_TOLERANCE: Final = 0.25
"""How far a value may be from the right integer and still be it: algorithms that transform the data round."""


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedArray:
    """What the formula gives, in float64, and how far off an answer may be, cell by cell.

    Without a bound the values are integers that every order of summation gives exactly, and an answer within
    `INTEGER_TOLERANCE` is one of them. Where the bound is infinite, nothing is documented of the cell, and
    any value is right, NaN too.
    """

    values: Values
    bound: Values | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """The formula's answer to a case.

    `output` is None where the formula has no answer (the case must be refused). `gradients` are those
    of the input and then of each weight in Keras's order, in mode `gradient` only. `inferred_shape` is
    the output's shape as a layer must infer it before the call, `symbolic_shape` as a model must.
    `refusal_arguments` are words, one of which a required refusal has to name. `weight_shapes` are those
    that a layer must build, in Keras's order.
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
    """What a target did with a case, unjudged.

    `stage` is the last stage reached. `values` is set when the outcome is `returned`, `error` when it
    is `raised`, `reason` when the harness or the adapter has something to say (a crash's signal, why
    a case was not run). `gradients` are those of the input and then of each weight. `inferred_shape` is what
    the layer said of the output's shape before the call, `inference_error` what it raised instead of saying,
    `symbolic_shape` what a model said. `summary`
    is the text of `model.summary()` in mode `sequential`. `weight_shapes` are those that a layer built, in
    Keras's order and axes. What was said before the call is there whatever came of the call.
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
    """One judged (case, target): a row of `findings.csv`.

    `first_index` is where the first wrong value stands, in the axes of the output. `cause` names the
    wrong rule that explains the divergence, and is empty where none does. `refusal` is what the formula says
    of refusing the case.
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
        """Whether the target gave a wrong answer and no sign of it."""
        return self.divergence is not None and self.divergence.is_silent


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A finding with the two sides it was made from."""

    finding: Finding
    expectation: Expectation
    observation: Observation
