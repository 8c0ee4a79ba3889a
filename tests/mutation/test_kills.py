from __future__ import annotations

from dataclasses import replace

from harness.facets import Facet
from harness.mutation.kills import (
    MIN_KILLS,
    Kills,
    LayerVariant,
    Survivor,
    count_kills,
    is_caught,
    list_layer_variants,
)
from harness.mutation.library import list_all_mutants
from harness.mutation.mutants import Mutant, Theme
from harness.mutation.simulated_target import SimulatedCase
from harness.records import Case, Layer, Mode
from tests.mutation.handmade import handmade

PLACE: LayerVariant = (Layer.CONV1D, 1)
CASES = tuple(handmade(PLACE))


def mutant_named(name: str) -> Mutant:
    (mutant,) = (mutant for mutant in list_all_mutants() if mutant.name == name)
    return mutant


FLIPPED = mutant_named("kernel-flipped")
PLAIN = CASES[0]


def catches(case: Case, mutant: Mutant) -> bool:
    simulated = SimulatedCase(case)
    answer = mutant.answer(simulated)
    return answer is not None and is_caught(simulated, answer)


def survivors(kills: Kills, mutant: Mutant) -> tuple[Survivor, ...]:
    return tuple(
        survivor for survivor in kills.find_survivors([mutant]) if survivor.layer_variant in {PLACE, None}
    )


def test_a_case_counts_by_layer_mode_and_facet() -> None:
    strided = replace(PLAIN, strides=(2,), mode=Mode.INFERRED)
    kills = count_kills("two", [PLAIN, strided], [FLIPPED])
    assert (kills.suite, kills.cases, kills.cases_by_layer_variant[PLACE]) == ("two", 2, 2)
    assert kills.by_layer_variant[FLIPPED.name, PLACE] == 2
    assert kills.by_mode[FLIPPED.name, Mode.EAGER] == kills.by_mode[FLIPPED.name, Mode.INFERRED] == 1
    assert kills.by_facet[FLIPPED.name, Facet.STRIDED] == 1
    assert kills.by_facet[FLIPPED.name, Facet.BATCHED] == 2


def test_a_mutant_that_does_not_live_in_a_layer_is_not_asked_there() -> None:
    kills = count_kills("one", [PLAIN], [mutant_named("divisor-counts-padding")])
    assert not kills.by_layer_variant
    assert kills.cases == 1


def test_a_case_that_does_not_show_a_mutant_is_no_kill() -> None:
    pointwise = replace(PLAIN, kernel=(1,))
    assert count_kills("one", [pointwise], [FLIPPED]).by_layer_variant[FLIPPED.name, PLACE] == 0


def test_independence_counts_geometries_and_not_repetitions() -> None:
    repeated = [PLAIN, replace(PLAIN, batch=3), replace(PLAIN, filters=5), replace(PLAIN, mode=Mode.GRADIENT)]
    kills = count_kills("repeated", repeated, [FLIPPED])
    assert kills.by_layer_variant[FLIPPED.name, PLACE] == 4
    assert kills.count_independent(FLIPPED, PLACE) == 1
    assert [survivor.num_caught for survivor in survivors(kills, FLIPPED)] == [1]


def test_another_spelling_of_the_padding_is_no_other_geometry() -> None:
    kills = count_kills("spelled", [PLAIN, replace(PLAIN, padding="VALID")], [FLIPPED])
    assert kills.count_independent(FLIPPED, PLACE) == 1


def test_independence_stops_at_enough() -> None:
    cases = [replace(PLAIN, input=(length,)) for length in range(4, 4 + 2 * MIN_KILLS)]
    kills = count_kills("many", cases, [FLIPPED])
    assert kills.count_independent(FLIPPED, PLACE) == MIN_KILLS
    assert survivors(kills, FLIPPED) == ()


def test_a_mutant_survives_a_suite_without_the_cases_that_catch_it() -> None:
    for name in (
        "causal-padding-after",
        "bias-reversed",
        "inferred-length-rounded-up",
        "accepts-groups-below-1",
    ):
        mutant = mutant_named(name)
        catching = [case for case in CASES if catches(case, mutant)]
        others = [case for case in CASES if case not in catching]
        assert catching
        assert survivors(count_kills("emptied", others, [mutant]), mutant) == (Survivor(mutant, PLACE, 0),)
        one = count_kills("one left", [*others, catching[0]], [mutant])
        assert survivors(one, mutant) == (Survivor(mutant, PLACE, 1),)


def test_a_mutant_survives_in_each_layer_that_a_suite_leaves_out() -> None:
    alive = count_kills("one layer", CASES, [FLIPPED]).find_survivors([FLIPPED])
    expected = {
        layer_variant for layer_variant in list_layer_variants() if FLIPPED.applies_to(*layer_variant)
    } - {PLACE}
    assert {survivor.layer_variant for survivor in alive} == expected
    assert all(survivor.num_caught == 0 for survivor in alive)


def test_what_may_be_caught_anywhere_survives_once() -> None:
    anywhere = mutant_named(f"refuses-{Facet.CHANNELS_FIRST}")
    assert anywhere.theme is Theme.REFUSES
    none = count_kills("none", [PLAIN], [anywhere])
    assert none.find_survivors([anywhere]) == (Survivor(anywhere, None, 0),)
    assert count_kills("all", CASES, [anywhere]).find_survivors([anywhere]) == ()


def test_a_survivor_says_where_and_how_seldom() -> None:
    assert str(Survivor(FLIPPED, PLACE, 1)) == "kernel-flipped in Conv1D with 1 axes: caught by 1 of 2 cases"
    assert str(Survivor(FLIPPED, None, 0)) == "kernel-flipped in any layer: caught by 0 of 2 cases"
