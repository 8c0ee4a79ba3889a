"""Which divergences hold when the call by hand shows what the worker's call showed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.confirm.confirmations import Confirmation, ConfirmationResult, compare_modes, select_modes
from harness.confirm.script_results import Conclusion, NotCalled, ScriptResult, ScriptWord
from harness.judge.consistency import MODES_DISAGREE, TARGETS_DISAGREE
from harness.records import DataKind, Divergence, Finding, Mode, Outcome, Stage, Verdict
from tests.report.judged import SAME as CASE

HOLDS, DOES_NOT = ConfirmationResult.HOLDS, ConfirmationResult.DOES_NOT_HOLD


@pytest.mark.parametrize(
    ("divergence", "word", "result"),
    [
        (Divergence.VALUE, ScriptWord.VALUE, HOLDS),
        (Divergence.VALUE, ScriptWord.NONFINITE, HOLDS),
        (Divergence.VALUE, ScriptWord.SAME, DOES_NOT),
        (Divergence.VALUE, ScriptWord.WEIGHTS, DOES_NOT),
        (Divergence.SHAPE, ScriptWord.VALUE, DOES_NOT),
        (Divergence.SHAPE, ScriptWord.SHAPE, HOLDS),
        (Divergence.UNEXPECTED_ERROR, ScriptWord.SAME, DOES_NOT),
        (Divergence.MISSING_ERROR, ScriptWord.RETURNED, HOLDS),
        (Divergence.MISSING_ERROR, ScriptWord.RAISED, DOES_NOT),
        (Divergence.CRASH, Conclusion.CRASHED, HOLDS),
        (Divergence.DTYPE, ScriptWord.DTYPE, HOLDS),
        (Divergence.WEIGHTS, ScriptWord.WEIGHTS, HOLDS),
        (Divergence.WEIGHTS, ScriptWord.VALUE, DOES_NOT),
    ],
)
def test_a_divergence_holds_when_the_call_by_hand_shows_the_same(
    divergence: Divergence, word: ScriptWord | Conclusion, result: ConfirmationResult
) -> None:
    finding = Finding("x", CASE, Outcome.RETURNED, Stage.REPLY, Verdict.DIVERGES, divergence)
    assert Confirmation(finding, ScriptResult(word)).result is result
    assert Confirmation(finding, NotCalled("no way")).result is ConfirmationResult.NOT_CALLED


def test_what_was_claimed_before_an_error_holds_too() -> None:
    before = "inferred-shape: (2, 3, 5, 3), the formula says (2, 2, 5, 3)"
    by_hand = ScriptResult(ScriptWord.RAISED, "ValueError", "there is no kernel", before)
    for divergence, result in ((Divergence.INFERRED_SHAPE, HOLDS), (Divergence.SHAPE, DOES_NOT)):
        finding = Finding("x", CASE, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, divergence)
        assert Confirmation(finding, by_hand).result is result


WRAPPED = "InvalidArgumentError: Exception encountered when calling Conv2D.call().\n\n\x1b[1m{}\x1b[0m"


@pytest.mark.parametrize(
    ("observed", "where", "error", "result"),
    [
        ("ValueError: Dimension -1 must be >= 0", "ValueError", "Dimension 7 must be >= 0", HOLDS),
        ("ValueError: Dimension -1 must be >= 0", "TypeError", "Dimension -1 must be >= 0", DOES_NOT),
        (
            "ValueError: Dimension -1 must be >= 0",
            "ValueError",
            "('Keyword argument not understood:', 'groups')",
            DOES_NOT,
        ),
        (WRAPPED.format("no such kernel"), "InvalidArgumentError", "no such kernel", HOLDS),
        (
            WRAPPED.format("no such kernel"),
            "InvalidArgumentError",
            "Exception encountered when calling Conv2D.call(). it is too large",
            DOES_NOT,
        ),
        (
            'TypeError: Exception encountered when calling layer "conv2d_1" (type Conv2D).\n\nno such kernel',
            "TypeError",
            "no such kernel",
            HOLDS,
        ),
        ("TypeError: {{node a/b}} no such kernel", "TypeError", "{{node c}} no such kernel", HOLDS),
        ("TypeError: {{node a/b}} no such kernel", "TypeError", "{{node a/b}} it is too large", DOES_NOT),
    ],
)
def test_an_error_holds_when_it_is_the_same_error(
    observed: str, where: str, error: str, result: ConfirmationResult
) -> None:
    finding = Finding(
        *("x", CASE, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.UNEXPECTED_ERROR),
        error=observed,
    )
    assert Confirmation(finding, ScriptResult(ScriptWord.RAISED, where, error)).result is result


EMPTY = replace(CASE, padding="valid", input=(1, 1), kernel=(2, 2))
MODES = tuple(replace(EMPTY, mode=mode).id for mode in (Mode.COMPILED, Mode.EAGER, Mode.JIT))


def test_a_case_that_may_be_refused_is_called_in_every_mode_that_the_run_has() -> None:
    others = (CASE.id, replace(EMPTY, batch=1).id)
    finding = Finding(
        *("x", EMPTY, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.INCONSISTENT),
        cause=MODES_DISAGREE,
    )
    assert select_modes(finding, sorted((*MODES, *others))) == MODES
    assert select_modes(replace(finding, cause=TARGETS_DISAGREE), MODES) == ()
    assert select_modes(replace(finding, case=replace(EMPTY, data=DataKind.NONFINITE)), MODES) == ()


@pytest.mark.parametrize(
    ("results", "result"),
    [
        (
            (ScriptResult(ScriptWord.RAISED), ScriptResult(ScriptWord.SAME), ScriptResult(ScriptWord.RAISED)),
            HOLDS,
        ),
        (
            (
                ScriptResult(ScriptWord.RAISED),
                ScriptResult(ScriptWord.RAISED),
                ScriptResult(ScriptWord.RAISED),
            ),
            DOES_NOT,
        ),
        (
            (ScriptResult(ScriptWord.SAME), ScriptResult(ScriptWord.SAME), ScriptResult(ScriptWord.SHAPE)),
            DOES_NOT,
        ),
        ((ScriptResult(ScriptWord.SAME), ScriptResult(ScriptWord.SAME), NotCalled("no way")), DOES_NOT),
        (
            (ScriptResult(ScriptWord.RAISED), NotCalled("no way"), NotCalled("no way")),
            ConfirmationResult.NOT_CALLED,
        ),
    ],
)
def test_modes_are_inconsistent_where_some_raise_and_some_return(
    results: tuple[ScriptResult | NotCalled, ...], result: ConfirmationResult
) -> None:
    finding = Finding(
        *("x", EMPTY, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.INCONSISTENT),
    )
    together = compare_modes(dict(zip(MODES, results, strict=True)))
    assert Confirmation(finding, together).result is result
    if result is HOLDS:
        assert together == ScriptResult(Conclusion.INCONSISTENT, "raised in compiled, jit; same in eager")


def test_what_is_held_against_other_targets_is_not_called() -> None:
    assert isinstance(compare_modes({}), NotCalled)
