"""The conformance table: layer x mode, and layer x padding x facet, against target, as counts.

A cell never shows a bare percentage: `118/120 · 2 silent` says how many were judged, and what the rest is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from harness.facets import Facet, find_facets
from harness.oracle.rules import Padding
from harness.records import Case, Finding, Layer, Mode
from harness.report.tally import FindingCount, classify_finding, is_refused

EVERY: Final = "all"
"""The name of every mode, padding or facet in the rows that count them together."""

_RANKS: Final = tuple(
    {EVERY: -1, **{str(name): rank for rank, name in enumerate(names)}}
    for names in (Layer, Mode, sorted(Padding), Facet)
)
"""The rank of each name at each place of a key: `all` first; unknown names come last."""


_RowKey: TypeAlias = tuple[str, str, str, str]
"""Layer, mode, padding and facet of a row."""


@dataclass(frozen=True, slots=True)
class ConformanceCell:
    """The counts of one row and target; `refused` are among `conforming`."""

    conforming: int
    refused: int
    silent: int
    loud: int
    unsupported: int
    inconclusive: int
    unstable: int = 0

    @property
    def num_judged(self) -> int:
        """The number of findings of the cell."""
        diverging = self.silent + self.loud + self.unstable
        return self.conforming + diverging + self.unsupported + self.inconclusive

    @property
    def fraction(self) -> str:
        """Conforming of judged, as text."""
        return f"{self.conforming}/{self.num_judged}"

    @property
    def markers(self) -> tuple[tuple[str, int], ...]:
        """The counts other than conforming that are not zero, worst first."""
        counts = (
            ("silent", self.silent),
            ("loud", self.loud),
            ("unstable", self.unstable),
            ("unsupported", self.unsupported),
            ("inconclusive", self.inconclusive),
            ("refused", self.refused),
        )
        return tuple((word, number) for word, number in counts if number)

    def __str__(self) -> str:
        if not self.num_judged:
            return "–"
        return " · ".join((self.fraction, *(f"{number} {word}" for word, number in self.markers)))


@dataclass(frozen=True, slots=True)
class ConformanceRow:
    """One row of the table, with a cell per target: a mode of a layer, or a facet of a layer and padding.

    `mode`, `padding` and `facet` are `all` where the row counts all of them.
    """

    layer: str
    mode: str
    padding: str
    facet: str
    cells: tuple[ConformanceCell, ...]


class Conformance:
    """The table, to which findings are added one at a time. Padding names are in lower case."""

    def __init__(self, targets: tuple[str, ...]) -> None:
        self.targets = targets
        self._counts: Counter[tuple[_RowKey, str, FindingCount]] = Counter()
        self._refused: Counter[tuple[_RowKey, str]] = Counter()
        self._keys: dict[_RowKey, None] = {}
        self._facets: dict[str, frozenset[Facet]] = {}
        self._known_facets: dict[frozenset[Facet], frozenset[Facet]] = {}

    def add(self, finding: Finding) -> None:
        """Count a finding in every row that it belongs to."""
        case = finding.case
        padding = case.padding.lower()
        count, refused = classify_finding(finding), is_refused(finding)
        keys = [
            (case.layer, case.mode, EVERY, EVERY),
            (case.layer, case.mode, padding, EVERY),
            *((case.layer, EVERY, padding, facet) for facet in (EVERY, *self._find_facets(case))),
        ]
        for key in keys:
            self._keys[key] = None
            self._counts[key, finding.target, count] += 1
            if refused:
                self._refused[key, finding.target] += 1

    def _find_facets(self, case: Case) -> frozenset[Facet]:
        """Return the facets of a case, computed once however many targets there are; equal sets are one."""
        case_id = case.id
        if case_id not in self._facets:
            facets = find_facets(case)
            self._facets[case_id] = self._known_facets.setdefault(facets, facets)
        return self._facets[case_id]

    def list_mode_rows(self) -> Iterator[ConformanceRow]:
        """List a row for each mode of each layer, in the order of the enums."""
        return (row for row in self._list_rows() if row.padding == EVERY)

    def list_facet_rows(self) -> Iterator[ConformanceRow]:
        """List the rows of all modes together, by layer, padding (unknown last) and facet (`all` first)."""
        return (row for row in self._list_rows() if row.mode == EVERY)

    def list_disjoint_rows(self) -> Iterator[ConformanceRow]:
        """List the rows of facets, with each row of facet `all` split by mode.

        The rows with facet `all` are of one mode each, and count every finding once.
        """
        return (
            row
            for row in self._list_rows()
            if row.padding != EVERY and (row.mode == EVERY) != (row.facet == EVERY)
        )

    def _list_rows(self) -> Iterator[ConformanceRow]:
        for key in sorted(self._keys, key=_sort_key):
            yield ConformanceRow(*key, tuple(self._make_cell(key, target) for target in self.targets))

    def _make_cell(self, key: _RowKey, target: str) -> ConformanceCell:
        counts = {count: self._counts[key, target, count] for count in FindingCount}
        return ConformanceCell(
            conforming=counts[FindingCount.CONFORMING],
            refused=self._refused[key, target],
            silent=counts[FindingCount.SILENT],
            loud=counts[FindingCount.LOUD],
            unsupported=counts[FindingCount.UNSUPPORTED],
            inconclusive=counts[FindingCount.INCONCLUSIVE],
            unstable=counts[FindingCount.UNSTABLE],
        )


def _sort_key(key: _RowKey) -> tuple[tuple[int, str], ...]:
    return tuple((ranks.get(name, len(ranks)), name) for name, ranks in zip(key, _RANKS, strict=True))
