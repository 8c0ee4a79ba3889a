"""Operations of `keras.ops`, which are functions of input and weights, not layers."""

from typing import Any, Sequence, Tuple

from .. import wire
from .arguments import build_arguments, select_arguments
from .generation import Unsupported
from .weights import decode_weights, make_initializer

PREFIX = "ops."


class Operation:
    """An operation with its arguments and weights, to be called like a layer."""

    def __init__(self, keras: Any, version: str, case: wire.Message) -> None:
        name = case["layer"][len(PREFIX) :]
        if not hasattr(keras.ops, name):
            raise Unsupported("Keras {} has no {}".format(version, case["layer"]))
        self._function = getattr(keras.ops, name)
        label = "{} of Keras {}".format(case["layer"], version)
        self._keras = keras
        self._arguments = select_arguments(self._function, label, build_arguments(case))
        self.dtype = case["dtype"]
        self.arrays = decode_weights(case)
        self.weights = [self.make_tensor(array) for array in self.arrays]

    def make_tensor(self, values: Any) -> Any:
        """Return an array as a tensor of the backend, in the dtype of the case."""
        return self._keras.ops.convert_to_tensor(values, dtype=self.dtype)

    def build(self, shape: Tuple[int, ...]) -> None:
        """Do nothing: an operation has no variables to build."""

    def compute_output_shape(self, shape: Tuple[Any, ...]) -> Any:
        """Return the output shape of the operation on symbolic tensors."""
        symbolic = self._keras.KerasTensor
        weights = [symbolic(weight.shape, dtype=self.dtype) for weight in self.weights]
        return self.apply(symbolic(shape, dtype=self.dtype), weights).shape

    def apply(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Apply the operation to any input and any weights."""
        return self._function(inputs, *weights, **self._arguments)

    def __call__(self, inputs: Any) -> Any:
        """Apply the operation to a tensor of the backend or a symbolic one, with its own weights."""
        return self.apply(inputs, self.weights)


def is_operation(case: wire.Message) -> bool:
    """Return whether a case asks for an operation."""
    return bool(case["layer"].startswith(PREFIX))


def make_operation_layer(keras: Any, operation: Operation) -> Any:
    """Return a layer that calls the operation, with its weights as the layer's own."""

    class Operating(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:  # noqa: ARG002
            self.kernels = [
                self.add_weight(
                    shape=weight.shape, initializer=make_initializer(weight, keras.initializers.get("zeros"))
                )
                for weight in operation.arrays
            ]
            self.built = True

        def compute_output_shape(self, shape: Any) -> Any:
            # Without it some backends compute the operation on arrays with large lengths for unknown ones.
            return operation.compute_output_shape(shape)

        def call(self, inputs: Any) -> Any:
            return operation.apply(inputs, self.kernels)

    return Operating(dtype=operation.dtype)
