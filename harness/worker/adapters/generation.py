"""What a generation of Keras's API has to say: how each step of a case is spelled there."""

from typing import Any, ContextManager, List, Optional, Sequence, Tuple

from .. import wire


class Unsupported(Exception):
    """The target cannot express a case; the message says why."""


class Generation:
    """How one generation of Keras makes, builds and calls a layer.

    Every method raises whatever Keras raises, and Unsupported for what does not exist there. A case that
    must be refused is no reason for that: it is passed on, and Keras reacts.
    """

    def __init__(self, keras: Any, version: str) -> None:
        """`keras` is the module that was imported, `version` what Keras says of its own."""
        self.keras = keras
        self.version = version

    def find_layer_class(self, name: str) -> Any:
        """The layer of that name. Raises Unsupported if there is none."""
        found = getattr(self.keras.layers, name, None)
        if found is None:
            raise Unsupported("Keras {} has no {}".format(self.version, name))
        return found

    def begin_batch(self) -> None:
        """Drop what many calls leave behind and what is too dear to make anew for every layer."""

    def forget(self) -> None:
        """Drop what calls leave behind (graphs, sessions), so that later ones see none of it."""
        raise NotImplementedError

    def require(self, mode: str) -> None:
        """Raise Unsupported for a mode in which no case can be observed."""
        raise NotImplementedError

    def use_dtype(self, dtype: str) -> ContextManager[None]:
        """What must hold around a case of a dtype beyond the layer's arguments, and ends with it."""
        raise NotImplementedError

    def make_layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """The layer or operation that the case asks for, not built. `placement` may be `input_shape`."""
        raise NotImplementedError

    def make_bare_layer(self, case: wire.Message) -> Any:
        """The layer without its weights, as a layer must be that is saved: `fill` gives them."""
        raise NotImplementedError

    def build(self, layer: Any, shape: Sequence[int]) -> None:
        """Build a layer for inputs of this shape."""
        layer.build(shape)

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Give a layer that was just built the case's weights, unless it was made with them."""
        raise NotImplementedError

    def fill(self, layer: Any, case: wire.Message) -> None:
        """Give a bare layer that was just built the case's weights."""
        raise NotImplementedError

    def list_weight_shapes(self, layer: Any, case: wire.Message) -> Optional[List[Any]]:
        """The shapes of the weights that a layer has built, in Keras's usual order and axes.

        None for what builds none but is handed them.
        """
        raise NotImplementedError

    def infer_shape(self, layer: Any, shape: Tuple[Any, ...]) -> Any:
        """The output's shape as the layer infers it for an input of `shape`; None if it knows no way to.

        A length in `shape` is None where it is unknown.
        """
        raise NotImplementedError

    def wrap_for_model(self, layer: Any) -> Any:
        """The layer by which a model computes what `layer` does, where that is no layer."""
        return layer

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the built layer on an array; what it returns, as it is."""
        raise NotImplementedError

    def call_model(self, model: Any, inputs: Any) -> Any:
        """Call a model on an array."""
        raise NotImplementedError

    def call_by_unknown_lengths(self, model: Any, inputs: Any) -> Any:
        """Call a model on an array whose lengths are unknown, as far as the backend can leave them so."""
        raise NotImplementedError

    def compile(self, model: Any, *, jit: bool) -> None:
        """Compile a model for its predictions, by the backend's own compiler too or by none."""
        raise NotImplementedError

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` on an array, in one batch."""
        raise NotImplementedError

    def predict_on_batch(self, model: Any, inputs: Any) -> Any:
        """Call the compiled model's `predict_on_batch`: what `predict` runs, without what feeds it."""
        return model.predict_on_batch(inputs)

    def compute_gradients(self, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
        """Call the built layer on an array; the output, and the gradients of `differentiating`."""
        raise NotImplementedError

    def convert_to_numpy(self, output: Any) -> Any:
        """The values of whatever was returned, as an array."""
        raise NotImplementedError
