"""Canaries: before verdicts count, the comparison must pass the right rule and catch every wrong one."""

from __future__ import annotations

from collections.abc import Iterable

from harness.data.case_data import make_case_data
from harness.judge.compare import judge_observation
from harness.oracle import KERAS, WRONG_RULES, expect
from harness.oracle.rules import Rule
from harness.records import Case, Observation, Outcome, Refusal, Stage, Verdict

CANARY_TARGET = "canary"


def find_failing_canaries(cases: Iterable[Case]) -> tuple[str, ...]:
    """Return the failures of the comparison on the cases: wrong rules not caught, right answers rejected."""
    uncaught = set(WRONG_RULES)
    failures: list[str] = []
    for case in cases:
        if expect(case, make_case_data(case)).refusal is Refusal.REQUIRED:
            continue
        if _judge_rule(case, KERAS) is not Verdict.CONFORMS:
            failures.append(f"the formula's own answer to {case.id} does not pass")
        uncaught -= {name for name in uncaught if _judge_rule(case, WRONG_RULES[name]) is Verdict.DIVERGES}
    return (*failures, *(f"the wrong rule {name} is never caught" for name in sorted(uncaught)))


def _judge_rule(case: Case, rule: Rule) -> Verdict:
    """Return the verdict on a target that follows `rule`."""
    case_data = make_case_data(case)
    expectation = expect(case, case_data)
    values = expect(case, case_data, rule).values
    assert values is not None
    observation = Observation(
        target=CANARY_TARGET,
        case_id=case.id,
        outcome=Outcome.RETURNED,
        stage=Stage.REPLY,
        values=values.astype(case.dtype),
        gradients=tuple(part.values.astype(case.dtype) for part in expectation.gradients),
        inferred_shape=expectation.inferred_shape,
    )
    return judge_observation(case, expectation, observation, (), with_cause=False).verdict
