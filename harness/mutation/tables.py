"""The kill matrix as files: which cases of a suite catch which mutant, in which layer, mode and facet.

    SUITE.csv           a row per mutant, a column per layer with its axes: how many cases catch it there
    SUITE-modes.csv     a row per mutant, a column per mode
    SUITE-facets.csv    a row per mutant, a column per facet
    strength.md         what the suites catch, by theme, and the mutants that survive

An empty cell is a layer that the mutant does not apply to; 0 is one where no case catches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.facets import Facet
from harness.files import explain_disk_errors, write_table
from harness.mutation.kills import Kills, list_layer_variants, name_layer_variant
from harness.mutation.markdown import write_strength_markdown
from harness.mutation.mutants import Mutant
from harness.records import Mode


def write_strength(directory: Path, suites: Sequence[Kills], mutants: Sequence[Mutant]) -> None:
    """Write the files of every suite into a folder."""
    with explain_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _write_files(directory, suites, mutants)


def _write_files(directory: Path, suites: Sequence[Kills], mutants: Sequence[Mutant]) -> None:
    for kills in suites:
        columns = ("mutant", "theme", *map(name_layer_variant, list_layer_variants()))
        write_table(directory / f"{kills.suite}.csv", columns, _iterate_layer_rows(kills, mutants))
        modes = [(mutant.name, *(kills.by_mode[mutant.name, mode] for mode in Mode)) for mutant in mutants]
        write_table(directory / f"{kills.suite}-modes.csv", ("mutant", *Mode), modes)
        facets = [
            (mutant.name, *(kills.by_facet[mutant.name, facet] for facet in Facet)) for mutant in mutants
        ]
        write_table(directory / f"{kills.suite}-facets.csv", ("mutant", *Facet), facets)
    write_strength_markdown(directory / "strength.md", suites, mutants)


def _iterate_layer_rows(kills: Kills, mutants: Sequence[Mutant]) -> Iterator[tuple[object, ...]]:
    for mutant in mutants:
        cells = (
            kills.by_layer_variant[mutant.name, layer_variant] if mutant.applies_to(*layer_variant) else None
            for layer_variant in list_layer_variants()
        )
        yield (mutant.name, mutant.theme, *cells)
