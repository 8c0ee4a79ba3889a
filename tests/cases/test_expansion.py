from __future__ import annotations

import itertools
from collections.abc import Mapping

import msgspec
import pytest

from harness.cases.expansion import expand_grid
from harness.cases.grids import Attributes, Cover, Grid, Lattice, Product
from harness.cases.suites import load_library
from harness.errors import HarnessError
from harness.records import ArgumentStyle, Case, DataFormat, Layer, Mode, derive_arguments
from harness.resources import find_cases_folder

GRIDS = load_library([find_cases_folder()]).grids

PRODUCT = Grid(
    name="made",
    about="Made for a test",
    count=4,
    layer=Layer.CONV2D,
    product=Product(input=((5, 5), (4, 6)), kernel=((2, 2),)),
)


def changed(**changes: object) -> list[Case]:
    return list(expand_grid(msgspec.structs.replace(PRODUCT, **changes), "made"))


def test_what_is_in_step_stays_in_step() -> None:
    grid = GRIDS["conv2d-grouped"]
    turn = grid.turn
    assert grid.in_step == ("channels", "filters", "groups")
    allowed = set(zip(turn.channels, turn.filters, turn.groups, strict=True))
    assert {(case.channels, case.filters, case.groups) for case in expand_grid(grid, "grouped")} == allowed


def test_a_product_is_every_combination() -> None:
    product = Product(input=((5, 5), (4, 6)), kernel=((2, 2), (3, 1)), strides=((1, 1), (2, 1)))
    met = {(case.input, case.kernel, case.strides, case.padding) for case in changed(product=product)}
    assert len(met) == len(changed(product=product)) == 16


def test_one_integer_stands_for_every_axis() -> None:
    product = Product(input=(5,), kernel=(2,), strides=(3,), dilation=(2, (1, 2)))
    cases = changed(product=product)
    assert {(case.input, case.kernel, case.strides) for case in cases} == {((5, 5), (2, 2), (3, 3))}
    assert {case.dilation for case in cases} == {(2, 2), (1, 2)}


def test_each_multiplies() -> None:
    cases = changed(each=Attributes(padding=("same",), batch=(1, 2), bias=(True, False)))
    assert {(case.batch, case.bias) for case in cases} == set(itertools.product((1, 2), (True, False)))
    assert len(cases) == 8


def test_modes_and_forms_multiply_too() -> None:
    cases = changed(
        each=Attributes(mode=(Mode.EAGER, Mode.JIT), form=(ArgumentStyle.LIST, ArgumentStyle.DEFAULTS))
    )
    assert {(case.mode, case.form) for case in cases} == set(
        itertools.product((Mode.EAGER, Mode.JIT), (ArgumentStyle.LIST, ArgumentStyle.DEFAULTS))
    )
    assert {case.padding for case in cases} == {"same"}


def test_a_case_is_left_out_whose_lengths_are_no_single_integers() -> None:
    product = Product(input=((5, 4),), kernel=((2, 2), (2, 3)), strides=((1, 1), (2, 1)))
    cases = changed(product=product, each=Attributes(form=(ArgumentStyle.INT,)))
    assert [(case.input, case.kernel, case.strides) for case in cases] == [((5, 4), (2, 2), (1, 1))]


FAMILY = (Layer.CONV1D, Layer.CONV2D, Layer.CONV3D, Layer.MAX_POOLING2D, Layer.OPS_CONV_TRANSPOSE)


def test_a_grid_of_several_layers_is_one_design_for_each_and_cuts_lengths_to_its_axes() -> None:
    product = Product(input=((5, 6, 4),), kernel=((3, 2, 1),), output_padding=("none", 0, (1, 0, 0)))
    product = msgspec.structs.replace(product, strides=(2,))
    each = Attributes(padding=("valid",))
    cases = changed(layer=None, layers=FAMILY, product=product, each=each)
    assert {(case.layer, case.input, case.kernel) for case in cases} == {
        (layer, (5, 6, 4)[:ndim], (3, 2, 1)[:ndim])
        for layer, ndims in zip(FAMILY, ((1,), (2,), (3,), (2,), (1, 2, 3)), strict=True)
        for ndim in ndims
    }
    assert {case.output_padding for case in cases if case.ndim == 2} == {None, (0, 0), (1, 0)}


def test_ndims_chooses_among_the_numbers_of_axes() -> None:
    product = Product(input=((5, 6, 4),), kernel=(2,))
    layers = (Layer.CONV1D, Layer.CONV3D, Layer.OPS_CONV_TRANSPOSE)
    cases = changed(layer=None, layers=layers, ndims=(1, 3), product=product)
    assert {(case.layer, case.ndim) for case in cases} == {
        (Layer.CONV1D, 1),
        (Layer.CONV3D, 3),
        (Layer.OPS_CONV_TRANSPOSE, 1),
        (Layer.OPS_CONV_TRANSPOSE, 3),
    }


def test_what_a_layer_leaves_no_choice_of_makes_no_case_twice() -> None:
    product = Product(
        input=((5, 6, 4), (5, 6, 7)), kernel=(2, (2, 2, 3)), dilation=(1, 2), output_padding=("none", 0)
    )
    each = Attributes(padding=("same",), filters=(2, 4), groups=(1, 2), multiplier=(1, 2), bias=(True, False))
    cases = changed(layer=None, layers=tuple(Layer), product=product, each=each)
    assert len({case.id for case in cases}) == len(cases)
    assert all(case == derive_arguments(case) for case in cases)
    pooled = [case for case in cases if case.layer is Layer.MAX_POOLING2D]
    assert [(case.kernel, case.dilation, case.filters) for case in pooled] == [((2, 2), (1, 1), 2)]


@pytest.mark.parametrize("name", [name for name, grid in GRIDS.items() if (grid.count or 0) < 5000])
def test_the_cases_of_shipped_grids_are_fitted_and_come_once(name: str) -> None:
    cases = list(expand_grid(GRIDS[name], name))
    assert len({case.id for case in cases}) == len(cases)
    assert all(case == derive_arguments(case) for case in cases)


def test_an_operation_has_the_groups_that_the_channels_of_a_kernel_can_make() -> None:
    each = Attributes(padding=("same",), channels=(4,), filters=(4, 6), groups=(2, 1, 4, 3, 0))
    cases = changed(layer=Layer.OPS_CONV, ndims=(2,), each=each)
    assert {(case.filters, case.groups) for case in cases} == {(4, 2), (4, 1), (4, 4), (6, 2), (6, 1)}
    of_a_layer = Attributes(padding=("same",), channels=(4,), filters=(5,), groups=(2, 4, 3, 0))
    assert {case.groups for case in changed(each=of_a_layer, refusal=True)} == {0, 2, 3, 4}


def test_strides_left_out_are_keras_defaults() -> None:
    product = Product(input=((5, 5),), kernel=((2, 3),))
    assert {case.strides for case in changed(product=product)} == {(1, 1)}
    assert {case.strides for case in changed(product=product, layer=Layer.AVERAGE_POOLING2D)} == {(2, 3)}


def test_an_attribute_without_values_has_its_default() -> None:
    case = next(iter(expand_grid(PRODUCT, "made")))
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
COVER = Cover(input=(3,), kernel=(2,), strides=(1,))
ONE_DESIGN = "give exactly one of `lattice`, `product` and `cover`"
NOTHING = "expands to nothing; give every axis at least one value"

BAD: Mapping[str, tuple[dict[str, object], str]] = {
    "two designs": ({"lattice": LATTICE}, ONE_DESIGN),
    "two other designs": ({"product": None, "lattice": LATTICE, "cover": COVER}, ONE_DESIGN),
    "no design": ({"product": None}, ONE_DESIGN),
    "no layer": ({"layer": None}, "give exactly one of `layer` and `layers`"),
    "layer and layers": ({"layers": (Layer.CONV1D,)}, "give exactly one of `layer` and `layers`"),
    "each and turn": (
        {"turn": Attributes(padding=("same",), batch=(1,))},
        "padding under both `each` and `turn`; keep one",
    ),
    "two modes": (
        {"mode": Mode.JIT, "turn": Attributes(mode=(Mode.EAGER,))},
        "`mode` of the grid and of its cases; keep one",
    ),
    "no such axes": ({"ndims": (1,)}, "`ndims` has [1]; Conv2D takes 2"),
    "no such axes among others": (
        {"ndims": (2, 4)},
        "`ndims` has 4, which no layer of the grid takes",
    ),
    "in step with nothing": (
        {"turn": Attributes(batch=(1, 2)), "in_step": ("batch", "channels")},
        "`in_step` has channels, which takes no turns",
    ),
    "out of step": (
        {"turn": Attributes(batch=(1, 2), channels=(1, 2, 3)), "in_step": ("batch", "channels")},
        "batch, channels are in step and not of one length",
    ),
    "in step in a cover": (
        {
            "product": None,
            "cover": COVER,
            "turn": Attributes(batch=(1, 2), channels=(1, 2)),
            "in_step": ("batch", "channels"),
        },
        "`in_step` and `cover`; in a cover every value meets every other",
    ),
    "three lengths": (
        {"product": Product(input=((5, 5),), kernel=((2, 2, 2),))},
        "`product.kernel` has [2, 2, 2]; give one integer, or 2 lengths",
    ),
    "one length": (
        {"product": Product(input=((5,),), kernel=((2, 2),))},
        "`product.input` has [5]; give one integer, or 2 lengths",
    ),
    "no lengths": (
        {"product": Product(input=((5, 5),), kernel=((2, 2),), dilation=((),))},
        "`product.dilation` has []; give one integer, or 2 lengths",
    ),
    "negative input": (
        {"product": Product(input=((5, -5),), kernel=((2, 2),))},
        "`product.input` has a negative length",
    ),
    "negative input for all": (
        {"product": Product(input=(-5,), kernel=((2, 2),))},
        "`product.input` has a negative length",
    ),
    "empty product": ({"product": Product(input=(), kernel=((2, 2),))}, NOTHING),
    "empty lattice": ({"product": None, "lattice": Lattice(input=(3,), kernel=(), strides=(1,))}, NOTHING),
    "lattice without inputs": (
        {"product": None, "lattice": Lattice(input=(), kernel=(2,), strides=(1,))},
        NOTHING,
    ),
    "empty cover": ({"product": None, "cover": Cover(input=(), kernel=(2,)), "each": Attributes()}, NOTHING),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_grid_says_where_what_and_how_to_mend_it(name: str) -> None:
    changes, message = BAD[name]
    grid = msgspec.structs.replace(PRODUCT, **changes)
    with pytest.raises(HarnessError) as raised:
        list(expand_grid(grid, "the place"))
    assert str(raised.value) == f"the place: {message}"
