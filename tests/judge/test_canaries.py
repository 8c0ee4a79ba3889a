from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.judge import canaries, compare, differences
from harness.judge.canaries import find_failing_canaries
from harness.oracle import WRONG_RULES
from harness.records import Finding, Verdict
from tests.judge.made import EMPTY, MAY_BE_REFUSED, MUST_BE_REFUSED, PLAIN, smoke


def test_the_canaries_of_smoke_pass() -> None:
    assert find_failing_canaries(smoke()) == ()


def test_cases_that_cannot_tell_a_rule_leave_it_uncaught() -> None:
    failures = find_failing_canaries([PLAIN])
    assert "the wrong rule groups-interleaved is never caught" in failures
    assert "the wrong rule odd-cell-before is never caught" not in failures


def test_without_cases_no_rule_is_caught() -> None:
    assert len(find_failing_canaries([MUST_BE_REFUSED])) == len(WRONG_RULES)


def test_a_comparison_that_passes_everything_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "INTEGER_TOLERANCE", float("inf"))
    failures = find_failing_canaries([PLAIN, EMPTY])
    assert "the wrong rule odd-cell-before is never caught" in failures
    assert "the wrong rule kernel-flipped is never caught" in failures


def test_a_comparison_that_passes_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = compare.judge_observation

    def never(*arguments: Any, **options: Any) -> Finding:
        return replace(real(*arguments, **options), verdict=Verdict.DIVERGES)

    monkeypatch.setattr(canaries, "judge_observation", never)
    failures = find_failing_canaries([PLAIN, MAY_BE_REFUSED])
    assert f"the formula's own answer to {PLAIN.id} does not pass" in failures
    assert f"the formula's own answer to {MAY_BE_REFUSED.id} does not pass" in failures
