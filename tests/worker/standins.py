"""Stand-ins for Keras 1 and 2, with what the adapters use of them.

They compute `Conv2D` correctly, record the calls in `asked`, and refuse what the real ones
refuse: a layer that was written for graphs takes no array.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


def correlate(
    cells: Values, kernel: Values, strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Values:
    """Return the cross-correlation of channels-last cells and a kernel (rows, columns, channels, filters)."""
    rows, columns = (
        reads(n, k, s, d, padding)
        for n, k, s, d in zip(cells.shape[1:3], kernel.shape, strides, dilation, strict=False)
    )
    padded = np.pad(cells, ((0, 0), (99, 99), (99, 99), (0, 0)))
    read = padded[:, rows[:, :, None, None] + 99, columns[None, None, :, :] + 99]
    output: Values = np.einsum("bikjlc,klcf->bijf", read, kernel)
    return output


def reads(n: int, k: int, s: int, d: int, padding: str) -> npt.NDArray[np.int64]:
    """Return which cell of an axis each window reads with each tap."""
    reach = (k - 1) * d + 1
    windows = -(-n // s) if padding == "same" else max((n - reach) // s + 1, 0)
    before = max((windows - 1) * s + reach - n, 0) // 2 if padding == "same" else 0
    return np.arange(windows)[:, None] * s + np.arange(k)[None, :] * d - before


@dataclass(eq=False)
class Placeholder:
    """A node of a graph: the layer that computes it, or what it is the gradient of."""

    shape: tuple[int | None, ...]
    dtype: str
    layer: Any = None
    source: Any = None
    gradient_of: Any = None

    def __mul__(self, weighting: Values) -> Placeholder:
        self.layer.weighting = weighting
        return self


@dataclass
class Backend:
    """`keras.backend`: a name, a float type, and graphs that are placeholders."""

    name: str = "theano"
    usual: str = "float32"
    num_graphs: int = 1
    ordering: str = "tf"

    def image_dim_ordering(self) -> str:
        return self.ordering

    def backend(self) -> str:
        return self.name

    def floatx(self) -> str:
        return self.usual

    def set_floatx(self, dtype: str) -> None:
        if dtype not in {"float16", "float32", "float64"}:
            raise ValueError(f"Unknown floatx type: {dtype}")
        self.usual = dtype

    def clear_session(self) -> None:
        self.num_graphs += 1

    def dtype(self, weight: Values) -> str:
        return weight.dtype.name

    def int_shape(self, weight: Values) -> tuple[int, ...]:
        return weight.shape

    def get_variable_shape(self, weight: Values) -> tuple[int, ...]:
        return weight.shape

    def function(
        self, inputs: list[Placeholder], outputs: list[Placeholder]
    ) -> Callable[[list[Values]], list[Values]]:
        (source,) = inputs
        assert all(output.source is source for output in outputs)

        def run(arrays: list[Values]) -> list[Values]:
            (array,) = arrays
            assert array.dtype.name == source.dtype
            for length, known in zip(array.shape, source.shape, strict=True):
                assert known in {length, None}
            return [
                output.layer.computed(array) if output.gradient_of is None else output.gradient_of(array)
                for output in outputs
            ]

        return run

    def sum(self, weighted: Placeholder) -> Placeholder:
        return weighted

    def gradients(self, loss: Placeholder, sought: list[Any]) -> list[Placeholder | None]:
        """Return fake gradients: twice the input for the input, the weight itself for a weight."""
        source, *weights = sought
        assert loss.source is source
        found = [lambda array: array + array, *((lambda _, weight=weight: weight) for weight in weights)]
        return [Placeholder((), source.dtype, loss.layer, source, each) for each in found]


@dataclass
class Asked:
    """The calls that a stand-in received: arguments of constructors, and batches of predictions."""

    layers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    compiled: list[tuple[Any, ...]] = field(default_factory=list)
    predicted: list[int | None] = field(default_factory=list)
    on_batch: list[int] = field(default_factory=list)
    inputs: list[tuple[int | None, ...]] = field(default_factory=list)
    saved: list[Path] = field(default_factory=list)


class Convolution:
    """The common part of the layers of both generations. `kernel` is (rows, columns, channels, filters)."""

    size: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    padding: str
    filters: int
    is_first: bool
    kernel: Values
    bias: Values
    built = False
    weighting: Values | None = None

    def shape_for(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, *rest = shape
        lengths = rest[1:] if self.is_first else rest[:-1]
        spatial = [
            None if n is None else len(reads(n, k, s, d, self.padding))
            for n, k, s, d in zip(lengths, self.size, self.strides, self.dilation, strict=True)
        ]
        return (batch, self.filters, *spatial) if self.is_first else (batch, *spatial, self.filters)

    def computed(self, inputs: Values) -> Values:
        if inputs.dtype != self.kernel.dtype:
            raise TypeError("the kernel's type does not match that of the input")
        cells = np.moveaxis(inputs, 1, -1) if self.is_first else inputs
        output = correlate(cells, self.kernel, self.strides, self.padding, self.dilation) + self.bias
        return np.moveaxis(output, -1, 1) if self.is_first else output

    def in_graph(self, inputs: Any) -> Placeholder:
        if not isinstance(inputs, Placeholder):
            raise TypeError("this layer is called on tensors of a graph")
        return Placeholder(self.shape_for(inputs.shape), inputs.dtype, self, inputs)


def make_input(batch_shape: tuple[int | None, ...], dtype: str) -> Placeholder:
    """Return a placeholder as `keras.layers.Input` does."""
    return Placeholder(batch_shape, dtype)


def make_models(asked: Asked, sequential: type) -> Any:
    """Return `keras.models`, with Functional models of one layer that are saved with their weights only."""
    layers: dict[Path, tuple[Placeholder, Placeholder]] = {}

    class Model:
        def __init__(self, inputs: Placeholder, outputs: Placeholder) -> None:
            asked.inputs.append(inputs.shape)
            self.inputs, self.outputs = [inputs], [outputs]
            self.output_shape = outputs.shape

        def __call__(self, inputs: Values) -> Values:
            output: Values = self.outputs[0].layer.computed(np.asarray(inputs))
            return output

        def compile(self, optimizer: str, loss: str) -> None:
            asked.compiled.append((optimizer, loss))

        def predict_on_batch(self, inputs: Values) -> Values:
            assert asked.compiled, "You must compile your model before using it."
            asked.on_batch.append(len(inputs))
            return self(inputs)

        def save(self, path: str) -> None:
            asked.saved.append(Path(path))
            layers[Path(path)] = (self.inputs[0], self.outputs[0])
            with Path(path).open("wb") as file:
                np.savez(file, *self.outputs[0].layer.get_weights())

    def load_model(path: str) -> Model:
        source, output = layers[Path(path)]
        layer = copy.copy(output.layer)
        with np.load(path) as saved:
            layer.set_weights([saved[name] for name in saved.files])
        return Model(source, Placeholder(output.shape, output.dtype, layer, source))

    return SimpleNamespace(Model=Model, Sequential=sequential, load_model=load_model)
