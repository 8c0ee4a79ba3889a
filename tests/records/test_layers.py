from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.records import (
    Argument,
    Layer,
    LayerKind,
    LayerSizes,
    derive_arguments,
    list_gradient_names,
)
from harness.worker.adapters.weights import KERNELS, find_stem
from tests.test_facets import PLAIN

SIZES = LayerSizes(kernel=(2, 3), channels=4, filters=6, groups=2, multiplier=5)

SHAPES: dict[LayerKind, list[tuple[int, ...]]] = {
    LayerKind.CONVOLUTION: [(2, 3, 2, 6)],
    LayerKind.DEPTHWISE: [(2, 3, 4, 5)],
    LayerKind.SEPARABLE: [(2, 3, 4, 5), (1, 1, 20, 6)],
    LayerKind.TRANSPOSE: [(2, 3, 6, 4)],
    LayerKind.MAX_POOLING: [],
    LayerKind.AVERAGE_POOLING: [],
}

FANS = {
    LayerKind.CONVOLUTION: [(6 * 2, 6 * 3)],
    LayerKind.DEPTHWISE: [(6, 6 * 5)],
    LayerKind.SEPARABLE: [(6, 6 * 5), (20, 6)],
    LayerKind.TRANSPOSE: [(6 * 4, 6 * 6)],
    LayerKind.MAX_POOLING: [],
    LayerKind.AVERAGE_POOLING: [],
}
"""The numbers of products of an output cell and of an input cell's gradient, per kernel."""


@pytest.mark.parametrize("kind", LayerKind)
def test_kernels_have_the_shapes_that_keras_builds(kind: LayerKind) -> None:
    assert [kernel.compute_shape(SIZES) for kernel in kind.traits.kernels] == SHAPES[kind]


@pytest.mark.parametrize("kind", LayerKind)
def test_fans_count_the_products_of_a_sum(kind: LayerKind) -> None:
    assert [
        (kernel.count_fan_in(SIZES), kernel.count_fan_out(SIZES)) for kernel in kind.traits.kernels
    ] == FANS[kind]


@pytest.mark.parametrize("kind", [kind for kind in LayerKind if len(kind.traits.kernels) == 1])
def test_every_number_of_a_kernel_is_in_the_sums_of_one_output_channel_and_one_input_channel(
    kind: LayerKind,
) -> None:
    [kernel] = kind.traits.kernels
    derived = kind.traits.derived_filters
    filters = SIZES.filters if derived is None else SIZES.get_extent(derived)
    size = math.prod(kernel.compute_shape(SIZES))
    assert kernel.count_fan_in(SIZES) * filters == size
    assert kernel.count_fan_out(SIZES) * SIZES.channels == size


def test_weights_are_called_as_keras_calls_them() -> None:
    handed = {kind: [kernel.argument for kernel in kind.traits.kernels] for kind in LayerKind}
    assert handed[LayerKind.CONVOLUTION] == handed[LayerKind.TRANSPOSE] == ["kernel"]
    assert handed[LayerKind.DEPTHWISE] == ["kernel"]
    assert handed[LayerKind.SEPARABLE] == ["depthwise_kernel", "pointwise_kernel"]
    built = {kind: [kernel.name for kernel in kind.traits.kernels] for kind in LayerKind}
    assert built == {**handed, LayerKind.DEPTHWISE: ["depthwise_kernel"]}


def test_gradients_are_of_the_input_and_of_each_weight() -> None:
    separable = derive_arguments(replace(PLAIN, layer=Layer.SEPARABLE_CONV2D))
    assert list_gradient_names(separable) == ("input", "depthwise kernel", "pointwise kernel", "bias")
    assert list_gradient_names(derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D))) == ("input",)


@pytest.mark.parametrize("layer", Layer)
def test_every_layer_is_in_the_tables(layer: Layer) -> None:
    assert layer.ndims
    assert Argument.PADDING in layer.arguments
    assert layer.is_operation == (Argument.DTYPE not in layer.arguments)
    assert layer.kind.traits.is_pooling == (Argument.POOL_SIZE in layer.arguments)
    assert layer.kind.traits.is_pooling == (not layer.kind.traits.kernels)
    assert layer.kind.traits.is_transposed == (Argument.OUTPUT_PADDING in layer.arguments)


@pytest.mark.parametrize("layer", [layer for layer in Layer if not layer.is_operation])
def test_a_layer_has_an_argument_for_each_choice_that_its_kind_leaves(layer: Layer) -> None:
    traits = layer.kind.traits
    assert (traits.derived_filters is None) == (Argument.FILTERS in layer.arguments)
    assert (traits.derived_groups is None) == (Argument.GROUPS in layer.arguments)
    assert traits.has_multiplier == (Argument.DEPTH_MULTIPLIER in layer.arguments)


def test_groups_that_must_be_refused_have_a_shape_all_the_same() -> None:
    [kernel] = LayerKind.CONVOLUTION.traits.kernels
    assert kernel.compute_shape(replace(SIZES, groups=9)) == (2, 3, 1, 6)
    assert kernel.compute_shape(replace(SIZES, groups=0)) == (2, 3, 4, 6)


@pytest.mark.parametrize("layer", [layer for layer in Layer if not layer.is_operation])
def test_the_worker_makes_a_layer_by_the_initializers_of_its_kernels(layer: Layer) -> None:
    names = [kernel.name.removesuffix("_kernel") for kernel in layer.kind.traits.kernels]
    assert KERNELS[find_stem(layer)] == [f"{name}_initializer" for name in names]
