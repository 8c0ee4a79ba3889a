"""The interface of a generation of Keras's API: how each step of a case is written there."""

from typing import Any, ContextManager, List, Optional, Sequence, Tuple

from .. import wire


class Unsupported(Exception):
    """A case that the target cannot express; the message says why."""


class Generation:
    """One generation of Keras: how it makes, builds and calls a layer.

    Every method raises whatever Keras raises, and Unsupported for what does not exist there. A case that
    must be refused is never Unsupported: it is passed on, and Keras reacts.
    """

    def __init__(self, keras: Any, version: str) -> None:
        """Keep `keras`, the imported module, and `version`, which it declares."""
        self.keras = keras
        self.version = version

    def find_layer_class(self, name: str) -> Any:
        """Return the layer class of that name. Raises Unsupported if there is none."""
        layer_class = getattr(self.keras.layers, name, None)
        if layer_class is None:
            raise Unsupported("Keras {} has no {}".format(self.version, name))
        return layer_class

    def begin_batch(self) -> None:
        """Drop what accumulates over many calls and is too expensive to rebuild for every layer."""

    def forget(self) -> None:
        """Drop what calls leave behind (graphs, sessions), so that it cannot affect later ones."""
        raise NotImplementedError

    def require(self, mode: str) -> None:
        """Raise Unsupported for a mode in which no case can be observed."""
        raise NotImplementedError

    def use_dtype(self, dtype: str) -> ContextManager[None]:
        """Return a context in which a case of this dtype runs; it sets what the layer's arguments cannot."""
        raise NotImplementedError

    def make_layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """Return the layer or operation of the case, not built. `placement` may be `input_shape`."""
        raise NotImplementedError

    def make_bare_layer(self, case: wire.Message) -> Any:
        """Return the layer without its weights, as saving requires; `fill` sets them later."""
        raise NotImplementedError

    def build(self, layer: Any, shape: Sequence[int]) -> None:
        """Build a layer for inputs of this shape."""
        layer.build(shape)

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Set the case's weights in a layer that was just built, unless it was made with them."""
        raise NotImplementedError

    def fill(self, layer: Any, case: wire.Message) -> None:
        """Set the case's weights in a bare layer that was just built."""
        raise NotImplementedError

    def list_weight_shapes(self, layer: Any, case: wire.Message) -> Optional[List[Any]]:
        """Return the shapes of the weights that a layer has built, in Keras's usual order and axes.

        None for an operation, which is passed its weights.
        """
        raise NotImplementedError

    def infer_shape(self, layer: Any, shape: Tuple[Any, ...]) -> Any:
        """Return the output shape that the layer infers for an input of `shape`; None if it cannot infer any.

        A length in `shape` is None where it is unknown.
        """
        raise NotImplementedError

    def wrap_for_model(self, layer: Any) -> Any:
        """Return a layer that does in a model what `layer` does; the same one unless it is an operation."""
        return layer

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the built layer on an array and return its output unconverted."""
        raise NotImplementedError

    def call_model(self, model: Any, inputs: Any) -> Any:
        """Call a model on an array."""
        raise NotImplementedError

    def call_by_unknown_lengths(self, model: Any, inputs: Any) -> Any:
        """Call a model on an array whose lengths are unknown, as far as the backend can leave them so."""
        raise NotImplementedError

    def compile(self, model: Any, *, jit: bool) -> None:
        """Compile a model for its predictions, with the backend's own compiler if `jit`."""
        raise NotImplementedError

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` on an array, in one batch."""
        raise NotImplementedError

    def predict_on_batch(self, model: Any, inputs: Any) -> Any:
        """Call the compiled model's `predict_on_batch`: `predict` without its input pipeline."""
        return model.predict_on_batch(inputs)

    def compute_gradients(self, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
        """Call the built layer on an array; return the output and the gradients of `differentiating`."""
        raise NotImplementedError

    def convert_to_numpy(self, output: Any) -> Any:
        """Return the values of an output as an array."""
        raise NotImplementedError
