"""The history as Markdown: `history.md`, to be read and committed, and the short table of a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.files import replacing
from harness.history.changes import Change, Way
from harness.history.gather import FamilyHistory, History
from harness.history.phrases import CHANGES_DEFINED, FOLDED, KERAS_RULE, SAME_DEFINED, end_of, start_of
from harness.history.versions import span_of
from harness.report.conformance import EVERY, LEGEND, measured_facts
from harness.report.phrases import headline, shortfall
from harness.text import count, escaped, table_line

_SHORT_WAYS: Final = 4
"""Ways of diverging that the short table names of a family."""


def write_history_markdown(path: Path, history: History) -> None:
    """Write `history.md`."""
    with replacing(path) as file:
        for line in _lines(history):
            file.write(f"{line}\n")


def short_history(history: History) -> str:
    """One line per family: the versions, what conforms, how `same` is read, and what diverges when."""
    return "".join(f"{line}\n" for line in _short_lines(history))


def _lines(history: History) -> Iterator[str]:
    info, tally = history.info, history.tally
    header = info.header
    yield "# History"
    yield ""
    missing = shortfall(info, tally)
    if missing:
        yield f"> **This run is incomplete.** {' '.join(map(escaped, missing))}"
        yield ""
    yield f"**{headline(tally)}.** {tally.conforming:,} of {tally.judged:,} findings conform."
    yield ""
    yield f"* date: {escaped(header.started)}"
    yield f"* harness: keras-harness {escaped(header.harness)}"
    yield f"* suites: {escaped(', '.join(header.suites))}"
    yield f"* cases: {header.cases:,} per target; {tally.planned:,} findings planned, {tally.judged:,} judged"
    yield f"* targets: {len(header.targets):,} in {len(history.families)} families; pins in `targets.csv`"
    yield ""
    yield from _short_lines(history)
    for title, text in (
        ("How to read the tables", f"{LEGEND} {FOLDED}"),
        ("How `same` is read", SAME_DEFINED),
        ("How changes are found", CHANGES_DEFINED),
    ):
        yield ""
        yield f"**{title}.** {text}"
    for family in history.families:
        yield ""
        yield from _family_lines(family)


def _short_lines(history: History) -> Iterator[str]:
    yield table_line("family", "versions", "targets", "conforming", "`same`", "diverges")
    yield table_line("---", "---", "---:", "---:", "---", "---")
    for family in history.families:
        yield table_line(
            escaped(family.family),
            escaped(family.versions),
            str(len(family.columns)),
            str(family.total),
            _short_readings(family),
            _short_ways(family),
        )


def _short_readings(family: FamilyHistory) -> str:
    """The rule in one cell; Keras's without its formula, which every reader of the table knows."""
    lines = (
        f"{'' if len(family.readings) == 1 else f'{escaped(span.versions)}: '}"
        f"{KERAS_RULE if span.is_keras else f'`{span.words}`'} ({span.explained}/{span.returned})"
        for span in family.readings
    )
    return "<br>".join(lines) or "–"


def _short_ways(family: FamilyHistory) -> str:
    ways = family.ways()
    shown = [f"{_way(way)} ({_when(changes)})" for way, changes in ways[:_SHORT_WAYS]]
    if len(ways) > _SHORT_WAYS:
        shown.append(f"{len(ways) - _SHORT_WAYS} more")
    return "<br>".join(shown) or "nothing"


def _when(changes: Sequence[Change]) -> str:
    spans = (span_of(_ends(change)) for change in changes)
    return f"{', '.join(map(escaped, spans))}; {count(max(change.cases for change in changes), 'case')}"


def _ends(change: Change) -> list[str]:
    return list(dict.fromkeys((change.first_bad.head, change.last_bad.head)))


def _family_lines(family: FamilyHistory) -> Iterator[str]:
    yield f"## {escaped(family.family)}"
    yield ""
    yield f"{escaped(family.versions)}: {count(len(family.columns), 'target')}, {family.total}."
    for span in family.readings:
        yield ""
        keras = f"{KERAS_RULE}, " if span.is_keras else ""
        explained = f"explains {span.explained}/{span.returned}"
        yield f"`same` in {escaped(span.versions)}: {keras}`{span.words}`, {explained}"
    yield ""
    yield "### Changes" if family.changes else "No case diverges in any version that was observed."
    if family.changes:
        yield ""
        yield from _change_lines(family)
    yield ""
    yield "### Conformance"
    yield ""
    yield from _table_lines(family)
    yield ""
    yield "### Targets"
    yield ""
    yield from _target_lines(family)


def _change_lines(family: FamilyHistory) -> Iterator[str]:
    yield table_line("what", "cases", "first bad", "last bad", "first good", "example")
    yield table_line("---", "---:", "---", "---", "---", "---")
    for change in family.changes:
        yield table_line(
            _what(change),
            _cases(change),
            escaped(start_of(change)),
            escaped(change.last_bad.head),
            escaped(end_of(change, family.columns)),
            f"`{change.example}`",
        )


def _what(change: Change) -> str:
    return _way(change.way) if change.was is None else f"{_way(change.was)} **turns** {_way(change.way)}"


def _way(way: Way) -> str:
    sign = "silent" if way.divergence.is_silent else "loud"
    reason = f"`{way.cause}`" if way.cause else escaped(way.note) or "no rule explains it"
    return f"{sign} {way.divergence}: {reason}"


def _cases(change: Change) -> str:
    if change.cases_first == change.cases_last == change.cases:
        return str(change.cases)
    return f"{change.cases} ({change.cases_first} → {change.cases_last})"


def _table_lines(family: FamilyHistory) -> Iterator[str]:
    folded = family.folded()
    yield table_line("case", *(escaped(head) for head, _ in folded))
    yield table_line("---", *("---:" for _ in folded))
    for row in (*family.modes, *family.paddings):
        name = f"{row.layer} · {row.mode if row.padding == EVERY else row.padding}"
        yield table_line(escaped(name), *(str(row.cells[place]) for _, place in folded))


def _target_lines(family: FamilyHistory) -> Iterator[str]:
    yield table_line("version", "target", "measured", "observed")
    yield table_line("---", "---", "---", "---:")
    for column in family.columns:
        run = column.run
        if run is None:
            yield table_line(escaped(column.head), escaped(column.target), "not started", "0")
            continue
        measured = ", ".join(f"{key} {version}" for key, version in measured_facts(run.fingerprint))
        failure = f" **{escaped(run.failure, 200)}**" if run.failure else ""
        yield table_line(
            escaped(column.head),
            escaped(column.target),
            f"{escaped(measured)}{failure}",
            f"{run.observed}/{run.observed + run.not_run}",
        )
