"""The conformance table: layer x padding x facet against target, as counts.

A cell never shows a bare percentage: `118/120 · 2 silent` says how many were judged and what became
of the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.generator.facets import Facet, facets_of
from harness.oracle.rules import Padding
from harness.records import Finding, Fingerprint, RunInfo
from harness.report.csv_files import replacing, write_table
from harness.report.markdown import escaped, table_line
from harness.report.tally import Count, Tally, count_of, is_refused
from harness.report.wording import headline, pins_of, shortfall

EVERY: Final = "all"
"""The row that counts every case of a layer and padding, whatever its facets."""

COLUMNS: Final = (
    "layer",
    "padding",
    "facet",
    "target",
    "judged",
    "conforming",
    "refused",
    "silent",
    "loud",
    "unsupported",
    "inconclusive",
)

LEGEND: Final = (
    "`118/120 · 2 silent` reads: of 120 judged cases 118 conform, and 2 give a wrong answer with no sign "
    "of it. `loud` is an error or a crash where the formula has an answer, `unsupported` a limit that the "
    "target documents, `inconclusive` a case that could not be judged. `refused` counts the conforming "
    "cases that the target declined with an exception, as it must or may. A case has many facets, so rows "
    f"overlap; the row `{EVERY}` counts each case once."
)

_VERSION = re.compile(r"v?\d+(\.\d+)+\S*")
_FACETS = {facet: position for position, facet in enumerate(Facet)}


@dataclass(frozen=True, slots=True)
class Cell:
    """The counts of one row and target; `refused` are among `conforming`."""

    conforming: int
    refused: int
    silent: int
    loud: int
    unsupported: int
    inconclusive: int

    @property
    def judged(self) -> int:
        """Every finding of the cell."""
        return self.conforming + self.silent + self.loud + self.unsupported + self.inconclusive

    @property
    def fraction(self) -> str:
        """Conforming of judged."""
        return f"{self.conforming}/{self.judged}"

    @property
    def markers(self) -> tuple[tuple[str, int], ...]:
        """The counts other than conforming that are not zero, the worst first."""
        words = ("silent", "loud", "unsupported", "inconclusive", "refused")
        numbers = (self.silent, self.loud, self.unsupported, self.inconclusive, self.refused)
        return tuple((word, number) for word, number in zip(words, numbers, strict=True) if number)

    def __str__(self) -> str:
        if not self.judged:
            return "–"
        return " · ".join((self.fraction, *(f"{number} {word}" for word, number in self.markers)))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: a facet of a layer and padding, with a cell per target."""

    layer: str
    padding: str
    facet: str
    cells: tuple[Cell, ...]


class Conformance:
    """Adds findings up into the table, one at a time. Padding names count in lower case."""

    def __init__(self, targets: tuple[str, ...]) -> None:
        self.targets = targets
        self._counts: Counter[tuple[str, str, str, str, Count]] = Counter()
        self._refused: Counter[tuple[str, str, str, str]] = Counter()
        self._rows: dict[tuple[str, str, str], None] = {}

    def add(self, finding: Finding) -> None:
        """Count one finding in the row of each of its facets, and in the row of all."""
        layer, padding = finding.case.layer, finding.case.padding.lower()
        counted, refused = count_of(finding), is_refused(finding)
        for facet in (EVERY, *facets_of(finding.case)):
            self._rows[layer, padding, facet] = None
            self._counts[layer, padding, facet, finding.target, counted] += 1
            if refused:
                self._refused[layer, padding, facet, finding.target] += 1

    def rows(self) -> Iterator[Row]:
        """The rows by layer, padding (unknown names last) and facet (`all` first)."""
        for layer, padding, facet in sorted(self._rows, key=_row_order):
            cells = tuple(self._cell(layer, padding, facet, target) for target in self.targets)
            yield Row(layer, padding, facet, cells)

    def _cell(self, layer: str, padding: str, facet: str, target: str) -> Cell:
        counts = {count: self._counts[layer, padding, facet, target, count] for count in Count}
        return Cell(
            conforming=counts[Count.CONFORMING],
            refused=self._refused[layer, padding, facet, target],
            silent=counts[Count.SILENT],
            loud=counts[Count.LOUD],
            unsupported=counts[Count.UNSUPPORTED],
            inconclusive=counts[Count.INCONCLUSIVE],
        )


def _row_order(row: tuple[str, str, str]) -> tuple[str, bool, str, int]:
    layer, padding, facet = row
    return (layer, padding not in set(Padding), padding, -1 if facet == EVERY else _FACETS[Facet(facet)])


def write_conformance_csv(path: Path, table: Conformance) -> None:
    """Write `conformance.csv`: one line per row and target that has findings."""
    write_table(
        path,
        COLUMNS,
        (
            (
                row.layer,
                row.padding,
                row.facet,
                target,
                cell.judged,
                cell.conforming,
                cell.refused,
                cell.silent,
                cell.loud,
                cell.unsupported,
                cell.inconclusive,
            )
            for row in table.rows()
            for target, cell in zip(table.targets, row.cells, strict=True)
            if cell.judged
        ),
    )


def write_conformance_markdown(path: Path, info: RunInfo, table: Conformance, tally: Tally) -> None:
    """Write `conformance.md`: what was run, and the table, for people to read and to commit."""
    with replacing(path) as file:
        for line in _markdown(info, table, tally):
            file.write(f"{line}\n")


def _markdown(info: RunInfo, table: Conformance, tally: Tally) -> Iterator[str]:
    header = info.header
    yield "# Conformance"
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
    yield ""
    yield from _targets_markdown(info, table, tally)
    yield ""
    yield LEGEND
    section = None
    for row in table.rows():
        if (row.layer, row.padding) != section:
            section = (row.layer, row.padding)
            yield ""
            yield f"## {escaped(row.layer)}, padding {escaped(row.padding)}"
            yield ""
            yield table_line("facet", *map(escaped, table.targets))
            yield table_line("---", *("---:" for _ in table.targets))
        yield table_line(escaped(row.facet), *map(str, row.cells))


def _targets_markdown(info: RunInfo, table: Conformance, tally: Tally) -> Iterator[str]:
    runs = {} if info.footer is None else {target.name: target for target in info.footer.targets}
    yield "## Targets"
    yield ""
    yield table_line("target", "conforming", "pins", "measured")
    yield table_line("---", "---:", "---", "---")
    for name in table.targets:
        counts = tally.targets[name]
        pins = measured = ""
        if run := runs.get(name):
            pins = ", ".join(pins_of(run))
            measured = ", ".join(f"{key} {version}" for key, version in versions_of(run.fingerprint))
        yield table_line(
            escaped(name), f"{counts.conforming}/{counts.judged}", escaped(pins), escaped(measured)
        )


def versions_of(fingerprint: Fingerprint) -> tuple[tuple[str, str], ...]:
    """The versions that a worker measured, without what only tells of the machine it ran on."""
    return tuple((key, value) for key, value in fingerprint.items() if _VERSION.fullmatch(value))
