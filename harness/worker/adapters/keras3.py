"""Keras 3: `keras.layers.Conv2D` on any backend, eagerly or in a Sequential model."""

import importlib
import os
import platform
import sys
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from .. import wire
from . import Adapter, Unsupported

Enter = Callable[[str], None]

FLAGS = (
    "TF_ENABLE_ONEDNN_OPTS",
    "XLA_FLAGS",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "ONEDNN_MAX_CPU_ISA",
)
"""Environment variables that can change an answer, recorded in the fingerprint."""

PACKAGES = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "openvino": "openvino",
    "numpy": "numpy",
}
"""The package that implements each backend."""


class Keras3(Adapter):
    """Calls layers of one imported Keras. Keeps the last layer while the next case asks for its equal."""

    def __init__(self, keras: Any) -> None:
        self._keras = keras
        self._layer = None  # type: Any
        self._layer_key = None  # type: Any
        self._modes = {"eager": self._eager, "sequential": self._sequential}

    def begin_batch(self) -> None:
        """Forget the kept layer."""
        self._layer = self._layer_key = None

    def fingerprint(self) -> Dict[str, str]:
        """Versions, device and flags, as strings."""
        backend = self._keras.backend.backend()
        facts = {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "machine": platform.machine(),
            "numpy": np.__version__,
            "keras": self._keras.__version__,
            "keras_path": os.path.dirname(os.path.abspath(self._keras.__file__)),
            "backend": backend,
            "device": device(backend),
            "prefix": sys.prefix,
        }
        package = PACKAGES.get(backend)
        if package is not None:
            facts["backend_version"] = str(importlib.import_module(package).__version__)
        for flag in FLAGS:
            facts[flag] = os.environ.get(flag, "")
        return facts

    def to_numpy(self, output: Any) -> Any:
        """The values of whatever the layer returned."""
        return np.asarray(self._keras.ops.convert_to_numpy(output))

    def observe(self, case: wire.Message, enter: Enter) -> wire.Message:
        """Call the layer as the case's mode says."""
        layer = getattr(self._keras.layers, case["layer"], None)
        if layer is None:
            raise Unsupported("Keras {} has no {}".format(self._keras.__version__, case["layer"]))
        mode = self._modes.get(case["mode"])
        if mode is None:
            raise Unsupported("this worker does not know the mode {}".format(case["mode"]))
        return mode(layer, case, enter)

    def _eager(self, layer_class: Any, case: wire.Message, enter: Enter) -> wire.Message:
        inputs = wire.decode_array(case["input"])
        key = (case["layer"], sorted(case["arguments"].items()), case["weights"])
        if key != self._layer_key:
            self._layer = self._layer_key = None
            enter("build")
            layer = layer_class(**layer_arguments(case))
        else:
            layer = self._layer
        enter("infer")
        inferred = layer.compute_output_shape(inputs.shape)
        if not layer.built:
            enter("build")
            layer.build(inputs.shape)
            self._layer, self._layer_key = layer, key
        enter("call")
        return {"output": layer(inputs), "inferred_shape": plain_shape(inferred)}

    def _sequential(self, layer_class: Any, case: wire.Message, enter: Enter) -> wire.Message:
        inputs = wire.decode_array(case["input"])
        enter("build")
        model = self._keras.models.Sequential()
        model.add(layer_class(input_shape=inputs.shape[1:], **layer_arguments(case)))
        enter("infer")
        lines = []  # type: List[str]
        model.summary(print_fn=lines.append, line_length=100)
        inferred = plain_shape(model.output_shape)
        enter("call")
        output = model.predict(inputs, batch_size=len(inputs) or None, verbose=0)
        return {"output": output, "inferred_shape": inferred, "summary": "\n".join(lines)}


def layer_arguments(case: wire.Message) -> Dict[str, Any]:
    """The constructor's arguments, with initializers that give the case's weights."""
    arguments = dict(case["arguments"])
    for name in ("kernel_size", "strides", "dilation_rate"):
        arguments[name] = tuple(arguments[name])
    weights = [wire.decode_array(weight) for weight in case["weights"]]
    arguments["kernel_initializer"] = given(weights[0])
    if arguments["use_bias"]:
        arguments["bias_initializer"] = given(weights[1])
    return arguments


def given(values: Any) -> Callable[..., Any]:
    """An initializer that gives `values`, or zeros to a layer that builds another shape."""

    def initializer(shape: Any, dtype: Any = None, **_: Any) -> Any:
        if tuple(shape) == values.shape:
            return values.astype(dtype or values.dtype)
        return np.zeros(shape, dtype or values.dtype)

    return initializer


def plain_shape(shape: Any) -> List[Optional[int]]:
    """A shape of ints and Nones, whatever sequence of whatever integers it was."""
    return [None if length is None else int(length) for length in shape]


def device(backend: str) -> str:
    """Where the backend computes, in its own words."""
    if backend == "tensorflow":
        tensorflow = importlib.import_module("tensorflow")
        return ",".join(sorted(found.device_type for found in tensorflow.config.list_physical_devices()))
    if backend == "jax":
        return ",".join(sorted({str(found.platform) for found in importlib.import_module("jax").devices()}))
    if backend == "torch":
        return "cuda" if importlib.import_module("torch").cuda.is_available() else "cpu"
    return "cpu"
