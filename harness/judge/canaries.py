"""Canaries: the comparison must pass the right rule and catch every wrong one before verdicts count."""

from __future__ import annotations

from collections.abc import Iterable

from harness.data.case_data import signals_of
from harness.judge.compare import judge
from harness.oracle import KERAS, WRONG_RULES, expect
from harness.oracle.rules import Rule
from harness.records import Case, Observation, Outcome, Refusal, Stage, Verdict

PRETENDED = "canary"


def failing_canaries(cases: Iterable[Case]) -> tuple[str, ...]:
    """What the comparison gets wrong over the cases: wrong rules never caught, right answers not passed."""
    uncaught = set(WRONG_RULES)
    failures: list[str] = []
    for case in cases:
        if expect(case, signals_of(case)).refusal is Refusal.REQUIRED:
            continue
        if _verdict(case, KERAS) is not Verdict.CONFORMS:
            failures.append(f"the formula's own answer to {case.id} does not pass")
        uncaught -= {name for name in uncaught if _verdict(case, WRONG_RULES[name]) is Verdict.DIVERGES}
    return (*failures, *(f"the wrong rule {name} is never caught" for name in sorted(uncaught)))


def _verdict(case: Case, rule: Rule) -> Verdict:
    """The verdict on a target that follows `rule`."""
    signals = signals_of(case)
    expectation = expect(case, signals)
    values = expect(case, signals, rule).values
    assert values is not None
    observation = Observation(
        target=PRETENDED,
        case_id=case.id,
        outcome=Outcome.RETURNED,
        stage=Stage.REPLY,
        values=values.astype(case.dtype),
        gradients=tuple(part.values.astype(case.dtype) for part in expectation.gradients),
        inferred_shape=expectation.inferred_shape,
    )
    return judge(case, expectation, observation, (), with_cause=False).verdict
