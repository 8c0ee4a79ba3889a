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

from harness.errors import HarnessError
from harness.generator.library import cases_of, load_library
from harness.generator.signals import EXACT_INTEGERS, SIGNALS_VERSION, signals_of
from harness.oracle import expect
from harness.records import Array, Case, DataFormat, Signals
from harness.shipped import cases_folder

from .test_facets import PLAIN

BATCHED = replace(PLAIN, batch=2, groups=2)

GOLDEN = {
    1: {
        BATCHED: "3333ca17b17f79f5",
        replace(
            BATCHED, dtype="float64", data_format=DataFormat.CHANNELS_FIRST, bias=False
        ): "6308553f277fd27d",
        replace(PLAIN, input=(64, 33), kernel=(7, 5), channels=32, filters=16): "eacf49b38618f4aa",
        replace(PLAIN, dtype="float16"): "f6eac5c735868fb7",
    }
}
"""The data of some cases, by the version of the signals. Stored runs are judged again with these data:
whoever changes them raises `SIGNALS_VERSION` and adds the new digests here."""


def digest(case: Case) -> str:
    data = signals_of(case)
    parts = [array for array in (data.inputs, data.kernel, data.bias) if array is not None]
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(f"{part.dtype.name} {part.shape} ".encode())
        hashed.update(part.astype("<f8").tobytes())
    return hashed.hexdigest()[:16]


@pytest.fixture(scope="module")
def core() -> Sequence[tuple[Case, Signals]]:
    return [(case, signals_of(case)) for case in cases_of(load_library([cases_folder()]), ["core"])]


def test_the_data_are_those_of_their_version() -> None:
    assert {case.id: digest(case) for case in GOLDEN[SIGNALS_VERSION]} == {
        case.id: known for case, known in GOLDEN[SIGNALS_VERSION].items()
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


def test_arrays_have_the_shapes_and_dtype_of_the_case(core: Sequence[tuple[Case, Signals]]) -> None:
    for case, data in core:
        assert data.inputs.shape == case.input_shape
        assert data.kernel.ndim == case.ndim + 2
        assert (data.bias is not None) == case.bias
        for array in arrays(data):
            assert array.dtype.name == case.dtype
        if expect(case, data).values is not None:
            assert data.kernel.shape == (*case.kernel, case.channels // case.groups, case.filters)
            assert data.bias is None or data.bias.shape == (case.filters,)


def arrays(data: Signals) -> Iterator[Array]:
    yield data.inputs
    yield data.kernel
    if data.bias is not None:
        yield data.bias


def test_data_are_integers_inputs_positive_taps_and_biases_not_zero(
    core: Sequence[tuple[Case, Signals]],
) -> None:
    for case, data in core:
        for array in arrays(data):
            assert np.array_equal(array, np.rint(array.astype(np.float64))), case.id
            assert np.all(array != 0), case.id
        assert np.all(data.inputs.astype(np.float64) > 0), case.id


def test_every_partial_sum_of_every_case_is_exact_in_its_dtype(core: Sequence[tuple[Case, Signals]]) -> None:
    for case, data in core:
        magnitudes = Signals(
            data.inputs, np.abs(data.kernel), None if data.bias is None else np.abs(data.bias)
        )
        bound = expect(case, magnitudes).values
        if bound is not None and bound.size:
            assert bound.max() < EXACT_INTEGERS[case.dtype], case.id


def test_the_exact_integers_are_those_of_the_dtypes() -> None:
    for dtype, limit in EXACT_INTEGERS.items():
        assert limit == 2 ** (np.finfo(dtype).nmant + 1)


@pytest.mark.parametrize("axis", ["batch", "channels"])
def test_the_entries_of_the_batch_and_the_channels_differ(
    axis: str, core: Sequence[tuple[Case, Signals]]
) -> None:
    for case, data in core:
        place = 0 if axis == "batch" else data.inputs.shape.index(case.channels, 1)
        if axis == "channels":
            place = data.inputs.ndim - 1 if case.data_format is DataFormat.CHANNELS_LAST else 1
        assert all_differ(data.inputs, place), case.id


def test_filters_biases_and_the_channels_of_a_filter_differ(core: Sequence[tuple[Case, Signals]]) -> None:
    for case, data in core:
        assert all_differ(data.kernel, -1), case.id
        assert all_differ(data.kernel, -2), case.id
        assert data.bias is None or all_differ(data.bias, 0), case.id


def all_differ(array: Array, axis: int) -> bool:
    """Whether no two slices along the axis are equal."""
    slices = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
    return len({part.tobytes() for part in slices}) == len(slices)


def test_kernels_and_inputs_differ_from_their_flips_and_transposes(
    core: Sequence[tuple[Case, Signals]],
) -> None:
    for case, data in core:
        first = 1 if case.data_format is DataFormat.CHANNELS_LAST else 2
        for array, axes in ((data.kernel, (0, 1)), (data.inputs, (first, first + 1))):
            for flipped in (axes[:1], axes[1:], axes):
                if any(array.shape[axis] > 1 for axis in flipped):
                    assert not np.array_equal(array, np.flip(array, flipped)), case.id
            if array.shape[axes[0]] == array.shape[axes[1]] > 1:
                assert not np.array_equal(array, np.swapaxes(array, *axes)), case.id


def test_no_two_cells_of_a_small_array_are_equal(core: Sequence[tuple[Case, Signals]]) -> None:
    for case, data in core:
        for array in arrays(data):
            if array.size <= 60:
                assert np.unique(array).size == array.size, case.id


def test_equal_layers_have_equal_weights(core: Sequence[tuple[Case, Signals]]) -> None:
    layers: dict[object, bytes] = {}
    for case, data in core:
        layer = replace(case, input=(1, 1), batch=1, data_format=DataFormat.CHANNELS_LAST, padding="same")
        weights = data.kernel.tobytes() + (b"" if data.bias is None else data.bias.tobytes())
        assert layers.setdefault(layer, weights) == weights, case.id
    assert len(layers) < len(core) / 2


def test_the_weights_do_not_depend_on_the_input() -> None:
    data = signals_of(PLAIN)
    for other in (replace(PLAIN, input=(9, 1)), replace(PLAIN, batch=3), replace(PLAIN, bias=False)):
        assert np.array_equal(signals_of(other).kernel, data.kernel)


@pytest.mark.parametrize(
    "case",
    [
        replace(PLAIN, kernel=(0, -2)),
        replace(PLAIN, filters=0),
        replace(PLAIN, filters=-3),
        replace(PLAIN, groups=0),
        replace(PLAIN, groups=-1),
        replace(PLAIN, groups=3),
        replace(PLAIN, groups=9),
        replace(PLAIN, strides=(0, -1), dilation=(0, 0), padding="bogus"),
    ],
    ids=lambda case: str(case.id),
)
def test_a_case_that_must_be_refused_has_data_to_be_refused_with(case: Case) -> None:
    assert all(array.size for array in arrays(signals_of(case)))


@pytest.mark.parametrize("dtype", EXACT_INTEGERS)
def test_long_sums_stay_exact_by_smaller_data(dtype: str) -> None:
    widths = (1, 4, 16) if dtype == "float16" else (1, 64, 1024)
    for channels, kernel in itertools.product(widths, ((1, 1), (3, 3))):
        case = replace(PLAIN, dtype=dtype, kernel=kernel, channels=channels)
        data = signals_of(case)
        assert data.bias is not None
        terms = kernel[0] * kernel[1] * channels
        most = terms * int(data.inputs.max()) * int(np.abs(data.kernel).max()) + int(data.bias.max())
        assert most < EXACT_INTEGERS[dtype]


def test_sums_too_long_for_the_dtype_are_refused_with_a_remedy() -> None:
    with pytest.raises(
        HarnessError, match="2304 terms are too many for exact sums in float16; use a wider dtype"
    ):
        signals_of(replace(PLAIN, dtype="float16", channels=256))


def test_an_unknown_dtype_is_refused_with_the_known_ones() -> None:
    with pytest.raises(HarnessError, match="no exact data for dtype int8; use float16, float32, float64"):
        signals_of(replace(PLAIN, dtype="int8"))
