"""The only code that touches Keras: one adapter for each generation of its API."""

import importlib
from typing import Any, Callable, Dict

from .. import wire


class Unsupported(Exception):
    """The target cannot express a case; the message says why."""


class Adapter:
    """What the loop asks of an adapter."""

    def begin_batch(self) -> None:
        """Forget what was kept, so that what a case sees does not depend on the batches before."""
        raise NotImplementedError

    def fingerprint(self) -> Dict[str, str]:
        """Versions, device and flags, as strings."""
        raise NotImplementedError

    def observe(self, case: wire.Message, enter: Callable[[str], None]) -> wire.Message:
        """Call the layer as the case says; `enter` announces each stage.

        Returns the fields of a reply, with the layer's return value under `output`. Raises
        Unsupported, or whatever Keras raises.
        """
        raise NotImplementedError

    def to_numpy(self, output: Any) -> Any:
        """The values of whatever the layer returned, as an array."""
        raise NotImplementedError


def load() -> Adapter:
    """The adapter for the Keras that is installed here.

    Raises whatever importing Keras raises, and ImportError for a generation without an adapter.
    """
    keras = importlib.import_module("keras")
    version = str(getattr(keras, "__version__", "0"))
    if not version.startswith("3."):
        raise ImportError(
            "keras {} at {}: the harness has an adapter for Keras 3 only".format(version, keras.__file__)
        )
    from . import keras3

    return keras3.Keras3(keras)
