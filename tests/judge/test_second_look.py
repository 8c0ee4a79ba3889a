"""Which divergences are run again, and which are not reproduced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.judge.second_look import (
    FIRST_CRASH_RECHECKS,
    FIRST_RECHECKS,
    MORE_CRASH_RECHECKS,
    MORE_RECHECKS,
    DivergenceSignature,
    RecheckCandidate,
    digest_divergence,
    is_reproduced,
    select_for_recheck,
)
from harness.judge.stored_run import judge_run, update_candidates
from harness.records import (
    Array,
    Case,
    Divergence,
    LayerKind,
    Mode,
    Observation,
    ObservedError,
    Outcome,
    RunInfo,
    Stage,
    Standing,
    Verdict,
)
from harness.runner.second_look import ChosenCases
from harness.store import Look, ObservationLog, open_second_look
from tests.history.lines import judged_one
from tests.judge.made import MUST_BE_REFUSED, PLAIN, TARGET, answer, expected, returned
from tests.judge.test_stored_run import TWO, VALID, WRONG, by_name, stored

VALUE = DivergenceSignature(Divergence.VALUE, LayerKind.CONVOLUTION, Mode.EAGER, "")
CRASH = DivergenceSignature(Divergence.CRASH, LayerKind.CONVOLUTION, Mode.EAGER, "SIGSEGV")
SEVERAL = tuple(replace(PLAIN, input=(5, n)) for n in range(6, 6 + 2 * MORE_RECHECKS))


def doubts(
    signature: DivergenceSignature,
    number: int,
    came_again: Sequence[bool] = (),
    target: str = TARGET,
    what: str = "",
) -> list[RecheckCandidate]:
    """Make candidates; of the first ones it is known whether they were reproduced."""
    known = [*came_again, *[None] * (number - len(came_again))]
    return [
        RecheckCandidate(target, case.id, signature, what, one)
        for case, one in zip(SEVERAL, known, strict=False)
    ]


LINEAGES = {TARGET: "tensorflow", "older": "tensorflow", "other": "torch", TWO: "made"}


def asked(found: Sequence[RecheckCandidate]) -> Mapping[str, ChosenCases]:
    return select_for_recheck(found, LINEAGES)


def test_what_two_targets_of_a_lineage_show_is_not_asked_again() -> None:
    chosen = asked([*doubts(VALUE, 2), *doubts(CRASH, 1, target="older"), *doubts(VALUE, 2, target="older")])
    assert chosen == {}
    chosen = asked([*doubts(VALUE, 3), *doubts(VALUE, 1, target="older")])
    assert ids(chosen[TARGET].cases) == ids(SEVERAL[1:3])
    assert chosen.keys() == {TARGET}


@pytest.mark.parametrize(("target", "what"), [("other", ""), ("older", "another value")])
def test_what_a_target_of_another_lineage_shows_or_one_that_shows_something_else_is_no_second_look(
    target: str, what: str
) -> None:
    chosen = asked([*doubts(VALUE, 1), *doubts(VALUE, 1, target=target, what=what)])
    assert {name: len(own) for name, own in chosen.items()} == {TARGET: 1, target: 1}


def test_one_that_did_not_come_again_is_no_reason_to_ask_what_another_target_shows() -> None:
    chosen = asked([*doubts(VALUE, 5, [False]), *doubts(VALUE, 3, target="older")])
    assert ids(chosen[TARGET].cases) == ids(SEVERAL[3:5])


def ids(cases: Sequence[Case]) -> list[str]:
    return [case.id for case in cases]


def test_the_first_few_of_each_signature_are_asked_again_and_crashes_apart() -> None:
    other = replace(VALUE, mode=Mode.JIT)
    chosen = asked([*doubts(VALUE, 2 * FIRST_RECHECKS), *doubts(other, 1), *doubts(CRASH, 5)])
    assert ids(chosen[TARGET].cases) == [*ids(SEVERAL[:FIRST_RECHECKS]), SEVERAL[0].id]
    assert ids(chosen[TARGET].deadly_cases) == ids(SEVERAL[:FIRST_CRASH_RECHECKS])
    assert len(chosen[TARGET]) == FIRST_RECHECKS + 1 + FIRST_CRASH_RECHECKS


def test_what_was_asked_again_is_not_asked_a_third_time() -> None:
    chosen = asked(doubts(VALUE, 2 * FIRST_RECHECKS, [True]))
    assert ids(chosen[TARGET].cases) == ids(SEVERAL[1:FIRST_RECHECKS])
    assert asked(doubts(VALUE, 2 * FIRST_RECHECKS, [True] * FIRST_RECHECKS)) == {}


@pytest.mark.parametrize(("signature", "many"), [(VALUE, MORE_RECHECKS), (CRASH, MORE_CRASH_RECHECKS)])
def test_one_that_does_not_come_again_has_many_more_of_its_signature_asked(
    signature: DivergenceSignature, many: int
) -> None:
    group = [
        *doubts(signature, 2 * MORE_RECHECKS, [True, False]),
        *doubts(replace(signature, note="another"), 1, [True]),
    ]
    chosen = asked(group)[TARGET]
    assert ids((*chosen.cases, *chosen.deadly_cases)) == ids(SEVERAL[2:many])


WRONG_VALUES, OTHERS = (np.add(answer(PLAIN), np.float32(off)) for off in (1, 2))
CONFORMING = returned(PLAIN, answer(PLAIN))


def crashed(reason: str) -> Observation:
    return Observation(TARGET, PLAIN.id, Outcome.CRASHED, Stage.CALL, reason=reason)


def raising(kind: str) -> Observation:
    error = ObservedError(kind, "out of order")
    return Observation(TARGET, PLAIN.id, Outcome.RAISED, Stage.CALL, error=error)


def with_nan(payload: int) -> Array:
    values = answer(PLAIN).copy()
    values[0, 0, 0, 0] = np.uint32(0x7FC00000 + payload).view(np.float32)
    return values


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (returned(PLAIN, WRONG_VALUES), returned(PLAIN, WRONG_VALUES.copy()), True),
        (returned(PLAIN, WRONG_VALUES), returned(PLAIN, OTHERS), True),
        (returned(PLAIN, WRONG_VALUES), CONFORMING, False),
        (returned(PLAIN, with_nan(0)), returned(PLAIN, with_nan(0)), True),
        (returned(PLAIN, with_nan(0)), returned(PLAIN, with_nan(1)), True),
        (returned(PLAIN, with_nan(0)), returned(PLAIN, WRONG_VALUES), True),
        (returned(PLAIN, np.zeros((3,), "f4")), returned(PLAIN, np.ones((3,), "f4")), True),
        (returned(PLAIN, np.zeros((3,), "f4")), returned(PLAIN, np.zeros((4,), "f4")), False),
        (crashed("SIGSEGV"), crashed("SIGBUS"), True),
        (crashed("SIGSEGV"), CONFORMING, False),
        (crashed("SIGSEGV"), raising("ValueError"), False),
        (returned(PLAIN, np.zeros((3,), "f4")), returned(PLAIN, WRONG_VALUES), False),
        (raising("ValueError"), raising("TypeError"), True),
        (raising("ValueError"), replace(crashed("late"), outcome=Outcome.TIMED_OUT), False),
    ],
)
def test_the_kind_of_a_divergence_has_to_come_again_and_a_wrong_shape_itself(
    first: Observation, second: Observation, *, same: bool
) -> None:
    one, other = (judged_one(TARGET, PLAIN, lambda *_, look=look: look) for look in (first, second))
    assert one.finding.verdict is Verdict.DIVERGES
    assert is_reproduced(one.finding, other.finding) is same


def test_what_two_targets_show_is_the_same_where_wrong_values_are_the_same_bits() -> None:
    wrong, others = (
        judged_one(TARGET, PLAIN, lambda *_, v=v: returned(PLAIN, v)) for v in (WRONG_VALUES, OTHERS)
    )
    assert digest_divergence(wrong) == digest_divergence(
        judged_one(TARGET, PLAIN, lambda *_: returned(PLAIN, WRONG_VALUES.copy()))
    )
    assert digest_divergence(wrong) != digest_divergence(others)


def look_again(directory: Path, *observations: Observation) -> None:
    open_second_look(directory, [TWO])
    with ObservationLog(directory, Look.SECOND) as log:
        for one in observations:
            log.append(replace(one, target=TWO))


def test_what_does_not_come_again_is_unstable_and_says_what_each_look_showed(tmp_path: Path) -> None:
    info = stored(tmp_path, [WRONG])
    look_again(tmp_path, CONFORMING)
    one = by_name(list(judge_run(tmp_path, info, ())))[TWO, PLAIN.id]
    assert (one.finding.verdict, one.finding.standing) == (Verdict.DIVERGES, Standing.UNSTABLE)
    assert one.finding.error.startswith("at first value off by up to ")
    assert one.finding.error.endswith("; when asked again it conforms")
    assert one.finding.cause == ""
    assert one.observation.values is not None
    assert np.array_equal(one.observation.values, 2 * answer(PLAIN))


def test_what_comes_again_is_judged_as_it_was(tmp_path: Path) -> None:
    info = stored(tmp_path, [WRONG])
    before = [one.finding for one in judge_run(tmp_path, info, ())]
    look_again(tmp_path, WRONG)
    assert [one.finding for one in judge_run(tmp_path, info, ())] == before


def test_a_second_look_never_makes_a_divergence_of_what_conforms(tmp_path: Path) -> None:
    info = stored(tmp_path, [replace(CONFORMING, target=TWO)])
    look_again(tmp_path, WRONG)
    one = by_name(list(judge_run(tmp_path, info, ())))[TWO, PLAIN.id].finding
    assert (one.verdict, one.standing) == (Verdict.CONFORMS, Standing.AGREED)


def diverging(directory: Path, info: RunInfo) -> tuple[RecheckCandidate, ...]:
    noted: list[RecheckCandidate] = []
    findings = [one.finding for one in judge_run(directory, info, (), noted.append)]
    assert len(noted) == sum(finding.verdict is Verdict.DIVERGES for finding in findings)
    return tuple(noted)


def test_divergences_are_listed_with_their_signatures_and_what_became_of_them(tmp_path: Path) -> None:
    accepted = replace(returned(VALID, np.zeros(1, "f4")), case_id=MUST_BE_REFUSED.id, target=TWO)
    info = stored(tmp_path, [WRONG, accepted])
    found = diverging(tmp_path, info)
    refused = DivergenceSignature(
        Divergence.MISSING_ERROR, LayerKind.CONVOLUTION, Mode.EAGER, "must be refused: padding"
    )
    assert {one.case_id: (one.signature, one.is_reproduced) for one in found} == {
        PLAIN.id: (VALUE, None),
        MUST_BE_REFUSED.id: (refused, None),
    }
    chosen = asked(found)
    assert chosen.keys() == {TWO}
    look_again(tmp_path, CONFORMING, accepted)
    after = update_candidates(tmp_path, info, (), found, chosen)
    assert {one.case_id: one.is_reproduced for one in after} == {PLAIN.id: False, MUST_BE_REFUSED.id: True}
    assert [one.signature for one in after] == [one.signature for one in found]
    assert diverging(tmp_path, info) == after
    assert update_candidates(tmp_path, info, (), found, {TWO: ChosenCases((), ())}) == found


def test_the_padding_of_a_case_that_must_be_refused_is_what_its_signature_names() -> None:
    assert expected(MUST_BE_REFUSED).refusal_arguments[:1] == ("padding",)
