"""Data at the edge: of what must be refused, of empty inputs, and where there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.generator.signals import has_data, signals_of
from harness.records import Case, Data, Layer, Mode, fitted

from .test_facets import PLAIN
from .test_signals import arrays


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
        fitted(replace(PLAIN, layer=Layer.SEPARABLE_CONV2D, multiplier=0, mode=Mode.GRADIENT)),
        fitted(replace(PLAIN, layer=Layer.CONV2D_TRANSPOSE, output_padding=(-1, 9), mode=Mode.GRADIENT)),
        fitted(replace(PLAIN, layer=Layer.MAX_POOLING2D, kernel=(0, 0))),
    ],
    ids=lambda case: str(case.id),
)
def test_a_case_that_must_be_refused_has_data_to_be_refused_with(case: Case) -> None:
    assert all(array.size for array in arrays(signals_of(case)))


@pytest.mark.parametrize("lengths", [(0, 3), (0, 0)])
@pytest.mark.parametrize("layer", [Layer.CONV2D, Layer.MAX_POOLING2D, Layer.CONV2D_TRANSPOSE])
@pytest.mark.parametrize("mode", [Mode.EAGER, Mode.GRADIENT])
@pytest.mark.parametrize("batch", [0, 2])
def test_an_empty_input_has_weights_all_the_same(
    layer: Layer, lengths: tuple[int, int], mode: Mode, batch: int
) -> None:
    case = fitted(replace(PLAIN, layer=layer, input=lengths, mode=mode, batch=batch))
    data = signals_of(case)
    assert data.inputs.shape == case.input_shape
    assert all(weight.size for weight in data.weights)


TOO_LONG = {
    "forward": (replace(PLAIN, dtype="float16", channels=256), "2304 terms"),
    "the kernel's gradient": (
        replace(PLAIN, dtype="float16", input=(40, 40), mode=Mode.GRADIENT, bias=False),
        "1600 terms",
    ),
    "the bias's gradient": (
        fitted(
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
    assert has_data(replace(case, data=Data.REAL))
    assert has_data(replace(case, dtype="float32"))
    with pytest.raises(HarnessError, match=f"{terms} are too many for exact sums in .*; use a wider dtype"):
        signals_of(case)


def test_an_unknown_dtype_is_refused_with_the_known_ones() -> None:
    message = "no data for dtype int8; use bfloat16, float16, float32, float64"
    for data in Data:
        with pytest.raises(HarnessError, match=message):
            signals_of(replace(PLAIN, dtype="int8", data=data))
