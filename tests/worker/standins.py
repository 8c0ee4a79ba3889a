"""Stand-ins for Keras 1 and 2, with what the adapters use of them.

They compute `Conv2D` rightly, tell what they were asked in `asked`, and refuse what the real ones
refuse: a layer that was written for graphs takes no array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


def correlated(
    cells: Values, kernel: Values, strides: Sequence[int], padding: str, dilation: Sequence[int]
) -> Values:
    """The cross-correlation of channels-last cells with a kernel (rows, columns, channels, filters)."""
    rows, columns = (
        reads(n, k, s, d, padding)
        for n, k, s, d in zip(cells.shape[1:3], kernel.shape, strides, dilation, strict=False)
    )
    padded = np.pad(cells, ((0, 0), (99, 99), (99, 99), (0, 0)))
    read = padded[:, rows[:, :, None, None] + 99, columns[None, None, :, :] + 99]
    output: Values = np.einsum("bikjlc,klcf->bijf", read, kernel)
    return output


def reads(n: int, k: int, s: int, d: int, padding: str) -> npt.NDArray[np.int64]:
    """Which cell of an axis each window reads with each tap."""
    reach = (k - 1) * d + 1
    windows = -(-n // s) if padding == "same" else max((n - reach) // s + 1, 0)
    before = max((windows - 1) * s + reach - n, 0) // 2 if padding == "same" else 0
    return np.arange(windows)[:, None] * s + np.arange(k)[None, :] * d - before


@dataclass
class Placeholder:
    """A place in a graph, by the layer that computes it."""

    shape: tuple[int, ...]
    dtype: str
    layer: Any = None
    source: Any = None


@dataclass
class Backend:
    """`keras.backend`: a name, a float type, and graphs that are placeholders."""

    name: str = "theano"
    usual: str = "float32"
    num_graphs: int = 1

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

    def function(
        self, inputs: list[Placeholder], outputs: list[Placeholder]
    ) -> Callable[[list[Values]], list[Values]]:
        ((source,), (output,)) = inputs, outputs
        assert output.source is source

        def run(arrays: list[Values]) -> list[Values]:
            assert [(array.shape, array.dtype.name) for array in arrays] == [(source.shape, source.dtype)]
            return [output.layer.computed(arrays[0])]

        return run


@dataclass
class Asked:
    """What a stand-in was asked: the constructors' arguments, and the models' `predict`."""

    layers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    compiled: list[tuple[str, str]] = field(default_factory=list)
    predicted: list[int | None] = field(default_factory=list)


class Convolution:
    """What the layers of both generations share. `kernel` is (rows, columns, channels, filters)."""

    size: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    padding: str
    filters: int
    is_first: bool
    kernel: Values
    bias: Values
    built = False

    def shape_for(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, *rest = shape
        lengths = rest[1:] if self.is_first else rest[:-1]
        spatial = [
            len(reads(n, k, s, d, self.padding))
            for n, k, s, d in zip(lengths, self.size, self.strides, self.dilation, strict=True)
            if n is not None
        ]
        return (batch, self.filters, *spatial) if self.is_first else (batch, *spatial, self.filters)

    def computed(self, inputs: Values) -> Values:
        if inputs.dtype != self.kernel.dtype:
            raise TypeError("the kernel's type does not match that of the input")
        cells = np.moveaxis(inputs, 1, -1) if self.is_first else inputs
        output = correlated(cells, self.kernel, self.strides, self.padding, self.dilation) + self.bias
        return np.moveaxis(output, -1, 1) if self.is_first else output

    def in_graph(self, inputs: Any) -> Placeholder:
        if not isinstance(inputs, Placeholder):
            raise TypeError("this layer is called on tensors of a graph")
        return Placeholder((), inputs.dtype, self, inputs)


def given_input(batch_shape: tuple[int, ...], dtype: str) -> Placeholder:
    """`keras.layers.Input`."""
    return Placeholder(batch_shape, dtype)
