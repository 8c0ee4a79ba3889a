"""The closed words: what a case, an outcome, a verdict can be."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Shape: TypeAlias = tuple[int | None, ...]
"""A shape; `None` stands for an axis that is unknown until the call."""

Array: TypeAlias = npt.NDArray[np.generic]


class ArgumentStyle(StrEnum):
    """How a person writes the arguments.

    Lengths as tuples, as lists, or as one integer for all axes; with `defaults`, every argument that is
    Keras's default is left out and the others are tuples.
    """

    TUPLE = "tuple"
    LIST = "list"
    INT = "int"
    DEFAULTS = "defaults"


class DataKind(StrEnum):
    """What the inputs and weights are: small integers, whose sums are exact, or real numbers.

    Two are of pooling: `ties`, few values and zeros of both signs, so that several cells of a window are its
    largest; `nonfinite`, infinities and NaN among numbers.
    """

    EXACT = "exact"
    REAL = "real"
    TIES = "ties"
    NONFINITE = "nonfinite"

    @property
    def is_pooling_only(self) -> bool:
        """Whether there are such data for pooling only, and not for its gradients."""
        return self in {DataKind.TIES, DataKind.NONFINITE}


class DataFormat(StrEnum):
    """Where the channel axis stands, in Keras's words."""

    CHANNELS_LAST = "channels_last"
    CHANNELS_FIRST = "channels_first"


class Stage(StrEnum):
    """The step of an observation, in order; the last one reached gives an error or a crash its place."""

    START = "start"
    BUILD = "build"
    INFER = "infer"
    CALL = "call"
    REPLY = "reply"


class Outcome(StrEnum):
    """What a target did with a case, unjudged."""

    RETURNED = "returned"
    RAISED = "raised"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed-out"
    CRASHED = "crashed"
    GARBLED = "garbled"
    NOT_RUN = "not-run"


class Refusal(StrEnum):
    """What the formula says of refusing a case with an exception."""

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
        """Whether a user gets a wrong answer and no sign of it.

        Each of the answers that are inconsistent is one that the formula allows, and so none is wrong.
        """
        return self not in {Divergence.UNEXPECTED_ERROR, Divergence.CRASH, Divergence.INCONSISTENT}


class Standing(StrEnum):
    """Whether a finding is a divergence, and whether that came again when the case was asked once more."""

    AGREED = "agreed"
    NEW = "new"
    UNSTABLE = "unstable"
