"""Calling layers on backends that compute by graphs: Theano, TensorFlow 1, CNTK, MXNet and PlaidML."""

import contextlib
from typing import Any, Iterator


def forget(backend: Any) -> None:
    """Begin a new graph, on backends that keep one (Theano and PlaidML do not)."""
    if hasattr(backend, "clear_session"):
        backend.clear_session()


def evaluated(keras: Any, layer: Any, inputs: Any) -> Any:
    """Call a layer on a placeholder of the array's full shape, and evaluate what it returns."""
    placeholder = keras.layers.Input(batch_shape=inputs.shape, dtype=inputs.dtype.name)
    output = layer(placeholder)
    return keras.backend.function([placeholder], [output])([inputs])[0]


@contextlib.contextmanager
def floatx(backend: Any, dtype: str) -> Iterator[None]:
    """Keras's global float type for a while, where nothing else decides what a layer computes in."""
    before = backend.floatx()
    backend.set_floatx(dtype)
    try:
        yield
    finally:
        backend.set_floatx(before)
