"""What a run keeps, whatever its workers do."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness import store
from harness.errors import HarnessError
from harness.records import Case, Observation, Outcome, Target, Verdict
from harness.runner.batches import make_batches
from harness.runner.timeouts import Timeouts
from tests.fakes.fake_worker import RIGHT
from tests.fakes.runs import Done, Silent, run_fake, run_targets, selector, suite, target
from tests.runner.watching import find_logged_processes, is_running, run_arguments, run_harness, wait_until

CULPRIT = suite()[3]
BRIEF = Timeouts(case_s=0.5, start_s=20.0, patience=2.0)


def make_environ(home: Path) -> dict[str, str]:
    """Return the environment of a user whose home is `home`, where fakes store what they have met."""
    return {"HOME": str(home), "PATH": ""}


class InterruptedAfter(Silent):
    """A user who presses Ctrl-C after a number of observations."""

    def __init__(self, number: int) -> None:
        self._left = number

    def note_observed(self, _: Observation) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


class InterruptedWhenSlow(Silent):
    """A user who presses Ctrl-C when slow cases are to be asked again."""

    def note_started(self, *_: object) -> None:
        pass

    def note_slow(self, *_: object, **__: object) -> None:
        raise KeyboardInterrupt


def find_observations_file(directory: Path) -> Path:
    (file,) = (directory / "run" / "observations").iterdir()
    return file


def read_answers(done: Done) -> list[tuple[str, Outcome, Verdict]]:
    return [(one.case.id, one.outcome, one.verdict) for one in done.findings]


@pytest.mark.parametrize(("fault", "times_asked"), [("hangs-with-child", 2), ("segfaults-with-child", 1)])
def test_a_lost_worker_takes_its_children_with_it(fault: str, times_asked: int, tmp_path: Path) -> None:
    run_fake(tmp_path, fault, CULPRIT, timeouts=BRIEF)
    children = find_logged_processes(tmp_path / "run")
    assert len(children) == times_asked
    wait_until(lambda: not any(map(is_running, children)))


def test_a_worker_that_leaves_in_peace_leaves_no_child(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    done = run_targets(
        tmp_path, [target("waits-with-child", CULPRIT)], suite(), environ=make_environ(tmp_path)
    )
    assert done.not_conforming() == set()
    waiting = find_logged_processes(tmp_path / "run")
    assert len(waiting) == 2
    wait_until(lambda: not any(map(is_running, waiting)))


def test_a_slow_case_is_asked_again_alone_and_its_answer_counts(tmp_path: Path) -> None:
    done = run_targets(
        tmp_path, [target("hangs-once", CULPRIT)], suite(), BRIEF, environ=make_environ(tmp_path)
    )
    assert done.not_conforming() == set()
    assert done.outcomes()[Outcome.TIMED_OUT] == 0
    assert (done.state, done.workers) == ("complete", 3)


def test_a_slow_case_that_crashes_when_asked_again_has_crashed(tmp_path: Path) -> None:
    fault = "hangs-then-segfaults"
    done = run_targets(tmp_path, [target(fault, CULPRIT)], suite(), BRIEF, environ=make_environ(tmp_path))
    assert done.not_conforming() == {CULPRIT.id}
    assert (done.by_case[CULPRIT.id].outcome, done.state) == (Outcome.CRASHED, "complete")


def test_no_more_slow_cases_are_asked_again_once_some_did_not_answer_either(tmp_path: Path) -> None:
    culprits = suite()[1:10:2]
    done = run_fake(tmp_path, "hangs", *culprits, timeouts=replace(BRIEF, max_silent_again=2))
    assert done.not_conforming() == {case.id for case in culprits}
    silent = [one for one in done.findings if one.outcome is Outcome.TIMED_OUT]
    assert Counter((one.verdict, one.error) for one in silent) == {
        (Verdict.INCONCLUSIVE, "no answer within 0.5 s, nor within 1 s when asked again alone"): 2,
        (
            Verdict.INCONCLUSIVE,
            "no answer within 0.5 s; not asked again, since 2 others did not answer then either",
        ): 3,
    }
    assert (done.state, done.workers) == ("complete", 1 + 5 + 2)


def test_a_target_on_which_everything_hangs_is_given_up_soon(tmp_path: Path) -> None:
    done = run_fake(tmp_path, "hangs", timeouts=BRIEF)
    assert done.outcomes() == {Outcome.TIMED_OUT: 5, Outcome.NOT_RUN: len(suite()) - 5}
    assert {one.error for one in done.findings if one.outcome is Outcome.TIMED_OUT} == {
        "no answer within 0.5 s; not asked again, since the target was given up"
    }
    assert (done.state, done.workers) == ("incomplete", 5)


def test_a_slow_case_that_was_not_asked_again_is_asked_when_the_run_is_resumed(tmp_path: Path) -> None:
    targets = [target("hangs-once", CULPRIT)]
    slow = InterruptedWhenSlow()
    cut = run_targets(tmp_path, targets, suite(), BRIEF, environ=make_environ(tmp_path), listener=slow)
    assert (cut.state, cut.outcomes()[Outcome.NOT_RUN]) == ("interrupted", 1)
    resumed = run_targets(tmp_path, targets, suite(), BRIEF, environ=make_environ(tmp_path), resume=True)
    assert (resumed.state, resumed.not_conforming()) == ("complete", set())


def test_deaths_in_a_row_quarantine_the_target_and_the_rest_is_not_run(tmp_path: Path) -> None:
    done = run_fake(tmp_path, "segfaults")
    assert done.outcomes() == {Outcome.CRASHED: 5, Outcome.NOT_RUN: len(suite()) - 5}
    assert (done.state, done.workers) == ("incomplete", 5)
    assert done.failure == "quarantined after 5 deaths of its worker, the last: SIGSEGV"
    left = [finding for finding in done.findings if finding.outcome is Outcome.NOT_RUN]
    assert {(finding.verdict, finding.error) for finding in left} == {(Verdict.INCONCLUSIVE, done.failure)}


def test_many_deaths_quarantine_the_target_even_with_answers_between(tmp_path: Path) -> None:
    lenient = Timeouts(case_s=20.0, max_deaths_in_a_row=99, max_deaths=3)
    done = run_fake(tmp_path, "segfaults", timeouts=lenient)
    assert done.outcomes() == {Outcome.CRASHED: 4, Outcome.NOT_RUN: len(suite()) - 4}


def test_a_death_or_two_do_not_quarantine(tmp_path: Path) -> None:
    one_too_few = Timeouts(case_s=20.0, max_deaths_in_a_row=99, max_deaths=len(suite()))
    done = run_fake(tmp_path, "segfaults", timeouts=one_too_few)
    assert done.outcomes() == {Outcome.CRASHED: len(suite())}
    assert done.state == "complete"


def test_answers_between_deaths_keep_a_target_in_the_run(tmp_path: Path) -> None:
    culprits = suite()[1::2]
    assert len(culprits) > Timeouts().max_deaths_in_a_row
    done = run_fake(tmp_path, "segfaults", *culprits)
    assert done.not_conforming() == {case.id for case in culprits}
    assert (done.state, done.workers) == ("complete", len(culprits) + 1)


@pytest.mark.parametrize(("culprits", "number_of_logs"), [((), 1), ((CULPRIT,), 2)])
def test_a_worker_stands_by_from_the_first_death_on(
    culprits: tuple[Case, ...], number_of_logs: int, tmp_path: Path
) -> None:
    done = run_fake(tmp_path, "segfaults" if culprits else RIGHT, *culprits)
    assert (done.state, done.workers) == ("complete", 1 + len(culprits))
    logs = sorted(log.stem for log in (tmp_path / "run" / "logs").iterdir())
    assert len(logs) == number_of_logs
    assert logs[1:] == [f"{log}-standby" for log in logs[:1] if culprits]


def test_a_failure_quotes_the_log_of_its_own_worker_only(tmp_path: Path) -> None:
    first = run_fake(tmp_path, "leaves-before-hello")
    again = run_targets(tmp_path, [target("leaves-before-hello")], suite(), resume=True)
    assert again.failure == first.failure
    (log,) = (tmp_path / "run" / "logs").iterdir()
    assert log.read_text() == "no licence found\n" * 2


def test_a_target_that_is_given_up_does_not_stop_the_others(tmp_path: Path) -> None:
    targets = [target("segfaults"), target("cannot-import-keras"), target(RIGHT)]
    done = run_targets(tmp_path, targets, suite(), jobs=2)
    conforming = Counter(one.target for one in done.findings if one.verdict is Verdict.CONFORMS)
    assert conforming == {targets[2].name: len(suite())}
    assert done.state == "incomplete"


def test_an_interrupt_leaves_a_readable_run_that_can_be_resumed(tmp_path: Path) -> None:
    whole = run_fake(tmp_path / "whole", RIGHT)
    again = tmp_path / "again"
    cut = run_targets(again, [target(RIGHT)], suite(), listener=InterruptedAfter(4))
    assert cut.state == "interrupted"
    assert cut.outcomes()[Outcome.NOT_RUN] == len(suite()) - 4
    assert not cut.info.is_complete
    resumed = run_targets(again, [target(RIGHT)], suite(), resume=True)
    assert resumed.state == "complete"
    assert read_answers(resumed) == read_answers(whole)
    assert resumed.info.header == cut.info.header
    assert resumed.workers == 2


def test_a_resumed_run_observes_nothing_twice(tmp_path: Path) -> None:
    run_fake(tmp_path, RIGHT)
    before = find_observations_file(tmp_path).read_bytes()
    resumed = run_targets(tmp_path, [target(RIGHT)], suite(), resume=True)
    assert find_observations_file(tmp_path).read_bytes() == before
    assert (resumed.state, resumed.workers) == ("complete", 1)
    assert resumed.info.footer is not None
    assert resumed.info.footer.targets[0].fingerprint == {"worker": "fake", "backend": "loops"}


def test_a_torn_last_line_costs_one_observation_which_resuming_makes_again(tmp_path: Path) -> None:
    whole = run_fake(tmp_path, RIGHT)
    file = find_observations_file(tmp_path)
    file.write_bytes(file.read_bytes()[:-10])
    assert len(store.read_observed_ids(tmp_path / "run", target(RIGHT).name)) == len(suite()) - 1
    resumed = run_targets(tmp_path, [target(RIGHT)], suite(), resume=True)
    assert read_answers(resumed) == read_answers(whole)
    assert file.read_bytes().count(b"\n") == len(suite())


def test_a_quarantined_target_is_tried_again_when_resumed(tmp_path: Path) -> None:
    run_fake(tmp_path, "segfaults")
    resumed = run_targets(tmp_path, [target("segfaults")], suite(), resume=True)
    assert resumed.outcomes()[Outcome.CRASHED] == 10


@pytest.mark.parametrize(
    ("targets", "cases"),
    [
        ([target("bias-missing")], suite()),
        ([target(RIGHT)], suite()[1:]),
        ([target(RIGHT), target("nan")], suite()),
    ],
    ids=["another target", "fewer cases", "a target more"],
)
def test_only_the_same_run_can_be_resumed(
    targets: list[Target], cases: tuple[Case, ...], tmp_path: Path
) -> None:
    run_fake(tmp_path, RIGHT)
    with pytest.raises(HarnessError, match="with other cases or targets than asked for now; choose another"):
        run_targets(tmp_path, targets, cases, resume=True)


def test_a_disk_that_fails_ends_the_run_with_a_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "observations"

    class Spoiler(Silent):
        """A listener that removes the observations' folder after the first one; root can write elsewhere."""

        def note_observed(self, _: Observation) -> None:
            if folder.is_dir():
                folder.rename(tmp_path / "elsewhere")
                folder.touch()

    with pytest.raises(HarnessError, match=r"observations.*: cannot be (read|written): Not a directory"):
        run_targets(tmp_path, [target(RIGHT), target("nan")], suite(), listener=Spoiler())
    assert not store.read_info(tmp_path / "run").is_complete


def test_the_same_fakes_write_the_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    fakes = [selector(RIGHT), selector("odd-cell-before"), selector("segfaults", CULPRIT)]
    for folder, jobs in (("one", 1), ("four", 4)):
        command, suites, *rest = run_arguments(folder, *fakes, jobs=jobs)
        done = run_harness(tmp_path, command, suites, "many", *rest)
        assert (done.returncode, done.stderr.count("Traceback")) == (1, 0), done.stderr
    for name in ("findings.csv", "divergences.csv", "conformance.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "four" / name).read_bytes()
    info = store.read_info(tmp_path / "four")
    assert info.footer is not None
    assert info.footer.targets[0].workers == 2


def test_batches_keep_the_cases_of_a_layer_together() -> None:
    many = suite("many")
    parts = list(make_batches(many))
    assert sorted(case.id for part in parts for case in part) == sorted(case.id for case in many)
    assert max(map(len, parts)) <= 64
    layers = [{replace(case, input=(1, 1), batch=1) for case in part} for part in parts]
    assert all(not one & other for one, other in itertools.pairwise(layers))


def test_layers_that_stand_together_in_a_grid_come_apart() -> None:
    layers = [replace(CULPRIT, filters=filters) for filters in range(1, 101)]
    dealt = [case.filters for part in make_batches(layers) for case in part]
    assert sorted(dealt) == list(range(1, 101))
    assert min(abs(one - other) for one, other in itertools.pairwise(dealt)) > 30
