"""The limits after which a case or a target is given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The limits of a run; times in seconds.

    A target is quarantined after `max_deaths_in_a_row` deaths with no answer between, or when
    deaths exceed `max_deaths` and a tenth of its cases.

    A case that is asked again alone may take `patience` times `case_s`; after `max_silent_again` of them
    without an answer, no further one is asked again.
    """

    case_s: float = 60.0
    start_s: float = 300.0
    max_deaths_in_a_row: int = 5
    max_deaths: int = 60
    patience: float = 5.0
    max_silent_again: int = 3

    @property
    def again_s(self) -> float:
        """The limit of a case that is asked again alone."""
        return self.case_s * self.patience


DEFAULT_TIMEOUTS: Final = Timeouts()
