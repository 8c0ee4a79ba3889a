"""Stand-ins for Keras 1 and 2, with what the adapters use of them.

They compute `Conv2D` rightly, tell what they were asked in `asked`, and refuse what the real ones
refuse: a layer that was written for graphs takes no array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
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


def keras1(*, atrous: bool = True) -> Any:
    """Keras 1 on Theano. `asked` tells what it was asked."""
    backend = Backend()
    asked = Asked()

    class Convolution2D(Convolution):
        def __init__(self, nb_filter: int, nb_row: int, nb_col: int, **more: Any) -> None:
            asked.layers.append((type(self).__name__, more))
            if more["border_mode"] not in {"same", "valid"}:
                # As Keras 1.0 does.
                raise Exception("Invalid border mode for Convolution2D:", more["border_mode"])  # noqa: TRY002
            self.filters, self.size = nb_filter, (nb_row, nb_col)
            self.padding, self.strides = more["border_mode"], more["subsample"]
            self.dim_ordering, self.is_first = more["dim_ordering"], more["dim_ordering"] == "th"
            self.dilation = more.get("atrous_rate", (1, 1))
            self.use_bias, self.input_shape = more["bias"], more.get("input_shape")

        def build(self, shape: tuple[Any, ...]) -> None:
            channels = shape[1 if self.is_first else -1]
            first, last = (self.filters, channels, *self.size), (*self.size, channels, self.filters)
            self.W_shape = first if self.is_first else last
            if self.filters < 0:
                raise ValueError("negative filters, says Keras")
            self.W: Values = np.zeros(self.W_shape, backend.floatx())
            self.b: Values = np.zeros(self.filters, backend.floatx())

        def set_weights(self, weights: list[Values]) -> None:
            assert [weight.shape for weight in weights] == [
                self.W.shape,
                *[self.b.shape] * self.use_bias,
            ]
            self.W = weights[0].astype(self.W.dtype)
            if self.use_bias:
                self.b = weights[1].astype(self.b.dtype)

        def get_output_shape_for(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
            return self.shape_for(shape)

        def computed(self, inputs: Values) -> Values:
            self.kernel = self.W.transpose(2, 3, 1, 0) if self.is_first else self.W
            self.bias = self.b
            return super().computed(inputs)

        def __call__(self, inputs: Any) -> Placeholder:
            if not self.built:
                self.build(inputs.shape)
                self.built = True
            return self.in_graph(inputs)

    class AtrousConvolution2D(Convolution2D):
        pass

    class Sequential:
        def add(self, layer: Convolution2D) -> None:
            assert layer.input_shape is not None
            self.layer = layer
            layer(Placeholder((None, *layer.input_shape), backend.floatx()))  # type: ignore[arg-type]
            self.output_shape = layer.shape_for((None, *layer.input_shape))

        def summary(self, line_length: int) -> None:
            assert line_length == 100
            count = self.layer.W.size + self.layer.use_bias * self.layer.filters
            print(f"convolution2d_1 (Convolution2D)  {self.output_shape}  {count}\nTotal params: {count}")

        def compile(self, optimizer: str, loss: str) -> None:
            asked.compiled.append((optimizer, loss))

        def predict(self, inputs: Values, batch_size: int, verbose: int) -> Values:
            assert asked.compiled, "You must compile your model before using it."
            assert verbose == 0
            asked.predicted.append(batch_size)
            return self.layer.computed(inputs)

    layers: dict[str, Any] = {"Convolution2D": Convolution2D, "Input": given_input}
    if atrous:
        layers["AtrousConvolution2D"] = AtrousConvolution2D
    return SimpleNamespace(
        __version__="1.2.2",
        asked=asked,
        backend=backend,
        layers=SimpleNamespace(**layers),
        models=SimpleNamespace(Sequential=Sequential),
    )


class Module:
    """`tensorflow.Module`."""


def keras2(
    *,
    backend_name: str = "theano",
    knows_groups: bool = False,
    keeps_dtype: bool = False,
    is_eager: bool = False,
    infers: bool = True,
    prints_summary: bool = False,
) -> Any:
    """Keras 2. `asked` tells what it was asked."""
    backend = Backend(backend_name)
    asked = Asked()

    class Layer(Module if is_eager else object):  # type: ignore[misc]
        pass

    class Conv2D(Convolution, Layer):
        def __init__(
            self,
            filters: int,
            kernel_size: Any,
            strides: tuple[int, int] = (1, 1),
            padding: str = "valid",
            data_format: str = "channels_last",
            dilation_rate: tuple[int, int] = (1, 1),
            *,
            use_bias: bool = True,
            kernel_initializer: Any = None,
            bias_initializer: Any = None,
            **more: Any,
        ) -> None:
            asked.layers.append(("Conv2D", more))
            if padding.lower() not in {"same", "valid"}:
                raise ValueError(
                    f"The `padding` argument must be one of 'valid', 'same'. Received: {padding}"
                )
            self.filters = filters
            self.size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
            self.padding, self.strides, self.dilation = padding.lower(), strides, dilation_rate
            self.is_first = data_format == "channels_first"
            self.use_bias, self.initializers = use_bias, (kernel_initializer, bias_initializer)
            self.dtype = more["dtype"] if keeps_dtype else None
            self.input_shape = more.get("input_shape")

        def build(self, shape: tuple[Any, ...]) -> None:
            channels = shape[1 if self.is_first else -1]
            dtype = self.dtype or backend.floatx()
            kernel, bias = self.initializers[0] or halves, self.initializers[1] or zeros
            filters_first = self.is_first and backend_name == "mxnet"
            first, last = (self.filters, channels, *self.size), (*self.size, channels, self.filters)
            made = kernel(first if filters_first else last, dtype=dtype)
            self.kernel = made.transpose(2, 3, 1, 0) if filters_first else made
            self.bias = bias((self.filters,), dtype=dtype) if self.use_bias else np.zeros((), dtype)
            self.weights = [self.kernel]
            self.built = True

        if infers:

            def compute_output_shape(self, shape: tuple[int | None, ...]) -> list[Dimension]:
                return [Dimension(length) for length in self.shape_for(shape)]

        def __call__(self, inputs: Any) -> Any:
            assert self.built
            return self.computed(inputs) if is_eager else self.in_graph(inputs)

    class Grouped(Conv2D):
        def __init__(self, *arguments: Any, groups: int = 1, **more: Any) -> None:
            super().__init__(*arguments, **more)
            asked.layers[-1][1]["groups"] = groups

    class Sequential:
        def add(self, layer: Conv2D) -> None:
            assert layer.input_shape is not None
            self.layer = layer
            layer.build((None, *layer.input_shape))
            self.output_shape = layer.shape_for((None, *layer.input_shape))

        def predict(self, inputs: Values, batch_size: int, verbose: int) -> Values:
            assert verbose == 0
            asked.predicted.append(batch_size)
            return self.layer.computed(inputs)

        def lines(self) -> list[str]:
            count = self.layer.kernel.size + self.layer.use_bias * self.layer.filters
            return [f"conv2d_1 (Conv2D)  {self.output_shape}  {count}", f"Total params: {count}"]

    class Printing(Sequential):
        def summary(self, line_length: int) -> None:
            assert line_length == 100
            print("\n".join(self.lines()))

    class Handing(Sequential):
        def summary(self, line_length: int, print_fn: Callable[..., None]) -> None:
            assert line_length == 100
            print("this is printed besides")
            for line in self.lines():
                print_fn(line, line_break=False)

    layers: dict[str, Any] = {"Conv2D": Grouped if knows_groups else Conv2D, "Layer": Layer}
    if not is_eager:
        layers["Input"] = given_input
    return SimpleNamespace(
        __version__="2.99",
        asked=asked,
        backend=backend,
        initializers=SimpleNamespace(get={"glorot_uniform": halves, "zeros": zeros}.__getitem__),
        layers=SimpleNamespace(**layers),
        models=SimpleNamespace(Sequential=Printing if prints_summary else Handing),
    )


@dataclass(frozen=True)
class Dimension:
    """A length as TensorFlow 1 wraps it."""

    value: int | None


def halves(shape: tuple[int, ...], dtype: str) -> Values:
    """Keras's initializer of kernels, which says so when it is asked for what cannot be."""
    if min(shape) < 0:
        raise ValueError(f"Keras makes no kernel of {shape}")
    return np.full(shape, 0.5, dtype)


def zeros(shape: tuple[int, ...], dtype: str) -> Values:
    """Keras's initializer of biases."""
    return np.zeros(shape, dtype)
