"""`strength.md`: what the suites catch, by theme, and the mutants that survive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.mutation.kills import MIN_KILLS, Kills, Survivor, list_layer_variants, name_layer_variant
from harness.mutation.mutants import Mutant, Theme
from harness.templates import write_rendered

_MAX_ALIVE: Final = 40
"""Survivors that the page lists; the CSV files have them all."""


@dataclass(frozen=True, slots=True)
class RarestKill:
    """The mutant that the fewest cases catch, and the layer in which they do."""

    num_cases: int
    mutant: str
    layer_variant: str


@dataclass(frozen=True, slots=True)
class ThemeStrength:
    """What a suite catches of the mutants of one theme.

    `num_pairs` counts each mutant with each layer that it applies to, and a layer-independent one once.
    """

    theme: Theme
    num_mutants: int
    num_pairs: int
    num_alive: int
    rarest: RarestKill


@dataclass(frozen=True, slots=True)
class SuiteStrength:
    """What a suite catches, by theme, and the mutants that survive."""

    suite: str
    num_cases: int
    themes: tuple[ThemeStrength, ...]
    alive: tuple[Survivor, ...]

    @property
    def num_pairs(self) -> int:
        """The number of pairs of a mutant and a layer that it applies to."""
        return sum(theme.num_pairs for theme in self.themes)

    @property
    def num_caught(self) -> int:
        """The number of pairs that the suite catches."""
        return self.num_pairs - len(self.alive)


def write_strength_markdown(path: Path, suites: Sequence[Kills], mutants: Sequence[Mutant]) -> None:
    """Write `strength.md`."""
    values = {
        "num_mutants": len(mutants),
        "min_kills": MIN_KILLS,
        "suites": [measure_strength(kills, mutants) for kills in suites],
        "max_alive": _MAX_ALIVE,
    }
    write_rendered(path, "harness.mutation/strength.md.j2", values)


def measure_strength(kills: Kills, mutants: Sequence[Mutant]) -> SuiteStrength:
    """Add up what a suite catches, theme by theme; themes without a mutant are left out."""
    alive = kills.find_survivors(mutants)
    return SuiteStrength(kills.suite, kills.cases, tuple(_measure_themes(kills, mutants, alive)), alive)


def _measure_themes(
    kills: Kills, mutants: Sequence[Mutant], alive: Sequence[Survivor]
) -> Iterator[ThemeStrength]:
    num_alive = Counter(survivor.mutant.theme for survivor in alive)
    for theme in Theme:
        theme_mutants = [mutant for mutant in mutants if mutant.theme is theme]
        if theme_mutants:
            num_pairs = sum(map(_count_pairs, theme_mutants))
            yield ThemeStrength(
                theme, len(theme_mutants), num_pairs, num_alive[theme], _find_rarest(kills, theme_mutants)
            )


def _count_pairs(mutant: Mutant) -> int:
    return (
        1
        if mutant.is_layer_independent
        else sum(mutant.applies_to(*layer_variant) for layer_variant in list_layer_variants())
    )


def _find_rarest(kills: Kills, mutants: Sequence[Mutant]) -> RarestKill:
    caught = (
        (kills.by_layer_variant[mutant.name, layer_variant], mutant.name, name_layer_variant(layer_variant))
        for mutant in mutants
        for layer_variant in list_layer_variants()
        if mutant.applies_to(*layer_variant)
        and (not mutant.is_layer_independent or kills.by_layer_variant[mutant.name, layer_variant])
    )
    return RarestKill(*min(caught, default=(0, "none", "any layer")))
