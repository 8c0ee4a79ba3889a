"""The conformance table: layer x mode, and layer x padding x facet, against target, as counts.

A cell never shows a bare percentage: `118/120 · 2 silent` says how many were judged and what became
of the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from harness.facets import Facet, facets_of
from harness.files import replacing, write_table
from harness.oracle.rules import Padding
from harness.records import Finding, Fingerprint, Layer, Mode, RunInfo
from harness.report.phrases import headline, pins_of, shortfall
from harness.report.tally import Count, Tally, count_of, is_refused
from harness.text import escaped, table_line

EVERY: Final = "all"
"""Stands for every mode, padding or facet in the rows that count them together."""

COLUMNS: Final = (
    "layer",
    "mode",
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
    "unstable",
)

LEGEND: Final = (
    "`118/120 · 2 silent` reads: of 120 judged cases 118 conform, and 2 give a wrong answer with no sign "
    "of it. `loud` is an error or a crash where the formula has an answer, `unsupported` a limit that the "
    "target documents, `inconclusive` a case that could not be judged, `unstable` a divergence that did not "
    "come again when the case was asked a second time. `refused` counts the conforming "
    "cases that the target declined with an exception, as it must or may. A case has many facets, so rows "
    f"overlap; the row `{EVERY}` counts each case once. A case has one mode: the way in which "
    "the layer is called."
)

_VERSION = re.compile(r"v?\d+(\.\d+)+\S*")
_OF_PROCESSOR = frozenset({"processor", "processor_isa", "isa", "onednn", "threads", "subnormals"})
"""What a worker measured of its processor, and of what libraries make of it."""
_PLACES: Final = tuple(
    {EVERY: -1, **{str(word): place for place, word in enumerate(words)}}
    for words in (Layer, Mode, sorted(Padding), Facet)
)
"""Where each word of a key stands among its own kind: `all` first, and what is unknown last."""


_Key: TypeAlias = tuple[str, str, str, str]
"""Layer, mode, padding and facet of a row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The counts of one row and target; `refused` are among `conforming`."""

    conforming: int
    refused: int
    silent: int
    loud: int
    unsupported: int
    inconclusive: int
    unstable: int = 0

    @property
    def judged(self) -> int:
        """Every finding of the cell."""
        diverging = self.silent + self.loud + self.unstable
        return self.conforming + diverging + self.unsupported + self.inconclusive

    @property
    def fraction(self) -> str:
        """Conforming of judged."""
        return f"{self.conforming}/{self.judged}"

    @property
    def markers(self) -> tuple[tuple[str, int], ...]:
        """The counts other than conforming that are not zero, the worst first."""
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
        if not self.judged:
            return "–"
        return " · ".join((self.fraction, *(f"{number} {word}" for word, number in self.markers)))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, with a cell per target: a mode of a layer, or a facet of a layer and padding.

    `mode`, `padding` and `facet` are `all` where the row is not of one of them.
    """

    layer: str
    mode: str
    padding: str
    facet: str
    cells: tuple[Cell, ...]


class Conformance:
    """Adds findings up into the table, one at a time. Padding names count in lower case."""

    def __init__(self, targets: tuple[str, ...]) -> None:
        self.targets = targets
        self._counts: Counter[tuple[_Key, str, Count]] = Counter()
        self._refused: Counter[tuple[_Key, str]] = Counter()
        self._keys: dict[_Key, None] = {}

    def add(self, finding: Finding) -> None:
        """Count one finding in every row that it belongs to."""
        case = finding.case
        padding = case.padding.lower()
        counted, refused = count_of(finding), is_refused(finding)
        keys = [
            (case.layer, case.mode, EVERY, EVERY),
            (case.layer, case.mode, padding, EVERY),
            *((case.layer, EVERY, padding, facet) for facet in (EVERY, *facets_of(case))),
        ]
        for key in keys:
            self._keys[key] = None
            self._counts[key, finding.target, counted] += 1
            if refused:
                self._refused[key, finding.target] += 1

    def modes(self) -> Iterator[Row]:
        """A row for each mode of each layer, in their own order."""
        return (row for row in self._rows() if row.padding == EVERY)

    def rows(self) -> Iterator[Row]:
        """The rows of all modes together, by layer, padding (unknown names last) and facet (`all` first)."""
        return (row for row in self._rows() if row.mode == EVERY)

    def parts(self) -> Iterator[Row]:
        """The rows of `rows`, but each `all` divided into modes, so that those count every finding once."""
        return (
            row
            for row in self._rows()
            if row.padding != EVERY and (row.mode == EVERY) != (row.facet == EVERY)
        )

    def _rows(self) -> Iterator[Row]:
        for key in sorted(self._keys, key=_order):
            yield Row(*key, tuple(self._cell(key, target) for target in self.targets))

    def _cell(self, key: _Key, target: str) -> Cell:
        counts = {count: self._counts[key, target, count] for count in Count}
        return Cell(
            conforming=counts[Count.CONFORMING],
            refused=self._refused[key, target],
            silent=counts[Count.SILENT],
            loud=counts[Count.LOUD],
            unsupported=counts[Count.UNSUPPORTED],
            inconclusive=counts[Count.INCONCLUSIVE],
            unstable=counts[Count.UNSTABLE],
        )


def _order(key: _Key) -> tuple[tuple[int, str], ...]:
    return tuple((places.get(word, len(places)), word) for word, places in zip(key, _PLACES, strict=True))


def write_conformance_csv(path: Path, table: Conformance) -> None:
    """Write `conformance.csv`: one line per row and target that has findings.

    The lines with facet `all` are those of one mode each, and count every finding once.
    """
    write_table(
        path,
        COLUMNS,
        (
            (
                row.layer,
                row.mode,
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
                cell.unstable,
            )
            for row in table.parts()
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
    yield ""
    yield "## Layers and modes"
    yield ""
    yield table_line("layer", "mode", *map(escaped, table.targets))
    yield table_line("---", "---", *("---:" for _ in table.targets))
    layer = None
    for row in table.modes():
        yield table_line("" if row.layer == layer else escaped(row.layer), row.mode, *map(str, row.cells))
        layer = row.layer
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
            measured = ", ".join(f"{key} {version}" for key, version in measured_facts(run.fingerprint))
        yield table_line(
            escaped(name), f"{counts.conforming}/{counts.judged}", escaped(pins), escaped(measured)
        )


def measured_facts(fingerprint: Fingerprint) -> tuple[tuple[str, str], ...]:
    """The versions that a worker measured, its processor, and what libraries derived from that."""
    return tuple(
        (key, value)
        for key, value in fingerprint.items()
        if _VERSION.fullmatch(value) or key in _OF_PROCESSOR
    )
