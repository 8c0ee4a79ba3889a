"""Keras 3: layers are called on arrays, on any backend."""

import contextlib
from typing import Any, Iterator, Tuple

import numpy as np

from .. import wire
from .arguments import layer_arguments, weights_of
from .generation import Generation


class Keras3(Generation):
    """Layers of `keras` 3; weights come through initializers."""

    def forget(self) -> None:
        """Nothing is left behind by eager calls."""

    @contextlib.contextmanager
    def setting(self, dtype: str) -> Iterator[None]:  # noqa: ARG002
        """Nothing: layers take all there is to say as arguments."""
        yield

    def layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """The layer with the case's arguments and weights."""
        arguments = layer_arguments(self.keras, case, weights_of(case))
        return self.layer_class(case["layer"])(**arguments, **placement)

    def inferred_shape(self, layer: Any, shape: Tuple[int, ...]) -> Any:
        """What `compute_output_shape` says."""
        return layer.compute_output_shape(shape)

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Its initializers gave them."""

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the layer on the array."""
        return layer(inputs)

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` in one batch."""
        return model.predict(inputs, batch_size=len(inputs) or None, verbose=0)

    def to_numpy(self, output: Any) -> Any:
        """The values of a tensor of the backend."""
        return np.asarray(self.keras.ops.convert_to_numpy(output))
