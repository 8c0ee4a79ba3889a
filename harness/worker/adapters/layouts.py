"""The axes of kernels (*kernel_size, channels, filters) on other backends and in older versions of Keras.

Taps keep their order: where a backend flips them, the harness is to see it.
"""

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

Axes = Tuple[int, int]
"""The two axes of a kernel that come first in a layout, by their places in Keras's own."""

FILTERS_FIRST = (-1, -2)
"""A kernel as (filters, channels, *kernel_size); a transposed one as (channels, filters, *kernel_size)."""

CHANNELS_FIRST = (-2, -1)
"""A depthwise kernel as (channels, multiplier, *kernel_size)."""

MXNET: Dict[str, List[Axes]] = {
    "Conv": [FILTERS_FIRST],
    "DepthwiseConv": [CHANNELS_FIRST],
    "SeparableConv": [CHANNELS_FIRST, FILTERS_FIRST],
}
"""MXNet's layouts of kernels in `channels_first`, by what precedes the number of axes in a layer's name."""


def apply_layouts(weights: List[Any], layouts: Sequence[Axes]) -> List[Any]:
    """Return the weights with the axes of the first ones, the kernels, moved into these layouts."""
    return [
        np.moveaxis(weight, layouts[place], (0, 1)) if place < len(layouts) else weight
        for place, weight in enumerate(weights)
    ]


def undo_layouts(weights: List[Any], layouts: Sequence[Axes]) -> List[Any]:
    """Return the inverse of `apply_layouts`."""
    return [
        np.moveaxis(weight, (0, 1), layouts[place]) if place < len(layouts) else weight
        for place, weight in enumerate(weights)
    ]


def convert_to_keras1(layer: Any, weights: List[Any]) -> List[Any]:
    """Return the weights as a built layer of Keras 1 stores them.

    A kernel of one axis has two there, of which one has length 1: the second, or in Keras 1.0 the last of
    (filters, channels, length, 1).
    """
    if not weights:
        return weights
    if hasattr(layer, "dim_ordering"):
        return apply_layouts(weights, [FILTERS_FIRST]) if layer.dim_ordering == "th" else weights
    if _has_rows_first(layer):
        return [weights[0][:, np.newaxis], *weights[1:]]
    kernel, *bias = apply_layouts(weights, [FILTERS_FIRST])
    return [kernel[..., np.newaxis], *bias]


def convert_from_keras1(layer: Any, weights: List[Any]) -> List[Any]:
    """Return the inverse of `convert_to_keras1`."""
    if not weights:
        return weights
    if hasattr(layer, "dim_ordering"):
        return undo_layouts(weights, [FILTERS_FIRST]) if layer.dim_ordering == "th" else weights
    if _has_rows_first(layer):
        return [weights[0][:, 0], *weights[1:]]
    return undo_layouts([weights[0][..., 0], *weights[1:]], [FILTERS_FIRST])


def make_dummy_arrays(shapes: List[Tuple[int, ...]]) -> List[Any]:
    """Return arrays of these shapes that take no memory, from which to read the shapes in another layout."""
    return [np.broadcast_to(np.int8(0), shape) for shape in shapes]


def _has_rows_first(layer: Any) -> bool:
    length, width, _, filters = layer.W_shape
    return bool((length, width, filters) == (layer.filter_length, 1, layer.nb_filter))
