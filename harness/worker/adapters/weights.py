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


def weights_of(case: wire.Message) -> List[Any]:
    """The case's weights in Keras's order: kernels, then a bias where there is one."""
    return [wire.decode_array(weight) for weight in case["weights"]]


def initializers(keras: Any, layer: str, weights: List[Any]) -> Dict[str, Callable[..., Any]]:
    """The arguments that make a layer with these weights.

    The initializers that such a layer has by default take over where a weight does not fit.
    """
    kernels = KERNELS[re.split("[0-9]", layer)[0]]
    usual = [*((name, "glorot_uniform") for name in kernels), ("bias_initializer", "zeros")]
    found = {}
    for position, values in enumerate(weights):
        name, otherwise = usual[position]
        found[name] = given(values, keras.initializers.get(otherwise))
    return found


def given(values: Any, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """An initializer that gives `values`, and asks another for a weight of another shape.

    Such a weight belongs to a case that must be refused, and the words of the refusal have to be Keras's.
    Where there is none, the weight repeats the numbers of the case, so that every run computes the same;
    but for a negative length, of which Keras is left with what it made.
    """

    def initializer(shape: Any, dtype: Any = None, **more: Any) -> Any:
        if not fits(values, shape):
            made = otherwise(shape, dtype=dtype, **more)
            if min(int(length) for length in shape) < 0:
                return made
        # TensorFlow's dtypes are not NumPy's, but know them.
        known = getattr(dtype, "as_numpy_dtype", dtype) or values.dtype
        return np.resize(values, [int(length) for length in shape]).astype(known)

    return initializer


def fits(values: Any, shape: Any) -> bool:
    """Whether `values` have the shape that a weight is built with, of whatever integers it is."""
    return bool(tuple(int(length) for length in shape) == values.shape)


def set_where_fit(layer: Any, weights: List[Any]) -> None:
    """Set the weights of a built layer, unless they are of other shapes than it built."""
    if [built.shape for built in layer.get_weights()] == [values.shape for values in weights]:
        layer.set_weights(weights)
