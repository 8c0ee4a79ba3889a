"""The history: how targets conform over the versions of each family, gathered in one pass.

What came and went with a version, and which rule explains `same`, is decided in `harness.verdicts`;
here it is put together per family, for `history_csv`, `history_markdown` and `history_html` to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from harness.history.changes import Change, ChangeKind, Changes, DivergencePattern
from harness.history.same_rules import SameRuleFit, SameRuleFits, describe_same_rule
from harness.history.versions import Block, Column, format_span, group_into_blocks
from harness.oracle.rules import KERAS, Rule
from harness.records import Judgement, RunInfo
from harness.report.conformance import EVERY, Conformance, ConformanceCell, ConformanceRow
from harness.report.tally import Tallier, Tally

_MAX_SPANS: Final = 2
"""A rule that holds in more spans than this, and in most versions, holds in "all others"."""


@dataclass(frozen=True, slots=True)
class SameRuleSpan:
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
        return describe_same_rule(self.rule)

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
    same_rule_spans: tuple[SameRuleSpan, ...]
    changes: tuple[Change, ...]

    @property
    def versions(self) -> str:
        """From the first version to the last."""
        return format_span([column.head for column in self.columns])

    def fold_columns(self) -> tuple[tuple[str, int], ...]:
        """Neighbouring columns that say the same in every row, as one: its versions, and its first place."""
        rows = (*self.modes, *self.paddings)
        said = [tuple(row.cells[place] for row in rows) for place in range(len(self.columns))]
        groups = groupby(range(len(self.columns)), key=lambda place: said[place])
        return tuple(
            (format_span([self.columns[place].head for place in places]), places[0])
            for places in (list(group) for _, group in groups)
        )

    def group_changes_by_pattern(self) -> tuple[tuple[DivergencePattern, tuple[Change, ...]], ...]:
        """Each way of diverging with its spans, silent ones first, then the one with the most cases."""
        spans: dict[DivergencePattern, list[Change]] = {}
        for change in self.changes:
            if change.kind is ChangeKind.DIVERGES:
                spans.setdefault(change.pattern, []).append(change)
        most = {pattern: max(change.cases for change in changes) for pattern, changes in spans.items()}
        order = sorted(spans, key=lambda pattern: (not pattern.divergence.is_silent, -most[pattern], pattern))
        return tuple((pattern, tuple(spans[pattern])) for pattern in order)


@dataclass(frozen=True, slots=True)
class History:
    """A run, family by family."""

    info: RunInfo
    tally: Tally
    families: tuple[FamilyHistory, ...]


def gather_history(info: RunInfo, judged: Iterable[Judgement]) -> History:
    """The history of a run, in one pass over its findings."""
    blocks = group_into_blocks(info)
    targets = tuple(column.target for block in blocks for column in block.columns)
    tallier, table, fits, changes = Tallier(info), Conformance(targets), SameRuleFits(), Changes(blocks)
    for one in judged:
        tallier.add(one.finding)
        table.add(one.finding)
        fits.add(one)
        changes.add(one)
    tally, found, all_changes = tallier.compute_tally(), fits.compute_fits(), changes.find_changes()
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
                modes=_select_cells(modes, start, end),
                paddings=_select_cells(paddings, start, end),
                total=_sum_counts(tally, block),
                same_rule_spans=_group_by_same_rule(block.columns, found),
                changes=tuple(change for change in all_changes if change.family == block.family),
            )
        )
        start = end
    return History(info, tally, tuple(families))


def _select_cells(rows: Iterable[ConformanceRow], start: int, end: int) -> tuple[ConformanceRow, ...]:
    """The cells of some neighbouring targets, of the rows in which these have findings."""
    own = (replace(row, cells=row.cells[start:end]) for row in rows)
    return tuple(row for row in own if any(cell.num_judged for cell in row.cells))


def _sum_counts(tally: Tally, block: Block) -> ConformanceCell:
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


def _group_by_same_rule(
    columns: Sequence[Column], fits: Mapping[str, SameRuleFit]
) -> tuple[SameRuleSpan, ...]:
    """Each rule with its versions, by the first of them; what holds in all others comes last.

    Versions that returned nothing are left out.
    """
    known = [(column.head, fits[column.target]) for column in columns if column.target in fits]
    spans: dict[Rule, list[str]] = {}
    for rule, group in groupby(known, key=lambda one: one[1].rule):
        spans.setdefault(rule, []).append(format_span([head for head, _ in group]))
    own = {rule: [fit for _, fit in known if fit.rule == rule] for rule in spans}
    main = max(own, key=lambda rule: len(own[rule]), default=None)
    others = main if main is not None and len(spans[main]) > _MAX_SPANS else None
    return tuple(
        SameRuleSpan(
            versions="all others" if rule == others else ", ".join(spans[rule]),
            rule=rule,
            explained=sum(fit.explained for fit in own[rule]),
            returned=sum(fit.returned for fit in own[rule]),
        )
        for rule in sorted(spans, key=lambda rule: rule == others)
    )
