"""The APIs that a worker can be started for: how to import each, and which version it reports."""

import importlib
import os
import re
from typing import Any, Callable, Dict, NamedTuple

from .generation import Generation
from .programs import choose_folders

Api = NamedTuple("Api", [("name", str), ("keras", Any), ("keras_version", str), ("version", str)])
"""An imported API. `version` is what its targets are named by: TensorFlow's own for `tf.keras`."""


def load(name: str) -> Api:
    """Import an API.

    Raises whatever importing raises, and LookupError for an unknown name.
    """
    if name not in IMPORTERS:
        known = ", ".join(sorted(IMPORTERS))
        raise LookupError("there is no API {!r}; the worker can be started for {}".format(name, known))
    choose_folders(os.environ)
    return IMPORTERS[name](name)


def make_generation(api: Api) -> Generation:
    """Return the adapter of this API. Raises ImportError for a generation without an adapter."""
    major = api.keras_version.split(".")[0]
    if major not in GENERATIONS:
        raise ImportError(
            "keras {} at {}: the harness has adapters for Keras 1, 2 and 3 only".format(
                api.keras_version, getattr(api.keras, "__file__", "?")
            )
        )
    return GENERATIONS[major](api)


def _import_keras(name: str) -> Api:
    keras = importlib.import_module("keras")
    return Api(name, keras, read_version(keras), read_version(keras))


def _import_keras_in_tensorflow(name: str) -> Api:
    # TensorFlow loads `keras` lazily in some versions, where `import tensorflow.keras` finds nothing.
    tensorflow = importlib.import_module("tensorflow")
    keras = tensorflow.keras
    package = keras
    if not hasattr(keras, "__version__"):
        # TensorFlow 1.8 and 2.13 to 2.15 do not show the version of the package that holds the layers.
        defined = keras.layers.Layer.__module__
        package = importlib.import_module(defined[: defined.index("keras") + len("keras")])
    return Api(name, keras, read_version(package), read_version(tensorflow))


def _import_tf_keras(name: str) -> Api:
    keras = importlib.import_module("tf_keras")
    return Api(name, keras, read_version(keras), read_version(keras))


def _import_keras_mxnet(name: str) -> Api:
    keras = importlib.import_module("keras")
    # keras-mxnet 2.1.6.1 declares itself as 2.1.6.
    version = find_installed_version(keras, "keras-mxnet") or read_version(keras)
    return Api(name, keras, read_version(keras), version)


def _import_plaidml_keras(name: str) -> Api:
    importlib.import_module("plaidml.keras").install_backend()
    keras = importlib.import_module("keras")
    return Api(name, keras, read_version(keras), read_version(importlib.import_module("plaidml")))


def _make_keras1(api: Api) -> Generation:
    from .keras1 import Keras1

    return Keras1(api.keras, api.keras_version)


def _make_keras2(api: Api) -> Generation:
    from .keras2 import Keras2

    return Keras2(api.keras, api.keras_version)


def _make_keras3(api: Api) -> Generation:
    from .keras3 import Keras3

    return Keras3(api.keras, api.keras_version)


def read_version(module: Any) -> str:
    """Return the version that a package declares."""
    return str(getattr(module, "__version__", "unknown"))


def find_installed_version(module: Any, distribution: str) -> str:
    """Return the version of the distribution installed beside a package, or "" where there is none."""
    wanted = distribution.lower().replace("-", "_")
    for entry in os.listdir(os.path.dirname(os.path.dirname(os.path.abspath(module.__file__)))):
        match = re.match(r"([^-]+)-([^-]+)(\.dist-info|(-[^-]+)?\.egg-info)$", entry)
        if match and match.group(1).lower() == wanted:
            return match.group(2)
    return ""


IMPORTERS: Dict[str, Callable[[str], Api]] = {
    "keras": _import_keras,
    "tf.keras": _import_keras_in_tensorflow,
    "tf_keras": _import_tf_keras,
    "keras-mxnet": _import_keras_mxnet,
    "plaidml-keras": _import_plaidml_keras,
}
"""The function that imports each API."""

GENERATIONS: Dict[str, Callable[[Api], Generation]] = {
    "1": _make_keras1,
    "2": _make_keras2,
    "3": _make_keras3,
}
"""The adapter for each major version of Keras."""
