"""Keras 1: `Convolution2D(nb_filter, nb_row, nb_col, border_mode=, subsample=)`, by way of a graph."""

from typing import Any, ContextManager, Dict, Tuple

import numpy as np

from .. import wire
from . import graphs
from .arguments import filters_first, fits, weights_of
from .generation import NO_GROUPS, Generation, Unsupported

DIM_ORDERINGS = {"channels_first": "th", "channels_last": "tf"}
"""How Keras 1 names the layouts."""

LAYERS = {"Conv2D": "Convolution2D"}
"""How Keras 1 names the layers."""


class Keras1(Generation):
    """Layers of Keras 1."""

    def forget(self) -> None:
        """Begin a new graph where there is one."""
        graphs.forget(self.keras.backend)

    def setting(self, dtype: str) -> ContextManager[None]:
        """The case's dtype as `floatx`: layers have none of their own."""
        return graphs.floatx(self.keras.backend, dtype)

    def layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """The layer with the case's arguments under their older names."""
        given = case["arguments"]
        if given["groups"] != 1:
            raise Unsupported(NO_GROUPS.format(case["layer"], self.version))
        arguments: Dict[str, Any] = {
            "border_mode": given["padding"],
            "subsample": tuple(given["strides"]),
            "dim_ordering": DIM_ORDERINGS[given["data_format"]],
            "bias": given["use_bias"],
        }
        name = str(LAYERS.get(case["layer"], case["layer"]))
        dilation = tuple(given["dilation_rate"])
        if dilation != (1, 1):
            name, arguments["atrous_rate"] = "AtrousConvolution2D", dilation
        return self.layer_class(name)(given["filters"], *given["kernel_size"], **arguments, **placement)

    def inferred_shape(self, layer: Any, shape: Tuple[int, ...]) -> Any:
        """What `get_output_shape_for` says."""
        return layer.get_output_shape_for(shape)

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Set the weights, in the layer's own layout."""
        weights = weights_of(case)
        if layer.dim_ordering == "th":
            weights = filters_first(weights)
        if fits(weights[0], layer.W_shape):
            layer.set_weights(weights)
        # Keras 1.0 says so in a call only, and would build again.
        layer.built = True

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the layer by way of a graph."""
        return graphs.evaluated(self.keras, layer, inputs)

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` in one batch; Keras 1 wants a model compiled before that."""
        model.compile("sgd", "mse")
        return model.predict(inputs, batch_size=len(inputs), verbose=0)

    def to_numpy(self, output: Any) -> Any:
        """The array that a graph gave."""
        return np.asarray(output)
