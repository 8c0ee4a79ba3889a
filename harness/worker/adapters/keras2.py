"""Keras 2: standalone on its backends, with PlaidML, in TensorFlow, and `tf_keras` after it.

Layers are called on arrays where TensorFlow computes eagerly and its own Keras asks, else by way of a
graph. Weights come through initializers.
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
"""Before it there was no `jit_compile`, or `predict` did not heed it."""

DEPTHWISE_IN_MXNET_SINCE = (2, 2)
"""Before it MXNet computed nothing depthwise, and such layers kept their kernels as elsewhere."""


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
        """A `jit_compile` that `predict` heeds, and gradients, are not everywhere."""
        if mode == "jit" and (not self._is_eager or self._release < JIT_SINCE):
            raise Unsupported("predict of Keras {} heeds no jit_compile".format(self.version))
        if mode == "gradient" and not self._is_eager:
            graphs.require_gradients(self.keras)

    def use_dtype(self, dtype: str) -> ContextManager[None]:
        """The case's dtype as `floatx`, where a layer's own `dtype` decides nothing."""
        usual = self.keras.backend.floatx()
        keeps = dtype == usual or self._applies_dtype(dtype)
        return graphs.use_floatx(self.keras.backend, usual if keeps else dtype)

    def make_layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """The layer with the case's arguments and weights."""
        return construct_layer(self, case, self._decode_weights(case), **placement)

    def make_bare_layer(self, case: wire.Message) -> Any:
        """The layer with Keras's own initializers: those of the case cannot be saved."""
        return construct_layer(self, case, [])

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Its initializers gave them; some layers of graphs forget that of the bias, and only these are set.

        MXNet sets weights in single precision only. Where a length is not positive, there is nothing to set.
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
        """The shapes of its variables, in the layout of other backends; None where they have no elements."""
        built = self._list_built_shapes(layer)
        if not have_elements(built):
            return None
        return [weight.shape for weight in undo_layouts(make_dummy_arrays(built), self._choose_layouts(case))]

    def infer_shape(self, layer: Any, shape: Tuple[Any, ...]) -> Any:
        """What `compute_output_shape` says, which Keras in TensorFlow 1.4 has not."""
        infer = getattr(layer, "compute_output_shape", None)
        return None if infer is None else infer(shape)

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the layer on the array, or by way of a graph."""
        return layer(inputs) if self._is_eager else graphs.evaluate_layer(self.keras, layer, inputs)

    def call_model(self, model: Any, inputs: Any) -> Any:
        """Call the model on the array, or evaluate its graph."""
        return model(inputs) if self._is_eager else graphs.evaluate_model(self.keras, model, inputs)

    def call_by_unknown_lengths(self, model: Any, inputs: Any) -> Any:
        """By a function traced without the lengths, or by the model's graph."""
        return (
            call_traced(model, inputs) if self._is_eager else graphs.evaluate_model(self.keras, model, inputs)
        )

    def compile(self, model: Any, *, jit: bool) -> None:
        """Compile the model, with `jit_compile` where there is one."""
        if "jit_compile" in list_parameters(type(model).compile)[0]:
            model.compile("sgd", "mse", jit_compile=jit)
        else:
            model.compile("sgd", "mse")

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` in one batch."""
        return model.predict(inputs, batch_size=len(inputs) or None, verbose=0)

    def compute_gradients(self, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
        """By a gradient tape, or by the graph."""
        if not self._is_eager:
            return graphs.differentiate_layer(self.keras, layer, inputs)
        tensorflow = importlib.import_module("tensorflow")
        tensor = tensorflow.cast(inputs, layer.dtype)
        return differentiating.differentiate_by_tensorflow(layer, tensor, layer.trainable_weights)

    def build(self, layer: Any, shape: Sequence[int]) -> None:
        """By a shape of TensorFlow where the layer is its own: DepthwiseConv2D of 1.13 takes no tuple."""
        if type(layer).__module__.startswith("tensorflow"):
            shape = importlib.import_module("tensorflow").TensorShape(shape)
        layer.build(shape)

    def convert_to_numpy(self, output: Any) -> Any:
        """The values of an eager tensor, or the array that a graph gave.

        NumPy cannot make an array of a bfloat16 tensor of TensorFlow 2.0 to 2.2; the tensor can.
        """
        return output.numpy() if hasattr(output, "numpy") else np.asarray(output)

    def _decode_weights(self, case: wire.Message) -> List[Any]:
        """The case's weights, in the layout of the backend."""
        return apply_layouts(decode_weights(case), self._choose_layouts(case))

    def _choose_layouts(self, case: wire.Message) -> Sequence[Axes]:
        """How the backend keeps the kernels of a case, where it does otherwise than Keras."""
        is_first = case["arguments"].get("data_format") == "channels_first"
        if not is_first or self.keras.backend.backend() != "mxnet":
            return []
        stem = find_stem(case["layer"])
        is_usual = stem != "Conv" and self._release < DEPTHWISE_IN_MXNET_SINCE
        return [] if is_usual else MXNET.get(stem, [])

    def _list_built_shapes(self, layer: Any) -> List[Any]:
        return [self.keras.backend.int_shape(weight) for weight in layer.weights]

    def _applies_dtype(self, dtype: str) -> bool:
        """Whether a layer's `dtype` is that of its weights, as it is in TensorFlow and since Keras 2.3."""
        if dtype not in self._dtype_applies:
            self._dtype_applies[dtype] = self._find_built_dtype(dtype) == dtype
        return self._dtype_applies[dtype]

    def _find_built_dtype(self, dtype: str) -> str:
        """The dtype of the weights of a layer of this `dtype`; nothing where there can be none such."""
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
    """Whether layers take arrays: TensorFlow 2's own Keras, and none that was written for graphs."""
    if keras.backend.backend() != "tensorflow":
        return False
    tensorflow = importlib.import_module("tensorflow")
    if not getattr(tensorflow, "executing_eagerly", bool)():
        return False
    return issubclass(keras.layers.Layer, tensorflow.Module)
