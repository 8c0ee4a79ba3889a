"""How weights reach a layer, and the axes of kernels where they lie otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.worker.adapters import layouts
from harness.worker.adapters.weights import given, initializers

KERNEL = np.arange(2 * 3 * 4 * 5, dtype="float32").reshape(2, 3, 4, 5)
BIAS = np.arange(5, dtype="float32")


def refuse(shape: Any, dtype: Any) -> Any:
    if min(shape) < 0:
        raise ValueError("says Keras")


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        ("Conv3DTranspose", ["kernel_initializer", "bias_initializer"]),
        ("DepthwiseConv1D", ["depthwise_initializer", "bias_initializer"]),
        ("SeparableConv2D", ["depthwise_initializer", "pointwise_initializer", "bias_initializer"]),
        ("MaxPooling1D", []),
    ],
)
def test_each_weight_has_the_initializer_of_its_name(layer: str, names: list[str]) -> None:
    keras = SimpleNamespace(initializers=SimpleNamespace(get=lambda _: refuse))
    weights = [KERNEL + position for position in range(len(names))]
    found = initializers(keras, layer, weights)
    assert list(found) == names
    for name, values in zip(names, weights, strict=True):
        assert np.array_equal(found[name](values.shape, dtype="float32"), values)
    without_bias = initializers(keras, layer, weights[:-1])
    assert list(without_bias) == names[:-1]


def test_weights_that_do_not_fit_are_refused_by_keras_or_repeat_themselves() -> None:
    initializer = given(BIAS, refuse)
    with pytest.raises(ValueError, match="says Keras"):
        initializer((-1,), dtype="float32")
    assert initializer((2, 3), dtype="float64").tolist() == [[0, 1, 2], [3, 4, 0]]


def test_a_dtype_of_tensorflow_is_known() -> None:
    assert given(BIAS, refuse)((5,), dtype=SimpleNamespace(as_numpy_dtype=np.float16)).dtype == "float16"


def conv(shape: tuple[int, ...], **more: Any) -> Any:
    return SimpleNamespace(W_shape=shape, filter_length=3, nb_filter=5, **more)


@pytest.mark.parametrize(
    ("layer", "weights", "shape"),
    [
        (conv((5, 4, 2, 3), dim_ordering="th"), [KERNEL, BIAS], (5, 4, 2, 3)),
        (conv((2, 3, 4, 5), dim_ordering="tf"), [KERNEL, BIAS], (2, 3, 4, 5)),
        (conv((3, 1, 4, 5)), [KERNEL[0], BIAS], (3, 1, 4, 5)),
        (conv((5, 4, 3, 1)), [KERNEL[0]], (5, 4, 3, 1)),
    ],
)
def test_keras_1_keeps_kernels_in_layouts_of_its_own(layer: Any, weights: list[Any], shape: Any) -> None:
    kept = layouts.to_keras1(layer, weights)
    assert kept[0].shape == shape
    for again, weight in zip(layouts.from_keras1(layer, kept), weights, strict=True):
        assert np.array_equal(again, weight)


def test_taps_keep_their_order_with_the_filters_first() -> None:
    (kernel,) = layouts.filters_first([KERNEL])
    assert kernel[1, 2].tolist() == KERNEL[:, :, 2, 1].tolist()


def test_pooling_has_no_weights_to_lay_out() -> None:
    assert layouts.to_keras1(SimpleNamespace(), []) == layouts.from_keras1(SimpleNamespace(), []) == []
