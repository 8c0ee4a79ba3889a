"""The history: how targets conform over the versions of each family, gathered in one pass.

What came and went with a version, and which rule explains `same`, is decided in `harness.verdicts`;
here it is put together per family, for `history_csv`, `history_markdown` and `history_html` to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from harness.history.changes import Change, ChangeKind, Changes, Way
from harness.history.same_rules import Reading, Readings, in_words
from harness.history.versions import Block, Column, blocks_of, span_of
from harness.oracle.rules import KERAS, Rule
from harness.records import Judged, RunInfo
from harness.report.conformance import EVERY, Conformance, ConformanceCell, ConformanceRow
from harness.report.tally import Tallier, Tally

_MAX_SPANS: Final = 2
"""A rule that holds in more spans than this, and in most versions, holds in "all others"."""


@dataclass(frozen=True, slots=True)
class ReadVersions:
    """The versions that read `same` by one rule, and how much of what they returned it explains.

    `versions` are ranges of neighbouring ones.
    """

    versions: str
    rule: Rule
    explained: int
    returned: int

    @property
    def words(self) -> str:
        """The rule as a formula."""
        return in_words(self.rule)

    @property
    def is_keras(self) -> bool:
        """Whether it is Keras's own rule."""
        return self.rule == KERAS


@dataclass(frozen=True, slots=True)
class FamilyHistory:
    """A family: its versions in order, and rows with a cell per version.

    `modes` has a row per layer and mode, `paddings` one per layer and padding; the rows of each count every
    finding once. Facets are for the tables of one run: over all versions they are megabytes.
    """

    family: str
    columns: tuple[Column, ...]
    modes: tuple[ConformanceRow, ...]
    paddings: tuple[ConformanceRow, ...]
    total: ConformanceCell
    readings: tuple[ReadVersions, ...]
    changes: tuple[Change, ...]

    @property
    def versions(self) -> str:
        """From the first version to the last."""
        return span_of([column.head for column in self.columns])

    def folded(self) -> tuple[tuple[str, int], ...]:
        """Neighbouring columns that say the same in every row, as one: its versions, and its first place."""
        rows = (*self.modes, *self.paddings)
        said = [tuple(row.cells[place] for row in rows) for place in range(len(self.columns))]
        groups = groupby(range(len(self.columns)), key=lambda place: said[place])
        return tuple(
            (span_of([self.columns[place].head for place in places]), places[0])
            for places in (list(group) for _, group in groups)
        )

    def ways(self) -> tuple[tuple[Way, tuple[Change, ...]], ...]:
        """Each way of diverging with its spans, silent ones first, then the one with the most cases."""
        spans: dict[Way, list[Change]] = {}
        for change in self.changes:
            if change.kind is ChangeKind.DIVERGES:
                spans.setdefault(change.way, []).append(change)
        most = {way: max(change.cases for change in changes) for way, changes in spans.items()}
        order = sorted(spans, key=lambda way: (not way.divergence.is_silent, -most[way], way))
        return tuple((way, tuple(spans[way])) for way in order)


@dataclass(frozen=True, slots=True)
class History:
    """A run, family by family."""

    info: RunInfo
    tally: Tally
    families: tuple[FamilyHistory, ...]


def gather_history(info: RunInfo, judged: Iterable[Judged]) -> History:
    """The history of a run, in one pass over its findings."""
    blocks = blocks_of(info)
    targets = tuple(column.target for block in blocks for column in block.columns)
    tallier, table, readings, changes = Tallier(info), Conformance(targets), Readings(), Changes(blocks)
    for one in judged:
        tallier.add(one.finding)
        table.add(one.finding)
        readings.add(one)
        changes.add(one)
    tally, found, all_changes = tallier.tally(), readings.readings(), changes.changes()
    modes, paddings = (
        list(table.list_mode_rows()),
        [row for row in table.list_facet_rows() if row.facet == EVERY],
    )
    families: list[FamilyHistory] = []
    start = 0
    for block in blocks:
        end = start + len(block.columns)
        families.append(
            FamilyHistory(
                family=block.family,
                columns=block.columns,
                modes=_between(modes, start, end),
                paddings=_between(paddings, start, end),
                total=_total(tally, block),
                readings=_readings_of(block.columns, found),
                changes=tuple(change for change in all_changes if change.family == block.family),
            )
        )
        start = end
    return History(info, tally, tuple(families))


def _between(rows: Iterable[ConformanceRow], start: int, end: int) -> tuple[ConformanceRow, ...]:
    """The cells of some neighbouring targets, of the rows in which these have findings."""
    own = (replace(row, cells=row.cells[start:end]) for row in rows)
    return tuple(row for row in own if any(cell.num_judged for cell in row.cells))


def _total(tally: Tally, block: Block) -> ConformanceCell:
    counts = [tally.targets[column.target] for column in block.columns]
    return ConformanceCell(
        conforming=sum(one.conforming for one in counts),
        refused=sum(one.refused for one in counts),
        silent=sum(one.silent for one in counts),
        loud=sum(one.loud for one in counts),
        unsupported=sum(one.unsupported for one in counts),
        inconclusive=sum(one.inconclusive for one in counts),
        unstable=sum(one.unstable for one in counts),
    )


def _readings_of(columns: Sequence[Column], readings: Mapping[str, Reading]) -> tuple[ReadVersions, ...]:
    """Each rule with its versions, by the first of them; what holds in all others comes last.

    Versions that returned nothing are left out.
    """
    known = [(column.head, readings[column.target]) for column in columns if column.target in readings]
    spans: dict[Rule, list[str]] = {}
    for rule, group in groupby(known, key=lambda one: one[1].rule):
        spans.setdefault(rule, []).append(span_of([head for head, _ in group]))
    own = {rule: [reading for _, reading in known if reading.rule == rule] for rule in spans}
    main = max(own, key=lambda rule: len(own[rule]), default=None)
    others = main if main is not None and len(spans[main]) > _MAX_SPANS else None
    return tuple(
        ReadVersions(
            versions="all others" if rule == others else ", ".join(spans[rule]),
            rule=rule,
            explained=sum(reading.explained for reading in own[rule]),
            returned=sum(reading.returned for reading in own[rule]),
        )
        for rule in sorted(spans, key=lambda rule: rule == others)
    )
