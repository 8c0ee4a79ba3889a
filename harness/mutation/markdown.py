"""`strength.md`: what the suites catch, by theme, and what is left alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.mutation.kills import MIN_KILLS, Kills, Survivor, list_layer_variants, name_place
from harness.mutation.mutants import Mutant, Theme
from harness.templates import write_rendered

_MAX_ALIVE: Final = 40
"""Survivors that the page names; the CSV files have them all."""


@dataclass(frozen=True, slots=True)
class RarestKill:
    """The mutant that the fewest cases catch, and the layer where that is so."""

    num_cases: int
    mutant: str
    place: str


@dataclass(frozen=True, slots=True)
class ThemeStrength:
    """What a suite makes of the mutants of one theme.

    `num_homes` counts each mutant in each layer that it can live in; one that lives anywhere counts once.
    """

    theme: Theme
    num_mutants: int
    num_homes: int
    num_alive: int
    rarest: RarestKill


@dataclass(frozen=True, slots=True)
class SuiteStrength:
    """What a suite catches, by theme, and what it leaves alive."""

    suite: str
    num_cases: int
    themes: tuple[ThemeStrength, ...]
    alive: tuple[Survivor, ...]

    @property
    def num_homes(self) -> int:
        """The homes of all mutants."""
        return sum(part.num_homes for part in self.themes)

    @property
    def num_caught(self) -> int:
        """The homes in which the suite catches the mutant."""
        return self.num_homes - len(self.alive)


def write_strength_markdown(path: Path, suites: Sequence[Kills], library: Sequence[Mutant]) -> None:
    """Write `strength.md`."""
    values = {
        "num_mutants": len(library),
        "enough": MIN_KILLS,
        "suites": [measure_strength(kills, library) for kills in suites],
        "max_alive": _MAX_ALIVE,
    }
    write_rendered(path, "harness.mutation/strength.md.j2", values)


def measure_strength(kills: Kills, library: Sequence[Mutant]) -> SuiteStrength:
    """Add up what a suite catches, theme by theme; themes without a mutant are left out."""
    alive = kills.alive(library)
    return SuiteStrength(kills.suite, kills.cases, tuple(_measure_themes(kills, library, alive)), alive)


def _measure_themes(
    kills: Kills, library: Sequence[Mutant], alive: Sequence[Survivor]
) -> Iterator[ThemeStrength]:
    num_alive = Counter(survivor.mutant.theme for survivor in alive)
    for theme in Theme:
        own = [mutant for mutant in library if mutant.theme is theme]
        if own:
            num_homes = sum(map(_count_homes, own))
            yield ThemeStrength(theme, len(own), num_homes, num_alive[theme], _find_rarest(kills, own))


def _count_homes(mutant: Mutant) -> int:
    return (
        1
        if mutant.is_layer_independent
        else sum(mutant.applies_to(*place) for place in list_layer_variants())
    )


def _find_rarest(kills: Kills, library: Sequence[Mutant]) -> RarestKill:
    caught = (
        (kills.by_layer_variant[mutant.name, place], mutant.name, name_place(place))
        for mutant in library
        for place in list_layer_variants()
        if mutant.applies_to(*place)
        and (not mutant.is_layer_independent or kills.by_layer_variant[mutant.name, place])
    )
    return RarestKill(*min(caught, default=(0, "none", "any layer")))
