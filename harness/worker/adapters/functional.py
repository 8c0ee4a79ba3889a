"""Functional models of one layer or operation, as every generation of Keras makes, saves and loads them."""

import inspect
import os
import tempfile
from typing import Any, List, Tuple

FILE = "model.keras"
"""The ending by which Keras 3 and late Keras 2 choose their own format; earlier ones write HDF5."""


def make_model(keras: Any, layer: Any, batch_shape: Tuple[Any, ...], dtype: str) -> Any:
    """Return the model of one layer for inputs of this shape, in which None is an unknown length."""
    inputs = keras.layers.Input(batch_shape=batch_shape, dtype=dtype)
    return keras.models.Model(inputs, layer(inputs))


def make_operation_model(keras: Any, operation: Any, shapes: List[Tuple[int, ...]], dtype: str) -> Any:
    """Return a model of one operation; `shapes` are those of its input and then of its weights."""
    inputs = [keras.layers.Input(batch_shape=shape, dtype=dtype) for shape in shapes]
    return keras.models.Model(inputs, operation.apply(inputs[0], inputs[1:]))


def reload_model(keras: Any, model: Any) -> Any:
    """Save a model to a temporary file and return what is loaded from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, FILE)
        if "include_optimizer" in inspect.signature(model.save).parameters:
            # Keras in TensorFlow 1.8 would save the configuration of an optimizer, which this model lacks.
            model.save(path, include_optimizer=False)
        else:
            model.save(path)
        return keras.models.load_model(path)
