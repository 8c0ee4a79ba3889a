"""Answers that conform one by one and disagree, of made-up runs and of a fake worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.data.case_data import CASE_DATA_VERSION, make_case_data
from harness.history.changes import Changes
from harness.judge.consistency import MODES_DISAGREE, TARGETS_DISAGREE
from harness.judge.documented_limits import DocumentedLimit
from harness.judge.stored_run import judge_run
from harness.oracle import expect
from harness.records import (
    Case,
    DataKind,
    Divergence,
    Finding,
    Layer,
    Mode,
    Observation,
    ObservedError,
    Outcome,
    RunFooter,
    RunHeader,
    RunInfo,
    Stage,
    Verdict,
    derive_arguments,
)
from harness.store import SCHEMA, ObservationLog, create_run, read_info, write_info
from tests.fakes.runs import run_fake
from tests.judge.made import EMPTY, PLAIN
from tests.judge.test_stored_run import part

ONE, TWO, THREE = "keras0.0-one", "keras0.0-three", "keras0.0-two"
EMPTIES = tuple(replace(EMPTY, mode=mode) for mode in (Mode.EAGER, Mode.COMPILED, Mode.JIT))
POOLS = tuple(
    derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, data=DataKind.NONFINITE, batch=4, mode=mode))
    for mode in (Mode.EAGER, Mode.COMPILED)
)


def returned(case: Case, target: str = ONE, undocumented: float = np.nan) -> Observation:
    """Observe the formula's answer, with a number in each undocumented cell."""
    expectation = expect(case, make_case_data(case))
    assert expectation.output is not None
    values = expectation.output.values.copy()
    if expectation.output.bound is not None:
        values[np.isinf(expectation.output.bound)] = undocumented
    return Observation(
        target=target,
        case_id=case.id,
        outcome=Outcome.RETURNED,
        stage=Stage.REPLY,
        values=values.astype(case.dtype),
        inferred_shape=expectation.inferred_shape,
        symbolic_shape=expectation.symbolic_shape,
    )


def raised(case: Case, text: str = "too small", target: str = ONE) -> Observation:
    return Observation(target, case.id, Outcome.RAISED, Stage.CALL, error=ObservedError("ValueError", text))


def info_of(directory: Path, cases: Sequence[Case], observations: Sequence[Observation]) -> RunInfo:
    targets = tuple(dict.fromkeys(one.target for one in observations))
    header = RunHeader(
        schema=SCHEMA,
        harness="0.1.0",
        signals=CASE_DATA_VERSION,
        suites=("made",),
        targets=targets,
        cases=len(cases),
        planned=len(targets) * len(cases),
        started="2026-01-02T03:04:05Z",
    )
    create_run(directory, header, (case.id for case in cases))
    with ObservationLog(directory) as log:
        for observation in observations:
            log.append(observation)
    footer = RunFooter(
        "complete",
        len(observations),
        0,
        "2026-01-02T03:04:06Z",
        1.0,
        tuple(part(name, "") for name in targets),
    )
    write_info(directory, RunInfo(header, footer))
    return read_info(directory)


def findings(
    directory: Path,
    observations: Sequence[Observation],
    cases: Sequence[Case],
    limits: Sequence[DocumentedLimit] = (),
) -> list[Finding]:
    info = info_of(directory, cases, observations)
    found = [one.finding for one in judge_run(directory, info, limits)]
    assert len(found) == info.header.planned
    return found


def inconsistent(found: Sequence[Finding]) -> list[tuple[str, Mode]]:
    return [(one.target, one.case.mode) for one in found if one.divergence is Divergence.INCONSISTENT]


def test_modes_of_which_some_refuse_and_some_compute_are_one_finding_that_names_them(tmp_path: Path) -> None:
    eager, compiled, jit = EMPTIES
    found = findings(tmp_path, [returned(eager), raised(compiled), raised(jit)], EMPTIES)
    (odd,) = [one for one in found if one.verdict is Verdict.DIVERGES]
    assert (odd.divergence, odd.cause, odd.case) == (Divergence.INCONSISTENT, MODES_DISAGREE, compiled)
    assert odd.error == "an answer in eager; an error in compiled, jit · ValueError: too small"
    assert not odd.is_silent


@pytest.mark.parametrize(
    "others",
    [
        [raised(one) for one in EMPTIES],
        [returned(one) for one in EMPTIES],
        # Other divergences are reported by themselves; what is not observed or unsupported is no answer.
        [returned(EMPTIES[0]), replace(returned(EMPTIES[1]), values=np.ones((2, 5, 6, 3), "float32"))],
        [returned(EMPTIES[0]), replace(raised(EMPTIES[1]), outcome=Outcome.UNSUPPORTED, error=None)],
        [returned(EMPTIES[0]), replace(raised(EMPTIES[1]), outcome=Outcome.CRASHED, error=None)],
    ],
    ids=["all refuse", "all compute", "another diverges", "another is unsupported", "another dies"],
)
def test_modes_that_do_not_contradict_each_other_are_consistent(
    others: Sequence[Observation], tmp_path: Path
) -> None:
    assert inconsistent(findings(tmp_path, others, EMPTIES)) == []


def test_what_must_be_computed_or_refused_is_never_inconsistent(tmp_path: Path) -> None:
    must = [replace(PLAIN, mode=mode) for mode in (Mode.EAGER, Mode.COMPILED)]
    bogus = [replace(case, padding="bogus") for case in must]
    found = findings(
        tmp_path,
        [returned(must[0]), raised(must[1]), raised(bogus[0], "padding"), returned_ones(bogus[1])],
        [*must, *bogus],
    )
    assert inconsistent(found) == []
    assert {one.divergence for one in found} == {None, Divergence.UNEXPECTED_ERROR, Divergence.MISSING_ERROR}


def returned_ones(case: Case) -> Observation:
    return Observation(ONE, case.id, Outcome.RETURNED, Stage.REPLY, values=np.ones((1,), "float32"))


def test_an_error_that_the_backend_documents_is_no_party(tmp_path: Path) -> None:
    observations = [returned(EMPTIES[0]), raised(EMPTIES[1], "no kernel")]
    limit = DocumentedLimit(
        backend="made", error="no kernel", reason="documented", link="https://example.org"
    )
    assert inconsistent(findings(tmp_path / "with", observations, EMPTIES, (limit,))) == []
    assert inconsistent(findings(tmp_path / "without", observations, EMPTIES)) == [(ONE, Mode.COMPILED)]


def test_modes_disagree_on_cells_of_which_nothing_is_documented(tmp_path: Path) -> None:
    eager, compiled = POOLS
    (odd,) = [
        one
        for one in findings(tmp_path, [returned(eager), returned(compiled, undocumented=3.0)], POOLS)
        if one.verdict is Verdict.DIVERGES
    ]
    assert (odd.divergence, odd.cause, odd.case) == (Divergence.INCONSISTENT, MODES_DISAGREE, compiled)
    assert "of which nothing is documented: nan in eager; 3.0 in compiled" in odd.error


def test_zeros_of_both_signs_are_one_number(tmp_path: Path) -> None:
    eager, compiled = POOLS
    found = findings(
        tmp_path, [returned(eager, undocumented=0.0), returned(compiled, undocumented=-0.0)], POOLS
    )
    assert inconsistent(found) == []


def test_a_mode_whose_other_cells_are_wrong_is_a_party_and_keeps_its_own_divergence(tmp_path: Path) -> None:
    eager, compiled = POOLS
    wrong = returned(eager, undocumented=3.0)
    assert wrong.values is not None
    right = wrong.values.astype(np.float32)
    lowest = np.where(np.isneginf(right), np.finfo("float32").min, right)
    found = findings(tmp_path, [replace(wrong, values=lowest), returned(compiled)], POOLS)
    assert {one.case.mode: one.divergence for one in found} == {
        Mode.EAGER: Divergence.NONFINITE,
        Mode.COMPILED: Divergence.INCONSISTENT,
    }


def test_targets_disagree_on_cells_of_which_nothing_is_documented(tmp_path: Path) -> None:
    eager = POOLS[0]
    observations = [returned(eager, ONE), returned(eager, TWO, 3.0), returned(eager, THREE)]
    found = findings(tmp_path, observations, [eager])
    (odd,) = [one for one in found if one.verdict is Verdict.DIVERGES]
    assert (odd.divergence, odd.cause, odd.target) == (Divergence.INCONSISTENT, TARGETS_DISAGREE, TWO)
    assert f"nan in {ONE}, {THREE}; 3.0 in {TWO}" in odd.error


def test_of_targets_that_disagree_one_that_is_wrong_besides_keeps_its_divergence(tmp_path: Path) -> None:
    eager = POOLS[0]
    wrong = returned(eager, TWO, 3.0)
    assert wrong.values is not None
    right = wrong.values.astype(np.float32)
    wrong = replace(wrong, values=np.where(np.isneginf(right), np.float32(0), right))
    found = findings(tmp_path, [returned(eager, ONE), wrong, returned(eager, THREE)], [eager])
    (odd,) = [one for one in found if one.verdict is Verdict.DIVERGES]
    assert (odd.divergence, odd.target) == (Divergence.NONFINITE, TWO)
    assert f"nan in {ONE}, {THREE}; 3.0 in {TWO}" in odd.error


def test_that_targets_disagree_is_no_change_of_a_version(tmp_path: Path) -> None:
    eager = POOLS[0]
    info = info_of(tmp_path, [eager], [returned(eager, ONE), returned(eager, TWO, 3.0)])
    changes = Changes(())
    for one in judge_run(tmp_path, info, ()):
        changes.add(one)
    assert not any(changes._diverging.values())


def test_the_modes_of_a_fake_worker_that_refuses_in_one_are_told(tmp_path: Path) -> None:
    cases = [replace(EMPTY, mode=mode) for mode in (Mode.EAGER, Mode.SEQUENTIAL)]
    done = run_fake(tmp_path, "raises-always", cases[1], cases=cases)
    assert {case.mode: done.by_case[case.id].divergence for case in cases} == {
        Mode.EAGER: None,
        Mode.SEQUENTIAL: Divergence.INCONSISTENT,
    }
    told = done.by_case[cases[1].id].error
    assert told == "an answer in eager; an error in sequential · RuntimeError: out of order"
