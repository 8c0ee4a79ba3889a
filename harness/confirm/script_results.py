"""What a call by hand shows: the words that scripts print, and what the harness concludes itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScriptWord(StrEnum):
    """What a script prints of a case, beside where and an error's text."""

    SAME = "same"
    SHAPE = "shape"
    DTYPE = "dtype"
    NONFINITE = "nonfinite"
    VALUE = "value"
    GRADIENT = "gradient"
    INFERRED_SHAPE = "inferred-shape"
    WEIGHTS = "weights"
    PARAMETERS = "parameters"
    RETURNED = "returned"
    RAISED = "raised"


class Conclusion(StrEnum):
    """What no script prints: how its process ended, and what calls of several modes show together."""

    CRASHED = "crashed"
    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What a script showed of a case: a word, where it differs, an error's text.

    `before` says what Keras claimed wrongly before the call, where there was an error.
    """

    word: ScriptWord | Conclusion
    where: str = ""
    error: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class NotCalled:
    """There is no result of a call by hand, and why."""

    why: str
