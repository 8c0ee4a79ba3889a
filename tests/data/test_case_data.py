from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.cases.suites import expand_suites, load_library
from harness.data.case_data import CASE_DATA_VERSION, make_case_data
from harness.data.value_bounds import MAX_COTANGENT
from harness.oracle import WRONG_RULES, expect
from harness.oracle.expectation import count_parameters
from harness.oracle.gradients import compute_gradients, make_cotangent
from harness.oracle.plan import plan_computation
from harness.oracle.refusal import parse_padding
from harness.oracle.values import compute_values
from harness.records import (
    DTYPE_TRAITS,
    Array,
    Case,
    CaseData,
    DataFormat,
    DataKind,
    Layer,
    LayerKind,
    Mode,
    Refusal,
    Values,
    derive_arguments,
)
from harness.resources import find_cases_folder
from tests.test_facets import PLAIN

BATCHED = replace(PLAIN, batch=2, groups=2)
DISTINCT = (DataKind.EXACT, DataKind.REAL)
"""The data whose cells differ; ties and nonfinite data repeat values, and are for pooling only."""

POOLED = derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, input=(6, 7), batch=2))

GOLDEN = {
    2: {
        BATCHED: "54af10b1ad4b1aea",
        replace(
            BATCHED, dtype="float64", data_format=DataFormat.CHANNELS_FIRST, bias=False
        ): "e8cd6ae57144f32d",
        replace(PLAIN, input=(64, 33), kernel=(7, 5), channels=32, filters=16): "8643f6c7405e95c2",
        replace(PLAIN, dtype="float16"): "d0ef469c7453c45f",
        replace(
            PLAIN, dtype="bfloat16", input=(3, 3), kernel=(2, 2), channels=1, filters=2, mode=Mode.GRADIENT
        ): "16f0a23468eabb4b",
        replace(PLAIN, data=DataKind.REAL): "69daf11486631bbd",
        replace(PLAIN, data=DataKind.REAL, dtype="bfloat16"): "67e890c83bb2b4aa",
        derive_arguments(
            replace(PLAIN, layer=Layer.SEPARABLE_CONV2D, multiplier=2, dtype="float64")
        ): "de5243e6ebb3fd7a",
        derive_arguments(replace(PLAIN, layer=Layer.CONV2D_TRANSPOSE)): "41cee67272bffaee",
        POOLED: "9b589b407221c74f",
        replace(POOLED, dtype="float64", data=DataKind.REAL): "1867fbeae22036d0",
        replace(POOLED, dtype="bfloat16", data_format=DataFormat.CHANNELS_FIRST): "630217c1e36b58da",
        derive_arguments(replace(PLAIN, layer=Layer.AVERAGE_POOLING2D)): "9857769f4bea7f28",
    }
}
"""Digests of the data of some cases, by `CASE_DATA_VERSION`.

Stored runs are judged again with these data: whoever changes them raises the version and replaces the
digests.
"""


def digest(case: Case) -> str:
    hashed = hashlib.sha256()
    for part in arrays(make_case_data(case)):
        hashed.update(f"{part.dtype.name} {part.shape} ".encode())
        hashed.update(part.astype("<f8").tobytes())
    return hashed.hexdigest()[:16]


def arrays(data: CaseData) -> Iterator[Array]:
    yield data.inputs
    yield from data.weights


def in_float64(array: Array) -> Values:
    return array.astype(np.float64)


@pytest.fixture(scope="module")
def core() -> Sequence[tuple[Case, CaseData]]:
    return [
        (case, make_case_data(case)) for case in expand_suites(load_library([find_cases_folder()]), ["core"])
    ]


@pytest.fixture(scope="module")
def exact(core: Sequence[tuple[Case, CaseData]]) -> Sequence[tuple[Case, CaseData]]:
    return [(case, data) for case, data in core if case.data is DataKind.EXACT]


@pytest.fixture(scope="module")
def real(core: Sequence[tuple[Case, CaseData]]) -> Sequence[tuple[Case, CaseData]]:
    return [(case, data) for case, data in core if case.data is DataKind.REAL]


def test_the_data_are_those_of_their_version() -> None:
    assert {case.id: digest(case) for case in GOLDEN[CASE_DATA_VERSION]} == {
        case.id: known for case, known in GOLDEN[CASE_DATA_VERSION].items()
    }


def test_another_process_makes_the_same_data() -> None:
    program = (
        "import sys; from generator.test_signals import digest; from harness.records import parse_case_id;"
        "print(digest(parse_case_id(sys.argv[1])))"
    )
    program = program.replace("generator.test_signals", __name__)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}", BATCHED.id],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == digest(BATCHED)


def test_arrays_have_the_dtype_of_the_case_and_its_input_shape(core: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in core:
        assert data.inputs.shape == case.input_shape
        for array in arrays(data):
            assert array.dtype.name == case.dtype


def test_weights_are_as_many_as_the_layer_has_parameters(core: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in core:
        if expect(case, data).refusal is not Refusal.REQUIRED:
            assert sum(weight.size for weight in data.weights) == count_parameters(case), case.id


def test_weights_have_the_shapes_that_the_layers_build() -> None:
    case = replace(PLAIN, kernel=(2, 3), channels=4, filters=6, groups=2)

    def shapes(layer: Layer, **changes: int) -> list[tuple[int, ...]]:
        data = make_case_data(derive_arguments(replace(case, layer=layer, **changes)))  # type: ignore[arg-type]
        return [weight.shape for weight in data.weights]

    assert shapes(Layer.CONV2D) == [(2, 3, 2, 6), (6,)]
    assert shapes(Layer.DEPTHWISE_CONV2D, multiplier=3) == [(2, 3, 4, 3), (12,)]
    assert shapes(Layer.SEPARABLE_CONV2D, multiplier=3) == [(2, 3, 4, 3), (1, 1, 12, 6), (6,)]
    assert shapes(Layer.CONV2D_TRANSPOSE) == [(2, 3, 6, 4), (6,)]
    assert shapes(Layer.MAX_POOLING2D) == shapes(Layer.AVERAGE_POOLING2D) == []


@pytest.mark.parametrize("layer", [layer for layer in Layer if layer.startswith("ops.")])
def test_an_operation_gets_the_data_of_the_layer_of_its_kind(layer: Layer) -> None:
    ndim = layer.ndims[-1]
    [twin] = [other for other in Layer if other.kind is layer.kind and other.ndims == (ndim,)]
    twos, ones = (2,) * ndim, (1,) * ndim
    case = replace(PLAIN, layer=layer, input=(5,) * ndim, kernel=twos, strides=twos, dilation=ones)
    of_operation, of_layer = (
        make_case_data(derive_arguments(case)),
        make_case_data(derive_arguments(replace(case, layer=twin))),
    )
    assert np.array_equal(of_operation.inputs, of_layer.inputs)
    pairs = zip(of_operation.weights, of_layer.weights, strict=False)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_what_is_handed_out_cannot_be_written() -> None:
    for array in arrays(make_case_data(PLAIN)):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_exact_data_are_integers_and_none_is_zero(exact: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in exact:
        for array in map(in_float64, arrays(data)):
            assert np.array_equal(array, np.rint(array)), case.id
            assert np.all(array != 0), case.id


def test_inputs_are_negative_where_a_maximum_is_taken_and_else_positive(
    exact: Sequence[tuple[Case, CaseData]],
) -> None:
    for case, data in exact:
        is_negative = in_float64(data.inputs) < 0
        assert is_negative.all() if case.kind is LayerKind.MAX_POOLING else not is_negative.any(), case.id


def magnitudes(data: CaseData) -> CaseData:
    parts = [
        None if part is None else np.abs(in_float64(part))
        for part in (data.kernel, data.bias, data.pointwise)
    ]
    return CaseData(np.abs(in_float64(data.inputs)), *parts)


def test_every_partial_sum_of_the_output_is_exact_in_its_dtype(
    exact: Sequence[tuple[Case, CaseData]],
) -> None:
    for case, data in exact:
        bound = None if case.kind is LayerKind.MAX_POOLING else expect(case, magnitudes(data)).values
        if bound is not None and bound.size:
            window = np.prod(case.kernel) if case.kind is LayerKind.AVERAGE_POOLING else 1
            assert bound.max() * window < DTYPE_TRAITS[case.dtype].exact_integers, case.id


def test_every_partial_sum_of_the_gradients_is_exact_in_its_dtype(
    exact: Sequence[tuple[Case, CaseData]],
) -> None:
    seen = set()
    for case, data in exact:
        padding = parse_padding(case)
        if case.mode is Mode.GRADIENT and case.kind is not LayerKind.AVERAGE_POOLING and padding is not None:
            plan = plan_computation(case, padding)
            weight = np.abs(make_cotangent(compute_values(case, plan, data).shape))
            for bound in compute_gradients(case, plan, magnitudes(data), weight):
                assert bound.max(initial=0) < DTYPE_TRAITS[case.dtype].exact_integers, case.id
            seen.add((case.kind, case.dtype))
    kinds = set(LayerKind) - {LayerKind.AVERAGE_POOLING}
    assert seen >= {(kind, dtype) for kind in kinds for dtype in ("float32", "float64", "float16")}


def test_the_cotangent_is_as_large_as_the_amplitudes_take_it() -> None:
    assert np.abs(make_cotangent((1000,))).max() == MAX_COTANGENT


def test_float64_computed_in_float32_shows_in_every_case(exact: Sequence[tuple[Case, CaseData]]) -> None:
    rule = WRONG_RULES["sums-rounded-to-float32"]
    number = 0
    for case, data in exact:
        right = expect(case, data).values
        if case.dtype == "float64" and right is not None and right.size:
            wrong = expect(case, data, rule).values
            assert wrong is not None
            assert not np.array_equal(right, wrong), case.id
            number += 1
    assert number > 200


def test_float64_data_are_wider_than_float32_holds(exact: Sequence[tuple[Case, CaseData]]) -> None:
    # In each case the input or a kernel is wide, each in some case, so that casting any one shows.
    wide: dict[LayerKind, set[int]] = {}
    for case, data in exact:
        if case.dtype == "float64" and case.batch and min(case.input):
            parts = [part for part in (data.inputs, data.kernel, data.pointwise) if part is not None]
            places = {
                place
                for place, part in enumerate(parts)
                if not np.array_equal(part.astype(np.float32).astype(np.float64), part)
            }
            assert places, case.id
            wide.setdefault(case.kind, set()).update(places)
    assert {kind: len(places) for kind, places in wide.items()} == {
        LayerKind.CONVOLUTION: 2,
        LayerKind.DEPTHWISE: 2,
        LayerKind.TRANSPOSE: 2,
        LayerKind.SEPARABLE: 3,
        LayerKind.MAX_POOLING: 1,
        LayerKind.AVERAGE_POOLING: 1,
    }


def entries(case: Case, data: CaseData) -> Values:
    """Return the cells by batch entry and channel: shape `(batch, channels, cells)`."""
    inputs = in_float64(data.inputs)
    first = inputs if case.data_format is DataFormat.CHANNELS_FIRST else np.moveaxis(inputs, -1, 1)
    return first.reshape(*first.shape[:2], -1)


def test_no_window_of_a_maximum_has_a_tie(core: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in core:
        if case.kind is LayerKind.MAX_POOLING and data.inputs.size and case.data in DISTINCT:
            for cells in entries(case, data).reshape(-1, np.prod(case.input)):
                assert np.unique(cells).size == cells.size, case.id


@pytest.mark.parametrize("dtype", DTYPE_TRAITS)
@pytest.mark.parametrize("data", DISTINCT)
@pytest.mark.parametrize("data_format", DataFormat)
def test_large_channels_are_without_ties_too(dtype: str, data: DataKind, data_format: DataFormat) -> None:
    case = replace(POOLED, input=(44, 50), channels=3, dtype=dtype, data=data, data_format=data_format)
    cells = entries(case, make_case_data(case))
    assert all(np.unique(channel).size == 2200 for entry in cells for channel in entry)


def test_what_is_pooled_by_its_maximum_is_in_no_order() -> None:
    steps = np.diff(in_float64(make_case_data(replace(POOLED, input=(9, 9))).inputs)[0, :, :, 0])
    assert 20 < (steps > 0).sum() < 60


def test_the_entries_of_the_batch_and_the_channels_differ(core: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in core:
        if data.inputs.size and (case.dtype == "float32" or case.data is DataKind.REAL):
            cells = entries(case, data)
            assert all_differ(cells, 0), case.id
            assert all_differ(cells, 1), case.id


def test_filters_biases_and_the_channels_of_a_filter_differ(core: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in core:
        if case.kind.traits.is_pooling:
            continue
        assert data.kernel is not None
        assert all_differ(data.kernel, -1), case.id
        assert all_differ(data.kernel, -2), case.id
        assert data.bias is None or all_differ(data.bias, 0), case.id
        if data.pointwise is not None:
            assert all_differ(data.pointwise, -1), case.id
            assert all_differ(data.pointwise, -2), case.id


def all_differ(array: Array, axis: int) -> bool:
    """Return whether all slices along the axis differ, where there are enough values for that."""
    slices = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
    possible = np.unique(array).size ** slices.shape[1]
    return len({part.tobytes() for part in slices}) == len(slices) or possible < 2 * len(slices)


def test_kernels_and_inputs_differ_from_their_flips_and_transposes(
    core: Sequence[tuple[Case, CaseData]],
) -> None:
    for case, data in core:
        first = 1 if case.data_format is DataFormat.CHANNELS_LAST else 2
        looked_at = [(data.inputs, first)] + ([] if data.kernel is None else [(data.kernel, 0)])
        for array, start in looked_at:
            axes = [axis for axis in range(start, start + case.ndim) if array.shape[axis] > 1]
            if array.size == 0 or not axes:
                continue
            for flipped in (*((axis,) for axis in axes), tuple(axes)):
                assert not np.array_equal(array, np.flip(array, flipped)), case.id
            for one, other in itertools.pairwise(axes):
                swapped = np.swapaxes(array, one, other)
                assert swapped.shape != array.shape or not np.array_equal(array, swapped), case.id


def test_no_two_cells_of_a_small_array_are_equal(core: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in core:
        if case.dtype in {"float32", "float64"} and case.data in DISTINCT:
            for array in arrays(data):
                if array.size <= 60:
                    assert np.unique(array).size == array.size, case.id


def test_equal_layers_have_equal_weights(core: Sequence[tuple[Case, CaseData]]) -> None:
    layers: dict[object, tuple[bytes, ...]] = {}
    for case, data in core:
        layer = replace(case, input=(1,), batch=1, data_format=DataFormat.CHANNELS_LAST, padding="same")
        weights = tuple(weight.tobytes() for weight in data.weights)
        assert layers.setdefault(layer, weights) == weights, case.id
    assert len(layers) < len(core) * 0.6


@pytest.mark.parametrize("data", DISTINCT)
@pytest.mark.parametrize("mode", [Mode.EAGER, Mode.GRADIENT])
def test_the_weights_do_not_depend_on_the_input(mode: Mode, data: DataKind) -> None:
    case = replace(PLAIN, dtype="float16", channels=1, mode=mode, data=data)
    kernel = make_case_data(case).kernel
    assert kernel is not None
    for other in (replace(case, input=(9, 1)), replace(case, batch=3), replace(case, bias=False)):
        other_kernel = make_case_data(other).kernel
        assert other_kernel is not None
        assert np.array_equal(other_kernel, kernel)


def test_real_data_fill_their_significands(real: Sequence[tuple[Case, CaseData]]) -> None:
    narrower = {"float64": "float32", "float32": "bfloat16"}
    for case, data in real:
        for array in arrays(data):
            exponents = np.frexp(in_float64(array))[1]
            whole = np.ldexp(in_float64(array), DTYPE_TRAITS[case.dtype].significant_bits - exponents)
            assert np.all((whole % 2 == 1) | (case.kind is LayerKind.MAX_POOLING)), case.id
            if case.dtype in narrower and case.kind is not LayerKind.MAX_POOLING:
                cast = in_float64(array.astype(DTYPE_TRAITS[narrower[case.dtype]].dtype))
                assert np.all(cast != in_float64(array)), case.id


def test_real_data_have_both_signs_and_several_magnitudes(real: Sequence[tuple[Case, CaseData]]) -> None:
    for case, data in real:
        for array in map(in_float64, (data.inputs, *data.weights[:1])):
            if array.size >= 24:
                assert 0.1 < float((array < 0).mean()) < 0.9, case.id
                assert np.unique(np.frexp(array)[1]).size >= 3, case.id


def test_sums_of_real_data_stay_finite_in_float16() -> None:
    case = replace(PLAIN, dtype="float16", data=DataKind.REAL, kernel=(7, 7), channels=20)
    bound = expect(case, magnitudes(make_case_data(case))).values
    assert bound is not None
    assert bound.max() < float(np.finfo(np.float16).max)
