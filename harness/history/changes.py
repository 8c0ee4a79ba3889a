"""Find the version in which each divergence appeared, and the one in which it was gone.

For a family in the order of its columns: a **divergence pattern** is a kind of divergence with its cause or,
where it has none, with the first words of its error. A target shows a pattern if one of its cases diverges
so. A **span** is a sequence of targets that show a pattern, taken over the targets that were observed: one
that was not observed neither starts nor ends a span. A pattern that disappears and comes back has two spans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.history.versions import Block, Column, format_span
from harness.judge.consistency import TARGETS_DISAGREE
from harness.judge.diagnose import find_causes
from harness.judge.error_notes import make_error_note
from harness.judge.fewest_causes import choose_fewest_causes
from harness.records import Case, Divergence, Judgement, Standing, Verdict


class ChangeKind(StrEnum):
    """The kind of a change: a divergence appears (and may disappear), turns silent, or turns loud."""

    DIVERGES = "diverges"
    TURNS_SILENT = "loud-turns-silent"
    TURNS_LOUD = "silent-turns-loud"


@dataclass(frozen=True, slots=True, order=True)
class DivergencePattern:
    """A kind of divergence with its cause or, without one, with a `note`, the first words of its error."""

    divergence: Divergence
    cause: str
    note: str

    def __str__(self) -> str:
        return f"{self.divergence}: {self.cause or self.note or 'no rule explains it'}"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table of changes.

    A span: `before` is the last target before `first_bad` in which its cases were observed and did not
    diverge so (None where they do from the oldest on), `first_good` the first one after `last_bad` (None
    where they still do in the newest); of the cases that diverge in `last_bad`, `num_otherwise` diverge in
    `first_good` with another pattern. `cases` counts all cases of the span, `cases_first` and `cases_last`
    those of its first and last target.

    A switch of silent and loud: `cases` diverge as `previous` in `before` and as `pattern` in `first_bad`.
    """

    family: str
    kind: ChangeKind
    pattern: DivergencePattern
    previous: DivergencePattern | None
    before: Column | None
    first_bad: Column
    last_bad: Column
    first_good: Column | None
    num_otherwise: int
    cases: int
    cases_first: int
    cases_last: int
    example: str

    @property
    def versions(self) -> str:
        """The range from the first bad version to the last."""
        return format_span(list(dict.fromkeys((self.first_bad.head, self.last_bad.head))))


class Changes:
    """The divergences of a run, gathered one finding at a time."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self._observed: dict[str, set[str]] = {}
        self._diverging: dict[str, dict[str, tuple[DivergencePattern, tuple[str, ...]]]] = {}
        self._cases: dict[str, Case] = {}

    def add(self, judgement: Judgement) -> None:
        """Record that the case was observed and how it diverges; ignore inconclusive and unstable findings.

        A disagreement between targets is not recorded: which finding reports it depends on the targets of the
        run, not on a version.
        """
        finding = judgement.finding
        if finding.verdict is Verdict.INCONCLUSIVE or finding.standing is Standing.UNSTABLE:
            return
        case_id = finding.case.id
        self._cases.setdefault(case_id, finding.case)
        self._observed.setdefault(finding.target, set()).add(case_id)
        if finding.verdict is Verdict.DIVERGES and finding.cause != TARGETS_DISAGREE:
            pattern, causes = _find_pattern(judgement)
            self._diverging.setdefault(finding.target, {})[case_id] = (pattern, causes)

    def find_changes(self) -> tuple[Change, ...]:
        """Return every change by family, spans first, then by first version, silent and larger ones first."""
        return tuple(change for block in self._blocks for change in self._find_block_changes(block))

    def _find_block_changes(self, block: Block) -> list[Change]:
        patterns = self._choose_patterns(block)
        states = [
            _TargetState(column, self._observed.get(column.target, set()), patterns.get(column.target, {}))
            for column in block.columns
        ]
        changes = [*_find_spans(block.family, states), *_find_silent_loud_switches(block.family, states)]
        places = {column.target: place for place, column in enumerate(block.columns)}
        return sorted(changes, key=lambda change: _make_sort_key(change, places))

    def _choose_patterns(self, block: Block) -> dict[str, dict[str, DivergencePattern]]:
        """Return the pattern of each diverging case by target, with the fewest causes for all."""
        diverging = {column.target: self._diverging.get(column.target, {}) for column in block.columns}
        causes = Counter(
            (case_id, names)
            for patterns in diverging.values()
            for case_id, (_, names) in patterns.items()
            if names
        )
        cause_by_case = choose_fewest_causes(
            {(self._cases[case_id], names): n for (case_id, names), n in causes.items()}
        )
        return {
            target: {
                case_id: DivergencePattern(pattern.divergence, cause_by_case[case_id, names], "")
                if names
                else pattern
                for case_id, (pattern, names) in patterns.items()
            }
            for target, patterns in diverging.items()
        }


@dataclass(frozen=True, slots=True)
class _TargetState:
    """The observed cases of a target, and the patterns of those that diverge."""

    column: Column
    observed: set[str]
    patterns: Mapping[str, DivergencePattern]

    def select_cases(self, pattern: DivergencePattern) -> set[str]:
        """Return the cases that diverge with a pattern."""
        return {case_id for case_id, shown in self.patterns.items() if shown == pattern}


def _find_spans(family: str, states: Sequence[_TargetState]) -> Iterator[Change]:
    for pattern in sorted({pattern for state in states for pattern in state.patterns.values()}):
        cases = [state.select_cases(pattern) for state in states]
        for places in _find_span_places(cases, states):
            yield _make_span(family, pattern, states, cases, places)


def _find_span_places(cases: Sequence[set[str]], states: Sequence[_TargetState]) -> Iterator[list[int]]:
    """Yield the places of each span: those that show a pattern, up to one that was observed not to."""
    span: list[int] = []
    for place, diverging in enumerate(cases):
        if diverging:
            span.append(place)
        elif span and cases[span[-1]] & states[place].observed:
            yield span
            span = []
    if span:
        yield span


def _make_span(
    family: str,
    pattern: DivergencePattern,
    states: Sequence[_TargetState],
    cases: Sequence[set[str]],
    places: Sequence[int],
) -> Change:
    first, last = places[0], places[-1]
    before = _find_nearest(states, cases[first], range(first - 1, -1, -1))
    after = _find_nearest(states, cases[last], range(last + 1, len(states)))
    all_cases = set().union(*(cases[place] for place in places))
    return Change(
        family=family,
        kind=ChangeKind.DIVERGES,
        pattern=pattern,
        previous=None,
        before=None if before is None else before.column,
        first_bad=states[first].column,
        last_bad=states[last].column,
        first_good=None if after is None else after.column,
        num_otherwise=0 if after is None else len(cases[last] & set(after.patterns)),
        cases=len(all_cases),
        cases_first=len(cases[first]),
        cases_last=len(cases[last]),
        example=min(cases[first]),
    )


def _find_nearest(
    states: Sequence[_TargetState], cases: set[str], places: Iterable[int]
) -> _TargetState | None:
    """Return the state at the first of the places where one of the cases was observed."""
    return next((states[place] for place in places if states[place].observed & cases), None)


def _find_silent_loud_switches(family: str, states: Sequence[_TargetState]) -> Iterator[Change]:
    """Yield changes of cases that diverge in two successive observed targets, silently in one only."""
    latest: dict[str, tuple[_TargetState, DivergencePattern | None]] = {}
    for state in states:
        switches: dict[tuple[str, DivergencePattern, DivergencePattern], tuple[Column, list[str]]] = {}
        for case_id in sorted(state.observed):
            pattern = state.patterns.get(case_id)
            earlier, previous = latest.get(case_id, (state, None))
            if pattern and previous and pattern.divergence.is_silent != previous.divergence.is_silent:
                key = (earlier.column.target, previous, pattern)
                switches.setdefault(key, (earlier.column, []))[1].append(case_id)
            latest[case_id] = (state, pattern)
        for (_, previous, pattern), (before, case_ids) in sorted(switches.items(), key=lambda item: item[0]):
            yield Change(
                family=family,
                kind=ChangeKind.TURNS_SILENT if pattern.divergence.is_silent else ChangeKind.TURNS_LOUD,
                pattern=pattern,
                previous=previous,
                before=before,
                first_bad=state.column,
                last_bad=state.column,
                first_good=None,
                num_otherwise=0,
                cases=len(case_ids),
                cases_first=len(case_ids),
                cases_last=len(case_ids),
                example=case_ids[0],
            )


def _make_sort_key(
    change: Change, places: Mapping[str, int]
) -> tuple[bool, int, bool, int, DivergencePattern, int]:
    return (
        change.kind is not ChangeKind.DIVERGES,
        places[change.first_bad.target],
        not change.pattern.divergence.is_silent,
        -change.cases,
        change.pattern,
        places[change.last_bad.target],
    )


_WITHOUT_RULE: Final = frozenset({Divergence.UNEXPECTED_ERROR, Divergence.INCONSISTENT})
"""Divergences whose cause is not a rule that values could follow."""


def _find_pattern(judgement: Judgement) -> tuple[DivergencePattern, tuple[str, ...]]:
    """Return the pattern of a finding, and the matching causes where rules explain it."""
    finding = judgement.finding
    assert finding.divergence is not None
    if not finding.cause:
        return DivergencePattern(finding.divergence, "", make_error_note(judgement)), ()
    if judgement.observation.values is None or finding.divergence in _WITHOUT_RULE:
        return DivergencePattern(finding.divergence, finding.cause, ""), ()
    return DivergencePattern(finding.divergence, finding.cause, ""), find_causes(
        finding.case, judgement.observation.values
    )
