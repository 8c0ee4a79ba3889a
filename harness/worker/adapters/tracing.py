"""Calls through TensorFlow 2's functions, which know only what their signature says."""

import importlib
from typing import Any


def call_traced(model: Any, inputs: Any) -> Any:
    """Call a model on an array by a function that was traced for the model's own input shape."""
    tensorflow = importlib.import_module("tensorflow")
    (expected,) = model.inputs
    specification = tensorflow.TensorSpec(tuple(expected.shape), expected.dtype)

    def call(tensor: Any) -> Any:
        return model(tensor)

    traced = tensorflow.function(call, input_signature=[specification], autograph=False)
    return traced(tensorflow.cast(inputs, expected.dtype))
