"""Calling layers on backends that compute by graphs: Theano, TensorFlow 1, CNTK, MXNet and PlaidML."""

import contextlib
from typing import Any, Iterator, List, Tuple

from .differentiating import compute_cotangent, require_connected
from .generation import Unsupported

NO_GRADIENTS = frozenset({"cntk", "mxnet"})
"""The backends that have none: CNTK's function of that name gives constants, MXNet's refuses."""


def forget(backend: Any) -> None:
    """Begin a new graph, on backends that keep one (Theano and PlaidML do not)."""
    if hasattr(backend, "clear_session"):
        backend.clear_session()


def evaluate_layer(keras: Any, layer: Any, inputs: Any) -> Any:
    """Call a layer on a placeholder of the array's full shape, and evaluate what it returns."""
    placeholder = make_placeholder(keras, layer, inputs)
    return keras.backend.function([placeholder], [layer(placeholder)])([inputs])[0]


def evaluate_model(keras: Any, model: Any, inputs: Any) -> Any:
    """Evaluate a model's own graph, which knows of the lengths what its input knows."""
    return keras.backend.function(model.inputs, model.outputs)([inputs])[0]


def differentiate_layer(keras: Any, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
    """The output of a layer on an array, and the gradients of `differentiating`."""
    backend = keras.backend
    placeholder = make_placeholder(keras, layer, inputs)
    symbolic = layer(placeholder)
    output = backend.function([placeholder], [symbolic])([inputs])[0]
    loss = backend.sum(symbolic * compute_cotangent(output.shape, output.dtype))
    sought = require_connected(backend.gradients(loss, [placeholder] + list(layer.trainable_weights)))
    return output, backend.function([placeholder], sought)([inputs])


def require_gradients(keras: Any) -> None:
    """Raise Unsupported on a backend that has none."""
    name = keras.backend.backend()
    if name in NO_GRADIENTS:
        raise Unsupported("backend {} has no gradients".format(name))


def make_placeholder(keras: Any, layer: Any, inputs: Any) -> Any:
    """A place in a graph for an array of this shape, of bfloat16 where the layer is, for no array is."""
    dtype = "bfloat16" if getattr(layer, "dtype", None) == "bfloat16" else inputs.dtype.name
    return keras.layers.Input(batch_shape=inputs.shape, dtype=dtype)


@contextlib.contextmanager
def use_floatx(backend: Any, dtype: str) -> Iterator[None]:
    """Keras's global float type for a while, where nothing else decides what a layer computes in."""
    before = backend.floatx()
    if dtype == "bfloat16":
        raise Unsupported("this Keras has no float type bfloat16")
    backend.set_floatx(dtype)
    try:
        yield
    finally:
        backend.set_floatx(before)
