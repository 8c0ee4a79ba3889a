"""The second look: what is asked, of which workers, and what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import store
from harness.judge.second_look import RecheckCandidate, select_for_recheck
from harness.judge.stored_run import judge_run
from harness.records import Case, Observation, Outcome, RunInfo, Standing, Target, Verdict
from harness.runner.second_look import ChosenCases, ask_again
from tests.fakes.runs import Silent, make_plan, run_targets, suite, target
from tests.runner.test_run import BRIEF, CULPRIT, InterruptedAfter, make_environ


class Listening(Silent):
    """A listener that records what it receives."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def note_failed(self, _: str, reason: str) -> None:
        self.failures.append(reason)


def look_again(
    directory: Path,
    one: Target,
    info: RunInfo,
    chosen: Mapping[str, ChosenCases],
    progress: Silent | None = None,
) -> RunInfo:
    plan = make_plan(directory, [one], suite(), BRIEF, environ=make_environ(directory))
    return ask_again(plan, info, chosen, progress or Silent())


def find_candidates(directory: Path, info: RunInfo) -> list[RecheckCandidate]:
    noted: list[RecheckCandidate] = []
    for _ in judge_run(directory / "run", info, (), noted.append):
        pass
    return noted


def read_second_looks(directory: Path, one: Target) -> list[Observation]:
    ids = [case.id for case in suite()]
    lines = store.index_lines(directory / "run", one.name, store.Look.SECOND).read(ids)
    return [
        store.decode_observation(directory / "run", one.name, line, store.Look.SECOND)
        for line in lines
        if line is not None
    ]


def choose_all(one: Target, cases: Sequence[Case]) -> Mapping[str, ChosenCases]:
    return {one.name: ChosenCases(tuple(cases), ())}


def test_an_interrupt_is_kept_and_the_look_goes_on_where_it_ended(tmp_path: Path) -> None:
    one = target("nan")
    done = run_targets(tmp_path, [one], suite(), BRIEF, environ=make_environ(tmp_path))
    chosen = select_for_recheck(find_candidates(tmp_path, done.info), {one.name: one.lineage})
    assert len(chosen[one.name]) > 1
    cut = look_again(tmp_path, one, done.info, chosen, InterruptedAfter(1))
    assert cut.footer is not None
    assert (cut.footer.state, cut) == ("interrupted", store.read_info(tmp_path / "run"))
    resumed = run_targets(tmp_path, [one], suite(), BRIEF, environ=make_environ(tmp_path), resume=True)
    left = select_for_recheck(find_candidates(tmp_path, resumed.info), {one.name: one.lineage})
    assert (resumed.state, len(left[one.name])) == ("complete", len(chosen[one.name]) - 1)
    look_again(tmp_path, one, resumed.info, left)
    assert select_for_recheck(find_candidates(tmp_path, resumed.info), {one.name: one.lineage}) == {}
    assert len(read_second_looks(tmp_path, one)) == len(chosen[one.name])


def test_many_crashes_that_come_again_are_no_reason_to_give_the_target_up(tmp_path: Path) -> None:
    one = target("segfaults", *suite()[1::2])
    done = run_targets(tmp_path, [one], suite(), BRIEF, environ=make_environ(tmp_path))
    deadly = tuple(suite()[1::2])
    assert len(deadly) > BRIEF.max_deaths_in_a_row
    progress = Listening()
    look_again(tmp_path, one, done.info, {one.name: ChosenCases((suite()[0],), deadly)}, progress)
    assert [look.outcome for look in read_second_looks(tmp_path, one)].count(Outcome.CRASHED) == len(deadly)
    assert progress.failures == []


def test_a_slow_case_has_its_time_in_the_second_look_too(tmp_path: Path) -> None:
    one = target("hangs-once", CULPRIT)
    done = run_targets(tmp_path, [one], suite()[:3], BRIEF, environ=make_environ(tmp_path))
    look_again(tmp_path, one, done.info, choose_all(one, [CULPRIT]))
    assert [look.outcome for look in read_second_looks(tmp_path, one)] == [Outcome.RETURNED]


def test_where_no_fresh_worker_starts_it_is_said_and_the_first_look_counts(tmp_path: Path) -> None:
    one = target("greets-once")
    done = run_targets(tmp_path, [one], suite(), BRIEF, environ=make_environ(tmp_path))
    assert done.state == "complete"
    progress = Listening()
    info = look_again(tmp_path, one, done.info, choose_all(one, suite()[:2]), progress)
    (said,) = progress.failures
    assert said.startswith(
        "not all of it was asked again: could not start: the worker ended before its hello"
    )
    found = [item.finding for item in judge_run(tmp_path / "run", info, ())]
    assert {finding.standing for finding in found} == {Standing.AGREED}
    assert {finding.verdict for finding in found} == {Verdict.CONFORMS}
