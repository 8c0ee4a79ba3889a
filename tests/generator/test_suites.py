"""What the shipped suites hold."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from harness.generator.design import expand
from harness.generator.facets import Facet, facets_of
from harness.generator.library import cases_of, load_library
from harness.oracle.refusal import refusal_of
from harness.records import Case, DataFormat, Layer, Mode, Refusal, parse_case_id
from harness.shipped import cases_folder

LIBRARY = load_library([cases_folder()])


@pytest.fixture(scope="module")
def suites() -> Mapping[str, Sequence[Case]]:
    return {name: list(cases_of(LIBRARY, [name])) for name in LIBRARY.suites}


def test_every_grid_gives_what_it_states() -> None:
    for name, grid in LIBRARY.grids.items():
        assert len(list(expand(grid, name))) == grid.count


def test_every_grid_is_taken_by_a_suite() -> None:
    taken = {part.grid for suite in LIBRARY.suites.values() for part in suite.take}
    assert taken == set(LIBRARY.grids)


def test_core_has_at_least_1500_cases_of_conv2d(suites: Mapping[str, Sequence[Case]]) -> None:
    assert len(suites["core"]) >= 1500
    assert {case.layer for case in suites["core"]} == {Layer.CONV2D}


def test_smoke_is_a_part_of_core(suites: Mapping[str, Sequence[Case]]) -> None:
    assert {case.id for case in suites["smoke"]} <= {case.id for case in suites["core"]}
    assert len(suites["smoke"]) < 400


def test_seed_is_the_documents_three_models(suites: Mapping[str, Sequence[Case]]) -> None:
    assert [(case.input, case.padding) for case in suites["seed"]] == [
        ((5, 5), "Same"),
        ((5, 5), "Valid"),
        ((6, 6), "Valid"),
    ]
    for case in suites["seed"]:
        assert (case.kernel, case.strides, case.channels, case.filters) == ((2, 2), (2, 2), 1, 24)
        assert case.mode is Mode.SEQUENTIAL


def test_ids_are_unique_and_give_the_case_back(suites: Mapping[str, Sequence[Case]]) -> None:
    for cases in suites.values():
        assert len({case.id for case in cases}) == len(cases)
        for case in cases:
            assert parse_case_id(case.id) == case


@pytest.mark.parametrize("name", LIBRARY.grids)
def test_the_cases_of_a_layer_stand_together(name: str) -> None:
    cases = expand(LIBRARY.grids[name], name)
    layers = [key for key, _ in itertools.groupby(replace(case, input=(), batch=1) for case in cases)]
    assert len(set(layers)) == len(layers)


def test_core_is_rich_in_what_shape_checks_miss(suites: Mapping[str, Sequence[Case]]) -> None:
    counts = Counter(facet for case in suites["core"] for facet in facets_of(case))
    for facet in (
        Facet.ASYMMETRIC_SAME,
        Facet.MIXED_SAME,
        Facet.CLAMPED_SAME,
        Facet.INEXACT_DIVISION,
        Facet.UNEQUAL_STRIDES,
        Facet.UNEQUAL_KERNEL,
        Facet.EVEN_KERNEL,
        Facet.KERNEL_ABOVE_INPUT,
        Facet.STRIDE_ABOVE_KERNEL,
        Facet.INPUT_LENGTH_ONE,
        Facet.OBLONG_INPUT,
        Facet.SQUARE_INPUT,
        Facet.EMPTY_OUTPUT,
        Facet.DILATED,
        Facet.BATCHED,
    ):
        assert counts[facet] >= 300, facet


def test_core_has_both_formats_paddings_and_biases_together(suites: Mapping[str, Sequence[Case]]) -> None:
    met = Counter((case.data_format, case.padding, case.bias) for case in suites["core"])
    for combination in itertools.product(DataFormat, ("same", "valid"), (True, False)):
        assert met[combination] >= 100, combination


@pytest.mark.parametrize(
    "facet", [Facet.ASYMMETRIC_SAME, Facet.GROUPED, Facet.DILATED, Facet.UNEQUAL_STRIDES]
)
def test_core_has_its_facets_in_both_formats(facet: Facet, suites: Mapping[str, Sequence[Case]]) -> None:
    formats = Counter(case.data_format for case in suites["core"] if facet in facets_of(case))
    assert min(formats[data_format] for data_format in DataFormat) > sum(formats.values()) / 5


def test_core_has_every_reason_of_a_refusal(suites: Mapping[str, Sequence[Case]]) -> None:
    refusals = [refusal_of(case) for case in suites["core"]]
    arguments = Counter(refusal.arguments[0] for refusal in refusals if refusal.refusal is Refusal.REQUIRED)
    assert set(arguments) == {"padding", "kernel_size", "strides", "dilation_rate", "filters", "groups"}
    assert {refusal.reason for refusal in refusals if refusal.arguments == ("groups",)} == {
        "groups is below 1",
        "groups does not divide the channels",
        "groups does not divide the filters",
    }
    assert len({refusal.reason for refusal in refusals if refusal.refusal is Refusal.ALLOWED}) == 2


def test_grouped_cases_can_see_a_permutation_of_groups(suites: Mapping[str, Sequence[Case]]) -> None:
    grouped = [
        case for case in suites["core"] if case.groups > 1 and Facet.MUST_BE_REFUSED not in facets_of(case)
    ]
    assert any(case.channels > case.groups and case.filters > case.groups for case in grouped)
    assert {case.groups for case in grouped} >= {2, 3, 4}
