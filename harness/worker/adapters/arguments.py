"""The arguments of a layer that Keras 2 and 3 spell alike, and the case's weights by way of them."""

from typing import Any, Callable, Dict, List

import numpy as np

from .. import wire


def layer_arguments(keras: Any, case: wire.Message, weights: List[Any]) -> Dict[str, Any]:
    """The constructor's arguments, with initializers that give the weights.

    The initializers that such a layer has by default take over where the weights do not fit.
    """
    arguments = dict(case["arguments"])
    for name in ("kernel_size", "strides", "dilation_rate"):
        arguments[name] = tuple(arguments[name])
    arguments["kernel_initializer"] = given(weights[0], keras.initializers.get("glorot_uniform"))
    if arguments["use_bias"]:
        arguments["bias_initializer"] = given(weights[1], keras.initializers.get("zeros"))
    return arguments


def weights_of(case: wire.Message) -> List[Any]:
    """The case's kernel (*kernel_size, channels / groups, filters), and its bias where it has one."""
    return [wire.decode_array(weight) for weight in case["weights"]]


def filters_first(weights: List[Any]) -> List[Any]:
    """The same weights for layers that keep a kernel as (filters, channels, *kernel_size).

    Taps keep their order: where a backend flips them, that is for the harness to see.
    """
    kernel, *bias = weights
    return [np.moveaxis(kernel, (-1, -2), (0, 1))] + bias


def given(values: Any, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """An initializer that gives `values`, and asks another for a weight of another shape.

    Such a weight belongs to a case that must be refused: the words of the refusal have to be Keras's.
    """

    def initializer(shape: Any, dtype: Any = None, **more: Any) -> Any:
        if not fits(values, shape):
            return otherwise(shape, dtype=dtype, **more)
        # TensorFlow's dtypes are not NumPy's, but know them.
        return values.astype(getattr(dtype, "as_numpy_dtype", dtype) or values.dtype)

    return initializer


def fits(values: Any, shape: Any) -> bool:
    """Whether `values` have the shape that a weight is built with, of whatever integers it is."""
    return bool(tuple(int(length) for length in shape) == values.shape)
