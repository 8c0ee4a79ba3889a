"""Which divergences came with which version, and with which they went.

For a family in the order of its columns: a **way** of diverging is a kind of divergence with its cause
or, where it has none, with the first words of its error. A target has a way where one of its cases
diverges so. A **span** is a run of targets that have a way, taken over the targets that were observed:
one that was not observed neither starts nor ends a span. A way that goes and comes again has two spans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.history.versions import Block, Column, span_of
from harness.judge.consistency import TARGETS_DISAGREE
from harness.judge.diagnose import causes_of
from harness.judge.error_notes import note_of
from harness.judge.fewest_causes import explained
from harness.records import Case, Divergence, Judged, Standing, Verdict


class ChangeKind(StrEnum):
    """What changed: a divergence came and perhaps went, or lost its sign, or gained one."""

    DIVERGES = "diverges"
    TURNS_SILENT = "loud-turns-silent"
    TURNS_LOUD = "silent-turns-loud"


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """A way of diverging. `note` is empty where there is a cause."""

    divergence: Divergence
    cause: str
    note: str

    def __str__(self) -> str:
        return f"{self.divergence}: {self.cause or self.note or 'no rule explains it'}"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the changes.

    A divergence: `before` is the last target before `first_bad` in which its cases were observed and did
    not diverge so (None where it is there from the oldest on), `first_good` the first one after
    `last_bad` (None: still there in the newest); of the cases that it had in `last_bad`, `otherwise`
    diverge in `first_good` in another way. `cases` counts all in the span, `cases_first` and
    `cases_last` those of its first and last target.

    A turn: `cases` diverged as `was` in `before` and do so as `way` in `first_bad`.
    """

    family: str
    kind: ChangeKind
    way: Way
    was: Way | None
    before: Column | None
    first_bad: Column
    last_bad: Column
    first_good: Column | None
    otherwise: int
    cases: int
    cases_first: int
    cases_last: int
    example: str

    @property
    def versions(self) -> str:
        """From the first version that is bad to the last."""
        return span_of(list(dict.fromkeys((self.first_bad.head, self.last_bad.head))))


class Changes:
    """Gathers the divergences of a run, one finding at a time."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self._observed: dict[str, set[str]] = {}
        self._diverging: dict[str, dict[str, tuple[Way, tuple[str, ...]]]] = {}
        self._cases: dict[str, Case] = {}

    def add(self, judged: Judged) -> None:
        """Note whether the case was observed, and how it diverges if it does so for certain.

        Which finding says that targets disagree depends on which targets there are: no version has it.
        """
        finding = judged.finding
        if finding.verdict is Verdict.INCONCLUSIVE or finding.standing is Standing.UNSTABLE:
            return
        case_id = finding.case.id
        self._cases.setdefault(case_id, finding.case)
        self._observed.setdefault(finding.target, set()).add(case_id)
        if finding.verdict is Verdict.DIVERGES and finding.cause != TARGETS_DISAGREE:
            way, causes = _way_of(judged)
            self._diverging.setdefault(finding.target, {})[case_id] = (way, causes)

    def changes(self) -> tuple[Change, ...]:
        """Every change, by family, first version, and then the silent and the larger ones first."""
        return tuple(change for block in self._blocks for change in self._of(block))

    def _of(self, block: Block) -> list[Change]:
        ways = self._ways_of(block)
        states = [
            _State(column, self._observed.get(column.target, set()), ways.get(column.target, {}))
            for column in block.columns
        ]
        changes = [*_spans(block.family, states), *_turns(block.family, states)]
        places = {column.target: place for place, column in enumerate(block.columns)}
        return sorted(changes, key=lambda change: _order(change, places))

    def _ways_of(self, block: Block) -> dict[str, dict[str, Way]]:
        """The way of each diverging case of each target, its causes brought down to the fewest."""
        found = {column.target: self._diverging.get(column.target, {}) for column in block.columns}
        causes = Counter(
            (case_id, names) for ways in found.values() for case_id, (_, names) in ways.items() if names
        )
        chosen = explained({(self._cases[case_id], names): n for (case_id, names), n in causes.items()})
        return {
            target: {
                case_id: Way(way.divergence, chosen[case_id, names], "") if names else way
                for case_id, (way, names) in ways.items()
            }
            for target, ways in found.items()
        }


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of a target: which cases were observed, and how those diverge that do."""

    column: Column
    observed: set[str]
    ways: Mapping[str, Way]

    def having(self, way: Way) -> set[str]:
        """The cases that diverge this way."""
        return {case_id for case_id, own in self.ways.items() if own == way}


def _spans(family: str, states: Sequence[_State]) -> Iterator[Change]:
    for way in sorted({way for state in states for way in state.ways.values()}):
        cases = [state.having(way) for state in states]
        for places in _runs(cases, states):
            yield _span(family, way, states, cases, places)


def _runs(cases: Sequence[set[str]], states: Sequence[_State]) -> Iterator[list[int]]:
    """The places of each span: those that have a way, up to one that was observed not to have it."""
    run: list[int] = []
    for place, having in enumerate(cases):
        if having:
            run.append(place)
        elif run and cases[run[-1]] & states[place].observed:
            yield run
            run = []
    if run:
        yield run


def _span(
    family: str, way: Way, states: Sequence[_State], cases: Sequence[set[str]], places: Sequence[int]
) -> Change:
    first, last = places[0], places[-1]
    before = _nearest(states, cases[first], range(first - 1, -1, -1))
    after = _nearest(states, cases[last], range(last + 1, len(states)))
    everything = set().union(*(cases[place] for place in places))
    return Change(
        family=family,
        kind=ChangeKind.DIVERGES,
        way=way,
        was=None,
        before=None if before is None else before.column,
        first_bad=states[first].column,
        last_bad=states[last].column,
        first_good=None if after is None else after.column,
        otherwise=0 if after is None else len(cases[last] & set(after.ways)),
        cases=len(everything),
        cases_first=len(cases[first]),
        cases_last=len(cases[last]),
        example=min(cases[first]),
    )


def _nearest(states: Sequence[_State], cases: set[str], places: Iterable[int]) -> _State | None:
    """The first of the places at which one of the cases was observed."""
    return next((states[place] for place in places if states[place].observed & cases), None)


def _turns(family: str, states: Sequence[_State]) -> Iterator[Change]:
    """Cases that diverge in two observed targets in turn, with a sign in the one and none in the other."""
    latest: dict[str, tuple[_State, Way | None]] = {}
    for state in states:
        turned: dict[tuple[str, Way, Way], tuple[Column, list[str]]] = {}
        for case_id in sorted(state.observed):
            way = state.ways.get(case_id)
            earlier, was = latest.get(case_id, (state, None))
            if way and was and way.divergence.is_silent != was.divergence.is_silent:
                turned.setdefault((earlier.column.target, was, way), (earlier.column, []))[1].append(case_id)
            latest[case_id] = (state, way)
        for (_, was, way), (before, case_ids) in sorted(turned.items(), key=lambda item: item[0]):
            yield Change(
                family=family,
                kind=ChangeKind.TURNS_SILENT if way.divergence.is_silent else ChangeKind.TURNS_LOUD,
                way=way,
                was=was,
                before=before,
                first_bad=state.column,
                last_bad=state.column,
                first_good=None,
                otherwise=0,
                cases=len(case_ids),
                cases_first=len(case_ids),
                cases_last=len(case_ids),
                example=case_ids[0],
            )


def _order(change: Change, places: Mapping[str, int]) -> tuple[bool, int, bool, int, Way, int]:
    return (
        change.kind is not ChangeKind.DIVERGES,
        places[change.first_bad.target],
        not change.way.divergence.is_silent,
        -change.cases,
        change.way,
        places[change.last_bad.target],
    )


_OF_NO_RULE: Final = frozenset({Divergence.UNEXPECTED_ERROR, Divergence.INCONSISTENT})
"""Divergences whose cause is no rule that a value could follow."""


def _way_of(judged: Judged) -> tuple[Way, tuple[str, ...]]:
    """How a finding diverges, and the causes that fit where rules explain it."""
    finding = judged.finding
    assert finding.divergence is not None
    if not finding.cause:
        return Way(finding.divergence, "", note_of(judged)), ()
    if judged.observation.values is None or finding.divergence in _OF_NO_RULE:
        return Way(finding.divergence, finding.cause, ""), ()
    return Way(finding.divergence, finding.cause, ""), causes_of(finding.case, judged.observation.values)
