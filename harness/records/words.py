"""The closed enums of cases, outcomes, refusals and verdicts, and the types of shapes and arrays."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Shape: TypeAlias = tuple[int | None, ...]
"""A shape; None for a length that is unknown until the call."""

Array: TypeAlias = npt.NDArray[np.generic]


class ArgumentStyle(StrEnum):
    """How a user writes the arguments.

    Lengths as tuples, as lists, or as one integer for all axes; with `defaults`, every argument that equals
    Keras's default is omitted and the others are tuples.
    """

    TUPLE = "tuple"
    LIST = "list"
    INT = "int"
    DEFAULTS = "defaults"


class DataKind(StrEnum):
    """What inputs and weights hold: small integers, whose sums are exact, or real numbers.

    Two kinds are for pooling only: `ties`, few values and zeros of both signs, so that windows have several
    maximal cells; `nonfinite`, infinities and NaN among numbers.
    """

    EXACT = "exact"
    REAL = "real"
    TIES = "ties"
    NONFINITE = "nonfinite"

    @property
    def is_pooling_only(self) -> bool:
        """Whether the data exist for pooling only, and not for its gradients."""
        return self in {DataKind.TIES, DataKind.NONFINITE}


class DataFormat(StrEnum):
    """The position of the channel axis, in Keras's words."""

    CHANNELS_LAST = "channels_last"
    CHANNELS_FIRST = "channels_first"


class Stage(StrEnum):
    """The steps of an observation, in order; the last one reached locates an error or a crash."""

    START = "start"
    BUILD = "build"
    INFER = "infer"
    CALL = "call"
    REPLY = "reply"


class Outcome(StrEnum):
    """What a target did with a case, before it is judged."""

    RETURNED = "returned"
    RAISED = "raised"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed-out"
    CRASHED = "crashed"
    GARBLED = "garbled"
    NOT_RUN = "not-run"


class Refusal(StrEnum):
    """Whether the formula requires, allows or forbids refusing a case with an exception."""

    REQUIRED = "required"
    ALLOWED = "allowed"
    WRONG = "wrong"


class Verdict(StrEnum):
    """The judgement of one (case, target)."""

    CONFORMS = "conforms"
    DIVERGES = "diverges"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"


class Divergence(StrEnum):
    """How a target differs from the formula."""

    SHAPE = "shape"
    INFERRED_SHAPE = "inferred-shape"
    PARAMETERS = "parameters"
    DTYPE = "dtype"
    VALUE = "value"
    NONFINITE = "nonfinite"
    GRADIENT = "gradient"
    UNEXPECTED_ERROR = "unexpected-error"
    MISSING_ERROR = "missing-error"
    CRASH = "crash"
    WEIGHTS = "weights"
    INCONSISTENT = "inconsistent"

    @property
    def is_silent(self) -> bool:
        """Whether a user gets a wrong answer without any sign of it.

        Each of several inconsistent answers is allowed by the formula, so none is wrong.
        """
        return self not in {Divergence.UNEXPECTED_ERROR, Divergence.CRASH, Divergence.INCONSISTENT}


class Standing(StrEnum):
    """Whether a finding is a divergence and, if the case was run again, whether it was reproduced."""

    AGREED = "agreed"
    NEW = "new"
    UNSTABLE = "unstable"
