"""The sentences that more than one report says: the headline, what is missing, a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, assert_never

from harness.records import RunInfo, TargetRun
from harness.report.tally import Tally
from harness.runner.by_hand import Answer, NotCalled
from harness.verdicts.changes import Change, ChangeKind
from harness.verdicts.confirm import Confirmation, Result
from harness.verdicts.versions import Column

FOLDED: Final = (
    "Neighbouring versions that have the same counts in every row stand in one column, headed by the first "
    "and the last of them; `history.csv` holds each."
)

MANY_DOUBTS: Final = 10
"""More lines than this are more than a terminal should say of what does not hold."""

KERAS_RULE: Final = "Keras's rule"

SAME_DEFINED: Final = (
    "For each target the harness tries a closed list of rules on every `same` case that the target answered "
    "with an array, and names the rule that gives most of these arrays (explained/returned); where none "
    "gives more than Keras's, it is Keras's. Along an axis `n` is the input length, `s` the stride, `k` the "
    "kernel length, `e` the kernel length with its dilation."
)

CHANGES_DEFINED: Final = (
    "A way of diverging is a kind of divergence with the wrong rule that explains it or, where none does, "
    "with the first words of its error. Where an answer fits several rules, the one is named that explains "
    "most of the family's cases. In the order of the columns, a way is bad from the first version in which a "
    "case diverges so to the last before a version in which those cases were observed and none does; if it "
    "comes again, that is a row of its own. A version that was not observed neither starts nor ends a row. "
    "A divergence is silent where the answer is wrong and nothing says so, loud where there is an error or a "
    "crash; a case that goes from one to the other between two versions is a change too."
)


def headline(tally: Tally) -> str:
    """The verdict of a run in words."""
    if tally.judged == 0:
        return "Nothing was judged"
    if tally.inconclusive == tally.judged:
        return "Nothing could be judged"
    if tally.has_computed_nothing:
        return f"N{nothing_computed(tally)[1:]}"
    buts = []
    if tally.unstable:
        buts.append(f"{count(tally.unstable, 'divergence')} did not come again")
    if tally.inconclusive:
        buts.append(f"{count(tally.inconclusive, 'finding')} could not be judged")
    if tally.diverging == 0 and buts:
        return f"Nothing diverges, but {' and '.join(buts)}"
    if tally.diverging == 0:
        return "Nothing diverges"
    parts = []
    if tally.silent:
        parts.append(count(tally.silent, "silent divergence"))
    if tally.loud:
        parts.append(count(tally.loud, "loud divergence"))
    unstable = f"; {count(tally.unstable, 'divergence')} did not come again" if tally.unstable else ""
    return " and ".join(parts) + unstable


def nothing_computed(tally: Tally) -> str:
    """That a run or a target computed nothing, and what it did instead."""
    parts = [
        f"{number:,} {word}"
        for number, word in ((tally.unsupported, "unsupported"), (tally.refused, "refused"))
        if number
    ]
    return f"nothing was computed of {count(tally.due, 'case')} that had to be: {', '.join(parts)}"


def count(number: int, noun: str) -> str:
    """A number with its noun, `1 case` and `1,536 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortfall(info: RunInfo, tally: Tally) -> tuple[str, ...]:
    """Why a run is not whole, a sentence each; empty for a complete run."""
    if info.is_complete and tally.judged == tally.planned:
        return ()
    footer = info.footer
    state = "has no footer: it was cut off" if footer is None else f"ended {footer.state}"
    sentences = [f"The run {state}."]
    if tally.judged != tally.planned:
        sentences.append(f"{tally.planned:,} findings were planned, {tally.judged:,} are here.")
    for target in () if footer is None else footer.targets:
        if target.failure or target.not_run:
            reason = f": {target.failure}" if target.failure else ""
            sentences.append(f"{target.name}: {count(target.not_run, 'case')} not run{reason}")
    return tuple(sentences)


def pins_of(run: TargetRun) -> tuple[str, ...]:
    """Everything that a target pins, the overlay first: it names Keras."""
    return (*run.overlay, *run.requires)


def start_of(change: Change) -> str:
    """Since when it diverges, and what is known of the time before."""
    if change.before is None:
        return f"{change.first_bad.head} (the first observed)"
    word = "diverged otherwise in" if change.kind is not ChangeKind.DIVERGES else "not in"
    return f"{change.first_bad.head} ({word} {change.before.head})"


def end_of(change: Change, columns: Sequence[Column]) -> str:
    """In which version it is gone, and what its cases do there; `columns` are those of its family."""
    if change.kind is not ChangeKind.DIVERGES:
        return ""
    if change.first_good is None:
        is_newest = change.last_bad.target == columns[-1].target
        return "still in the newest" if is_newest else "still in the newest observed"
    if not change.otherwise:
        return change.first_good.head
    return f"{change.first_good.head} ({change.otherwise} of {change.cases_last} diverge otherwise there)"


def held_by_hand(confirmations: Iterable[Confirmation]) -> str:
    """How many divergences hold when called by hand, how many do not, and how many were not called."""
    counts = Counter(one.result for one in confirmations)
    words = {
        Result.HOLDS: "holds" if counts[Result.HOLDS] == 1 else "hold",
        Result.DOES_NOT_HOLD: "does not hold" if counts[Result.DOES_NOT_HOLD] == 1 else "do not hold",
        Result.NOT_CALLED: "not called",
    }
    return ", ".join(f"{counts[result]:,} {word}" for result, word in words.items())


def doubts_by_hand(confirmations: Iterable[Confirmation]) -> Iterator[str]:
    """A line for each of the first divergences that do not hold, and for each reason of not calling."""
    reasons: Counter[str] = Counter()
    unheld = 0
    for one in confirmations:
        match one.answer:
            case NotCalled(why=why):
                reasons[why] += 1
            case Answer(what=what, where=where, error=error) if one.result is Result.DOES_NOT_HOLD:
                unheld += 1
                if unheld <= MANY_DOUBTS:
                    said = ": ".join(filter(None, (where, error)))
                    name = f"{one.finding.target} {one.finding.case.id}"
                    yield f"does not hold: {name}: {one.finding.divergence}, by hand {what} {said}".rstrip()
            case Answer():
                pass
            case _:
                assert_never(one.answer)
    if unheld > MANY_DOUBTS:
        yield f"does not hold: {unheld - MANY_DOUBTS:,} more in confirmed.csv"
    for why, number in reasons.most_common():
        yield f"not called: {count(number, 'divergence')}: {why}"
