"""Sentences that several tables and pages of the history share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.history.changes import Change, ChangeKind
from harness.history.versions import Column

FOLDING_NOTE: Final = (
    "Neighbouring versions that have the same counts in every row stand in one column, headed by the first "
    "and the last of them; `history.csv` holds each."
)


SAME_DEFINITION: Final = (
    "For each target the harness tries a closed list of rules on every `same` case that the target answered "
    "with an array, and names the rule that gives most of these arrays (explained/returned); where none "
    "gives more than Keras's, it is Keras's. Along an axis `n` is the input length, `s` the stride, `k` the "
    "kernel length, `e` the kernel length with its dilation."
)


CHANGES_DEFINITION: Final = (
    "A way of diverging is a kind of divergence with the wrong rule that explains it or, where none does, "
    "with the first words of its error. Where an answer fits several rules, the one is named that explains "
    "most of the family's cases. In the order of the columns, a way is bad from the first version in which a "
    "case diverges so to the last before a version in which those cases were observed and none does; if it "
    "comes again, that is a row of its own. A version that was not observed neither starts nor ends a row. "
    "A divergence is silent where the answer is wrong and nothing says so, loud where there is an error or a "
    "crash; a case that goes from one to the other between two versions is a change too."
)


def describe_start(change: Change) -> str:
    """Return in which version a change begins, and what was observed before it."""
    if change.before is None:
        return f"{change.first_bad.head} (the first observed)"
    word = "diverged otherwise in" if change.kind is not ChangeKind.DIVERGES else "not in"
    return f"{change.first_bad.head} ({word} {change.before.head})"


def describe_end(change: Change, columns: Sequence[Column]) -> str:
    """Return in which version a divergence is gone, and what its cases do there; empty for a switch.

    `columns` are those of the family.
    """
    if change.kind is not ChangeKind.DIVERGES:
        return ""
    if change.first_good is None:
        is_newest = change.last_bad.target == columns[-1].target
        return "still in the newest" if is_newest else "still in the newest observed"
    if not change.num_otherwise:
        return change.first_good.head
    return f"{change.first_good.head} ({change.num_otherwise} of {change.cases_last} diverge otherwise there)"
