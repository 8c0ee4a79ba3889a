from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

import msgspec
import pytest

from harness.errors import HarnessError
from harness.generator.design import Attributes, Grid, Lattice, Product, expand
from harness.generator.library import load_library
from harness.oracle import Padding, axis_geometry
from harness.records import Case, DataFormat, Layer, Mode
from harness.shipped import cases_folder

GRIDS = load_library([cases_folder()]).grids
LATTICES = [name for name, grid in GRIDS.items() if grid.lattice is not None]

PRODUCT = Grid(
    name="made",
    about="Made for a test",
    count=4,
    layer=Layer.CONV2D,
    product=Product(input=((5, 5), (4, 6)), kernel=((2, 2),)),
)


def points(lattice: Lattice) -> list[tuple[int, ...]]:
    """Every (input, kernel, strides, dilation) of one axis."""
    return list(itertools.product(lattice.input, lattice.kernel, lattice.strides, lattice.dilation))


def windows(point: tuple[int, ...], padding: str) -> int:
    length, kernel, stride, dilation = point
    return axis_geometry(length, kernel, stride, dilation, Padding(padding)).out


def on_axis(case: Case, axis: int) -> tuple[int, ...]:
    return (case.input[axis], case.kernel[axis], case.strides[axis], case.dilation[axis])


@pytest.mark.parametrize("name", LATTICES)
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("axis", [0, 1])
def test_every_fitting_point_stands_on_every_axis_once_a_round(name: str, padding: str, axis: int) -> None:
    lattice = GRIDS[name].lattice
    assert lattice is not None
    met = Counter(on_axis(case, axis) for case in expand(GRIDS[name], name) if case.padding == padding)
    for point in points(lattice):
        if windows(point, padding):
            assert met[point] >= lattice.rounds, point


@pytest.mark.parametrize("name", LATTICES)
@pytest.mark.parametrize("axis", [0, 1])
def test_every_point_without_a_window_stands_on_every_axis(name: str, axis: int) -> None:
    lattice = GRIDS[name].lattice
    assert lattice is not None
    met = {on_axis(case, axis) for case in expand(GRIDS[name], name) if case.padding == "valid"}
    assert {point for point in points(lattice) if not windows(point, "valid")} <= met


@pytest.mark.parametrize("name", LATTICES)
def test_an_axis_without_a_window_stands_beside_one_with_windows(name: str) -> None:
    lattice = GRIDS[name].lattice
    assert lattice is not None
    never = {point[1:] for point in points(lattice)} - {p[1:] for p in points(lattice) if windows(p, "valid")}
    for case in expand(GRIDS[name], name):
        empty = [axis for axis in (0, 1) if not windows(on_axis(case, axis), case.padding)]
        if len(empty) == 2:
            assert any(on_axis(case, axis)[1:] in never for axis in (0, 1)), case.id


@pytest.mark.parametrize("name", LATTICES)
def test_the_first_round_is_square_and_the_others_pair_strangers(name: str) -> None:
    grid = GRIDS[name]
    assert grid.lattice is not None
    once = Lattice(
        grid.lattice.input, grid.lattice.kernel, grid.lattice.strides, grid.lattice.dilation, rounds=1
    )
    cases = list(expand_uncounted(grid, once))
    assert all(on_axis(case, 0)[1:] == on_axis(case, 1)[1:] for case in cases)
    oblong = [case for case in expand(grid, name) if on_axis(case, 0)[1:] != on_axis(case, 1)[1:]]
    assert len(oblong) > len(cases) / 2


def expand_uncounted(grid: Grid, lattice: Lattice) -> list[Case]:
    """What a grid gives with another lattice, whatever its count."""
    for count in itertools.count(1):
        try:
            return list(expand(msgspec.structs.replace(grid, lattice=lattice, count=count), "made"))
        except HarnessError as error:
            number = int(str(error).split("the axes give ")[1].split(";")[0])
            return list(expand(msgspec.structs.replace(grid, lattice=lattice, count=number), "made"))
    raise AssertionError


@pytest.mark.parametrize("axis", [0, 1])
def test_every_setting_of_the_lattice_meets_both_formats_on_each_axis(axis: int) -> None:
    met = {
        (case.padding, on_axis(case, axis)[1:3], case.data_format)
        for case in expand(GRIDS["conv2d-lattice"], "lattice")
    }
    settings = itertools.product(range(1, 6), range(1, 5))
    assert met == set(itertools.product(("same", "valid"), settings, DataFormat))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("attribute", ["data_format", "bias", "batch", "channels", "filters"])
@pytest.mark.parametrize("length", ["input", "kernel", "strides"])
def test_what_takes_turns_meets_every_length_of_the_lattice(attribute: str, length: str, axis: int) -> None:
    grid = GRIDS["conv2d-lattice"]
    values = set(getattr(grid.turn, attribute))
    met = Counter(
        (getattr(case, length)[axis], case.padding, getattr(case, attribute))
        for case in expand(grid, "lattice")
    )
    for size, padding in itertools.product(getattr(grid.lattice, length), ("same", "valid")):
        assert {value for value in values if met[size, padding, value]} == values, (size, padding)


def test_what_takes_turns_meets_what_else_takes_turns() -> None:
    met = Counter((case.data_format, case.bias, case.batch) for case in expand(GRIDS["conv2d-lattice"], ""))
    assert set(met) == set(itertools.product(DataFormat, (True, False), (1, 2, 3)))
    assert min(met.values()) > 40


def test_lists_of_one_length_stay_in_step() -> None:
    grid = GRIDS["conv2d-grouped"]
    turn = grid.turn
    allowed = set(zip(turn.channels, turn.filters, turn.groups, strict=True))
    assert {(case.channels, case.filters, case.groups) for case in expand(grid, "grouped")} == allowed


def test_a_product_is_every_combination() -> None:
    product = Product(input=((5, 5), (4, 6)), kernel=((2, 2), (3, 1)), strides=((1, 1), (2, 1)))
    grid = msgspec.structs.replace(PRODUCT, product=product, count=16)
    met = {(case.input, case.kernel, case.strides, case.padding) for case in expand(grid, "made")}
    assert len(met) == 16


def test_each_multiplies() -> None:
    each = Attributes(padding=("same",), batch=(1, 2), bias=(True, False))
    cases = list(expand(msgspec.structs.replace(PRODUCT, each=each, count=8), "made"))
    assert {(case.batch, case.bias) for case in cases} == set(itertools.product((1, 2), (True, False)))


def test_an_attribute_without_values_has_its_default() -> None:
    case = next(iter(expand(PRODUCT, "made")))
    assert case == Case(
        layer=Layer.CONV2D,
        mode=Mode.EAGER,
        input=(5, 5),
        kernel=(2, 2),
        strides=(1, 1),
        dilation=(1, 1),
        padding="same",
        data_format=DataFormat.CHANNELS_LAST,
        batch=2,
        channels=2,
        filters=3,
        groups=1,
        bias=True,
        dtype="float32",
    )


LATTICE = Lattice(input=(3,), kernel=(2,), strides=(1,))

BAD: Mapping[str, tuple[Grid, str]] = {
    "two designs": (
        msgspec.structs.replace(PRODUCT, lattice=LATTICE),
        "give exactly one of `lattice` and `product`",
    ),
    "no design": (
        msgspec.structs.replace(PRODUCT, product=None),
        "give exactly one of `lattice` and `product`",
    ),
    "each and turn": (
        msgspec.structs.replace(PRODUCT, turn=Attributes(padding=("same",), batch=(1,))),
        "padding under both `each` and `turn`; keep one",
    ),
    "three lengths": (
        msgspec.structs.replace(PRODUCT, product=Product(input=((5, 5),), kernel=((2, 2, 2),))),
        "`product.kernel` has [2, 2, 2]; Conv2D takes 2 lengths",
    ),
    "one length": (
        msgspec.structs.replace(PRODUCT, product=Product(input=((5,),), kernel=((2, 2),))),
        "`product.input` has [5]; Conv2D takes 2 lengths",
    ),
    "no lengths": (
        msgspec.structs.replace(PRODUCT, product=Product(input=((5, 5),), kernel=((2, 2),), dilation=((),))),
        "`product.dilation` has []; Conv2D takes 2 lengths",
    ),
    "negative input": (
        msgspec.structs.replace(PRODUCT, product=Product(input=((5, -5),), kernel=((2, 2),))),
        "`product.input` has a negative length",
    ),
    "empty product": (
        msgspec.structs.replace(PRODUCT, product=Product(input=(), kernel=((2, 2),))),
        "expands to nothing; give every axis at least one value",
    ),
    "empty lattice": (
        msgspec.structs.replace(PRODUCT, product=None, lattice=Lattice(input=(3,), kernel=(), strides=(1,))),
        "expands to nothing; give every axis at least one value",
    ),
    "lattice without inputs": (
        msgspec.structs.replace(PRODUCT, product=None, lattice=Lattice(input=(), kernel=(2,), strides=(1,))),
        "expands to nothing; give every axis at least one value",
    ),
    "too few": (
        msgspec.structs.replace(PRODUCT, count=5),
        "`count` says 5, the axes give 4; correct whichever is wrong",
    ),
    "too many": (
        msgspec.structs.replace(PRODUCT, count=3),
        "`count` says 3, the axes give 4; correct whichever is wrong",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_grid_says_where_what_and_how_to_mend_it(name: str) -> None:
    grid, message = BAD[name]
    with pytest.raises(HarnessError) as raised:
        list(expand(grid, "the place"))
    assert str(raised.value) == f"the place: {message}"
