"""From what the formula expects and what a target did to a finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.records.cases import Case
from harness.records.words import Array, Divergence, Outcome, Refusal, Shape, Stage, Standing, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """The formula's answer to a case.

    `values` is float64 and None where the formula has no answer (the case must be refused).
    `inferred_shape` is the shape as known before the call: the batch is None in a model.
    `refusal_arguments` are words, one of which a required refusal has to name.
    """

    refusal: Refusal
    refusal_reason: str
    refusal_arguments: tuple[str, ...]
    shape: tuple[int, ...] | None
    inferred_shape: Shape | None
    num_parameters: int | None
    dtype: str
    values: npt.NDArray[np.float64] | None


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
    a case was not run). `summary` is the text of `model.summary()` in mode `sequential`.
    """

    target: str
    case_id: str
    outcome: Outcome
    stage: Stage
    seconds: float = 0.0
    values: Array | None = None
    inferred_shape: Shape | None = None
    summary: str | None = None
    error: ObservedError | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged (case, target): a row of `findings.csv`.

    `first_index` is where the first wrong value stands, in the axes of the output. `cause` names the
    wrong rule that explains the divergence, and is empty where none does.
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

    @property
    def is_silent(self) -> bool:
        """Whether the target gave a wrong answer and no sign of it."""
        return self.divergence is not None and self.divergence.is_silent


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A finding with the two sides it was made from."""

    finding: Finding
    expectation: Expectation
    observation: Observation
