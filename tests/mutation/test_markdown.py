from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.mutation.kills import Kills, count_kills, list_layer_variants
from harness.mutation.library import list_all_mutants
from harness.mutation.markdown import measure_strength, write_strength_markdown
from harness.mutation.mutants import Mutant, Theme
from harness.records import Layer
from tests.markdown import widths_of_tables
from tests.mutation.handmade import handmade

MUTANTS = {mutant.name: mutant for mutant in list_all_mutants()}
FLIPPED = MUTANTS["kernel-flipped"]
CASES = tuple(handmade((Layer.CONV1D, 1)))
NUM_HOMES = sum(FLIPPED.applies_to(*layer_variant) for layer_variant in list_layer_variants())


def markdown_of(directory: Path, suites: Sequence[Kills], mutant: Mutant = FLIPPED) -> str:
    write_strength_markdown(directory / "strength.md", suites, [mutant])
    return (directory / "strength.md").read_text(encoding="utf-8")


def test_what_is_caught_is_counted_by_theme() -> None:
    strength = measure_strength(count_kills("made", CASES, [FLIPPED]), [FLIPPED])
    (part,) = strength.themes
    assert (part.theme, part.num_mutants, part.num_pairs) == (FLIPPED.theme, 1, NUM_HOMES)
    assert (strength.num_caught, len(strength.alive), part.num_alive) == (1, NUM_HOMES - 1, NUM_HOMES - 1)
    assert (part.rarest.num_cases, part.rarest.mutant) == (0, "kernel-flipped")


def test_themes_without_a_mutant_are_left_out() -> None:
    assert len(Theme) > 1
    assert len(measure_strength(count_kills("made", CASES, [FLIPPED]), [FLIPPED]).themes) == 1


def test_the_page_has_a_table_of_suites_and_one_of_themes_for_each(tmp_path: Path) -> None:
    suites = [count_kills(name, CASES, [FLIPPED]) for name in ("one", "two")]
    text = markdown_of(tmp_path, suites)
    assert widths_of_tables(text) == [{5}, {5}, {5}]
    assert f"| two | {len(CASES)} | {NUM_HOMES} | 1 | {NUM_HOMES - 1} |\n\n## `one`" in text
    assert text.endswith("of 2 cases\n")
    assert "\n\n\n" not in text


def test_a_suite_that_leaves_nothing_alive_lists_nothing(tmp_path: Path) -> None:
    anywhere = MUTANTS["refuses-dilated"]
    text = markdown_of(tmp_path, [count_kills("whole", CASES, [anywhere])], anywhere)
    assert f"| whole | {len(CASES)} | 1 | 1 | 0 |" in text
    assert "Alive:" not in text
    assert text.endswith(" |\n")
