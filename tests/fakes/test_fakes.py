"""Each fake is caught as itself, and nothing else is marked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from harness import encoding
from harness.data.case_data import make_case_data
from harness.records import Case, Divergence, Finding, Outcome, Stage, Verdict
from harness.runner import batches, wire
from harness.runner.timeouts import Timeouts
from tests.fakes.fake_worker import (
    CHANGING,
    CONDUCTS,
    FAULTS,
    GREETINGS,
    LATE_ANSWER,
    READINGS,
    REPLIES,
    RIGHT,
    Reading,
)
from tests.fakes.runs import run_fake, suite

from . import fake_worker

IMPATIENT = Timeouts(case_s=1.0, start_s=20.0, patience=2.0)
SEGFAULT = "SIGSEGV"


@dataclass(frozen=True)
class Judgement:
    """What must be found where the fault shows; `cause` None: coincidences may fit."""

    verdict: Verdict
    divergence: Divergence | None
    silent: bool
    cause: str | None = ""


def silent(divergence: Divergence, cause: str | None = "") -> Judgement:
    return Judgement(Verdict.DIVERGES, divergence, silent=True, cause=cause)


def loud(divergence: Divergence, cause: str | None = "") -> Judgement:
    return Judgement(Verdict.DIVERGES, divergence, silent=False, cause=cause)


INCONCLUSIVE = Judgement(Verdict.INCONCLUSIVE, None, silent=False)

WRONG_ANSWERS = {
    "all-padding-before": silent(Divergence.VALUE, "all-padding-before"),
    "odd-cell-before": silent(Divergence.VALUE, "odd-cell-before"),
    "flipped-kernel": silent(Divergence.VALUE, "kernel-flipped"),
    "swapped-strides": silent(Divergence.SHAPE, "strides-swapped"),
    "dilation-ignored-in-padding": silent(Divergence.SHAPE, "dilation-ignored-in-padding"),
    "same-taken-for-valid": silent(Divergence.SHAPE, "same-means-valid"),
    "bias-missing": silent(Divergence.VALUE, "bias-omitted"),
    "groups-interleaved": silent(Divergence.VALUE, "groups-interleaved"),
    "first-entry-only": silent(Divergence.VALUE, "first-batch-entry-only"),
    "accepts-unknown-padding": silent(Divergence.MISSING_ERROR),
    "float64-back": silent(Divergence.DTYPE),
    "last-window-dropped": silent(Divergence.SHAPE, None),
    "inferred-shape-off": silent(Divergence.INFERRED_SHAPE, None),
    "parameters-miscounted": silent(Divergence.PARAMETERS),
    "another-kernel": silent(Divergence.WEIGHTS),
    "nan": silent(Divergence.NONFINITE),
    "never-twice-alike": silent(Divergence.VALUE, None),
    "raises-always": loud(Divergence.UNEXPECTED_ERROR, None),
    "refuses-namelessly": loud(Divergence.UNEXPECTED_ERROR, "does not name padding"),
    "unsupported": Judgement(Verdict.UNSUPPORTED, None, silent=False),
}
"""Faults that leave the worker alive; they show wherever the reply is another than the right one."""


@dataclass(frozen=True)
class Loss:
    """How a worker is lost over a case."""

    outcome: Outcome
    stage: Stage
    error: str
    judgement: Judgement
    workers: int = 2


CRASH = loud(Divergence.CRASH)
SILENCE = "no answer within 1 s, nor within 2 s when asked again alone"

LOSSES = {
    "segfaults": Loss(Outcome.CRASHED, Stage.CALL, SEGFAULT, CRASH),
    "segfaults-in-build": Loss(Outcome.CRASHED, Stage.BUILD, SEGFAULT, CRASH),
    "segfaults-in-infer": Loss(Outcome.CRASHED, Stage.INFER, SEGFAULT, CRASH),
    "segfaults-in-reply": Loss(Outcome.CRASHED, Stage.REPLY, SEGFAULT, CRASH),
    "segfaults-with-child": Loss(Outcome.CRASHED, Stage.CALL, SEGFAULT, CRASH),
    "segfaults-unannounced": Loss(Outcome.CRASHED, Stage.START, SEGFAULT, CRASH, workers=3),
    "leaves": Loss(Outcome.CRASHED, Stage.CALL, "exit code 0", CRASH),
    "hangs": Loss(Outcome.TIMED_OUT, Stage.CALL, SILENCE, INCONCLUSIVE, workers=3),
    "hangs-with-child": Loss(Outcome.TIMED_OUT, Stage.CALL, SILENCE, INCONCLUSIVE, workers=3),
    "hangs-unannounced": Loss(Outcome.TIMED_OUT, Stage.START, SILENCE, INCONCLUSIVE, workers=4),
    "floods": Loss(Outcome.TIMED_OUT, Stage.CALL, SILENCE, INCONCLUSIVE, workers=3),
    "chatters": Loss(
        Outcome.GARBLED,
        Stage.CALL,
        "it wrote 'I0000 some framework says hello', which is no message (JSON is malformed: invalid"
        " character (byte 0)); only messages go to standard output, all else to standard error",
        INCONCLUSIVE,
    ),
    "ends-early": Loss(
        Outcome.GARBLED, Stage.CALL, "it ended the batch without an answer to the case", INCONCLUSIVE
    ),
    "ends-early-unannounced": Loss(
        Outcome.GARBLED,
        Stage.START,
        "it ended the batch without an answer to the case",
        INCONCLUSIVE,
        workers=3,
    ),
    "wrong-sequence-number": Loss(
        Outcome.GARBLED,
        Stage.REPLY,
        "it answered with a `seq` that it was not asked or has answered",
        INCONCLUSIVE,
    ),
    "answers-twice": Loss(Outcome.GARBLED, Stage.REPLY, "it answered the case twice", INCONCLUSIVE),
    "calls-it-timed-out": Loss(
        Outcome.GARBLED,
        Stage.CALL,
        "it answered 'timed-out'; a worker answers raised, returned, unsupported",
        INCONCLUSIVE,
    ),
    "wrong-sized-output": Loss(
        Outcome.GARBLED,
        Stage.REPLY,
        "it sent an array of shape (7, 7) and float32 in 336 bytes",
        INCONCLUSIVE,
    ),
    "unknown-dtype": Loss(
        Outcome.GARBLED,
        Stage.REPLY,
        f"it sent an array of dtype 'complex64'; it may be {', '.join(sorted(encoding.DTYPES))}",
        INCONCLUSIVE,
    ),
    "not-base64": Loss(
        Outcome.GARBLED,
        Stage.REPLY,
        "it sent an array that is not base64: Only base64 data is allowed",
        INCONCLUSIVE,
    ),
}
"""Faults that cost the worker, told to show at one case only."""

FAILURES = {
    "old-protocol": "could not start: the worker speaks protocol 0, the harness 1; update the worker",
    "no-hello": "could not start: no hello came within 1 s; a worker's first line says hello,"
    " as in harness/worker/README.md",
    "leaves-before-hello": "could not start: the worker ended before its hello: exit code 1;"
    " its log ends: no licence found",
    "chatters-before-hello": "could not start: instead of a hello it wrote 'I0000 some framework says"
    " hello', which is no message (JSON is malformed: invalid character (byte 0)); only messages go to"
    " standard output, all else to standard error; a worker's first line says hello, as in"
    " harness/worker/README.md",
    "cannot-import-keras": "could not start: ModuleNotFoundError: No module named 'keras'",
}
"""Faults that keep the target from starting, and what is said of them."""

OTHERS = {
    RIGHT,
    LATE_ANSWER,
    "waits",
    "waits-with-child",
    "greets-twice",
    "reads-no-more",
    "greets-once",
    *CHANGING,
}


def test_every_fault_has_a_test() -> None:
    assert WRONG_ANSWERS.keys() | LOSSES.keys() | FAILURES.keys() | OTHERS == set(FAULTS)
    assert len(FAULTS) == len(READINGS) + len(REPLIES) + len(CONDUCTS) + len(GREETINGS) + len(CHANGING) + 2


def replies(fault: str, case: Case) -> list[dict[str, Any]]:
    """What the fake says of a case, computed here."""
    (message,) = json.loads(wire.encode_batch(0, {0: (case, make_case_data(case))}))["cases"]
    reply = fake_worker.right_reply(message, READINGS.get(fault, Reading()))
    return REPLIES[fault](reply) if fault in REPLIES else [reply]


def judgement_of(finding: Finding, cause: str | None) -> Judgement:
    return Judgement(finding.verdict, finding.divergence, finding.is_silent, cause)


def test_the_right_fake_conforms_everywhere(tmp_path: Path) -> None:
    done = run_fake(tmp_path, RIGHT)
    assert done.state == "complete"
    assert done.not_conforming() == set()
    assert done.workers == 1
    refused = {one.case.padding for one in done.findings if one.outcome is Outcome.RAISED}
    assert refused == {"bogus", "causal"}


@pytest.mark.parametrize("fault", WRONG_ANSWERS)
def test_a_wrong_answer_is_found_where_it_is_given_and_nowhere_else(fault: str, tmp_path: Path) -> None:
    expected = WRONG_ANSWERS[fault]
    done = run_fake(tmp_path, fault)
    touched = {case.id for case in suite() if replies(fault, case) != replies(RIGHT, case)}
    assert touched
    assert done.not_conforming() == touched
    found = [finding for finding in done.findings if finding.case.id in touched]
    assert {judgement_of(finding, expected.cause) for finding in found} == {expected}
    if expected.cause is not None:
        causes = reduce(set.intersection, (set(finding.cause.split(" or ")) for finding in found))
        assert causes == set(expected.cause.split(" or "))
    assert (done.state, done.workers) == ("complete", 1)


@pytest.mark.parametrize("fault", LOSSES)
def test_only_the_culprit_is_marked_and_a_fresh_worker_takes_the_rest(fault: str, tmp_path: Path) -> None:
    culprit = suite()[3]
    expected = LOSSES[fault]
    done = run_fake(tmp_path, fault, culprit, timeouts=IMPATIENT)
    assert done.not_conforming() == {culprit.id}
    finding = done.by_case[culprit.id]
    assert (finding.outcome, finding.stage, finding.error) == (
        expected.outcome,
        expected.stage,
        expected.error,
    )
    assert judgement_of(finding, finding.cause) == expected.judgement
    assert (done.state, done.workers) == ("complete", expected.workers)


@pytest.mark.parametrize("fault", FAILURES)
def test_a_target_that_does_not_start_is_given_up_with_its_reason(fault: str, tmp_path: Path) -> None:
    done = run_fake(tmp_path, fault, timeouts=Timeouts(start_s=1.0 if fault == "no-hello" else 20.0))
    assert done.failure == FAILURES[fault]
    assert (done.state, done.workers) == ("incomplete", 0)
    assert {(finding.outcome, finding.error) for finding in done.findings} == {
        (Outcome.NOT_RUN, FAILURES[fault])
    }


def test_a_second_hello_is_no_answer(tmp_path: Path) -> None:
    done = run_fake(tmp_path, "greets-twice")
    assert done.state == "incomplete"
    assert done.failure.startswith(
        "quarantined after 5 deaths of its worker, the last: it sent 'hello' in a batch, where stage, reply"
    )
    assert {finding.verdict for finding in done.findings} == {Verdict.INCONCLUSIVE}


def test_a_worker_that_reads_no_more_is_timed_out(tmp_path: Path) -> None:
    """More is sent than a pipe holds, so that the host would hang with it."""
    large = [replace(suite()[0], input=lengths) for lengths in ((120, 110), (110, 120))]
    done = run_fake(tmp_path, "reads-no-more", cases=large, timeouts=Timeouts(case_s=0.5))
    assert {finding.outcome for finding in done.findings} == {Outcome.TIMED_OUT}


def test_an_answer_after_the_end_is_never_taken_for_another_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH", 4)
    done = run_fake(tmp_path, LATE_ANSWER)
    assert done.workers > 1
    assert {finding.verdict for finding in done.findings} == {Verdict.CONFORMS, Verdict.INCONCLUSIVE}
