from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.oracle import Padding, expect
from harness.oracle.refusal import (
    CAUSAL_IN_KERAS_2,
    EMPTY_INPUT,
    EMPTY_OUTPUT,
    STRIDED_AND_DILATED,
    decide_refusal,
    parse_padding,
)
from harness.records import Argument, Case, Layer, LayerKind, Mode, Refusal, derive_arguments
from tests.oracle.cases import CASE, LAYERS, paddings_of, signals

EVERY = [(layer, ndim) for layer in Layer for ndim in layer.ndims]
BY_LAYER = pytest.mark.parametrize(("layer", "ndim"), EVERY)


def plain(layer: Layer, ndim: int) -> Case:
    """Return a case of the layer that must be computed."""
    return derive_arguments(
        replace(
            CASE,
            layer=layer,
            input=(5, 6, 7)[:ndim],
            kernel=(2, 3, 2)[:ndim],
            strides=(1, 1, 1)[:ndim],
            dilation=(1, 1, 1)[:ndim],
            channels=4,
            filters=4,
            multiplier=2,
        )
    )


PLANE = plain(Layer.CONV2D, 2)


def impossible(layer: Layer, ndim: int) -> Iterator[tuple[Case, Argument]]:
    """Yield each case of the layer that must be refused, and the argument that the exception must name."""
    case, arguments = plain(layer, ndim), layer.arguments
    names = {"full", "bogus", "Samee", "", "same ", "causal", "Causal"}
    for name in sorted(name for name in names if name.lower() not in paddings_of(layer)):
        yield replace(case, padding=name), Argument.PADDING
    window = Argument.POOL_SIZE if case.kind.traits.is_pooling else Argument.KERNEL_SIZE
    for bad, place in itertools.product((0, -1), {0, ndim - 1}):
        lengths = tuple(bad if axis == place else 2 for axis in range(ndim))
        yield replace(case, kernel=lengths), window
        yield replace(case, strides=lengths), Argument.STRIDES
        if Argument.DILATION_RATE in arguments:
            yield replace(case, dilation=lengths), Argument.DILATION_RATE
    for number, (name, field) in itertools.product(
        (0, -1),
        (
            (Argument.FILTERS, "filters"),
            (Argument.GROUPS, "groups"),
            (Argument.DEPTH_MULTIPLIER, "multiplier"),
        ),
    ):
        if name in arguments:
            yield derive_arguments(replace(case, **{field: number})), name  # type: ignore[arg-type]
    if Argument.GROUPS in arguments:
        for channels, filters, groups in ((3, 4, 2), (4, 3, 2), (3, 4, 3), (4, 8, 8)):
            yield replace(case, channels=channels, filters=filters, groups=groups), Argument.GROUPS
    if Argument.OUTPUT_PADDING in arguments:
        for (stride, more), place in itertools.product(
            ((1, 1), (2, 2), (2, 3), (2, -1), (1, -1)), {0, ndim - 1}
        ):
            strides = tuple(stride if axis == place else 3 for axis in range(ndim))
            given = tuple(more if axis == place else 2 for axis in range(ndim))
            yield replace(case, strides=strides, output_padding=given), Argument.OUTPUT_PADDING


IMPOSSIBLE = pytest.mark.parametrize(
    ("case", "argument"),
    [pair for layer, ndim in EVERY for pair in impossible(layer, ndim)],
    ids=lambda value: getattr(value, "id", value),
)


@IMPOSSIBLE
def test_impossible_arguments_must_be_refused_by_name(case: Case, argument: Argument) -> None:
    refusal = decide_refusal(case)
    assert refusal.refusal is Refusal.REQUIRED
    assert refusal.arguments[0] == argument.value
    assert refusal.reason


def test_every_argument_that_can_be_impossible_is_tried() -> None:
    tried = {argument for layer, ndim in EVERY for _, argument in impossible(layer, ndim)}
    assert tried == set(Argument) - {Argument.DATA_FORMAT, Argument.USE_BIAS, Argument.DTYPE}


@IMPOSSIBLE
def test_a_case_that_must_be_refused_has_no_answer(case: Case, argument: Argument) -> None:
    expectation = expect(replace(case, mode=Mode.GRADIENT), signals(PLANE))
    assert expectation.refusal is Refusal.REQUIRED
    assert expectation.refusal_arguments[0] == argument.value
    assert expectation.values is None
    assert expectation.gradients == ()
    assert expectation.shape is None
    assert expectation.inferred_shape is None
    assert expectation.symbolic_shape is None
    assert expectation.num_parameters is None


def test_an_argument_is_also_named_by_the_word_that_keras_1_has_for_it() -> None:
    words = {
        argument: decide_refusal(case).arguments
        for layer, ndim in EVERY
        for case, argument in impossible(layer, ndim)
    }
    assert {"border_mode", "border mode"} <= set(words[Argument.PADDING])
    assert "nb_row" in words[Argument.KERNEL_SIZE]
    assert "ksize" in words[Argument.POOL_SIZE]
    assert "subsample" in words[Argument.STRIDES]
    assert "atrous_rate" in words[Argument.DILATION_RATE]
    assert "nb_filter" in words[Argument.FILTERS]


@BY_LAYER
def test_what_is_possible_must_be_computed(layer: Layer, ndim: int) -> None:
    for padding in ("same", "valid", "Same", "VALID"):
        case = replace(plain(layer, ndim), padding=padding)
        assert decide_refusal(case).refusal is Refusal.WRONG
        assert expect(case, signals(case)).values is not None


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("same", Padding.SAME),
        ("Same", Padding.SAME),
        ("SAME", Padding.SAME),
        ("valid", Padding.VALID),
        ("Valid", Padding.VALID),
        ("VALID", Padding.VALID),
        ("bogus", None),
        ("", None),
        ("same ", None),
    ],
)
@BY_LAYER
def test_padding_names_are_lower_cased_and_never_guessed(
    layer: Layer, ndim: int, spelled: str, meant: Padding | None
) -> None:
    assert parse_padding(replace(plain(layer, ndim), padding=spelled)) is meant


@BY_LAYER
def test_causal_is_a_padding_of_conv1d_and_of_separable_conv1d_in_keras_2(layer: Layer, ndim: int) -> None:
    for spelled in ("causal", "Causal", "CAUSAL"):
        case = replace(plain(layer, ndim), padding=spelled)
        if layer is Layer.CONV1D:
            assert parse_padding(case) is Padding.CAUSAL
            assert decide_refusal(case).refusal is Refusal.WRONG
        elif layer is Layer.SEPARABLE_CONV1D:
            assert parse_padding(case) is Padding.CAUSAL
            assert decide_refusal(case) is CAUSAL_IN_KERAS_2
            assert expect(case, signals(case)).values is not None
        else:
            assert parse_padding(case) is None
            assert "padding" in decide_refusal(case).arguments


DILATED = [pair for pair in EVERY if Argument.DILATION_RATE in pair[0].arguments]


@pytest.mark.parametrize(("layer", "ndim"), DILATED)
def test_strides_with_dilation_may_be_refused_and_have_an_answer(layer: Layer, ndim: int) -> None:
    ones = (1,) * ndim
    for axis in range(ndim):
        case = replace(
            plain(layer, ndim), strides=(2, *ones[1:]), dilation=(*ones[:axis], 2, *ones[axis + 1 :])
        )
        assert decide_refusal(case) is STRIDED_AND_DILATED
        assert decide_refusal(case).refusal is Refusal.ALLOWED
        assert expect(case, signals(case)).values is not None


@pytest.mark.parametrize(("layer", "ndim"), DILATED)
def test_strides_alone_and_dilation_alone_must_be_computed(layer: Layer, ndim: int) -> None:
    for changes in ({"strides": (2,) * ndim}, {"dilation": (2,) * ndim}):
        case = replace(plain(layer, ndim), padding="same", **changes)  # type: ignore[arg-type]
        assert decide_refusal(case).refusal is Refusal.WRONG


FORWARD = [pair for pair in EVERY if pair[0].kind is not LayerKind.TRANSPOSE]


@pytest.mark.parametrize(("layer", "ndim"), FORWARD)
def test_valid_without_a_full_window_may_be_refused_or_empty(layer: Layer, ndim: int) -> None:
    for axis in range(ndim):
        kernel = tuple(n + 1 if a == axis else 1 for a, n in enumerate((5, 6, 7)[:ndim]))
        case = replace(plain(layer, ndim), kernel=kernel, padding="valid")
        assert decide_refusal(case) is EMPTY_OUTPUT
        assert decide_refusal(case).refusal is Refusal.ALLOWED
        values = expect(case, signals(case)).values
        assert values is not None
        assert values.size == 0
        assert decide_refusal(replace(case, padding="same")).refusal is Refusal.WRONG


def test_a_dilated_kernel_that_reaches_beyond_the_input_may_be_refused() -> None:
    assert decide_refusal(replace(PLANE, dilation=(5, 1), padding="valid")) is EMPTY_OUTPUT
    assert decide_refusal(replace(PLANE, dilation=(4, 1), padding="valid")).refusal is Refusal.WRONG


def test_a_transposed_layer_whose_padding_leaves_nothing_may_be_refused() -> None:
    # One cell, k = 4, s = 1, output_padding 0: 0 + 4 + 0 - 2*(4 // 2) = 0 cells.
    case = replace(CASE, layer=LAYERS[LayerKind.TRANSPOSE, 1], input=(1,), kernel=(4,), output_padding=(0,))
    assert decide_refusal(case) is EMPTY_OUTPUT
    assert decide_refusal(replace(case, kernel=(3,))).refusal is Refusal.WRONG
    assert decide_refusal(replace(case, output_padding=None)).refusal is Refusal.WRONG


@BY_LAYER
def test_an_input_of_no_cells_or_no_entries_may_be_refused_or_computed(layer: Layer, ndim: int) -> None:
    case = plain(layer, ndim)
    empty = [replace(case, batch=0)]
    empty += [replace(case, input=(*case.input[:axis], 0, *case.input[axis + 1 :])) for axis in range(ndim)]
    for one in empty:
        assert decide_refusal(one) is EMPTY_INPUT
        assert decide_refusal(one).refusal is Refusal.ALLOWED
        assert expect(one, signals(one)).values is not None


@BY_LAYER
def test_a_window_as_long_as_the_input_must_be_computed(layer: Layer, ndim: int) -> None:
    case = plain(layer, ndim)
    assert decide_refusal(replace(case, kernel=case.input, padding="valid")).refusal is Refusal.WRONG


@pytest.mark.parametrize(("channels", "filters", "groups"), [(4, 6, 2), (3, 3, 3), (2, 4, 2), (4, 4, 1)])
@pytest.mark.parametrize("layer", [Layer.CONV1D, Layer.CONV2D, Layer.CONV3D, Layer.OPS_CONV])
def test_groups_that_divide_must_be_computed(layer: Layer, channels: int, filters: int, groups: int) -> None:
    case = replace(plain(layer, layer.ndims[0]), channels=channels, filters=filters, groups=groups)
    assert decide_refusal(case).refusal is Refusal.WRONG


@pytest.mark.parametrize(("layer", "ndim"), [pair for pair in EVERY if pair[0].kind is LayerKind.TRANSPOSE])
def test_output_padding_from_0_to_below_the_stride_must_be_computed(layer: Layer, ndim: int) -> None:
    strides = (3, 2, 1)[:ndim]
    for given in ((0, 0, 0)[:ndim], (2, 1, 0)[:ndim], None):
        for padding in ("same", "valid"):
            case = replace(plain(layer, ndim), strides=strides, output_padding=given, padding=padding)
            assert decide_refusal(case).refusal is Refusal.WRONG


def test_what_must_be_refused_stays_so_where_refusing_is_also_allowed() -> None:
    case = replace(PLANE, strides=(2, 2), dilation=(2, 2), groups=3)
    assert decide_refusal(case).refusal is Refusal.REQUIRED
    empty = replace(PLANE, input=(0, 6), batch=0, padding="bogus")
    assert decide_refusal(empty).refusal is Refusal.REQUIRED
