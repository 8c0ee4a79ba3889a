"""How many cases have each facet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.generator.facets import Facet, facets_of
from harness.records import Case


def coverage(cases: Iterable[Case]) -> Mapping[Facet, int]:
    """The number of cases by facet, in the order of `Facet`; 0 for one that no case has."""
    counts = Counter(facet for case in cases for facet in facets_of(case))
    return {facet: counts[facet] for facet in Facet}


def uncovered(counts: Mapping[Facet, int]) -> tuple[Facet, ...]:
    """The facets that no case has."""
    return tuple(facet for facet, number in counts.items() if number == 0)
