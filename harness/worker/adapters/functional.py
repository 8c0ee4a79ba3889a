"""Functional models of one layer or operation, as every generation of Keras makes, saves and loads them."""

import inspect
import os
import tempfile
from typing import Any, List, Tuple

FILE = "model.keras"
"""Keras 3 and the last of Keras 2 choose their own format by this ending, and the ones before HDF5."""


def make_model(keras: Any, layer: Any, batch_shape: Tuple[Any, ...], dtype: str) -> Any:
    """The model whose input has this shape, None for an unknown length, and whose output is the layer's."""
    inputs = keras.layers.Input(batch_shape=batch_shape, dtype=dtype)
    return keras.models.Model(inputs, layer(inputs))


def make_operation_model(keras: Any, operation: Any, shapes: List[Tuple[int, ...]], dtype: str) -> Any:
    """The model whose inputs have these shapes: the operation's input, then its weights."""
    inputs = [keras.layers.Input(batch_shape=shape, dtype=dtype) for shape in shapes]
    return keras.models.Model(inputs, operation.apply(inputs[0], inputs[1:]))


def reload_model(keras: Any, model: Any) -> Any:
    """The model that a file of this one holds; the file is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, FILE)
        if "include_optimizer" in inspect.signature(model.save).parameters:
            # Keras in TensorFlow 1.8 asks for the configuration of an optimizer that a model has not.
            model.save(path, include_optimizer=False)
        else:
            model.save(path)
        return keras.models.load_model(path)
