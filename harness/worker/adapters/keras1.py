"""Keras 1: `Convolution2D(nb_filter, nb_row, nb_col, border_mode=, subsample=)`, evaluated by a graph."""

from typing import Any, ContextManager, List, Optional, Tuple

import numpy as np

from .. import wire
from . import graphs
from .arguments import build_arguments
from .generation import Generation, Unsupported
from .layouts import convert_from_keras1, convert_to_keras1, make_dummy_arrays
from .older_names import translate_layer
from .weights import decode_weights, have_elements, zero_misfits


class Keras1(Generation):
    """Layers of Keras 1."""

    def forget(self) -> None:
        """Begin a new graph where there is one."""
        graphs.forget(self.keras.backend)

    def require(self, mode: str) -> None:
        """Raise Unsupported for `jit`, which it lacks, and for gradients where the backend has none."""
        if mode == "jit":
            raise Unsupported("predict of Keras {} heeds no jit_compile".format(self.version))
        if mode == "gradient":
            graphs.require_gradients(self.keras)

    def use_dtype(self, dtype: str) -> ContextManager[None]:
        """Set the case's dtype as `floatx`: layers have none of their own."""
        return graphs.use_floatx(self.keras.backend, dtype)

    def make_layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """Return the layer with the case's arguments under their older names.

        Raises Unsupported for a default that differs from that of later versions.
        """
        name, positional, keywords = translate_layer(case["layer"], self.version, build_arguments(case))
        is_left = "data_format" not in case["arguments"] and not case["layer"].endswith("1D")
        if is_left and self.keras.backend.image_dim_ordering() == "th":
            raise Unsupported(
                "data_format is not channels_last by default in Keras {} here".format(self.version)
            )
        return self.find_layer_class(name)(*positional, **keywords, **placement)

    def make_bare_layer(self, case: wire.Message) -> Any:
        """Return the layer, which is never made with its weights."""
        return self.make_layer(case)

    def infer_shape(self, layer: Any, shape: Tuple[Any, ...]) -> Any:
        """Return what `get_output_shape_for` returns."""
        return layer.get_output_shape_for(shape)

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Set the weights, in the layer's own layout."""
        weights = decode_weights(case)
        built = self._list_built_shapes(layer)
        if weights and have_elements(built):
            layer.set_weights(zero_misfits(convert_to_keras1(layer, weights), built))
        # Keras 1.0 sets this only in a call, and would build again.
        layer.built = True

    def fill(self, layer: Any, case: wire.Message) -> None:
        """Set the weights as `give_weights` does."""
        self.give_weights(layer, case)

    def list_weight_shapes(self, layer: Any, case: wire.Message) -> Optional[List[Any]]:  # noqa: ARG002
        """Return the shapes of its variables in the layout of later versions; None without elements."""
        built = self._list_built_shapes(layer)
        return (
            [weight.shape for weight in convert_from_keras1(layer, make_dummy_arrays(built))]
            if have_elements(built)
            else None
        )

    def _list_built_shapes(self, layer: Any) -> List[Any]:
        return [self.keras.backend.get_variable_shape(weight) for weight in layer.trainable_weights]

    def call(self, layer: Any, inputs: Any) -> Any:
        """Evaluate the layer by a graph."""
        return graphs.evaluate_layer(self.keras, layer, inputs)

    def call_model(self, model: Any, inputs: Any) -> Any:
        """Evaluate the model's graph."""
        return graphs.evaluate_model(self.keras, model, inputs)

    def call_by_unknown_lengths(self, model: Any, inputs: Any) -> Any:
        """Evaluate the model's graph, in which lengths are unknown already."""
        return graphs.evaluate_model(self.keras, model, inputs)

    def compile(self, model: Any, *, jit: bool) -> None:  # noqa: ARG002  (`require` lets no jit this far)
        """Compile the model, as Keras 1 requires before any prediction."""
        model.compile("sgd", "mse")

    def predict(self, model: Any, inputs: Any) -> Any:
        """Compile the model, and call its `predict` in one batch."""
        self.compile(model, jit=False)
        return model.predict(inputs, batch_size=len(inputs), verbose=0)

    def compute_gradients(self, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
        """Return output and gradients by the graph, in the layout of later versions."""
        output, (of_inputs, *of_weights) = graphs.differentiate_layer(self.keras, layer, inputs)
        return output, [of_inputs, *convert_from_keras1(layer, of_weights)]

    def convert_to_numpy(self, output: Any) -> Any:
        """Return the array that a graph evaluated to."""
        return np.asarray(output)
