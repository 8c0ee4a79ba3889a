"""The kill matrix as files: which cases of a suite catch which mutant, in which layer, mode and facet.

    SUITE.csv           a row a mutant, a column a layer with its axes: how many cases catch it there
    SUITE-modes.csv     a row a mutant, a column a mode
    SUITE-facets.csv    a row a mutant, a column a facet
    strength.md         what the suites catch, by theme, and what is left alive

An empty cell is a place where the mutant cannot live; 0 is one where nothing catches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.facets import Facet
from harness.files import explain_disk_errors, write_table
from harness.mutation.kills import Kills, list_layer_variants, name_place
from harness.mutation.markdown import write_strength_markdown
from harness.mutation.mutants import Mutant
from harness.records import Mode


def write_strength(directory: Path, suites: Sequence[Kills], library: Sequence[Mutant]) -> None:
    """Write the files of every suite into a folder."""
    with explain_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _write_files(directory, suites, library)


def _write_files(directory: Path, suites: Sequence[Kills], library: Sequence[Mutant]) -> None:
    for kills in suites:
        columns = ("mutant", "theme", *map(name_place, list_layer_variants()))
        write_table(directory / f"{kills.suite}.csv", columns, _iterate_layer_rows(kills, library))
        modes = [(m.name, *(kills.by_mode[m.name, mode] for mode in Mode)) for m in library]
        write_table(directory / f"{kills.suite}-modes.csv", ("mutant", *Mode), modes)
        facets = [(m.name, *(kills.by_facet[m.name, facet] for facet in Facet)) for m in library]
        write_table(directory / f"{kills.suite}-facets.csv", ("mutant", *Facet), facets)
    write_strength_markdown(directory / "strength.md", suites, library)


def _iterate_layer_rows(kills: Kills, library: Sequence[Mutant]) -> Iterator[tuple[object, ...]]:
    for mutant in library:
        cells = (
            kills.by_layer_variant[mutant.name, layer_variant] if mutant.applies_to(*layer_variant) else None
            for layer_variant in list_layer_variants()
        )
        yield (mutant.name, mutant.theme, *cells)
