"""Gather how targets conform over the versions of each family, in one pass.

`changes` finds which divergences appear when, `same_rules` which rule explains `same`; here their results are
combined per family, for `csv_files`, `markdown` and `html` to write.
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
"""The rule of most versions is said to hold in "all others" if it has more spans than this."""


@dataclass(frozen=True, slots=True)
class SameRuleSpan:
    """The versions that follow one rule of `same`, and how many of their arrays it explains.

    `versions` lists ranges of neighbouring versions.
    """

    versions: str
    rule: Rule
    explained: int
    returned: int

    @property
    def description(self) -> str:
        """The description of the rule."""
        return describe_same_rule(self.rule)

    @property
    def is_keras(self) -> bool:
        """Whether it is Keras's own rule."""
        return self.rule == KERAS


@dataclass(frozen=True, slots=True)
class FamilyHistory:
    """A family: its versions in order, and rows with a cell per version.

    `modes` has a row per layer and mode, `paddings` one per layer and padding; the rows of each count every
    finding once. Facets are left to the tables of one run: over all versions they take megabytes.
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
        """The range from the first version to the last."""
        return format_span([column.head for column in self.columns])

    def fold_columns(self) -> tuple[tuple[str, int], ...]:
        """Fold neighbouring columns that are equal in every row: their versions, and the first place."""
        rows = (*self.modes, *self.paddings)
        cells_by_place = [tuple(row.cells[place] for row in rows) for place in range(len(self.columns))]
        groups = groupby(range(len(self.columns)), key=lambda place: cells_by_place[place])
        return tuple(
            (format_span([self.columns[place].head for place in places]), places[0])
            for places in (list(group) for _, group in groups)
        )

    def group_changes_by_pattern(self) -> tuple[tuple[DivergencePattern, tuple[Change, ...]], ...]:
        """Return each divergence pattern with its spans, silent ones and those with the most cases first."""
        spans: dict[DivergencePattern, list[Change]] = {}
        for change in self.changes:
            if change.kind is ChangeKind.DIVERGES:
                spans.setdefault(change.pattern, []).append(change)
        most = {pattern: max(change.cases for change in changes) for pattern, changes in spans.items()}
        order = sorted(spans, key=lambda pattern: (not pattern.divergence.is_silent, -most[pattern], pattern))
        return tuple((pattern, tuple(spans[pattern])) for pattern in order)


@dataclass(frozen=True, slots=True)
class History:
    """The history of a run, family by family."""

    info: RunInfo
    tally: Tally
    families: tuple[FamilyHistory, ...]


def gather_history(info: RunInfo, judgements: Iterable[Judgement]) -> History:
    """Gather the history of a run in one pass over its findings."""
    blocks = group_into_blocks(info)
    targets = tuple(column.target for block in blocks for column in block.columns)
    tallier, table, fits, changes = Tallier(info), Conformance(targets), SameRuleFits(), Changes(blocks)
    for judgement in judgements:
        tallier.add(judgement.finding)
        table.add(judgement.finding)
        fits.add(judgement)
        changes.add(judgement)
    tally, fit_by_target, all_changes = tallier.compute_tally(), fits.compute_fits(), changes.find_changes()
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
                same_rule_spans=_group_by_same_rule(block.columns, fit_by_target),
                changes=tuple(change for change in all_changes if change.family == block.family),
            )
        )
        start = end
    return History(info, tally, tuple(families))


def _select_cells(rows: Iterable[ConformanceRow], start: int, end: int) -> tuple[ConformanceRow, ...]:
    """Return the cells of neighbouring targets, of the rows in which these have findings."""
    selected = (replace(row, cells=row.cells[start:end]) for row in rows)
    return tuple(row for row in selected if any(cell.num_judged for cell in row.cells))


def _sum_counts(tally: Tally, block: Block) -> ConformanceCell:
    target_tallies = [tally.targets[column.target] for column in block.columns]
    return ConformanceCell(
        conforming=sum(target_tally.conforming for target_tally in target_tallies),
        refused=sum(target_tally.refused for target_tally in target_tallies),
        silent=sum(target_tally.silent for target_tally in target_tallies),
        loud=sum(target_tally.loud for target_tally in target_tallies),
        unsupported=sum(target_tally.unsupported for target_tally in target_tallies),
        inconclusive=sum(target_tally.inconclusive for target_tally in target_tallies),
        unstable=sum(target_tally.unstable for target_tally in target_tallies),
    )


def _group_by_same_rule(
    columns: Sequence[Column], fits: Mapping[str, SameRuleFit]
) -> tuple[SameRuleSpan, ...]:
    """Return each rule with its versions, in order of the first; the rule of all others comes last.

    Versions that returned nothing are left out.
    """
    fitted = [(column.head, fits[column.target]) for column in columns if column.target in fits]
    spans: dict[Rule, list[str]] = {}
    for rule, group in groupby(fitted, key=lambda item: item[1].rule):
        spans.setdefault(rule, []).append(format_span([head for head, _ in group]))
    fits_by_rule = {rule: [fit for _, fit in fitted if fit.rule == rule] for rule in spans}
    main_rule = max(fits_by_rule, key=lambda rule: len(fits_by_rule[rule]), default=None)
    rule_of_others = main_rule if main_rule is not None and len(spans[main_rule]) > _MAX_SPANS else None
    return tuple(
        SameRuleSpan(
            versions="all others" if rule == rule_of_others else ", ".join(spans[rule]),
            rule=rule,
            explained=sum(fit.explained for fit in fits_by_rule[rule]),
            returned=sum(fit.returned for fit in fits_by_rule[rule]),
        )
        for rule in sorted(spans, key=lambda rule: rule == rule_of_others)
    )
