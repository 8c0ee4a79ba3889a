"""The case's weights, and the initializers that set them in Keras 2 and 3."""

import re
from typing import Any, Callable, Dict, List

import numpy as np

from .. import wire

KERNELS: Dict[str, List[str]] = {
    "Conv": ["kernel_initializer"],
    "DepthwiseConv": ["depthwise_initializer"],
    "SeparableConv": ["depthwise_initializer", "pointwise_initializer"],
    "MaxPooling": [],
    "AveragePooling": [],
}
"""The initializers of the weights before the bias, by what precedes the number of axes in a layer's name."""


def decode_weights(case: wire.Message) -> List[Any]:
    """Return the case's weights in Keras's order: kernels, then a bias where there is one."""
    return [wire.decode_array(weight) for weight in case["weights"]]


def find_stem(layer: str) -> str:
    """Return what precedes the number of axes in a layer's name."""
    return re.split("[0-9]", layer)[0]


def make_initializers(keras: Any, layer: str, weights: List[Any]) -> Dict[str, Callable[..., Any]]:
    """Return the arguments that make a layer with these weights.

    Where a weight does not fit, the default initializer of such a layer is called.
    """
    usual = [*((name, "glorot_uniform") for name in KERNELS[find_stem(layer)]), ("bias_initializer", "zeros")]
    initializers = {}
    for position, values in enumerate(weights):
        name, otherwise = usual[position]
        initializers[name] = make_initializer(values, keras.initializers.get(otherwise))
    return initializers


def make_initializer(values: Any, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Return an initializer that gives `values`, and zeros for a weight of another shape.

    Such a layer is not the requested one, and its output means nothing: zeros are the same in every run. But
    the default initializer is called first, so that a refusal has Keras's own words; and where
    a length is not positive, its result is used, as in a user's call.
    """

    def initialize(shape: Any, dtype: Any = None, **more: Any) -> Any:
        # TensorFlow's dtypes are not NumPy's, but name them in an attribute.
        numpy_dtype = getattr(dtype, "as_numpy_dtype", dtype) or values.dtype
        if fits(values, shape):
            return values.astype(numpy_dtype)
        default = otherwise(shape, dtype=dtype, **more)
        lengths = [int(length) for length in shape]
        return default if min(lengths) < 1 else np.zeros(lengths, numpy_dtype)

    return initialize


def fits(values: Any, shape: Any) -> bool:
    """Return whether `values` have the shape of a weight, whatever integer types it consists of."""
    return bool(tuple(int(length) for length in shape) == values.shape)


def have_elements(shapes: List[Any]) -> bool:
    """Return whether weights of these shapes hold numbers; MXNet gives None for a length of 0."""
    return all(length is not None and int(length) > 0 for shape in shapes for length in shape)


def zero_misfits(weights: List[Any], shapes: List[Any]) -> List[Any]:
    """Return the values for weights of these shapes: those of the case, zeros where one does not fit."""
    return [
        weights[position]
        if position < len(weights) and fits(weights[position], shape)
        else np.zeros([int(length) for length in shape], weights[0].dtype)
        for position, shape in enumerate(shapes)
    ]
