"""How weights reach a layer, and the axes of kernels where they differ from Keras's usual ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.worker import wire
from harness.worker.adapters import layouts
from harness.worker.adapters.keras2 import Keras2
from harness.worker.adapters.weights import have_elements, make_initializer, make_initializers, zero_misfits

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
    found = make_initializers(keras, layer, weights)
    assert list(found) == names
    for name, values in zip(names, weights, strict=True):
        assert np.array_equal(found[name](values.shape, dtype="float32"), values)
    without_bias = make_initializers(keras, layer, weights[:-1])
    assert list(without_bias) == names[:-1]


def test_a_weight_that_does_not_fit_is_refused_by_keras_or_zero() -> None:
    initializer = make_initializer(BIAS, refuse)
    with pytest.raises(ValueError, match="says Keras"):
        initializer((-1,), dtype="float32")
    made = initializer((2, 3), dtype="float64")
    assert made.dtype == "float64"
    assert made.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_weight_without_elements_is_what_keras_makes_of_it() -> None:
    made = object()
    assert make_initializer(BIAS, lambda *_, **__: made)((0, 3), dtype="float32") is made
    assert have_elements([(2, 3), ()])
    assert not any(have_elements([(2, 3), (length,)]) for length in (0, -1, None))


def test_as_many_elements_in_another_order_are_another_weight() -> None:
    assert not make_initializer(KERNEL, refuse)((3, 2, 4, 5), dtype="float32").any()


def test_weights_are_set_one_by_one_as_far_as_they_fit() -> None:
    kernel, bias, more = zero_misfits([KERNEL, BIAS], [(3, 2, 4, 5), (5,), (2,)])
    assert not kernel.any()
    assert np.array_equal(bias, BIAS)
    assert more.tolist() == [0, 0]
    assert zero_misfits([KERNEL, BIAS], [KERNEL.shape])[0] is KERNEL


def test_a_dtype_of_tensorflow_is_known() -> None:
    assert (
        make_initializer(BIAS, refuse)((5,), dtype=SimpleNamespace(as_numpy_dtype=np.float16)).dtype
        == "float16"
    )


def make_conv(shape: tuple[int, ...], **more: Any) -> Any:
    return SimpleNamespace(W_shape=shape, filter_length=3, nb_filter=5, **more)


@pytest.mark.parametrize(
    ("layer", "weights", "shape"),
    [
        (make_conv((5, 4, 2, 3), dim_ordering="th"), [KERNEL, BIAS], (5, 4, 2, 3)),
        (make_conv((2, 3, 4, 5), dim_ordering="tf"), [KERNEL, BIAS], (2, 3, 4, 5)),
        (make_conv((3, 1, 4, 5)), [KERNEL[0], BIAS], (3, 1, 4, 5)),
        (make_conv((5, 4, 3, 1)), [KERNEL[0]], (5, 4, 3, 1)),
    ],
)
def test_keras_1_keeps_kernels_in_layouts_of_its_own(layer: Any, weights: list[Any], shape: Any) -> None:
    kept = layouts.convert_to_keras1(layer, weights)
    assert kept[0].shape == shape
    for again, weight in zip(layouts.convert_from_keras1(layer, kept), weights, strict=True):
        assert np.array_equal(again, weight)


def test_taps_keep_their_order_with_the_filters_first() -> None:
    (kernel,) = layouts.apply_layouts([KERNEL], [layouts.FILTERS_FIRST])
    assert kernel[1, 2].tolist() == KERNEL[:, :, 2, 1].tolist()


def test_taps_keep_their_order_with_the_channels_first() -> None:
    (kernel,) = layouts.apply_layouts([KERNEL], [layouts.CHANNELS_FIRST])
    assert kernel[1, 2].tolist() == KERNEL[:, :, 1, 2].tolist()


@pytest.mark.parametrize(
    ("layer", "version", "usual", "kept"),
    [
        ("Conv1D", "2.1.6", [(3, 4, 5), (5,)], [(5, 4, 3), (5,)]),
        ("Conv2D", "2.2.4.3", [(2, 3, 4, 5)], [(5, 4, 2, 3)]),
        ("Conv3D", "2.2.4.3", [(1, 2, 3, 4, 5), (5,)], [(5, 4, 1, 2, 3), (5,)]),
        ("Conv2DTranspose", "2.1.6", [(2, 3, 5, 4), (5,)], [(4, 5, 2, 3), (5,)]),
        ("Conv3DTranspose", "2.2.4.3", [(1, 2, 3, 5, 4)], [(4, 5, 1, 2, 3)]),
        ("DepthwiseConv2D", "2.2.4.3", [(2, 3, 4, 6), (24,)], [(4, 6, 2, 3), (24,)]),
        ("DepthwiseConv2D", "2.1.6", [(2, 3, 4, 6), (24,)], [(2, 3, 4, 6), (24,)]),
        ("SeparableConv1D", "2.2.4.3", [(3, 4, 6), (1, 24, 5)], [(4, 6, 3), (5, 24, 1)]),
        (
            "SeparableConv2D",
            "2.2.4.3",
            [(2, 3, 4, 6), (1, 1, 24, 5), (5,)],
            [(4, 6, 2, 3), (5, 24, 1, 1), (5,)],
        ),
        ("SeparableConv2D", "2.1.6", [(2, 3, 4, 6), (1, 1, 24, 5)], [(2, 3, 4, 6), (1, 1, 24, 5)]),
        ("MaxPooling2D", "2.2.4.3", [], []),
    ],
)
def test_mxnet_keeps_the_kernels_of_channels_first_in_layouts_of_its_own(
    layer: str, version: str, usual: list[Any], kept: list[Any]
) -> None:
    """The shapes are those of `build` in keras-mxnet's own `layers/convolutional.py`."""
    backend = SimpleNamespace(backend=lambda: "mxnet", int_shape=lambda weight: weight.shape)
    generation = Keras2(SimpleNamespace(backend=backend), version)
    weights = [np.arange(np.prod(shape), dtype="float32").reshape(shape) for shape in usual]
    set_to: list[Any] = []
    built = SimpleNamespace(weights=layouts.make_dummy_arrays(kept), set_weights=set_to.extend)
    for data_format, shapes in (("channels_first", kept), ("channels_last", usual)):
        case = {"layer": layer, "arguments": {"data_format": data_format}, "weights": encode_weights(weights)}
        built.weights, set_to[:] = layouts.make_dummy_arrays(shapes), []
        assert generation.list_weight_shapes(built, case) == usual
        generation.fill(built, case)
        assert [weight.shape for weight in set_to] == shapes
        assert [sorted(weight.flat) for weight in set_to] == [sorted(weight.flat) for weight in weights]


def encode_weights(weights: list[Any]) -> list[Any]:
    return [wire.encode_array(weight) for weight in weights]


def test_pooling_has_no_weights_to_lay_out() -> None:
    assert (
        layouts.convert_to_keras1(SimpleNamespace(), [])
        == layouts.convert_from_keras1(SimpleNamespace(), [])
        == []
    )
