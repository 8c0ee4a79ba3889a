"""Keras 2: standalone on its backends, with PlaidML, in TensorFlow, and `tf_keras` after it.

Layers are called on arrays where TensorFlow computes eagerly and its own Keras asks, else by way of a
graph. Weights come through initializers.
"""

import importlib
import inspect
from typing import Any, ContextManager, Dict, Tuple

import numpy as np

from .. import wire
from . import graphs
from .arguments import filters_first, layer_arguments, weights_of
from .generation import NO_GROUPS, Generation, Unsupported


class Keras2(Generation):
    """Layers of Keras 2."""

    def __init__(self, keras: Any, version: str) -> None:
        super().__init__(keras, version)
        self._is_eager = is_eager(keras)
        self._kept: Dict[str, bool] = {}

    def forget(self) -> None:
        """Begin a new graph where there is one."""
        if not self._is_eager:
            graphs.forget(self.keras.backend)

    def setting(self, dtype: str) -> ContextManager[None]:
        """The case's dtype as `floatx`, where a layer's own `dtype` decides nothing."""
        usual = self.keras.backend.floatx()
        keeps = dtype == usual or self._layers_keep(dtype)
        return graphs.floatx(self.keras.backend, usual if keeps else dtype)

    def layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """The layer with the case's arguments and weights; `groups` where it has such an argument."""
        layer_class = self.layer_class(case["layer"])
        weights = weights_of(case)
        if case["arguments"]["data_format"] == "channels_first" and self.keras.backend.backend() == "mxnet":
            weights = filters_first(weights)
        arguments = layer_arguments(self.keras, case, weights)
        if "groups" not in inspect.signature(layer_class.__init__).parameters:
            groups = arguments.pop("groups")
            if groups != 1:
                raise Unsupported(NO_GROUPS.format(case["layer"], self.version))
        return layer_class(**arguments, **placement)

    def inferred_shape(self, layer: Any, shape: Tuple[int, ...]) -> Any:
        """What `compute_output_shape` says, which Keras in TensorFlow 1.4 has not."""
        infer = getattr(layer, "compute_output_shape", None)
        return None if infer is None else infer(shape)

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Its initializers gave them."""

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the layer on the array, or by way of a graph."""
        return layer(inputs) if self._is_eager else graphs.evaluated(self.keras, layer, inputs)

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` in one batch."""
        return model.predict(inputs, batch_size=len(inputs) or None, verbose=0)

    def to_numpy(self, output: Any) -> Any:
        """The values of an eager tensor, or the array that a graph gave."""
        return np.asarray(output)

    def _layers_keep(self, dtype: str) -> bool:
        """Whether a layer's `dtype` is that of its weights, as it is in TensorFlow and since Keras 2.3."""
        if dtype not in self._kept:
            layer = self.keras.layers.Conv2D(1, 1, dtype=dtype)
            layer.build((1, 1, 1, 1))
            # TensorFlow 1 calls a variable's dtype float32_ref.
            built = str(self.keras.backend.dtype(layer.weights[0])).replace("_ref", "")
            self._kept[dtype] = built == dtype
        return self._kept[dtype]


def is_eager(keras: Any) -> bool:
    """Whether layers take arrays: TensorFlow 2's own Keras, and none that was written for graphs."""
    if keras.backend.backend() != "tensorflow":
        return False
    tensorflow = importlib.import_module("tensorflow")
    if not getattr(tensorflow, "executing_eagerly", bool)():
        return False
    return issubclass(keras.layers.Layer, tensorflow.Module)
