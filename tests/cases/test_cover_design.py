from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from harness.cases.expansion import expand_grid
from harness.cases.grids import (
    Attributes,
    Cover,
    Grid,
    SpatialLayer,
    list_spatial_layers,
    select_listed_attributes,
)
from harness.cases.suites import load_library
from harness.data.case_data import has_data
from harness.oracle.refusal import decide_refusal
from harness.records import ArgumentStyle, Case, DataFormat, DataKind, Layer, Mode, Refusal
from harness.resources import find_cases_folder

GRIDS = load_library([find_cases_folder()]).grids
COVERS = {name: grid for name, grid in GRIDS.items() if grid.cover is not None and grid.cover.strength == 2}

MADE = Grid(
    name="made",
    about="Made for a test",
    count=1,
    layer=Layer.CONV2D_TRANSPOSE,
    cover=Cover(
        input=(4, 1, 2), kernel=(2, 1, 3), strides=(1, 2), dilation=(1, 2), output_padding=(0, "none", 1)
    ),
    turn=Attributes(
        padding=("same", "valid"),
        data_format=tuple(DataFormat),
        bias=(True, False),
        form=(ArgumentStyle.TUPLE, ArgumentStyle.INT, ArgumentStyle.DEFAULTS),
    ),
)
SPATIAL = ("input", "kernel", "strides", "dilation", "output_padding")


def held(case: Case, keys: Sequence[str]) -> dict[tuple[str, int], Any]:
    """Return the value of each factor of a case."""
    values: dict[tuple[str, int], Any] = {}
    for key in keys:
        value = getattr(case, key)
        if key not in SPATIAL:
            values[key, 0] = value
        else:
            lengths = ("none",) * case.ndim if value is None else value
            values |= {(key, axis): length for axis, length in enumerate(lengths)}
    return values


def factors(grid: Grid, subject: SpatialLayer) -> Mapping[tuple[str, int], Sequence[Any]]:
    """Return the values of each factor."""
    assert grid.cover is not None
    spatial = {key: getattr(grid.cover, key) for key in SPATIAL}
    if not subject.has_dilation:
        spatial["dilation"] = (1,)
    if not subject.has_output_padding:
        spatial["output_padding"] = ("none",)
    if not spatial["strides"]:
        del spatial["strides"]
    lists: dict[tuple[str, int], Sequence[Any]] = {
        (key, axis): values for key, values in spatial.items() for axis in range(subject.ndim)
    }
    return lists | {
        (key, 0): values
        for key, values in select_listed_attributes(grid.turn).items()
        if subject.has_choice_of(key)
    }


def rows_of(grid: Grid, subject: SpatialLayer, keys: Sequence[str]) -> list[dict[tuple[str, int], Any]]:
    """Return the factor values of the cases of a subject."""
    cases = (
        case for case in expand_grid(grid, "made") if (case.layer, case.ndim) == (subject.layer, subject.ndim)
    )
    return [held(case, keys) for case in cases]


def unmet(grid: Grid, subject: SpatialLayer) -> set[tuple[tuple[str, int, Any], tuple[str, int, Any]]]:
    """Return the pairs of values of two factors that no case of the subject holds."""
    lists = factors(grid, subject)
    keys = tuple(dict.fromkeys(key for key, _ in lists))
    rows = rows_of(grid, subject, keys)
    missing = set()
    for one, other in itertools.combinations(lists, 2):
        met = {(row[one], row[other]) for row in rows}
        missing |= {
            ((*one, left), (*other, right))
            for left, right in itertools.product(lists[one], lists[other])
            if (left, right) not in met
        }
    return missing


def excludes(one: tuple[str, int, Any], other: tuple[str, int, Any]) -> bool:
    """Return whether two values exclude each other in every layer that must be computed."""
    values = {one[0]: one[2], other[0]: other[2]}
    one_axis = one[1] == other[1]
    match values:
        case {"strides": stride, "dilation": dilation}:
            return bool(stride > 1 and dilation > 1)
        case {"strides": stride, "output_padding": padding}:
            return bool(one_axis and padding != "none" and padding >= stride)
        case {"dilation": dilation, "output_padding": padding}:
            return bool(padding != "none" and padding > 0 and dilation > 1)  # It requires a stride above 1.
        case {"groups": groups, "channels": size} | {"groups": groups, "filters": size}:
            return bool(size % groups)
        case {"output_padding": _}:
            return bool((one[2] == "none") != (other[2] == "none"))
        case _:
            return False


@pytest.mark.parametrize(
    "name", [name for name, grid in COVERS.items() if "dtype" not in select_listed_attributes(grid.turn)]
)
def test_any_two_values_meet_in_each_layer_but_those_that_exclude_each_other(name: str) -> None:
    grid = COVERS[name]
    for subject in list_spatial_layers(grid):
        assert {pair for pair in unmet(grid, subject) if not excludes(*pair)} == set(), subject


@pytest.mark.parametrize(
    "name", [name for name, grid in COVERS.items() if "dtype" in select_listed_attributes(grid.turn)]
)
def test_most_values_meet_where_a_dtype_is_narrow_for_some(name: str) -> None:
    grid = COVERS[name]
    for subject in list_spatial_layers(grid):
        short = {pair for pair in unmet(grid, subject) if not excludes(*pair)}
        assert all({key for key, _, _ in pair} & {"dtype", "mode"} for pair in short), subject
        assert len(short) <= 4, subject


PADDED = [name for name, grid in COVERS.items() if "padding" in select_listed_attributes(grid.turn)]


@pytest.mark.parametrize("name", PADDED)
def test_every_window_of_an_axis_stands_under_each_padding(name: str) -> None:
    grid = COVERS[name]
    assert grid.cover is not None
    for subject in list_spatial_layers(grid):
        lists = factors(grid, subject)
        rows = rows_of(grid, subject, ("padding", *SPATIAL))
        for axis in range(subject.ndim):
            keys = [(key, axis) for key in ("kernel", "strides", "dilation") if (key, axis) in lists]
            met = {(*(row[key] for key in keys), row["padding", 0]) for row in rows}
            for window in itertools.product(*(lists[key] for key in keys)):
                values = {key: value for (key, _), value in zip(keys, window, strict=True)}
                if values.get("strides", 1) == 1 or values.get("dilation", 1) == 1:
                    assert {(*window, "same"), (*window, "valid")} <= met, (subject, axis, window)


@pytest.mark.parametrize("name", PADDED)
def test_any_two_lengths_of_an_axis_meet_padded(name: str) -> None:
    grid = COVERS[name]
    for subject in list_spatial_layers(grid):
        lists = factors(grid, subject)
        rows = rows_of(grid, subject, ("padding", *SPATIAL))
        for axis in range(subject.ndim):
            own = [(key, place) for key, place in lists if key in SPATIAL and place == axis]
            for one, other in itertools.combinations(own, 2):
                met = {(row[one], row[other]) for row in rows if row["padding", 0] == "same"}
                for left, right in itertools.product(lists[one], lists[other]):
                    excluded = excludes((*one, left), (*other, right))
                    assert excluded or (left, right) in met, (subject, one, left, other, right)


def test_what_needs_not_be_computed_or_has_no_data_is_no_row() -> None:
    for name, grid in COVERS.items():
        for case in expand_grid(grid, "made"):
            assert decide_refusal(case).refusal is Refusal.WRONG, (name, case.id)
            assert has_data(case), (name, case.id)


def made(**changes: object) -> list[Case]:
    return list(expand_grid(msgspec.structs.replace(MADE, **changes), "made"))


def test_axes_are_written_as_one_integer_only_where_they_are_alike() -> None:
    cases = [case for case in made() if case.form is ArgumentStyle.INT]
    assert len(cases) >= 4
    for case in cases:
        for lengths in (case.kernel, case.strides, case.dilation, case.output_padding or ()):
            assert len(set(lengths)) <= 1, case.id
    assert len({case.kernel for case in cases}) == 3


def test_an_output_padding_is_given_on_every_axis_or_on_none() -> None:
    met = {case.output_padding for case in made()}
    assert met >= {None, (0, 0)}
    assert {value for padding in met if padding is not None for value in padding} == {0, 1}


def test_every_axis_is_a_factor_of_its_own() -> None:
    met = {(case.kernel, case.strides) for case in made()}
    assert {kernel for kernel, _ in met} == set(itertools.product((1, 2, 3), repeat=2))
    assert {strides for _, strides in met} == set(itertools.product((1, 2), repeat=2))


def test_a_cover_of_strength_3_lets_any_three_values_meet() -> None:
    assert MADE.cover is not None
    cover = msgspec.structs.replace(MADE.cover, dilation=(1,), output_padding=("none",), strength=3)
    cases = made(cover=cover, turn=Attributes(padding=("same", "valid"), bias=(True, False)))
    rows = [held(case, ("input", "kernel", "strides", "padding", "bias")) for case in cases]
    lists = {
        **{(key, axis): getattr(cover, key) for key in ("input", "kernel", "strides") for axis in (0, 1)},
        ("padding", 0): ("same", "valid"),
        ("bias", 0): (True, False),
    }
    for keys in itertools.combinations(lists, 3):
        met = {tuple(row[key] for key in keys) for row in rows}
        assert met == set(itertools.product(*(lists[key] for key in keys))), keys
    assert len(cases) < 60


def test_layers_and_what_multiplies_have_rows_of_their_own() -> None:
    def drawn(layer: Layer, mode: Mode) -> set[tuple[object, ...]]:
        cases = made(layer=layer, each=Attributes(mode=(mode,)))
        return {(case.input, case.kernel, case.strides, case.padding, case.data_format) for case in cases}

    first = drawn(Layer.CONV2D, Mode.EAGER)
    assert first != drawn(Layer.CONV2D, Mode.GRADIENT)
    assert first != drawn(Layer.DEPTHWISE_CONV2D, Mode.EAGER)
    assert first == drawn(Layer.CONV2D, Mode.EAGER)


def test_each_multiplies_a_cover() -> None:
    cases = made(each=Attributes(data=(DataKind.EXACT, DataKind.REAL)))
    assert {case.data for case in cases} == {DataKind.EXACT, DataKind.REAL}
    assert len(cases) > 1.8 * len(made())
