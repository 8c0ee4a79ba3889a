"""Sentences that several reports share: the headline, what is missing, how to read a table."""

from __future__ import annotations

from typing import Final

from harness.records import RunInfo
from harness.report.conformance import EVERY
from harness.report.tally import Tally
from harness.text import format_count

LEGEND: Final = (
    "`118/120 · 2 silent` reads: of 120 judged cases 118 conform, and 2 give a wrong answer with no sign "
    "of it. `loud` is an error or a crash where the formula has an answer, `unsupported` a limit that the "
    "target documents, `inconclusive` a case that could not be judged, `unstable` a divergence that did not "
    "come again when the case was asked a second time. `refused` counts the conforming "
    "cases that the target declined with an exception, as it must or may. A case has many facets, so rows "
    f"overlap; the row `{EVERY}` counts each case once. A case has one mode: the way in which "
    "the layer is called."
)


def format_headline(tally: Tally) -> str:
    """Return the headline of a run: what diverges, and what could not be judged."""
    if tally.judged == 0:
        return "Nothing was judged"
    if tally.inconclusive == tally.judged:
        return "Nothing could be judged"
    if tally.has_computed_nothing:
        return f"N{describe_nothing_computed(tally)[1:]}"
    reservations = []
    if tally.unstable:
        reservations.append(f"{format_count(tally.unstable, 'divergence')} did not come again")
    if tally.inconclusive:
        reservations.append(f"{format_count(tally.inconclusive, 'finding')} could not be judged")
    if tally.diverging == 0 and reservations:
        return f"Nothing diverges, but {' and '.join(reservations)}"
    if tally.diverging == 0:
        return "Nothing diverges"
    parts = []
    if tally.silent:
        parts.append(format_count(tally.silent, "silent divergence"))
    if tally.loud:
        parts.append(format_count(tally.loud, "loud divergence"))
    unstable = f"; {format_count(tally.unstable, 'divergence')} did not come again" if tally.unstable else ""
    return " and ".join(parts) + unstable


def describe_nothing_computed(tally: Tally) -> str:
    """Say that a run or a target computed nothing, and what it did instead."""
    parts = [
        f"{number:,} {word}"
        for number, word in ((tally.unsupported, "unsupported"), (tally.refused, "refused"))
        if number
    ]
    return f"nothing was computed of {format_count(tally.due, 'case')} that had to be: {', '.join(parts)}"


def describe_shortfall(info: RunInfo, tally: Tally) -> tuple[str, ...]:
    """Say why a run is incomplete, a sentence per reason; empty for a complete run."""
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
            sentences.append(f"{target.name}: {format_count(target.not_run, 'case')} not run{reason}")
    return tuple(sentences)
