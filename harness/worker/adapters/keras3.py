"""Keras 3: layers are called on arrays, operations on tensors, on any backend."""

import contextlib
import importlib
import sys
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from .. import wire
from . import differentiating
from .generation import Generation, Unsupported
from .making import construct_layer
from .operations import Operation, is_operation, make_operation_layer
from .tracing import call_traced
from .weights import decode_weights, zero_misfits

LACKING = {"jit": "backend {} compiles nothing", "gradient": "backend {} has no gradients"}
"""Why modes are unsupported on backends that only compute."""

CAPABLE = frozenset({"tensorflow", "jax", "torch"})
"""The backends that also compile and differentiate."""


class Keras3(Generation):
    """Layers and operations of `keras` 3; a layer's weights are set by initializers."""

    def begin_batch(self) -> None:
        """Free what JAX has compiled, megabytes for every new shape; NumPy's backend convolves by JAX."""
        jax = sys.modules.get("jax")
        if jax is not None:
            jax.clear_caches()

    def forget(self) -> None:
        """Do nothing: eager calls leave nothing behind."""

    def require(self, mode: str) -> None:
        """Raise Unsupported where the backend lacks a compiler or gradients."""
        backend = self.keras.backend.backend()
        if mode in LACKING and backend not in CAPABLE:
            raise Unsupported(LACKING[mode].format(backend))

    @contextlib.contextmanager
    def use_dtype(self, dtype: str) -> Iterator[None]:  # noqa: ARG002
        """Do nothing: layers take their dtype as an argument."""
        yield

    def make_layer(self, case: wire.Message, **placement: Tuple[int, ...]) -> Any:
        """Return the layer with the case's arguments and weights, or the operation."""
        if is_operation(case):
            if placement:
                raise Unsupported("an operation is no layer of a Sequential")
            return Operation(self.keras, self.version, case)
        return construct_layer(self, case, decode_weights(case), **placement)

    def make_bare_layer(self, case: wire.Message) -> Any:
        """Return the layer with Keras's own initializers: those of the case cannot be saved."""
        if is_operation(case):
            raise Unsupported("an operation is not saved")
        return construct_layer(self, case, [])

    def give_weights(self, layer: Any, case: wire.Message) -> None:
        """Do nothing: the layer's initializers set the weights."""

    def fill(self, layer: Any, case: wire.Message) -> None:
        """Set the weights."""
        weights = decode_weights(case)
        if weights:
            layer.set_weights(zero_misfits(weights, self._list_built_shapes(layer)))

    def list_weight_shapes(self, layer: Any, case: wire.Message) -> Optional[List[Any]]:  # noqa: ARG002
        """Return the shapes of its variables; an operation has none of its own."""
        return None if isinstance(layer, Operation) else self._list_built_shapes(layer)

    def _list_built_shapes(self, layer: Any) -> List[Any]:
        return [tuple(weight.shape) for weight in layer.weights]

    def infer_shape(self, layer: Any, shape: Tuple[Any, ...]) -> Any:
        """Return what `compute_output_shape` returns."""
        return layer.compute_output_shape(shape)

    def wrap_for_model(self, layer: Any) -> Any:
        """Return the layer itself, or one that calls the operation."""
        return make_operation_layer(self.keras, layer) if isinstance(layer, Operation) else layer

    def call(self, layer: Any, inputs: Any) -> Any:
        """Call the layer on the array, or the operation on a tensor of it."""
        return layer(layer.make_tensor(inputs) if isinstance(layer, Operation) else inputs)

    def call_model(self, model: Any, inputs: Any) -> Any:
        """Call the model on the array."""
        return model(inputs)

    def call_by_unknown_lengths(self, model: Any, inputs: Any) -> Any:
        """Call a function traced without the lengths on TensorFlow, the model itself elsewhere."""
        if self.keras.backend.backend() == "tensorflow":
            return call_traced(model, inputs)
        return model(inputs)

    def compile(self, model: Any, *, jit: bool) -> None:
        """Compile the model, with `jit_compile`."""
        if jit and self.keras.backend.backend() == "torch":
            # After some models its compiler gives up silently and computes eagerly.
            importlib.import_module("torch._dynamo").reset()
        model.compile("sgd", "mse", jit_compile=jit)
        if model.jit_compile != jit:
            raise Unsupported("this model is never compiled with jit_compile={}".format(jit))

    def predict(self, model: Any, inputs: Any) -> Any:
        """Call the model's `predict` in one batch."""
        return model.predict(inputs, batch_size=len(inputs) or None, verbose=0)

    def compute_gradients(self, layer: Any, inputs: Any) -> Tuple[Any, List[Any]]:
        """Return output and gradients by the means of the backend."""
        backend = self.keras.backend.backend()
        called = self.wrap_for_model(layer)
        if not called.built:
            called.build(inputs.shape)
        tensor = self.keras.ops.convert_to_tensor(inputs, dtype=called.compute_dtype)
        weights = [variable.value for variable in called.trainable_variables]
        if backend == "tensorflow":
            return differentiating.differentiate_by_tensorflow(called, tensor, weights)
        if backend == "torch":
            return differentiating.differentiate_by_torch(called, tensor, weights)

        def call_layer(values: Any, of_weights: List[Any]) -> Any:
            return called.stateless_call(of_weights, [], values)[0]

        return differentiating.differentiate_by_jax(call_layer, tensor, weights)

    def convert_to_numpy(self, output: Any) -> Any:
        """Return the values of a tensor of the backend."""
        return np.asarray(self.keras.ops.convert_to_numpy(output))
