"""Computations that round as hardware does stay within the bound; those in fewer bits exceed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.data.case_data import make_case_data
from harness.oracle import expect
from harness.oracle.bounds import compute_output_bound
from harness.oracle.gradients import compute_gradients, make_cotangent
from harness.oracle.values import compute_values
from harness.records import (
    Array,
    Case,
    CaseData,
    DataKind,
    ExpectedArray,
    LayerKind,
    Mode,
    derive_arguments,
)
from tests.oracle.brute import brute_values
from tests.oracle.cases import CASE, LAYERS, Values, array_of, cell_data, plan, signals
from tests.oracle.rounding import MEANS, ORDERS, Arithmetic, in_fewer_bits, rounded_gradients, rounded_values

DTYPES = ("float16", "bfloat16", "float32", "float64")
ARITHMETICS = [Arithmetic(order, mean) for order in ORDERS.values() for mean in MEANS.values()]


def real_cases(kind: LayerKind, ndim: int, dtype: str) -> Iterator[Case]:
    """Yield cases with real data, in mode gradient."""
    for padding, strides, given in (
        ("same", (1, 2, 1), None),
        ("valid", (2, 1, 2), None),
        ("same", (3, 2, 1), (2, 1, 0)),
    ):
        yield derive_arguments(
            replace(
                CASE,
                layer=LAYERS[kind, ndim],
                mode=Mode.GRADIENT,
                input=((9,), (5, 4), (4, 3, 2))[ndim - 1],
                kernel=((5,), (3, 2), (2, 3, 1))[ndim - 1],
                strides=strides[:ndim],
                dilation=(1,) * ndim,
                padding=padding,
                output_padding=None if given is None else given[:ndim],
                channels=4,
                filters=2,
                groups=2,
                multiplier=2,
                data=DataKind.REAL,
                dtype=dtype,
            )
        )


def is_within(observed: Values, expected: ExpectedArray) -> bool:
    bound = np.zeros_like(expected.values) if expected.bound is None else expected.bound
    assert observed.shape == expected.values.shape == bound.shape
    return bool(np.all(np.abs(observed - expected.values) <= bound))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_rounding_in_any_order_of_summation_stays_within_the_bound(
    kind: LayerKind, ndim: int, dtype: str
) -> None:
    for case in real_cases(kind, ndim, dtype):
        data = make_case_data(case)
        output = expect(case, data).output
        assert output is not None
        for arithmetic in ARITHMETICS:
            assert is_within(rounded_values(case, data, arithmetic), output), case.id


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "ndim"), [pair for pair in LAYERS if pair[0] is not LayerKind.MAX_POOLING])
def test_gradients_rounded_in_any_order_of_summation_stay_within_their_bounds(
    kind: LayerKind, ndim: int, dtype: str
) -> None:
    for case in real_cases(kind, ndim, dtype):
        data = make_case_data(case)
        expectation = expect(case, data)
        assert expectation.shape is not None
        weight = make_cotangent(expectation.shape)
        for arithmetic in ARITHMETICS:
            gradients = rounded_gradients(case, data, weight, arithmetic)
            for gradient, expected in zip(gradients, expectation.gradients, strict=True):
                assert is_within(gradient, expected), case.id


FEWER = [("float32", 10), ("float32", 7), ("float64", 23), ("float64", 10)]
"""Dtypes, each with the fraction bits of the narrower format (TF32, bfloat16, float32) of its inputs."""


def with_fewer_bits(data: CaseData, fraction_bits: int) -> CaseData:
    def narrowed(array: Array | None) -> Values | None:
        return None if array is None else in_fewer_bits(array, fraction_bits)

    inputs = in_fewer_bits(data.inputs, fraction_bits)
    return CaseData(inputs, narrowed(data.kernel), narrowed(data.bias), narrowed(data.pointwise))


@pytest.mark.parametrize(("dtype", "fraction_bits"), FEWER)
@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_a_computation_from_inputs_of_fewer_bits_is_beyond_the_bound(
    kind: LayerKind, ndim: int, dtype: str, fraction_bits: int
) -> None:
    for case in real_cases(kind, ndim, dtype):
        data = make_case_data(case)
        output = expect(case, data).output
        assert output is not None
        assert not is_within(
            compute_values(case, plan(case), with_fewer_bits(data, fraction_bits)), output
        ), case.id


@pytest.mark.parametrize(("dtype", "fraction_bits"), FEWER)
@pytest.mark.parametrize(
    ("kind", "ndim"),
    [pair for pair in LAYERS if pair[0] not in {LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING}],
)
def test_gradients_from_inputs_of_fewer_bits_are_beyond_their_bounds(
    kind: LayerKind, ndim: int, dtype: str, fraction_bits: int
) -> None:
    for case in real_cases(kind, ndim, dtype):
        data = make_case_data(case)
        expectation = expect(case, data)
        assert expectation.shape is not None
        weight = make_cotangent(expectation.shape)
        *narrow, _ = compute_gradients(case, plan(case), with_fewer_bits(data, fraction_bits), weight)
        *expected_of_each, _ = (
            expectation.gradients
        )  # The last is the bias's, which adds up the weights alone.
        for gradient, expected in zip(narrow, expected_of_each, strict=True):
            assert not is_within(gradient, expected), case.id


ROUNDINGS = {
    # Taps times channels of a group, and the bias.
    LayerKind.CONVOLUTION: 3 * 2 + 1,
    LayerKind.DEPTHWISE: 3 + 1,
    # The taps, then channels times multiplier.
    LayerKind.SEPARABLE: 3 + 4 * 2 + 1,
    # As many taps as an output can meet, times the channels.
    LayerKind.TRANSPOSE: 3 * 4 + 1,
    # The sums, the count's reciprocal and the product with it.
    LayerKind.AVERAGE_POOLING: 3 + 2,
}


@pytest.mark.parametrize("kind", ROUNDINGS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_is_the_magnitudes_times_the_roundings(kind: LayerKind, dtype: str) -> None:
    case = derive_arguments(
        replace(
            CASE,
            layer=LAYERS[kind, 1],
            channels=4,
            filters=2,
            groups=2,
            multiplier=2,
            data=DataKind.REAL,
            dtype=dtype,
        )
    )
    data = signals(case)
    sizes = CaseData(*[None if array is None else np.abs(array) for array in (data.inputs, data.kernel)])  # type: ignore[arg-type]
    sizes = replace(
        sizes,
        bias=None if data.bias is None else np.abs(data.bias),
        pointwise=None if data.pointwise is None else np.abs(data.pointwise),
    )
    magnitudes = array_of(*brute_values(case, cell_data(sizes)))
    bits = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[dtype]
    bound = compute_output_bound(case, plan(case), data)
    assert bound is not None
    lost = {"float16": 2.0**-25}.get(dtype, 0.0)
    relative = magnitudes * (2.0 ** -(1 + bits) + 2.0**-53)
    assert np.allclose(bound, ROUNDINGS[kind] * (relative + lost * (magnitudes > 0)), rtol=1e-12)


def test_the_bound_of_a_sum_by_hand() -> None:
    # 1.5*0.5 - 2.5*4 + 8: B = 0.75 + 10 + 8 = 18.75 in float16, two products and sums and a bias: K = 3,
    # and each of the three may lose half of 2**-24 besides.
    case = replace(
        CASE,
        input=(2,),
        kernel=(2,),
        padding="valid",
        batch=1,
        channels=1,
        filters=1,
        data=DataKind.REAL,
        dtype="float16",
    )
    data = CaseData(
        np.array([[[1.5], [-2.5]]], np.float16),
        np.array([[[0.5]], [[4]]], np.float16),
        np.array([8], np.float16),
    )
    output = expect(case, data).output
    assert output is not None
    assert output.values.tolist() == [[[-1.25]]]
    assert output.bound is not None
    assert output.bound.tolist() == [[[18.75 * (3 * (2.0**-11 + 2.0**-53)) + 3 * 2.0**-25]]]


def test_the_bound_is_0_where_nothing_is_added_up() -> None:
    # A stride of 3 beyond a kernel of 2: each third output meets no tap.
    case = replace(
        CASE,
        layer=LAYERS[LayerKind.TRANSPOSE, 1],
        input=(2,),
        kernel=(2,),
        strides=(3,),
        padding="valid",
        bias=False,
        data=DataKind.REAL,
        dtype="float32",
    )
    output = expect(case, make_case_data(case)).output
    assert output is not None
    assert output.bound is not None
    assert np.all((output.bound == 0) == np.array([False, False, True] * 2)[:, np.newaxis])
    assert np.all(output.values[:, 2::3] == 0)


@pytest.mark.parametrize("kind", [kind for kind in LayerKind if kind is not LayerKind.MAX_POOLING])
def test_the_bound_is_0_where_everything_is_zero(kind: LayerKind) -> None:
    case = derive_arguments(
        replace(
            CASE, layer=LAYERS[kind, 1], mode=Mode.GRADIENT, bias=False, data=DataKind.REAL, dtype="float32"
        )
    )
    data = make_case_data(case)
    expectation = expect(case, replace(data, inputs=np.zeros_like(data.inputs)))
    assert expectation.output is not None
    for expected in (expectation.output, *expectation.gradients[1:]):
        assert expected.bound is not None
        assert not expected.bound.any()
    assert expectation.gradients[0].bound is not None
    assert expectation.gradients[0].bound.all()


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_sums_of_integers_have_no_bound_and_means_have_one(kind: LayerKind, ndim: int) -> None:
    for case in real_cases(kind, ndim, "float32"):
        exact = replace(case, data=DataKind.EXACT)
        expectation = expect(exact, make_case_data(exact))
        assert expectation.output is not None
        is_mean = kind is LayerKind.AVERAGE_POOLING
        arrays: Sequence[ExpectedArray] = (expectation.output, *expectation.gradients)
        assert [array.bound is not None for array in arrays] == [is_mean] * len(arrays)


def test_the_largest_of_a_window_is_one_of_its_cells_and_nothing_near_it() -> None:
    for dtype in DTYPES:
        case = derive_arguments(
            replace(CASE, layer=LAYERS[LayerKind.MAX_POOLING, 1], data=DataKind.REAL, dtype=dtype)
        )
        output = expect(case, make_case_data(case)).output
        assert output is not None
        assert output.bound is not None
        assert not output.bound.any()


def test_nothing_is_documented_of_a_maximum_with_nan_and_its_bound_is_infinite() -> None:
    # [1 nan], [-inf -inf], [2 inf]: NaN or 1, undocumented; nothing but -inf; inf.
    case = derive_arguments(
        replace(CASE, layer=LAYERS[LayerKind.MAX_POOLING, 1], input=(6,), kernel=(2,), strides=(2,), batch=1)
    )
    case = derive_arguments(replace(case, channels=1, data=DataKind.NONFINITE))
    inputs = np.array([1.0, np.nan, -np.inf, -np.inf, 2.0, np.inf]).reshape(1, 6, 1)
    bound = compute_output_bound(case, plan(case), CaseData(inputs, None))
    assert bound is not None
    assert bound.ravel().tolist() == [np.inf, 0.0, 0.0]
    assert compute_values(case, plan(case), CaseData(inputs, None)).ravel()[1:].tolist() == [-np.inf, np.inf]


def test_a_mean_of_infinities_and_nan_is_what_every_order_of_summation_gives() -> None:
    # [1 nan]: nan. [inf -inf]: nan. [2 inf]: inf. [3 5]: 4, within a bound. No number is near an infinity.
    case = derive_arguments(
        replace(
            CASE, layer=LAYERS[LayerKind.AVERAGE_POOLING, 1], input=(8,), kernel=(2,), strides=(2,), batch=1
        )
    )
    case = derive_arguments(replace(case, channels=1, data=DataKind.NONFINITE))
    data = CaseData(np.array([1.0, np.nan, np.inf, -np.inf, 2.0, np.inf, 3.0, 5.0]).reshape(1, 8, 1), None)
    values, bound = (
        compute_values(case, plan(case), data).ravel(),
        compute_output_bound(case, plan(case), data),
    )
    assert bound is not None
    assert np.isnan(values[:2]).all()
    assert values[2:].tolist() == [np.inf, 4.0]
    assert bound.ravel()[:3].tolist() == [0.0, 0.0, 0.0]
    assert 0 < bound.ravel()[3] < 1e-6
