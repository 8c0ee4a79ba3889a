"""Whether observations diverge, decided during a run: without a cause and without a second look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from harness.data.case_data import make_case_data
from harness.judge.compare import judge_observation
from harness.judge.documented_limits import DocumentedLimit, select_limits
from harness.oracle import expect
from harness.records import Case, Expectation, Fingerprint, Observation, Verdict, parse_case_id

_KEPT: Final = 1024
"""The number of expectations cached for other targets that run the same cases."""


def make_brief_judge(limits: Sequence[DocumentedLimit]) -> Callable[[Observation, Fingerprint], bool]:
    """Make a function that returns whether an observation diverges, given its target's fingerprint.

    `limits` are all documented limits.
    """
    limits_of_target: dict[str, tuple[DocumentedLimit, ...]] = {}

    def diverges(observation: Observation, fingerprint: Fingerprint) -> bool:
        target = observation.target
        if target not in limits_of_target:
            limits_of_target[target] = select_limits(limits, fingerprint)
        case, expectation = _expect(observation.case_id)
        return (
            judge_observation(
                case, expectation, observation, limits_of_target[target], with_cause=False
            ).verdict
            is Verdict.DIVERGES
        )

    return diverges


@lru_cache(maxsize=_KEPT)
def _expect(case_id: str) -> tuple[Case, Expectation]:
    case = parse_case_id(case_id)
    return case, expect(case, make_case_data(case))
