"""Which cases catch which mutants: the kill matrix of a suite, and the mutants that survive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from harness.facets import Facet
from harness.judge.compare import judge_observation
from harness.mutation.mutants import Mutant
from harness.mutation.simulated_target import SimulatedCase
from harness.records import Case, Layer, Mode, Observation, Verdict

LayerVariant: TypeAlias = tuple[Layer, int]
"""A layer with its number of spatial axes: what a mutant applies to."""

MIN_KILLS = 2
"""The number of independent cases that have to catch a mutant."""


@dataclass(slots=True)
class Kills:
    """How many cases of a suite catch each mutant, by layer, by mode and by facet.

    `count_independent` counts those of different geometry: lengths, kernel, strides, dilation, paddings. It
    stops at `MIN_KILLS`. `cases` is the number of cases of the suite.
    """

    suite: str
    cases: int = 0
    by_layer_variant: Counter[tuple[str, LayerVariant]] = field(default_factory=Counter)
    by_mode: Counter[tuple[str, Mode]] = field(default_factory=Counter)
    by_facet: Counter[tuple[str, Facet]] = field(default_factory=Counter)
    cases_by_layer_variant: Counter[LayerVariant] = field(default_factory=Counter)
    _geometries: dict[tuple[str, LayerVariant], set[object]] = field(default_factory=dict)

    def add(self, case: Case, mutants: Sequence[Mutant]) -> None:
        """Count the mutants that the case catches, of those that apply to its layer."""
        simulated = SimulatedCase(case)
        layer_variant = (case.layer, case.ndim)
        self.cases += 1
        self.cases_by_layer_variant[layer_variant] += 1
        verdicts: dict[int, bool] = {}
        answers: list[Observation] = []  # Kept alive, so that no two have the same id.
        for mutant in mutants:
            if not mutant.applies_to(*layer_variant):
                continue
            answer = mutant.answer(simulated)
            if answer is None:
                continue
            if id(answer) not in verdicts:
                verdicts[id(answer)] = is_caught(simulated, answer)
                answers.append(answer)
            if not verdicts[id(answer)]:
                continue
            self.by_layer_variant[mutant.name, layer_variant] += 1
            self.by_mode[mutant.name, case.mode] += 1
            self.by_facet.update((mutant.name, facet) for facet in simulated.facets)
            seen = self._geometries.setdefault((mutant.name, layer_variant), set())
            if len(seen) < MIN_KILLS:
                seen.add(_make_geometry_key(case))

    def merge(self, other: Kills) -> None:
        """Add the counts of other cases of the suite."""
        self.cases += other.cases
        self.by_layer_variant.update(other.by_layer_variant)
        self.by_mode.update(other.by_mode)
        self.by_facet.update(other.by_facet)
        self.cases_by_layer_variant.update(other.cases_by_layer_variant)
        for key, geometries in other._geometries.items():
            self._geometries[key] = set(list(self._geometries.get(key, set()) | geometries)[:MIN_KILLS])

    def count_independent(self, mutant: Mutant, layer_variant: LayerVariant) -> int:
        """Count the cases of different geometry that catch a mutant in a layer, up to `MIN_KILLS`."""
        return len(self._geometries.get((mutant.name, layer_variant), ()))

    def find_survivors(self, mutants: Sequence[Mutant]) -> tuple[Survivor, ...]:
        """Find the mutants that fewer than `MIN_KILLS` independent cases catch, and where."""
        return tuple(survivor for mutant in mutants for survivor in self._find_survivors_of_mutant(mutant))

    def _find_survivors_of_mutant(self, mutant: Mutant) -> Iterator[Survivor]:
        if mutant.is_layer_independent:
            num_caught = sum(
                self.count_independent(mutant, layer_variant) for layer_variant in list_layer_variants()
            )
            if num_caught < MIN_KILLS:
                yield Survivor(mutant, None, num_caught)
            return
        for layer_variant in list_layer_variants():
            num_caught = self.count_independent(mutant, layer_variant)
            if mutant.applies_to(*layer_variant) and num_caught < MIN_KILLS:
                yield Survivor(mutant, layer_variant, num_caught)


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that too few cases catch: in one layer or, where that is None, in any."""

    mutant: Mutant
    layer_variant: LayerVariant | None
    num_caught: int

    def __str__(self) -> str:
        where = (
            "any layer"
            if self.layer_variant is None
            else f"{self.layer_variant[0]} with {self.layer_variant[1]} axes"
        )
        return f"{self.mutant.name} in {where}: caught by {self.num_caught} of {MIN_KILLS} cases"


def count_kills(suite: str, cases: Iterable[Case], mutants: Sequence[Mutant]) -> Kills:
    """Count which mutants each case of a suite catches."""
    kills = Kills(suite)
    for case in cases:
        kills.add(case, mutants)
    return kills


def is_caught(simulated: SimulatedCase, answer: Observation) -> bool:
    """Return whether the comparison finds that an answer diverges."""
    finding = judge_observation(simulated.case, simulated.expectation, answer, (), with_cause=False)
    return finding.verdict is Verdict.DIVERGES


def list_layer_variants() -> tuple[LayerVariant, ...]:
    """List every layer with each number of axes that it takes."""
    return tuple((layer, ndim) for layer in Layer for ndim in layer.ndims)


def name_layer_variant(layer_variant: LayerVariant) -> str:
    """Name a layer, with its axes where there is a choice: `ops.conv 2D`."""
    layer, ndim = layer_variant
    return layer.value if len(layer.ndims) == 1 else f"{layer.value} {ndim}D"


def _make_geometry_key(case: Case) -> object:
    return case.input, case.kernel, case.strides, case.dilation, case.padding.lower(), case.output_padding
