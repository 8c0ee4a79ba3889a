from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from harness.cases.expansion import expand_grid
from harness.cases.grids import Grid, Lattice, SpatialLayer, list_spatial_layers, select_multiplied_attributes
from harness.cases.layer_specs import AxisSpec, has_output
from harness.cases.suites import load_library
from harness.oracle.plan import compute_axis_geometries
from harness.oracle.refusal import parse_padding
from harness.records import Case, DataFormat, Layer
from harness.resources import find_cases_folder

GRIDS = load_library([find_cases_folder()]).grids
ROUNDS = {
    name: grid for name, grid in GRIDS.items() if grid.lattice is not None and grid.lattice.rounds != "all"
}

Point = tuple[int, AxisSpec]


def lattice_of(grid: Grid) -> Lattice:
    assert grid.lattice is not None
    return grid.lattice


def rounds_of(grid: Grid, subject: SpatialLayer) -> int:
    """Return how often every point occurs on every axis; a single axis has no partner and one round."""
    rounds = lattice_of(grid).rounds
    assert isinstance(rounds, int)
    return rounds if subject.ndim > 1 else 1


def points(lattice: Lattice, subject: SpatialLayer) -> Iterator[Point]:
    """Return every point of one axis."""
    for length, kernel in itertools.product(lattice.input, lattice.kernel):
        for stride in lattice.strides or (subject.choose_default_stride(kernel),):
            for dilation in lattice.dilation if subject.has_dilation else (1,):
                for padding in lattice.output_padding if subject.has_output_padding else ("none",):
                    if padding == "none":
                        yield length, AxisSpec(kernel, stride, dilation, None)
                    elif padding < stride:
                        yield length, AxisSpec(kernel, stride, dilation, padding)


def on_axis(case: Case, axis: int) -> Point:
    padding = None if case.output_padding is None else case.output_padding[axis]
    return case.input[axis], AxisSpec(case.kernel[axis], case.strides[axis], case.dilation[axis], padding)


def cases_by(grid: Grid, subject: SpatialLayer, padding: str) -> list[Case]:
    return [
        case
        for case in expand_grid(grid, "made")
        if (case.layer, case.ndim, case.padding) == (subject.layer, subject.ndim, padding)
    ]


def each_part() -> Iterator[tuple[str, SpatialLayer, str]]:
    for name, grid in ROUNDS.items():
        for subject, padding in itertools.product(
            list_spatial_layers(grid), select_multiplied_attributes(grid)["padding"]
        ):
            yield name, subject, padding


@pytest.mark.parametrize(("name", "subject", "padding"), list(each_part()), ids=str)
def test_every_point_stands_on_every_axis(name: str, subject: SpatialLayer, padding: str) -> None:
    grid = ROUNDS[name]
    cases = cases_by(grid, subject, padding)
    every = set(points(lattice_of(grid), subject))
    fitting = {point for point in every if has_output(subject, *point, padding)}
    for axis in range(subject.ndim):
        met = Counter(on_axis(case, axis) for case in cases)
        assert fitting <= set(met) <= every
        assert set(met) == every or not lattice_of(grid).misfits
        for point in fitting:
            assert met[point] >= rounds_of(grid, subject), point


@pytest.mark.parametrize("name", ROUNDS)
def test_an_axis_without_a_window_stands_beside_one_with_windows(name: str) -> None:
    for case in expand_grid(ROUNDS[name], "made"):
        padding = parse_padding(case)
        assert padding is not None
        empty = [
            axis for axis, geometry in enumerate(compute_axis_geometries(case, padding)) if geometry.out == 0
        ]
        if len(empty) > 1:
            subject = SpatialLayer(case.layer, case.ndim)
            lengths = lattice_of(ROUNDS[name]).input
            never = [
                axis
                for axis in empty
                if not any(
                    has_output(subject, length, on_axis(case, axis)[1], case.padding) for length in lengths
                )
            ]
            assert len(empty) - len(never) <= 1, case.id


@pytest.mark.parametrize("name", ROUNDS)
def test_what_fits_is_judged_as_the_oracle_does(name: str) -> None:
    for case in itertools.islice(expand_grid(ROUNDS[name], "made"), 0, None, 5):
        padding = parse_padding(case)
        assert padding is not None
        subject = SpatialLayer(case.layer, case.ndim)
        for axis, geometry in enumerate(compute_axis_geometries(case, padding)):
            length, setting = on_axis(case, axis)
            assert has_output(subject, length, setting, case.padding) == (geometry.out > 0), case.id


def is_square(case: Case) -> bool:
    return len({on_axis(case, axis)[1] for axis in range(case.ndim)}) == 1


def made(layer: Layer, **changes: object) -> list[Case]:
    lattice = msgspec.structs.replace(
        Lattice(input=(2, 3, 5), kernel=(1, 2, 3), strides=(1, 2)),
        **changes,
    )
    return list(expand_grid(Grid(name="made", about="", count=1, layer=layer, lattice=lattice), "made"))


@pytest.mark.parametrize("layer", [Layer.CONV2D, Layer.CONV3D])
def test_round_0_is_square_and_the_others_pair_strangers(layer: Layer) -> None:
    assert all(map(is_square, made(layer)))
    assert not any(map(is_square, made(layer, first=1)))
    assert not any(map(is_square, made(layer, first=1, rounds=3)))


def test_rounds_go_on_where_others_ended() -> None:
    def drawn(**changes: object) -> set[tuple[object, ...]]:
        return {(case.kernel, case.strides, case.padding) for case in made(Layer.CONV2D, **changes)}

    first, more = drawn(rounds=2), drawn(rounds=2, first=2)
    assert not first & more
    assert drawn(rounds=4) == first | more


def test_all_rounds_are_every_point_with_every_other() -> None:
    cases = made(Layer.CONV3D, rounds="all", input=(2, 3), kernel=(1, 2), strides=(1, 2))
    axis = list(itertools.product((2, 3), (1, 2), (1, 2)))
    met = Counter(
        tuple(zip(case.input, case.kernel, case.strides, strict=True))
        for case in cases
        if case.padding == "same"
    )
    assert met == Counter(itertools.product(axis, repeat=3))


def test_an_output_padding_is_below_its_stride_and_on_all_axes_or_none() -> None:
    cases = made(Layer.CONV2D_TRANSPOSE, output_padding=("none", 0, 1, 2), strides=(1, 2, 3), rounds=2)
    met = {(case.strides[1], case.output_padding and case.output_padding[1]) for case in cases}
    assert met == {(1, None), (2, None), (3, None), (1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)}
    assert all(case.output_padding is None or len(case.output_padding) == 2 for case in cases)


def test_strides_left_out_are_keras_defaults() -> None:
    assert {case.strides for case in made(Layer.CONV2D, strides=(), first=1)} == {(1, 1)}
    assert all(case.strides == case.kernel for case in made(Layer.MAX_POOLING2D, strides=(), first=1))


def test_misfits_may_be_left_to_another_grid() -> None:
    lattice: dict[str, Any] = {"input": (1, 2, 3, 4), "kernel": (3,), "strides": (1, 2), "rounds": 2}
    every = {case.input for case in made(Layer.CONV2D, **lattice) if case.padding == "valid"}
    fitting = {case.input for case in made(Layer.CONV2D, misfits=False, **lattice) if case.padding == "valid"}
    assert {length for lengths in fitting for length in lengths} == {3, 4}
    assert {length for lengths in every for length in lengths} == {1, 2, 3, 4}
    assert fitting < every


def test_lengths_of_0_are_lengths_like_others() -> None:
    cases = made(Layer.CONV2D, input=(0, 3), kernel=(2,), strides=(1,))
    assert {case.input for case in cases} == {(3, 3), (0, 3), (3, 0)}
    assert {case.input for case in made(Layer.CONV1D, input=(0, 3), kernel=(2,), strides=(1,))} == {
        (0,),
        (3,),
    }


@pytest.mark.parametrize("axis", [0, 1])
def test_most_settings_of_two_rounds_meet_both_formats_on_each_axis(axis: int) -> None:
    met = {
        (case.padding, case.kernel[axis], case.strides[axis], case.data_format)
        for case in expand_grid(GRIDS["conv2d-lattice"], "lattice")
    }
    assert len(met) >= 2 * 5 * 4 * 2 * 0.85


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("attribute", ["data_format", "bias", "batch", "channels", "filters"])
@pytest.mark.parametrize("length", ["input", "kernel", "strides"])
def test_what_takes_turns_meets_every_length_of_the_lattice(attribute: str, length: str, axis: int) -> None:
    grid = GRIDS["conv2d-lattice"]
    values = set(getattr(grid.turn, attribute))
    met = Counter(
        (getattr(case, length)[axis], case.padding, getattr(case, attribute))
        for case in expand_grid(grid, "lattice")
    )
    for size, padding in itertools.product(getattr(grid.lattice, length), ("same", "valid")):
        assert {value for value in values if met[size, padding, value]} == values, (size, padding)


def test_what_takes_turns_meets_what_else_takes_turns() -> None:
    met = Counter(
        (case.data_format, case.bias, case.batch) for case in expand_grid(GRIDS["conv2d-lattice"], "")
    )
    assert set(met) == set(itertools.product(DataFormat, (True, False), (1, 2, 3)))
    assert min(met.values()) > 20
