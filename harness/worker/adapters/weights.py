"""The case's weights, and the initializers by which Keras 2 and 3 take them."""

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
    """The case's weights in Keras's order: kernels, then a bias where there is one."""
    return [wire.decode_array(weight) for weight in case["weights"]]


def find_stem(layer: str) -> str:
    """What precedes the number of axes in a layer's name."""
    return re.split("[0-9]", layer)[0]


def make_initializers(keras: Any, layer: str, weights: List[Any]) -> Dict[str, Callable[..., Any]]:
    """The arguments that make a layer with these weights.

    The initializers that such a layer has by default are asked where a weight does not fit.
    """
    usual = [*((name, "glorot_uniform") for name in KERNELS[find_stem(layer)]), ("bias_initializer", "zeros")]
    found = {}
    for position, values in enumerate(weights):
        name, otherwise = usual[position]
        found[name] = make_initializer(values, keras.initializers.get(otherwise))
    return found


def make_initializer(values: Any, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """An initializer that gives `values`, and zeros for a weight of another shape.

    Such a layer is not the one that was asked for, and what it computes says nothing: zeros are the same in
    every run. But another initializer is asked first, so that the words of a refusal are Keras's; and
    where a length is not positive, Keras is left with what that one made, as it is for a person.
    """

    def initialize(shape: Any, dtype: Any = None, **more: Any) -> Any:
        # TensorFlow's dtypes are not NumPy's, but know them.
        known = getattr(dtype, "as_numpy_dtype", dtype) or values.dtype
        if fits(values, shape):
            return values.astype(known)
        made = otherwise(shape, dtype=dtype, **more)
        lengths = [int(length) for length in shape]
        return made if min(lengths) < 1 else np.zeros(lengths, known)

    return initialize


def fits(values: Any, shape: Any) -> bool:
    """Whether `values` have the shape that a weight is built with, of whatever integers it is."""
    return bool(tuple(int(length) for length in shape) == values.shape)


def have_elements(shapes: List[Any]) -> bool:
    """Whether weights of these shapes hold numbers; MXNet says None of a length of 0."""
    return all(length is not None and int(length) > 0 for shape in shapes for length in shape)


def zero_misfits(weights: List[Any], shapes: List[Any]) -> List[Any]:
    """What weights of these shapes are set to: those of the case, and zeros where one does not fit."""
    return [
        weights[position]
        if position < len(weights) and fits(weights[position], shape)
        else np.zeros([int(length) for length in shape], weights[0].dtype)
        for position, shape in enumerate(shapes)
    ]
