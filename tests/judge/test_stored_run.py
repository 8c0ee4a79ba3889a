from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.data.case_data import CASE_DATA_VERSION
from harness.errors import HarnessError
from harness.judge import stored_run
from harness.judge.documented_limits import DocumentedLimit
from harness.judge.stored_run import judge_run
from harness.oracle import expect
from harness.records import (
    Case,
    CaseData,
    Divergence,
    Expectation,
    Judgement,
    Observation,
    ObservedError,
    Outcome,
    RunFooter,
    RunHeader,
    RunInfo,
    Stage,
    TargetRun,
    Verdict,
)
from harness.store import SCHEMA, ObservationLog, create_run, read_info, write_info
from tests.judge.made import MUST_BE_REFUSED, PLAIN, answer, returned

VALID = replace(PLAIN, padding="valid")
CASES = (PLAIN, VALID, MUST_BE_REFUSED)
ONE, TWO = "keras0.0-one", "keras0.0-two"
WRONG = replace(returned(PLAIN, answer(PLAIN) * np.float32(2)), target=TWO)  # type: ignore[operator]
REFUSED = Observation(
    TWO, MUST_BE_REFUSED.id, Outcome.RAISED, Stage.BUILD, error=ObservedError("ValueError", "padding?")
)


def part(name: str, failure: str, backend: str = "made") -> TargetRun:
    return TargetRun(
        name=name,
        api="keras",
        version="0.0",
        backend=backend,
        family="made",
        variant="",
        lineage="made",
        python="3.11",
        requires=(),
        overlay=(),
        fingerprint={"backend": backend},
        observed=1,
        not_run=1,
        failure=failure,
        seconds=1.0,
        start_seconds=0.5,
        workers=1,
    )


def stored(
    directory: Path, observations: Sequence[Observation], targets: tuple[TargetRun, ...] | None = ()
) -> RunInfo:
    """Store a run of two targets; without `targets` it has no footer."""
    header = RunHeader(
        schema=SCHEMA,
        harness="0.1.0",
        signals=CASE_DATA_VERSION,
        suites=("made",),
        targets=(TWO, ONE),
        cases=len(CASES),
        planned=2 * len(CASES),
        started="2026-01-02T03:04:05Z",
    )
    create_run(directory, header, (case.id for case in CASES))
    with ObservationLog(directory) as log:
        for observation in observations:
            log.append(observation)
    if targets is not None:
        footer = RunFooter("incomplete", len(observations), 1, "2026-01-02T03:04:06Z", 1.0, targets)
        write_info(directory, RunInfo(header, footer))
    return read_info(directory)


def by_name(items: Sequence[Judgement]) -> dict[tuple[str, str], Judgement]:
    return {(item.finding.target, item.finding.case.id): item for item in items}


def test_every_planned_case_is_judged_for_every_target_in_order(tmp_path: Path) -> None:
    items = list(judge_run(tmp_path, stored(tmp_path, [WRONG, REFUSED]), ()))
    ids = sorted(case.id for case in CASES)
    assert [(item.finding.target, item.finding.case.id) for item in items] == [
        (target, case_id) for target in (ONE, TWO) for case_id in ids
    ]


def test_observations_find_their_cases(tmp_path: Path) -> None:
    found = by_name(list(judge_run(tmp_path, stored(tmp_path, [REFUSED, WRONG]), ())))
    assert found[TWO, PLAIN.id].finding.divergence is Divergence.VALUE
    assert found[TWO, MUST_BE_REFUSED.id].finding.verdict is Verdict.CONFORMS
    values = found[TWO, PLAIN.id].observation.values
    assert values is not None
    assert np.array_equal(values, 2 * answer(PLAIN))
    expectation = found[TWO, PLAIN.id].expectation
    assert expectation.values is not None
    assert np.array_equal(expectation.values, answer(PLAIN))


def test_what_was_not_observed_is_not_run_for_the_reason_of_its_target(tmp_path: Path) -> None:
    targets = (part(ONE, "no wheel for this Python"), part(TWO, ""))
    found = by_name(list(judge_run(tmp_path, stored(tmp_path, [WRONG], targets), ())))
    missing = found[ONE, PLAIN.id]
    assert missing.finding.verdict is Verdict.INCONCLUSIVE
    assert missing.observation.outcome is Outcome.NOT_RUN
    assert missing.observation.stage is Stage.START
    assert missing.finding.error == "no wheel for this Python"
    assert found[TWO, VALID.id].finding.error == "the run ended early"
    assert found[TWO, PLAIN.id].finding.outcome is Outcome.RETURNED


def test_a_run_without_a_footer_ended_early(tmp_path: Path) -> None:
    items = list(judge_run(tmp_path, stored(tmp_path, [], None), ()))
    assert {item.finding.error for item in items} == {"the run ended early"}
    assert {item.finding.outcome for item in items} == {Outcome.NOT_RUN}


def test_limits_count_for_their_backend_only(tmp_path: Path) -> None:
    limit = DocumentedLimit(
        backend="two", error="out of luck", reason="documented", link="https://example.org"
    )
    errors = [
        Observation(target, VALID.id, Outcome.RAISED, Stage.CALL, error=ObservedError("E", "out of luck"))
        for target in (ONE, TWO)
    ]
    info = stored(tmp_path, errors, (part(ONE, "", "one"), part(TWO, "", "two")))
    found = by_name(list(judge_run(tmp_path, info, (limit,))))
    assert found[ONE, VALID.id].finding.divergence is Divergence.UNEXPECTED_ERROR
    assert found[TWO, VALID.id].finding.verdict is Verdict.UNSUPPORTED


def test_judging_twice_gives_the_same_findings(tmp_path: Path) -> None:
    info = stored(tmp_path, [WRONG, REFUSED])
    once, again = (list(judge_run(tmp_path, info, ())) for _ in range(2))
    assert [item.finding for item in once] == [item.finding for item in again]


def test_a_run_with_other_signals_is_refused_with_a_remedy(tmp_path: Path) -> None:
    info = stored(tmp_path, [WRONG])
    other = replace(info, header=replace(info.header, signals=CASE_DATA_VERSION + 1))
    with pytest.raises(HarnessError, match="judge it with the version that made it, or run again") as raised:
        next(judge_run(tmp_path, other, ()))
    assert str(raised.value).startswith(
        f"{tmp_path}: observed with signals {CASE_DATA_VERSION + 1}, this version makes {CASE_DATA_VERSION};"
    )


def test_the_expectation_of_a_case_is_computed_once_for_all_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(case: Case, data: CaseData) -> Expectation:
        asked.append(case.id)
        return expect(case, data)

    monkeypatch.setattr(stored_run, "expect", counted)
    info = stored(tmp_path / "run", [WRONG, REFUSED])
    assert len(list(judge_run(tmp_path / "run", info, ()))) == 2 * len(CASES)
    assert sorted(asked) == sorted(case.id for case in CASES)


def test_targets_come_in_order_though_cases_are_judged_in_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_run, "_SHARE_SIZE", 1)
    monkeypatch.setattr(stored_run, "_IN_MEMORY", 1)
    info = stored(tmp_path / "run", [WRONG, REFUSED])
    found = [(one.finding.target, one.finding.case.id) for one in judge_run(tmp_path / "run", info, ())]
    assert found == [
        (target, case_id) for target in (ONE, TWO) for case_id in sorted(case.id for case in CASES)
    ]
