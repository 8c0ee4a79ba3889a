"""The kill matrix as files: which cases of a suite catch which mutant, in which layer, mode and facet.

    SUITE.csv           a row a mutant, a column a layer with its axes: how many cases catch it there
    SUITE-modes.csv     a row a mutant, a column a mode
    SUITE-facets.csv    a row a mutant, a column a facet
    strength.md         what the suites catch, by theme, and what is left alive

An empty cell is a place where the mutant cannot live; 0 is one where nothing catches it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.facets import Facet
from harness.files import explain_disk_errors, replacing, write_table
from harness.mutation.kills import ENOUGH, Kills, Place, places
from harness.mutation.mutants import Mutant, Theme
from harness.records import Mode
from harness.text import escaped, table_line

_MAX_ALIVE = 40
"""Survivors that the page names; the CSV files have them all."""


def write_strength(directory: Path, suites: Sequence[Kills], library: Sequence[Mutant]) -> None:
    """Write the files of every suite into a folder."""
    with explain_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        _write_files(directory, suites, library)


def _write_files(directory: Path, suites: Sequence[Kills], library: Sequence[Mutant]) -> None:
    for kills in suites:
        columns = ("mutant", "theme", *map(place_name, places()))
        write_table(directory / f"{kills.suite}.csv", columns, _place_rows(kills, library))
        modes = [(m.name, *(kills.by_mode[m.name, mode] for mode in Mode)) for m in library]
        write_table(directory / f"{kills.suite}-modes.csv", ("mutant", *Mode), modes)
        facets = [(m.name, *(kills.by_facet[m.name, facet] for facet in Facet)) for m in library]
        write_table(directory / f"{kills.suite}-facets.csv", ("mutant", *Facet), facets)
    with replacing(directory / "strength.md") as file:
        file.write("\n".join(_lines(suites, library)) + "\n")


def place_name(place: Place) -> str:
    """A layer, with its axes where there is a choice: `ops.conv 2D`."""
    layer, ndim = place
    return layer.value if len(layer.ndims) == 1 else f"{layer.value} {ndim}D"


def _place_rows(kills: Kills, library: Sequence[Mutant]) -> Iterator[tuple[object, ...]]:
    for mutant in library:
        cells = (
            kills.by_place[mutant.name, place] if mutant.lives_in(*place) else None for place in places()
        )
        yield (mutant.name, mutant.theme, *cells)


def _lines(suites: Sequence[Kills], library: Sequence[Mutant]) -> Iterator[str]:
    yield "# How strong the suites are"
    yield ""
    yield (
        f"{len(library)} mutants, each a target that is wrong in one known way, asked every case of a suite."
        f" One that can live in a layer has to be caught there by {ENOUGH} cases of different geometry."
    )
    yield ""
    yield table_line("suite", "cases", "mutants in layers", "caught twice", "alive")
    yield "|---|--:|--:|--:|--:|"
    for kills in suites:
        homes, alive = _homes(library), kills.alive(library)
        caught = sum(homes.values()) - len(alive)
        yield table_line(
            kills.suite, *(f"{n:,}" for n in (kills.cases, sum(homes.values()), caught, len(alive)))
        )
    for kills in suites:
        yield from _suite_lines(kills, library)


def _homes(library: Iterable[Mutant]) -> Mapping[Theme, int]:
    """How many (mutant, layer) there are, by theme; a mutant that lives anywhere counts once."""
    homes = Counter[Theme]()
    for mutant in library:
        homes[mutant.theme] += 1 if mutant.anywhere else sum(mutant.lives_in(*place) for place in places())
    return homes


def _suite_lines(kills: Kills, library: Sequence[Mutant]) -> Iterator[str]:
    alive = kills.alive(library)
    alive_by_theme = Counter(survivor.mutant.theme for survivor in alive)
    yield ""
    yield f"## `{kills.suite}`: {kills.cases:,} cases"
    yield ""
    yield table_line("wrong about", "mutants", "in layers", "alive", "caught least often")
    yield "|---|--:|--:|--:|---|"
    homes = _homes(library)
    for theme in Theme:
        own = [mutant for mutant in library if mutant.theme is theme]
        if own:
            yield table_line(
                theme, f"{len(own)}", f"{homes[theme]:,}", f"{alive_by_theme[theme]}", _rarest(kills, own)
            )
    if alive:
        yield ""
        yield "Alive:"
        yield ""
        yield from (f"* {escaped(str(survivor))}" for survivor in alive[:_MAX_ALIVE])
        if len(alive) > _MAX_ALIVE:
            yield f"* and {len(alive) - _MAX_ALIVE:,} more"


def _rarest(kills: Kills, library: Sequence[Mutant]) -> str:
    """The mutant that the fewest cases catch, in the layer where that is so."""
    caught = (
        (kills.by_place[mutant.name, place], mutant.name, place_name(place))
        for mutant in library
        for place in places()
        if mutant.lives_in(*place) and (not mutant.anywhere or kills.by_place[mutant.name, place])
    )
    number, name, where = min(caught, default=(0, "none", "any layer"))
    return f"`{name}` in `{where}`: {number}"
