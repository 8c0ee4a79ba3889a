"""Keras 2: standalone on its backends, with PlaidML, in TensorFlow, and `tf_keras` after it.

Layers are called on arrays where TensorFlow computes eagerly and the Keras is its own, else by a
graph. Weights are set by initializers.
"""

import importlib
import re
from typing import Any, ContextManager, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .. import wire
from . import differentiating, graphs
from .arguments import list_parameters
from .generation import Generation, Unsupported
from .layouts import MXNET, Axes, apply_layouts, make_dummy_arrays, undo_layouts
from .making import construct_layer
from .tracing import call_traced
from .weights import decode_weights, find_stem, have_elements, zero_misfits

JIT_SINCE = (2, 8)
"""The first release with a `jit_compile` that `predict` respects."""

DEPTHWISE_IN_MXNET_SINCE = (2, 2)
"""The first release with depthwise computation on MXNet; before, such layers kept the usual kernel layout."""


class Keras2(Generation):
    """Layers of Keras 2."""

    def __init__(self, keras: Any, version: str) -> None:
        super().__init__(keras, version)
        self._is_eager = is_eager(keras)
        self._release = tuple(int(number) for number in re.findall("[0-9]+", version)[:2])
        self._dtype_applies: Dict[str, bool] = {}

    def forget(self) -> None:
        """Begin a new graph where there is one."""
        if not self._is_eager:
            graphs.forget(self.keras.backend)

    def require(self, mode: str) -> None:
        """Raise Unsupported where `predict` ignores `jit_compile`, or the backend has no gradients."""
        if mode == "jit" and (not self._is_eager or self._release < JIT_SINCE):
            raise Unsupported("predict of Keras {} heeds no jit_compile".format(self.version))
        if mode == "gradient" and not self._is_eager:
            graphs.require_gradients(self.keras)

    def use_dtype(self, dtype: str) -> ContextManager[None]:
        """Set the case's dtype as `floatx`, where a layer's own `dtype` has no effect."""
        usual = self.keras.backend.floatx()
        keeps = dtype == usual or self._applies_dtype(dtype)
        return graphs.use_floatx(self.keras.backend, usual if keeps else dtype)

    def make_layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """Return the layer with the case's arguments and weights."""
        return construct_layer(self, case, self._decode_weights(case), **placement)

    def make_bare_layer(self, case: wire.Message) -> Any:
        """Return the layer with Keras's own initializers: those of the case cannot be saved."""
        return construct_layer(self, case, [])

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Set the weights where the initializers failed to: some layers in graphs lose that of the bias.

        MXNet sets weights in single precision only; those that are right are left alone. Where a length is
        not positive, there is nothing to set.
        """
        built = self._list_built_shapes(layer)
        if self._is_eager or not have_elements(built):
            return
        weights = zero_misfits(self._decode_weights(case), built)
        if not all(map(np.array_equal, layer.get_weights(), weights)):
            layer.set_weights(weights)

    def fill(self, layer: Any, case: wire.Message) -> None:
        """Set the weights."""
        built = self._list_built_shapes(layer)
        if have_elements(built):
            layer.set_weights(zero_misfits(self._decode_weights(case), built))

    def list_weight_shapes(self, layer: Any, case: wire.Message) -> Optional[List[Any]]:
        """Return the shapes of its variables in the layout of other backends; None without elements."""
        built = self._list_built_shapes(layer)
        if not have_elements(built):
            return None
        return [weight.shape for weight in undo_layouts(make_dummy_arrays(built), self._choose_layouts(case))]

    def infer_shape(self, layer: Any, shape: Tuple[Any, ...]) -> Any:
        """Return what `compute_output_shape` returns; None in TensorFlow 1.4, whose Keras lacks it."""
        infer = getattr(layer, "compute_output_shape", None)
        return None if infer is None else infer(shape)

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the layer on the array, or evaluate it by a graph."""
        return layer(inputs) if self._is_eager else graphs.evaluate_layer(self.keras, layer, inputs)

    def call_model(self, model: Any, inputs: Any) -> Any:
        """Call the model on the array, or evaluate its graph."""
        return model(inputs) if self._is_eager else graphs.evaluate_model(self.keras, model, inputs)

    def call_by_unknown_lengths(self, model: Any, inputs: Any) -> Any:
        """Call a function traced without the lengths, or evaluate the model's graph."""
        return (
            call_traced(model, inputs) if self._is_eager else graphs.evaluate_model(self.keras, model, inputs)
        )

    def compile(self, model: Any, *, jit: bool) -> None:
        """Compile the model, with `jit_compile` where `compile` takes it."""
        if "jit_compile" in list_parameters(type(model).compile)[0]:
            model.compile("sgd", "mse", jit_compile=jit)
        else:
            model.compile("sgd", "mse")

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` in one batch."""
        return model.predict(inputs, batch_size=len(inputs) or None, verbose=0)

    def compute_gradients(self, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
        """Return output and gradients by a gradient tape, or by the graph."""
        if not self._is_eager:
            return graphs.differentiate_layer(self.keras, layer, inputs)
        tensorflow = importlib.import_module("tensorflow")
        tensor = tensorflow.cast(inputs, layer.dtype)
        return differentiating.differentiate_by_tensorflow(layer, tensor, layer.trainable_weights)

    def build(self, layer: Any, shape: Sequence[int]) -> None:
        """Build the layer; TensorFlow's by a TensorShape, since DepthwiseConv2D of 1.13 takes no tuple."""
        if type(layer).__module__.startswith("tensorflow"):
            shape = importlib.import_module("tensorflow").TensorShape(shape)
        layer.build(shape)

    def convert_to_numpy(self, output: Any) -> Any:
        """Return the values of an eager tensor, or the array that a graph evaluated to.

        NumPy cannot make an array of a bfloat16 tensor of TensorFlow 2.0 to 2.2; the tensor can.
        """
        return output.numpy() if hasattr(output, "numpy") else np.asarray(output)

    def _decode_weights(self, case: wire.Message) -> List[Any]:
        """Return the case's weights in the layout of the backend."""
        return apply_layouts(decode_weights(case), self._choose_layouts(case))

    def _choose_layouts(self, case: wire.Message) -> Sequence[Axes]:
        """Return the layouts of the case's kernels where the backend's differ from Keras's usual one."""
        is_first = case["arguments"].get("data_format") == "channels_first"
        if not is_first or self.keras.backend.backend() != "mxnet":
            return []
        stem = find_stem(case["layer"])
        is_usual = stem != "Conv" and self._release < DEPTHWISE_IN_MXNET_SINCE
        return [] if is_usual else MXNET.get(stem, [])

    def _list_built_shapes(self, layer: Any) -> List[Any]:
        return [self.keras.backend.int_shape(weight) for weight in layer.weights]

    def _applies_dtype(self, dtype: str) -> bool:
        """Return whether a layer's `dtype` becomes its weights', as in TensorFlow and since Keras 2.3."""
        if dtype not in self._dtype_applies:
            self._dtype_applies[dtype] = self._find_built_dtype(dtype) == dtype
        return self._dtype_applies[dtype]

    def _find_built_dtype(self, dtype: str) -> str:
        """Return the dtype of the weights of a layer of this `dtype`; "" where it cannot be built."""
        # CNTK has no random numbers in half precision.
        zeros = self.keras.initializers.get("zeros")
        layer = self.keras.layers.Conv2D(1, 1, dtype=dtype, kernel_initializer=zeros)
        try:
            layer.build((1, 1, 1, 1))
        except Exception:  # Each backend has an error of its own for a dtype that it lacks.
            return ""
        # TensorFlow 1 calls a variable's dtype float32_ref.
        return str(self.keras.backend.dtype(layer.weights[0])).replace("_ref", "")


def is_eager(keras: Any) -> bool:
    """Return whether layers take arrays: in TensorFlow 2's own Keras, not in one written for graphs."""
    if keras.backend.backend() != "tensorflow":
        return False
    tensorflow = importlib.import_module("tensorflow")
    if not getattr(tensorflow, "executing_eagerly", bool)():
        return False
    return issubclass(keras.layers.Layer, tensorflow.Module)
