"""Calls of layers on backends that compute by graphs: Theano, TensorFlow 1, CNTK, MXNet and PlaidML."""

import contextlib
from typing import Any, Iterator, List, Tuple

from .differentiating import compute_cotangent, require_connected
from .generation import Unsupported

NO_GRADIENTS = frozenset({"cntk", "mxnet"})
"""The backends without gradients: CNTK's function of that name gives constants, MXNet's refuses."""


def forget(backend: Any) -> None:
    """Begin a new graph, on backends that keep one (Theano and PlaidML do not)."""
    if hasattr(backend, "clear_session"):
        backend.clear_session()


def evaluate_layer(keras: Any, layer: Any, inputs: Any) -> Any:
    """Call a layer on a placeholder of the array's full shape, and evaluate what it returns."""
    placeholder = make_placeholder(keras, layer, inputs)
    return keras.backend.function([placeholder], [layer(placeholder)])([inputs])[0]


def evaluate_model(keras: Any, model: Any, inputs: Any) -> Any:
    """Evaluate a model's own graph, in which a length is known only where it is in the model's input."""
    return keras.backend.function(model.inputs, model.outputs)([inputs])[0]


def differentiate_layer(keras: Any, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
    """Return the output of a layer on an array, and the gradients of `differentiating`."""
    backend = keras.backend
    placeholder = make_placeholder(keras, layer, inputs)
    symbolic = layer(placeholder)
    output = backend.function([placeholder], [symbolic])([inputs])[0]
    loss = backend.sum(symbolic * compute_cotangent(output.shape, output.dtype))
    sought = require_connected(backend.gradients(loss, [placeholder] + list(layer.trainable_weights)))
    return output, backend.function([placeholder], sought)([inputs])


def require_gradients(keras: Any) -> None:
    """Raise Unsupported on a backend without gradients."""
    name = keras.backend.backend()
    if name in NO_GRADIENTS:
        raise Unsupported("backend {} has no gradients".format(name))


def make_placeholder(keras: Any, layer: Any, inputs: Any) -> Any:
    """Return a placeholder for the array; of bfloat16, which no array has, where the layer is."""
    dtype = "bfloat16" if getattr(layer, "dtype", None) == "bfloat16" else inputs.dtype.name
    return keras.layers.Input(batch_shape=inputs.shape, dtype=dtype)


@contextlib.contextmanager
def use_floatx(backend: Any, dtype: str) -> Iterator[None]:
    """Set Keras's global float type for the block, where nothing else decides what a layer computes in."""
    before = backend.floatx()
    if dtype == "bfloat16":
        raise Unsupported("this Keras has no float type bfloat16")
    backend.set_floatx(dtype)
    try:
        yield
    finally:
        backend.set_floatx(before)
