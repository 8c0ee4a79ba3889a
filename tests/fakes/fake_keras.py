"""What stands in for the package `keras`, so that the real worker and its adapter run without Keras.

A test copies this file to `keras.py` on a target's import path. It looks like Keras 3, computes
`Conv2D` rightly, and prints to stdout in every way there is wherever Keras might. Names and flags that
are silenced here are spelled as Keras spells them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__version__ = "3.99"

Values = npt.NDArray[Any]
Initializer = Callable[..., Values]


def make_noise(place: str) -> None:
    """Print as Python, as C and as a child process do."""
    print(f"fake keras prints in {place}", flush=True)
    os.write(1, f"fake keras writes in {place}\n".encode())
    subprocess.run([sys.executable, "-S", "-c", f"print('a child prints in {place}')"], check=True)


def counts(lengths: tuple[int, ...], layer: Conv2D) -> list[tuple[int, int]]:
    """Windows, and cells padded before, of each axis."""
    found = []
    for n, k, s, d in zip(lengths, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True):
        reach = (k - 1) * d + 1
        windows = -(-n // s) if layer.padding == "same" else max((n - reach) // s + 1, 0)
        total = max((windows - 1) * s + reach - n, 0) if layer.padding == "same" else 0
        found.append((windows, total // 2))
    return found


class Conv2D:
    """`keras.layers.Conv2D`, with what the adapter uses of it."""

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        strides: tuple[int, int],
        padding: str,
        data_format: str,
        dilation_rate: tuple[int, int],
        groups: int,
        use_bias: bool,  # noqa: FBT001
        dtype: str,
        kernel_initializer: Initializer = np.zeros,
        bias_initializer: Initializer = np.zeros,
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        if padding.lower() not in {"same", "valid"}:
            raise ValueError(f"The `padding` argument must be one of 'valid', 'same'. Received: {padding}")
        self.filters, self.groups, self.dtype, self.use_bias = filters, groups, dtype, use_bias
        self.kernel_size, self.strides, self.dilation_rate = kernel_size, strides, dilation_rate
        self.padding, self.is_first = padding.lower(), data_format == "channels_first"
        self.initializers = (kernel_initializer, bias_initializer)
        self.input_shape = input_shape
        self.built = False

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, *rest = input_shape
        lengths = tuple(n for n in (rest[1:] if self.is_first else rest[:-1]) if n is not None)
        spatial = [windows for windows, _ in counts(lengths, self)]
        return (batch, self.filters, *spatial) if self.is_first else (batch, *spatial, self.filters)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        make_noise("build")
        channels = input_shape[1 if self.is_first else -1]
        assert channels is not None
        kernel, bias = self.initializers
        self.kernel = kernel((*self.kernel_size, channels // self.groups, self.filters), dtype=self.dtype)
        self.bias = bias((self.filters,), dtype=self.dtype)
        self.built = True

    @property
    def weights(self) -> list[Values]:
        return [self.kernel, *[self.bias] * self.use_bias]

    def get_weights(self) -> list[Values]:
        return self.weights

    def set_weights(self, weights: list[Values]) -> None:
        self.kernel = weights[0]
        if self.use_bias:
            self.bias = weights[1]

    def __call__(self, inputs: Values) -> Values:
        make_noise("call")
        cells = np.moveaxis(inputs, 1, -1) if self.is_first else inputs
        (height, top), (width, left) = counts(cells.shape[1:3], self)
        padded = np.pad(cells, ((0, 0), (top, 99), (left, 99), (0, 0)))
        depth, per_group = self.kernel.shape[2], self.filters // self.groups
        output = np.zeros((len(cells), height, width, self.filters), self.dtype) + self.bias
        for i, j in np.ndindex(*self.kernel_size):
            rows = np.arange(height) * self.strides[0] + i * self.dilation_rate[0]
            columns = np.arange(width) * self.strides[1] + j * self.dilation_rate[1]
            read = padded[:, rows][:, :, columns]
            for group in range(self.groups):
                filters = slice(group * per_group, (group + 1) * per_group)
                channels = slice(group * depth, (group + 1) * depth)
                output[..., filters] += read[..., channels] @ self.kernel[i, j, :, filters]
        output = output.astype(self.dtype)
        return np.moveaxis(output, -1, 1) if self.is_first else output


class Sequential:
    """`keras.models.Sequential` of one layer."""

    def __init__(self, layers: tuple[tuple[int, ...], Conv2D] | None = None) -> None:
        if layers is not None:
            shape, layer = layers
            layer.input_shape = shape
            self.add(layer)

    @property
    def weights(self) -> list[Values]:
        return self.layer.weights

    def get_weights(self) -> list[Values]:
        return self.weights

    def set_weights(self, weights: list[Values]) -> None:
        self.layer.set_weights(weights)

    def add(self, layer: Conv2D) -> None:
        assert layer.input_shape is not None
        self.layer = layer
        layer.build((None, *layer.input_shape))
        self.output_shape = layer.compute_output_shape((None, *layer.input_shape))

    def summary(self, print_fn: Callable[[str], None], **_: int) -> None:
        make_noise("summary")
        count = self.layer.kernel.size + self.layer.use_bias * self.layer.filters
        print_fn('Model: "sequential"')
        print_fn(f" conv2d (Conv2D)  {self.output_shape}  {count:,}")
        print_fn(f" Total params: {count:,} ({4 * count} B)")

    def predict(self, inputs: Values, **_: int) -> Values:
        return self.layer(inputs)


def Input(shape: tuple[int, ...], dtype: str) -> tuple[int, ...]:  # noqa: N802
    """`keras.Input`, of which the shape matters."""
    return shape


class backend:  # noqa: N801
    backend = staticmethod(lambda: "fake")


class initializers:  # noqa: N801
    @staticmethod
    def get(name: str) -> Initializer:
        assert name in {"glorot_uniform", "zeros"}
        return np.zeros


class layers:  # noqa: N801
    Conv2D = Conv2D


class models:  # noqa: N801
    Sequential = Sequential


class ops:  # noqa: N801
    convert_to_numpy = staticmethod(np.asarray)


make_noise("import")
