"""Whether observations diverge, said while a run goes on: without a cause and without a second look."""

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
"""Expectations that are kept for other targets that are asked the same cases."""


def make_brief_judge(limits: Sequence[DocumentedLimit]) -> Callable[[Observation, Fingerprint], bool]:
    """Make a function that says whether an observation diverges, given the fingerprint of its target.

    `limits` are all that are documented.
    """
    known: dict[str, tuple[DocumentedLimit, ...]] = {}

    def diverges(observation: Observation, fingerprint: Fingerprint) -> bool:
        own = known.get(observation.target)
        if own is None:
            own = known[observation.target] = select_limits(limits, fingerprint)
        case, expectation = _expect(observation.case_id)
        return (
            judge_observation(case, expectation, observation, own, with_cause=False).verdict
            is Verdict.DIVERGES
        )

    return diverges


@lru_cache(maxsize=_KEPT)
def _expect(case_id: str) -> tuple[Case, Expectation]:
    case = parse_case_id(case_id)
    return case, expect(case, make_case_data(case))
