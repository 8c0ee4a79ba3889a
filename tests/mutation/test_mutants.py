from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from harness.cases.suites import cases_of, load_library
from harness.mutation.kills import Place, is_caught, places
from harness.mutation.library import every_mutant
from harness.mutation.mutants import Mutant, Theme, mutants
from harness.mutation.simulated_target import Subject
from harness.records import Case, Observation, Refusal
from harness.resources import cases_folder
from tests.mutation.handmade import handmade


@cache
def _subjects(place: Place) -> tuple[Subject, ...]:
    return tuple(map(Subject, handmade(place)))


def _name(place: Place) -> str:
    return f"{place[0]} {place[1]}D"


def _catches(subject: Subject, mutant: Mutant) -> bool:
    answer = mutant.answer(subject)
    return answer is not None and is_caught(subject, answer)


def _living(place: Place) -> list[Mutant]:
    return [mutant for mutant in every_mutant() if not mutant.anywhere and mutant.lives_in(*place)]


def _alive(place: Place, library: Sequence[Mutant]) -> Sequence[Mutant]:
    for subject in _subjects(place):
        library = [mutant for mutant in library if not _catches(subject, mutant)]
    return library


def _right_answers(subject: Subject) -> Iterator[Observation]:
    """Everything that a target which follows the formula may answer."""
    expectation = subject.expectation
    if expectation.values is not None:
        yield subject.right
    if expectation.refusal is Refusal.REQUIRED:
        yield subject.refused(f"Invalid value for `{expectation.refusal_arguments[0]}`")
    elif expectation.refusal is Refusal.ALLOWED:
        yield subject.refused("not supported")


def _smoke() -> Iterator[Case]:
    return cases_of(load_library([cases_folder()]), ["smoke"])


def test_names_are_unique() -> None:
    names = [mutant.name for mutant in every_mutant()]
    assert len(names) == len(set(names))


def test_there_are_at_least_120_of_every_theme() -> None:
    library = every_mutant()
    assert len(library) >= 120
    assert {mutant.theme for mutant in library} == set(Theme)
    assert len(mutants()) + sum(mutant.theme is Theme.REPLAY for mutant in library) == len(library)


def test_every_mutant_lives_somewhere() -> None:
    for mutant in every_mutant():
        assert any(mutant.lives_in(*place) for place in places()), mutant.name


def test_a_right_answer_is_never_caught_in_suite_smoke() -> None:
    answered = 0
    for case in _smoke():
        subject = Subject(case)
        for answer in _right_answers(subject):
            answered += 1
            assert not is_caught(subject, answer), case.id
    assert answered > 100


@pytest.mark.parametrize("place", places(), ids=_name)
def test_a_right_answer_is_never_caught_in_any_layer(place: Place) -> None:
    for subject in _subjects(place):
        for answer in _right_answers(subject):
            assert not is_caught(subject, answer), subject.case.id


@pytest.mark.parametrize("place", places(), ids=_name)
def test_a_case_made_by_hand_catches_every_mutant_in_each_layer_it_lives_in(place: Place) -> None:
    assert [mutant.name for mutant in _alive(place, _living(place))] == []


def test_a_case_made_by_hand_catches_what_may_be_caught_anywhere() -> None:
    alive: Sequence[Mutant] = [mutant for mutant in every_mutant() if mutant.anywhere]
    for place in places():
        alive = _alive(place, alive)
    assert [mutant.name for mutant in alive] == []
