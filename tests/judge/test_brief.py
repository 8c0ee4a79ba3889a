from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.judge.brief import make_brief_judge
from harness.judge.documented_limits import DocumentedLimit
from harness.records import Observation, ObservedError, Outcome, Stage
from tests.judge.made import PLAIN, TARGET, answer, returned

WRONG = returned(PLAIN, np.zeros_like(answer(PLAIN)))
RAISED = Observation(
    TARGET,
    PLAIN.id,
    Outcome.RAISED,
    Stage.CALL,
    error=ObservedError("NotImplementedError", "not on this one"),
)


def test_a_wrong_answer_diverges_and_a_right_one_does_not() -> None:
    diverges = make_brief_judge(())
    assert diverges(WRONG, {})
    assert not diverges(returned(PLAIN, answer(PLAIN)), {})


def test_what_the_backend_documents_is_no_divergence() -> None:
    limit = DocumentedLimit(
        reason="documented", link="https://example.org", backend="made", error="not on this one"
    )
    diverges = make_brief_judge((limit,))
    assert diverges(replace(RAISED, target="elsewhere"), {"backend": "another"})
    assert not diverges(RAISED, {"backend": "made"})
