"""Results of calls by hand: the words that scripts print, and what the harness concludes itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScriptWord(StrEnum):
    """The word that a script prints for a case, followed by where it differs and the text of an error."""

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
    """What no script prints: that its process crashed, and what the calls of several modes show together."""

    CRASHED = "crashed"
    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """The result of a case: a word, where it differs, the text of an error.

    `before` says what Keras claimed wrongly before a call that raised.
    """

    word: ScriptWord | Conclusion
    where: str = ""
    error: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class NotCalled:
    """The reason why there is no result of a call by hand."""

    why: str
