"""Which cases catch which mutants: the kill matrix of a suite, and what is left alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from harness.facets import Facet
from harness.judge.compare import judge
from harness.mutation.mutants import Mutant
from harness.mutation.simulated_target import Subject
from harness.records import Case, Layer, Mode, Observation, Verdict

Place: TypeAlias = tuple[Layer, int]
"""A layer with its number of spatial axes: what a mutant lives in."""

ENOUGH = 2
"""Independent cases that have to catch a mutant."""


@dataclass(slots=True)
class Kills:
    """How many cases of a suite catch each mutant, by layer, by mode and by facet.

    `independent` counts those of different geometry: lengths, kernel, strides, dilation, paddings. It
    stops at `ENOUGH`. `cases` is how many the suite has.
    """

    suite: str
    cases: int = 0
    by_place: Counter[tuple[str, Place]] = field(default_factory=Counter)
    by_mode: Counter[tuple[str, Mode]] = field(default_factory=Counter)
    by_facet: Counter[tuple[str, Facet]] = field(default_factory=Counter)
    places: Counter[Place] = field(default_factory=Counter)
    _geometries: dict[tuple[str, Place], set[object]] = field(default_factory=dict)

    def add(self, case: Case, library: Sequence[Mutant]) -> None:
        """Ask every mutant that lives in the case's layer."""
        subject = Subject(case)
        place = (case.layer, case.ndim)
        self.cases += 1
        self.places[place] += 1
        verdicts: dict[int, bool] = {}
        answers: list[Observation] = []  # Kept, so that no two have the same id.
        for mutant in library:
            if not mutant.lives_in(*place):
                continue
            answer = mutant.answer(subject)
            if answer is None:
                continue
            if id(answer) not in verdicts:
                verdicts[id(answer)] = is_caught(subject, answer)
                answers.append(answer)
            if not verdicts[id(answer)]:
                continue
            self.by_place[mutant.name, place] += 1
            self.by_mode[mutant.name, case.mode] += 1
            self.by_facet.update((mutant.name, facet) for facet in subject.facets)
            seen = self._geometries.setdefault((mutant.name, place), set())
            if len(seen) < ENOUGH:
                seen.add(_geometry(case))

    def merge(self, other: Kills) -> None:
        """Take in what was counted of other cases of the suite."""
        self.cases += other.cases
        self.by_place.update(other.by_place)
        self.by_mode.update(other.by_mode)
        self.by_facet.update(other.by_facet)
        self.places.update(other.places)
        for key, geometries in other._geometries.items():
            self._geometries[key] = set(list(self._geometries.get(key, set()) | geometries)[:ENOUGH])

    def independent(self, mutant: Mutant, place: Place) -> int:
        """Cases of different geometry that catch a mutant in a place, up to `ENOUGH`."""
        return len(self._geometries.get((mutant.name, place), ()))

    def alive(self, library: Sequence[Mutant]) -> tuple[Survivor, ...]:
        """The mutants that fewer than `ENOUGH` independent cases catch, and where."""
        return tuple(survivor for mutant in library for survivor in self._alive(mutant))

    def _alive(self, mutant: Mutant) -> Iterator[Survivor]:
        if mutant.anywhere:
            caught = sum(self.independent(mutant, place) for place in places())
            if caught < ENOUGH:
                yield Survivor(mutant, None, caught)
            return
        for place in places():
            caught = self.independent(mutant, place)
            if mutant.lives_in(*place) and caught < ENOUGH:
                yield Survivor(mutant, place, caught)


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that too few cases catch: in a layer, or anywhere."""

    mutant: Mutant
    place: Place | None
    caught: int

    def __str__(self) -> str:
        where = "any layer" if self.place is None else f"{self.place[0]} with {self.place[1]} axes"
        return f"{self.mutant.name} in {where}: caught by {self.caught} of {ENOUGH} cases"


def kills_of(suite: str, cases: Iterable[Case], library: Sequence[Mutant]) -> Kills:
    """Ask every mutant every case of a suite."""
    kills = Kills(suite)
    for case in cases:
        kills.add(case, library)
    return kills


def is_caught(subject: Subject, answer: Observation) -> bool:
    """Whether the comparison says of an answer that it diverges."""
    finding = judge(subject.case, subject.expectation, answer, (), with_cause=False)
    return finding.verdict is Verdict.DIVERGES


def places() -> tuple[Place, ...]:
    """Every layer with each number of axes that it takes."""
    return tuple((layer, ndim) for layer in Layer for ndim in layer.ndims)


def name_place(place: Place) -> str:
    """Name a layer, with its axes where there is a choice: `ops.conv 2D`."""
    layer, ndim = place
    return layer.value if len(layer.ndims) == 1 else f"{layer.value} {ndim}D"


def _geometry(case: Case) -> object:
    return case.input, case.kernel, case.strides, case.dilation, case.padding.lower(), case.output_padding
