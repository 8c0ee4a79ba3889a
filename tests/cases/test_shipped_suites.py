"""The contents of the shipped suites."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from harness.cases.expansion import expand_grid
from harness.cases.suites import expand_suites, load_library
from harness.data.case_data import has_data
from harness.facets import Facet, find_facets
from harness.oracle.refusal import decide_refusal
from harness.records import (
    Argument,
    ArgumentStyle,
    Case,
    DataFormat,
    DataKind,
    Layer,
    LayerKind,
    Mode,
    Refusal,
    make_arguments,
    parse_case_id,
)
from harness.resources import find_cases_folder

LIBRARY = load_library([find_cases_folder()])
LARGE = ("extended", "exhaustive")
PLACES = [(layer, ndim) for layer in Layer for ndim in layer.ndims]
OF_LAYERS = {Mode.SEQUENTIAL, Mode.RELOADED}
"""The modes that operations do not have."""


@pytest.fixture(scope="module")
def suites() -> Mapping[str, Sequence[Case]]:
    return {name: list(expand_suites(LIBRARY, [name])) for name in LIBRARY.suites if name not in LARGE}


@pytest.fixture(scope="module")
def computed(suites: Mapping[str, Sequence[Case]]) -> Mapping[tuple[Layer, int], Sequence[Case]]:
    """Return the cases of core that must be computed, by layer and number of axes."""
    found: dict[tuple[Layer, int], list[Case]] = {place: [] for place in PLACES}
    for case in suites["core"]:
        if decide_refusal(case).refusal is Refusal.WRONG:
            found[case.layer, case.ndim].append(case)
    return found


def has_mode(layer: Layer, mode: Mode) -> bool:
    """Return whether the layer or operation has the mode."""
    if mode is Mode.SYMBOLIC:
        return layer.is_operation and not layer.kind.traits.is_pooling
    return not (layer.is_operation and mode in OF_LAYERS)


@pytest.mark.parametrize("name", [name for name, grid in LIBRARY.grids.items() if (grid.count or 0) < 30_000])
def test_every_grid_gives_what_it_states(name: str) -> None:
    grid = LIBRARY.grids[name]
    assert sum(1 for _ in expand_grid(grid, name)) == grid.count


def test_every_shipped_grid_and_suite_states_its_count() -> None:
    assert [name for name, grid in LIBRARY.grids.items() if grid.count is None] == []
    assert [name for name, suite in LIBRARY.suites.items() if suite.count is None] == []


def test_every_grid_is_taken_by_a_suite() -> None:
    taken = {part.grid for suite in LIBRARY.suites.values() for part in suite.take}
    assert taken == set(LIBRARY.grids)


def test_every_case_of_core_has_data(suites: Mapping[str, Sequence[Case]]) -> None:
    assert all(map(has_data, suites["core"]))


def test_core_has_every_layer_with_every_number_of_axes(suites: Mapping[str, Sequence[Case]]) -> None:
    places = Counter((case.layer, case.ndim) for case in suites["core"])
    assert set(places) == set(PLACES)
    assert min(places.values()) >= 200
    assert places[Layer.CONV2D, 2] < 2500
    assert len(suites["core"]) < 16_000


def test_smoke_is_a_part_of_core_with_every_layer_and_mode(suites: Mapping[str, Sequence[Case]]) -> None:
    smoke = suites["smoke"]
    assert {case.id for case in smoke} <= {case.id for case in suites["core"]}
    assert len(smoke) <= 700
    assert {(case.layer, case.ndim) for case in smoke} == set(PLACES)
    assert {case.mode for case in smoke} == set(Mode)
    assert {case.dtype for case in smoke} == {"float32", "float64", "float16", "bfloat16"}


def test_extended_is_core_and_more() -> None:
    grids = {name: {part.grid for part in suite.take} for name, suite in LIBRARY.suites.items()}
    assert grids["core"] < grids["extended"]
    assert all(part.every == 1 for name in ("core", *LARGE) for part in LIBRARY.suites[name].take)
    assert (LIBRARY.suites["extended"].count or 0) > 2.5 * (LIBRARY.suites["core"].count or 0)


def test_exhaustive_is_every_point_of_its_lattices() -> None:
    for part in LIBRARY.suites["exhaustive"].take:
        lattice = LIBRARY.grids[part.grid].lattice
        assert lattice is not None
        assert lattice.rounds == "all"
    assert (LIBRARY.suites["exhaustive"].count or 0) > 200_000


def test_jit_has_grids_of_its_own_and_few_cases(suites: Mapping[str, Sequence[Case]]) -> None:
    for name in (part.grid for part in LIBRARY.suites["core"].take):
        modes = Counter(case.mode for case in expand_grid(LIBRARY.grids[name], name))
        assert modes[Mode.JIT] == (modes.total() if "-jit" in name else 0), name
    modes = Counter(case.mode for case in suites["core"])
    assert modes[Mode.JIT] <= 30
    assert modes[Mode.COMPILED] + modes[Mode.SEQUENTIAL] <= 1100


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


@pytest.mark.parametrize("name", [name for name, grid in LIBRARY.grids.items() if grid.cover is None])
def test_the_cases_of_a_layer_stand_together(name: str) -> None:
    cases = itertools.islice(expand_grid(LIBRARY.grids[name], name), 5000)
    layers = [key for key, _ in itertools.groupby(replace(case, input=(), batch=1) for case in cases)]
    # Two layers of the rotation may be equal but for the batch.
    assert len(set(layers)) >= 0.98 * len(layers)


ATTRIBUTES: Mapping[str, Callable[[Case], object]] = {
    "padding": lambda case: case.padding.lower(),
    "data_format": lambda case: case.data_format,
    "bias": lambda case: case.bias,
    "batch": lambda case: case.batch > 1,
    "channels": lambda case: case.channels > 1,
    "even": lambda case: case.kernel[0] % 2 == 0,
    "strided": lambda case: case.strides[-1] > 1,
    "dilated": lambda case: case.dilation[0] > 1,
    "dtype": lambda case: case.dtype,
    "mode": lambda case: case.mode,
    "form": lambda case: case.form,
    "data": lambda case: case.data,
    "output_padding": lambda case: case.output_padding is not None and max(case.output_padding) > 0,
}


@pytest.mark.parametrize(("layer", "ndim"), PLACES)
def test_core_crosses_any_two_attributes_in_every_layer(
    layer: Layer, ndim: int, computed: Mapping[tuple[Layer, int], Sequence[Case]]
) -> None:
    rows = [
        {name: value(case) for name, value in ATTRIBUTES.items()}
        for case in computed[layer, ndim]
        if case.mode is not Mode.JIT
    ]
    for one, other in itertools.combinations(ATTRIBUTES, 2):
        met = {(row[one], row[other]) for row in rows}
        values = itertools.product({row[one] for row in rows}, {row[other] for row in rows})
        impossible = {("strided", "dilated"): (True, True)}.get((one, other))
        missing = {pair for pair in values if pair not in met} - {impossible}
        if (one, other) == ("mode", "form"):
            of_tuples = {Mode.SEQUENTIAL, Mode.SYMBOLIC}
            missing = {pair for pair in missing if pair[0] not in of_tuples}
        if other == "data":
            no_gradients = (Mode.GRADIENT, DataKind.TIES), (Mode.GRADIENT, DataKind.NONFINITE)
            missing -= {
                *no_gradients,
                *((form, data) for form in ArgumentStyle for data in DataKind if data.is_pooling_only),
            }
        if other == "output_padding":
            missing = {pair for pair in missing if not (pair[1] and one in {"strided", "dilated"})}
        assert missing == set(), (one, other)


def test_core_has_every_mode_of_every_layer(computed: Mapping[tuple[Layer, int], Sequence[Case]]) -> None:
    for (layer, ndim), cases in computed.items():
        modes = Counter(case.mode for case in cases)
        for mode in set(Mode) - {Mode.JIT}:
            assert modes[mode] >= (9 if has_mode(layer, mode) else 0), (layer, ndim, mode)
    by_compiler = {layer for (layer, _), cases in computed.items() for case in cases if case.mode is Mode.JIT}
    assert by_compiler == set(Layer)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.JIT])
def test_each_mode_meets_what_geometry_is_about(
    mode: Mode, computed: Mapping[tuple[Layer, int], Sequence[Case]]
) -> None:
    anywhere = {Facet.STRIDED, Facet.EVEN_KERNEL, Facet.CHANNELS_FIRST, Facet.REAL_DATA}
    windows = anywhere | {Facet.ASYMMETRIC_SAME, Facet.INEXACT_DIVISION}
    transposed = anywhere | {Facet.CROPPED, Facet.OUTPUT_PADDING, Facet.EXTENDED}
    for (layer, ndim), cases in computed.items():
        if not has_mode(layer, mode):
            continue
        met = {facet for case in cases if case.mode is mode for facet in find_facets(case)}
        kind = layer.kind
        assert (transposed if kind is LayerKind.TRANSPOSE else windows) <= met, (layer, ndim)


def test_core_has_each_coincidence_of_sizes_in_both_formats(
    computed: Mapping[tuple[Layer, int], Sequence[Case]],
) -> None:
    for (layer, ndim), cases in computed.items():
        met = Counter((facet, case.data_format) for case in cases for facet in find_facets(case))
        for facet in (
            Facet.LENGTH_IS_CHANNELS,
            Facet.LENGTH_IS_FILTERS,
            Facet.LENGTH_IS_BATCH,
            Facet.KERNEL_IS_CHANNELS,
            Facet.KERNEL_IS_FILTERS,
            Facet.CHANNELS_IS_BATCH,
            Facet.OUTPUT_IS_FILTERS,
            Facet.STRIDE_IS_KERNEL,
        ):
            assert min(met[facet, data_format] for data_format in DataFormat) >= 2, (layer, ndim, facet)


def test_core_has_the_corners_of_every_layer(suites: Mapping[str, Sequence[Case]]) -> None:
    met = {(case.layer, case.ndim, facet) for case in suites["core"] for facet in find_facets(case)}
    corners = {
        Facet.EMPTY_INPUT,
        Facet.EMPTY_BATCH,
        Facet.EMPTY_OUTPUT,
        Facet.INPUT_LENGTH_ONE,
        Facet.SINGLE_OUTPUT,
        Facet.KERNEL_ABOVE_INPUT,
        Facet.SPELLED_PADDING,
        Facet.MUST_BE_REFUSED,
    }
    for layer, ndim in PLACES:
        wanted = corners | set() if layer.kind is LayerKind.TRANSPOSE else corners | {Facet.ONE_CELL_SHORT}
        assert {facet for facet in wanted if (layer, ndim, facet) not in met} == set(), (layer, ndim)


def test_core_is_rich_in_what_shape_checks_miss(suites: Mapping[str, Sequence[Case]]) -> None:
    counts = Counter(facet for case in suites["core"] for facet in find_facets(case))
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
        Facet.CROPPED,
        Facet.EXTENDED,
        Facet.OUTPUT_PADDING_ABOVE_0,
        Facet.REAL_DATA,
    ):
        assert counts[facet] >= 500, facet


def refusals(cases: Sequence[Case], layer: Layer, ndim: int) -> set[str]:
    """Return the arguments for which cases of a layer must be refused."""
    rules = (decide_refusal(case) for case in cases if (case.layer, case.ndim) == (layer, ndim))
    return {rule.arguments[0] for rule in rules if rule.refusal is Refusal.REQUIRED}


HANDED = {Argument.KERNEL_SIZE, Argument.FILTERS, Argument.GROUPS, Argument.DEPTH_MULTIPLIER}
"""The arguments that follow from the weights passed to an operation."""


@pytest.mark.parametrize(("layer", "ndim"), PLACES)
def test_core_has_every_argument_refused_that_a_layer_can_be_asked_for(
    layer: Layer, ndim: int, suites: Mapping[str, Sequence[Case]]
) -> None:
    never = {Argument.DATA_FORMAT, Argument.USE_BIAS, Argument.DTYPE} | (
        HANDED if layer.is_operation else set()
    )
    assert refusals(suites["core"], layer, ndim) == layer.arguments - never


def test_core_has_every_reason_of_a_permission_to_refuse(suites: Mapping[str, Sequence[Case]]) -> None:
    rules = {decide_refusal(case) for case in suites["core"]}
    assert len({rule.reason for rule in rules if rule.refusal is Refusal.ALLOWED}) == 4
    assert {rule.reason for rule in rules if rule.arguments[:1] == ("groups",)} == {
        "groups is below 1",
        "groups does not divide the channels",
        "groups does not divide the filters",
    }


def test_only_documented_kernels_are_handed_to_operations(suites: Mapping[str, Sequence[Case]]) -> None:
    for case in suites["core"]:
        if case.layer.is_operation:
            handed = (*case.kernel, case.filters, case.multiplier)
            assert min(handed) >= 1 or Argument.POOL_SIZE in case.layer.arguments, case.id
            assert case.channels % case.groups == case.filters % case.groups == 0, case.id


def groups_of_modes(cases: Sequence[Case]) -> list[dict[Mode, Case]]:
    """Return the groups of several cases that are equal but for the mode."""
    groups: dict[Case, dict[Mode, Case]] = {}
    for case in cases:
        groups.setdefault(replace(case, mode=Mode.EAGER), {})[case.mode] = case
    return [group for group in groups.values() if len(group) > 1]


def test_core_asks_each_mode_for_the_same_where_modes_can_disagree(
    suites: Mapping[str, Sequence[Case]],
) -> None:
    met: Counter[tuple[str, LayerKind]] = Counter()
    modes: set[Mode] = set()
    for group in groups_of_modes(suites["core"]):
        case = next(iter(group.values()))
        rule = decide_refusal(case)
        nonfinite = case.data is DataKind.NONFINITE and case.kind is LayerKind.MAX_POOLING
        if nonfinite or rule.refusal is Refusal.ALLOWED:
            met["nonfinite" if nonfinite else rule.reason, case.kind] += len(group)
            modes |= group.keys()
    assert modes == set(Mode)
    reasons = {rule.reason for rule in map(decide_refusal, suites["core"]) if rule.refusal is Refusal.ALLOWED}
    causal = {reason for reason in reasons if "causal" in reason}
    assert {reason for reason, _ in met} == reasons - causal | {"nonfinite"}
    assert met["nonfinite", LayerKind.MAX_POOLING] >= 30
    empty = next(reason for reason in reasons if "no full window fits" in reason)
    for kind in set(LayerKind) - {LayerKind.TRANSPOSE}:
        assert met[empty, kind] >= 5, kind


def test_ties_and_nonfinite_data_are_in_every_layer_and_mode_of_pooling(
    computed: Mapping[tuple[Layer, int], Sequence[Case]],
) -> None:
    for (layer, ndim), cases in computed.items():
        for data in (DataKind.TIES, DataKind.NONFINITE):
            own = [case for case in cases if case.data is data]
            if not layer.kind.traits.is_pooling:
                assert own == []
                continue
            wanted = {mode for mode in Mode if has_mode(layer, mode)} - {Mode.GRADIENT, Mode.JIT}
            assert {case.mode for case in own} - {Mode.JIT} == wanted, (layer, ndim)
            assert {case.dtype for case in own} == {"float32", "float64", "float16", "bfloat16"}


def test_grouped_cases_can_see_a_permutation_of_groups(suites: Mapping[str, Sequence[Case]]) -> None:
    grouped = [
        case
        for case in suites["core"]
        if case.groups > 1
        and case.kind is LayerKind.CONVOLUTION
        and Facet.MUST_BE_REFUSED not in find_facets(case)
    ]
    assert any(case.channels > case.groups and case.filters > case.groups for case in grouped)
    assert {case.groups for case in grouped} >= {2, 3, 4}
    assert {case.layer for case in grouped} == {Layer.CONV1D, Layer.CONV2D, Layer.CONV3D, Layer.OPS_CONV}
    operations = Counter((case.ndim, case.mode) for case in grouped if case.layer is Layer.OPS_CONV)
    modes = {Mode.EAGER, Mode.INFERRED, Mode.COMPILED, Mode.DYNAMIC, Mode.GRADIENT}
    assert all(operations[ndim, mode] >= 2 for ndim in (1, 2, 3) for mode in modes)


def test_core_asks_operations_for_every_argument_that_they_take(
    computed: Mapping[tuple[Layer, int], Sequence[Case]],
) -> None:
    for (layer, ndim), cases in computed.items():
        if layer.is_operation:
            written = [make_arguments(case) for case in cases if case.form is ArgumentStyle.TUPLE]
            for argument in layer.arguments:
                assert len({str(arguments[argument]) for arguments in written}) >= 2, (layer, ndim, argument)


def test_real_data_and_other_ways_of_writing_are_in_every_layer(
    computed: Mapping[tuple[Layer, int], Sequence[Case]],
) -> None:
    for place, cases in computed.items():
        assert sum(case.data is DataKind.REAL for case in cases) >= 30, place
        forms = Counter(case.form for case in cases)
        assert min(forms[form] for form in ArgumentStyle) >= 15, place
