"""Data in corner cases: of cases that must be refused, of empty inputs, and where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.data.case_data import has_data, make_case_data
from harness.errors import HarnessError
from harness.records import Case, DataFormat, DataKind, Layer, Mode, derive_arguments
from tests.data.test_case_data import arrays
from tests.test_facets import PLAIN


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
        derive_arguments(replace(PLAIN, layer=Layer.SEPARABLE_CONV2D, multiplier=0, mode=Mode.GRADIENT)),
        derive_arguments(
            replace(PLAIN, layer=Layer.CONV2D_TRANSPOSE, output_padding=(-1, 9), mode=Mode.GRADIENT)
        ),
        derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, kernel=(0, 0))),
    ],
    ids=lambda case: str(case.id),
)
def test_a_case_that_must_be_refused_has_data_to_be_refused_with(case: Case) -> None:
    assert all(array.size for array in arrays(make_case_data(case)))


@pytest.mark.parametrize("lengths", [(0, 3), (0, 0)])
@pytest.mark.parametrize("layer", [Layer.CONV2D, Layer.MAX_POOLING2D, Layer.CONV2D_TRANSPOSE])
@pytest.mark.parametrize("mode", [Mode.EAGER, Mode.GRADIENT])
@pytest.mark.parametrize("batch", [0, 2])
def test_an_empty_input_has_weights_all_the_same(
    layer: Layer, lengths: tuple[int, int], mode: Mode, batch: int
) -> None:
    case = derive_arguments(replace(PLAIN, layer=layer, input=lengths, mode=mode, batch=batch))
    data = make_case_data(case)
    assert data.inputs.shape == case.input_shape
    assert all(weight.size for weight in data.weights)


TOO_LONG = {
    "forward": (replace(PLAIN, dtype="float16", channels=256), "2304 terms"),
    "the kernel's gradient": (
        replace(PLAIN, dtype="float16", input=(40, 40), mode=Mode.GRADIENT, bias=False),
        "1600 terms",
    ),
    "the bias's gradient": (
        derive_arguments(
            replace(
                PLAIN, layer=Layer.CONV2D_TRANSPOSE, input=(2, 2), strides=(16, 16), dtype="float16",
                mode=Mode.GRADIENT,
            )
        ),
        "1024 terms",
    ),
    "the input's gradient": (
        replace(PLAIN, dtype="bfloat16", channels=1, filters=32, mode=Mode.GRADIENT),
        "288 terms",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LONG)
def test_sums_too_long_for_the_dtype_are_refused_with_a_remedy(name: str) -> None:
    case, terms = TOO_LONG[name]
    assert not has_data(case)
    assert has_data(replace(case, data=DataKind.REAL))
    assert has_data(replace(case, dtype="float32"))
    with pytest.raises(HarnessError, match=f"{terms} are too many for exact sums in .*; use a wider dtype"):
        make_case_data(case)


def test_an_unknown_dtype_is_refused_with_the_known_ones() -> None:
    message = "no data for dtype int8; use bfloat16, float16, float32, float64"
    for data in DataKind:
        with pytest.raises(HarnessError, match=message):
            make_case_data(replace(PLAIN, dtype="int8", data=data))


POOL = derive_arguments(
    replace(PLAIN, layer=Layer.MAX_POOLING2D, input=(6, 7), kernel=(2, 2), strides=(1, 1))
)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("layer", [Layer.MAX_POOLING2D, Layer.AVERAGE_POOLING2D])
def test_ties_are_of_few_values_with_zeros_of_both_signs(layer: Layer, dtype: str) -> None:
    case = replace(POOL, layer=layer, dtype=dtype, data=DataKind.TIES)
    inputs = make_case_data(case).inputs.astype(np.float64)
    assert {float(value) for value in np.unique(inputs)} == {-3.0, -2.0, -1.0, 0.0}
    assert set(np.signbit(inputs[inputs == 0])) == {True, False}
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (2, 2), (1, 2))
    largest = windows == windows.max(axis=(-2, -1), keepdims=True)
    assert (largest.sum(axis=(-2, -1)) > 1).mean() > 0.3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("data_format", DataFormat)
def test_nonfinite_data_have_windows_of_each_kind(data_format: DataFormat, dtype: str) -> None:
    case = replace(
        POOL, dtype=dtype, data=DataKind.NONFINITE, batch=2, channels=2, filters=2, data_format=data_format
    )
    inputs = make_case_data(case).inputs.astype(np.float64)
    axes = (1, 2) if data_format is DataFormat.CHANNELS_LAST else (2, 3)
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (2, 2), axes)
    cells = windows.reshape(-1, 4)
    assert np.isneginf(cells).all(axis=1).any()
    assert (np.isposinf(cells).any(axis=1) & np.isneginf(cells).any(axis=1)).any()
    assert (np.isnan(cells).any(axis=1) & np.isfinite(cells).any(axis=1)).any()
    assert np.isfinite(cells).all(axis=1).any()
    assert 0.1 < np.isnan(cells).any(axis=1).mean() < 0.6
    finite = inputs[np.isfinite(inputs)]
    assert finite.min() < 0 < finite.max()
    assert np.signbit(finite[finite == 0]).any()


@pytest.mark.parametrize("data", [DataKind.TIES, DataKind.NONFINITE])
def test_data_of_pooling_are_for_nothing_else_and_for_no_gradient(data: DataKind) -> None:
    for case in (replace(PLAIN, data=data), replace(POOL, data=data, mode=Mode.GRADIENT)):
        assert not has_data(case)
        with pytest.raises(
            HarnessError, match=f"data {data} are for pooling, and not for gradients; use exact"
        ):
            make_case_data(case)
    assert has_data(replace(POOL, data=data))
