"""What a generation of Keras's API has to say: how each step of a case is spelled there."""

from typing import Any, ContextManager, Tuple

from .. import wire

NO_GROUPS = "{} of Keras {} has no argument groups"
"""Why a case is unsupported where layers know no groups: the layer, the version."""


class Unsupported(Exception):
    """The target cannot express a case; the message says why."""


class Generation:
    """How one generation of Keras makes, builds and calls a layer.

    Every method raises whatever Keras raises; `layer` raises Unsupported for an argument that does not
    exist. A case that must be refused is no reason for that: it is passed on, and Keras reacts.
    """

    def __init__(self, keras: Any, version: str) -> None:
        """`keras` is the module that was imported, `version` what Keras says of its own."""
        self.keras = keras
        self.version = version

    def layer_class(self, name: str) -> Any:
        """The layer of that name. Raises Unsupported if there is none."""
        found = getattr(self.keras.layers, name, None)
        if found is None:
            raise Unsupported("Keras {} has no {}".format(self.version, name))
        return found

    def forget(self) -> None:
        """Drop what calls leave behind (graphs, sessions), so that later ones see none of it."""
        raise NotImplementedError

    def setting(self, dtype: str) -> ContextManager[None]:
        """What must hold around a case of a dtype beyond the layer's arguments, and ends with it."""
        raise NotImplementedError

    def layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """The layer that the case asks for, not built. `placement` is `input_shape` or nothing."""
        raise NotImplementedError

    def inferred_shape(self, layer: Any, shape: Tuple[int, ...]) -> Any:
        """The output's shape as the layer infers it for an input of `shape`; None if it knows no way to."""
        raise NotImplementedError

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Give a layer that was just built the case's weights, unless it was made with them."""
        raise NotImplementedError

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the built layer on an array; what it returns, as it is."""
        raise NotImplementedError

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` on an array, in one batch."""
        raise NotImplementedError

    def to_numpy(self, output: Any) -> Any:
        """The values of whatever was returned, as an array."""
        raise NotImplementedError
