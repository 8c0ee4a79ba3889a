"""A stand-in for Keras 3: layers, operations of `keras.ops`, symbolic tensors and Functional models.

It computes `Conv2D` and `ops.conv` of channels-last arrays correctly, and records the calls in `asked`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.worker.backends import Tensor, make_tensor
from tests.worker.standins import Values, correlate, reads

# ruff: noqa: ARG002
# Methods take what Keras's take, needed here or not.

Lengths = tuple[int, ...] | list[int] | int
Shape = tuple[int | None, ...]


@dataclass
class Asked3:
    """The calls that the stand-in received."""

    layers: list[dict[str, Any]] = field(default_factory=list)
    operations: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    inputs: list[Shape] = field(default_factory=list)
    jit: list[bool] = field(default_factory=list)
    on_batch: list[int] = field(default_factory=list)
    saved: list[Path] = field(default_factory=list)


@dataclass(eq=False)
class KerasTensor:
    """A symbolic tensor: a function from the array that a model is called on."""

    shape: Shape
    dtype: str
    computed: Callable[[Values], Values] = lambda values: values
    layer: Any = None


def pair(lengths: Lengths) -> tuple[int, ...]:
    return (lengths, lengths) if isinstance(lengths, int) else tuple(lengths)


def shape_of(
    shape: Shape, size: Any, filters: int, strides: Lengths, padding: str, dilation: Lengths
) -> Shape:
    batch, *lengths, _ = shape
    spatial = [
        None if n is None else len(reads(n, k, s, d, padding))
        for n, k, s, d in zip(lengths, size, pair(strides), pair(dilation), strict=True)
    ]
    return (batch, *spatial, filters)


def make_keras3(backend_name: str = "tensorflow", *, heeds_jit: bool = True) -> Any:
    """Return a Keras 3 on a backend."""
    asked = Asked3()

    def conv(
        inputs: Any,
        kernel: Any,
        strides: Lengths = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Lengths = 1,
    ) -> Any:
        given: dict[str, Any] = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate}
        asked.operations.append((type(inputs).__name__, given))
        if isinstance(inputs, KerasTensor):
            *size, _, filters = kernel.shape
            shape = shape_of(inputs.shape, size, filters, strides, padding, dilation_rate)
            if isinstance(kernel, KerasTensor):
                return KerasTensor(shape, inputs.dtype, lambda both: conv(both[0], both[1], **given))
            return KerasTensor(
                shape,
                inputs.dtype,
                lambda values: conv(inputs.computed(values), kernel, **given, data_format=data_format),
            )
        return correlate(inputs, np.asarray(kernel), pair(strides), padding, pair(dilation_rate))

    class Layer:
        built = False

        def __init__(self, dtype: str = "float32") -> None:
            self.compute_dtype = dtype
            self.trainable_variables: list[Any] = []

        def add_weight(self, shape: tuple[int, ...], initializer: Callable[..., Values]) -> Any:
            value = make_tensor(initializer(shape, dtype=self.compute_dtype), self.compute_dtype)
            self.trainable_variables.append(Variable(value))
            return self.trainable_variables[-1]

        def build(self, shape: Shape) -> None:
            self.built = True

        def compute_output_shape(self, shape: Shape) -> Shape:
            raise NotImplementedError

        def call(self, inputs: Any) -> Any:
            raise NotImplementedError

        @property
        def weights(self) -> list[Any]:
            return self.trainable_variables

        def get_weights(self) -> list[Values]:
            return [np.asarray(variable) for variable in self.trainable_variables]

        def set_weights(self, weights: list[Values]) -> None:
            for variable, value in zip(self.trainable_variables, weights, strict=True):
                variable.value = make_tensor(value)

        def stateless_call(self, trainable: list[Values], others: list[Values], inputs: Values) -> Any:
            assert others == []
            twin = copy.deepcopy(self)
            twin.set_weights(trainable)
            return twin.call(inputs), []

        def __call__(self, inputs: Any) -> Any:
            if not self.built:
                self.build(inputs.shape)
            if not isinstance(inputs, KerasTensor):
                return self.call(np.asarray(inputs, self.compute_dtype))
            return KerasTensor(
                self.compute_output_shape(inputs.shape),
                inputs.dtype,
                lambda values: self.call(inputs.computed(values)),
                self,
            )

    class Conv2D(Layer):
        def __init__(
            self,
            filters: int,
            kernel_size: Lengths,
            strides: Lengths = 1,
            padding: str = "valid",
            data_format: str = "channels_last",
            dilation_rate: Lengths = 1,
            groups: int = 1,
            *,
            use_bias: bool = True,
            kernel_initializer: Any = None,
            bias_initializer: Any = None,
            **more: Any,
        ) -> None:
            asked.layers.append({"kernel_size": kernel_size, "strides": strides, **more})
            super().__init__(more.get("dtype", "float32"))
            self.filters, self.size, self.strides = filters, pair(kernel_size), strides
            self.padding, self.dilation = padding, dilation_rate
            self.use_bias = use_bias
            self.initializers = (kernel_initializer or zeros, bias_initializer or zeros)

        def build(self, shape: Shape) -> None:
            self.add_weight((*self.size, shape[-1] or 0, self.filters), self.initializers[0])
            if self.use_bias:
                self.add_weight((self.filters,), self.initializers[1])
            super().build(shape)

        def compute_output_shape(self, shape: Shape) -> Shape:
            return shape_of(shape, self.size, self.filters, self.strides, self.padding, self.dilation)

        def call(self, inputs: Any) -> Any:
            kernel, *bias = (np.asarray(variable) for variable in self.trainable_variables)
            output = correlate(inputs, kernel, pair(self.strides), self.padding, pair(self.dilation))
            return output + bias[0] if bias else output

    saved: dict[Path, tuple[KerasTensor, KerasTensor]] = {}

    class Model:
        jit_compile = False

        def __init__(self, inputs: Any, outputs: KerasTensor) -> None:
            self.inputs = inputs if isinstance(inputs, list) else [inputs]
            asked.inputs.extend(given.shape for given in self.inputs)
            self.outputs, self.output_shape = [outputs], outputs.shape

        def __call__(self, inputs: Any) -> Any:
            if isinstance(inputs, list):
                arrays = zip(inputs, self.inputs, strict=True)
                both: Any = [np.asarray(one, given.dtype) for one, given in arrays]
                return self.outputs[0].computed(both)
            return self.outputs[0].computed(np.asarray(inputs, self.inputs[0].dtype))

        def compile(self, optimizer: str, loss: str, jit_compile: bool) -> None:  # noqa: FBT001
            asked.jit.append(jit_compile)
            self.jit_compile = jit_compile and heeds_jit

        def predict_on_batch(self, inputs: Values) -> Any:
            asked.on_batch.append(len(inputs))
            return self(inputs)

        def save(self, path: str) -> None:
            asked.saved.append(Path(path))
            saved[Path(path)] = (self.inputs[0], self.outputs[0])
            with Path(path).open("wb") as file:
                np.savez(file, *self.outputs[0].layer.get_weights())

    def load_model(path: str) -> Model:
        inputs, outputs = saved[Path(path)]
        layer = copy.deepcopy(outputs.layer)
        with np.load(path) as weights:
            layer.set_weights([weights[name] for name in weights.files])
        return Model(inputs, KerasTensor(outputs.shape, outputs.dtype, layer.call, layer))

    def given_input(batch_shape: Shape, dtype: str) -> KerasTensor:
        return KerasTensor(batch_shape, dtype)

    def convert_to_tensor(values: Any, dtype: str) -> Tensor:
        return make_tensor(values, dtype)

    return SimpleNamespace(
        asked=asked,
        backend=SimpleNamespace(backend=lambda: backend_name),
        initializers=SimpleNamespace(get={"glorot_uniform": zeros, "zeros": zeros}.__getitem__),
        layers=SimpleNamespace(Layer=Layer, Conv2D=Conv2D, Input=given_input),
        models=SimpleNamespace(Model=Model, load_model=load_model),
        ops=SimpleNamespace(conv=conv, convert_to_tensor=convert_to_tensor, convert_to_numpy=np.asarray),
        KerasTensor=KerasTensor,
    )


class Variable:
    """A weight of a layer, which operations take unconverted."""

    def __init__(self, value: Tensor) -> None:
        self.value = value

    @property
    def shape(self) -> Any:
        return self.value.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Values:  # noqa: FBT001
        return np.array(self.value, dtype)


def zeros(shape: tuple[int, ...], dtype: str) -> Values:
    """Return zeros as an initializer does."""
    return np.zeros(shape, dtype)
