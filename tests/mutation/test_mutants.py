from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from harness.cases.suites import expand_suites, load_library
from harness.mutation.kills import LayerVariant, is_caught, list_layer_variants
from harness.mutation.library import list_all_mutants
from harness.mutation.mutants import Mutant, Theme, list_mutants
from harness.mutation.simulated_target import SimulatedCase
from harness.records import Case, Observation, Refusal
from harness.resources import find_cases_folder
from tests.mutation.handmade import handmade


@cache
def _subjects(layer_variant: LayerVariant) -> tuple[SimulatedCase, ...]:
    return tuple(map(SimulatedCase, handmade(layer_variant)))


def _name(layer_variant: LayerVariant) -> str:
    return f"{layer_variant[0]} {layer_variant[1]}D"


def _catches(simulated: SimulatedCase, mutant: Mutant) -> bool:
    answer = mutant.answer(simulated)
    return answer is not None and is_caught(simulated, answer)


def _living(layer_variant: LayerVariant) -> list[Mutant]:
    return [
        mutant
        for mutant in list_all_mutants()
        if not mutant.is_layer_independent and mutant.applies_to(*layer_variant)
    ]


def _alive(layer_variant: LayerVariant, library: Sequence[Mutant]) -> Sequence[Mutant]:
    for simulated in _subjects(layer_variant):
        library = [mutant for mutant in library if not _catches(simulated, mutant)]
    return library


def _right_answers(simulated: SimulatedCase) -> Iterator[Observation]:
    """Return every answer that a target which follows the formula may give."""
    expectation = simulated.expectation
    if expectation.values is not None:
        yield simulated.expected_observation
    if expectation.refusal is Refusal.REQUIRED:
        yield simulated.refuse(f"Invalid value for `{expectation.refusal_arguments[0]}`")
    elif expectation.refusal is Refusal.ALLOWED:
        yield simulated.refuse("not supported")


def _smoke() -> Iterator[Case]:
    return expand_suites(load_library([find_cases_folder()]), ["smoke"])


def test_names_are_unique() -> None:
    names = [mutant.name for mutant in list_all_mutants()]
    assert len(names) == len(set(names))


def test_there_are_at_least_120_of_every_theme() -> None:
    library = list_all_mutants()
    assert len(library) >= 120
    assert {mutant.theme for mutant in library} == set(Theme)
    assert len(list_mutants()) + sum(mutant.theme is Theme.REPLAY for mutant in library) == len(library)


def test_every_mutant_lives_somewhere() -> None:
    for mutant in list_all_mutants():
        assert any(mutant.applies_to(*layer_variant) for layer_variant in list_layer_variants()), mutant.name


def test_a_right_answer_is_never_caught_in_suite_smoke() -> None:
    answered = 0
    for case in _smoke():
        simulated = SimulatedCase(case)
        for answer in _right_answers(simulated):
            answered += 1
            assert not is_caught(simulated, answer), case.id
    assert answered > 100


@pytest.mark.parametrize("layer_variant", list_layer_variants(), ids=_name)
def test_a_right_answer_is_never_caught_in_any_layer(layer_variant: LayerVariant) -> None:
    for simulated in _subjects(layer_variant):
        for answer in _right_answers(simulated):
            assert not is_caught(simulated, answer), simulated.case.id


@pytest.mark.parametrize("layer_variant", list_layer_variants(), ids=_name)
def test_a_case_made_by_hand_catches_every_mutant_in_each_layer_it_lives_in(
    layer_variant: LayerVariant,
) -> None:
    assert [mutant.name for mutant in _alive(layer_variant, _living(layer_variant))] == []


def test_a_case_made_by_hand_catches_what_may_be_caught_anywhere() -> None:
    alive: Sequence[Mutant] = [mutant for mutant in list_all_mutants() if mutant.is_layer_independent]
    for layer_variant in list_layer_variants():
        alive = _alive(layer_variant, alive)
    assert [mutant.name for mutant in alive] == []
