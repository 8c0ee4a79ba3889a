"""Stand-ins for Keras 2: by graphs, and eager."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.worker.backends import Module
from tests.worker.standins import Asked, Backend, Convolution, Values, make_input, make_models


def make_keras2(
    *,
    backend_name: str = "theano",
    knows_groups: bool = False,
    keeps_dtype: bool = False,
    is_eager: bool = False,
    infers: bool = True,
    prints_summary: bool = False,
) -> Any:
    """Return a Keras 2. `asked` records the calls."""
    backend = Backend(backend_name)
    asked = Asked()

    # A base that is chosen at run time, as TensorFlow 2's own Keras has another than the standalone one.
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
            self.filters_first = filters_first
            self.set_weights([made, *[bias((self.filters,), dtype=dtype)] * self.use_bias])
            self.built = True

        def get_weights(self) -> list[Values]:
            return list(self.weights)

        def set_weights(self, weights: list[Values]) -> None:
            self.weights = self.trainable_weights = weights
            self.kernel = weights[0].transpose(2, 3, 1, 0) if self.filters_first else weights[0]
            self.bias = weights[1] if self.use_bias else np.zeros((), weights[0].dtype)

        if infers:

            def compute_output_shape(self, shape: tuple[int | None, ...]) -> list[Dimension]:
                return [Dimension(length) for length in self.shape_for(shape)]

        def __call__(self, inputs: Any) -> Any:
            if not self.built:
                self.build(inputs.shape)
            return (
                self.computed(inputs)
                if isinstance(inputs, np.ndarray) and is_eager
                else self.in_graph(inputs)
            )

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
    layers["Input"] = make_input
    return SimpleNamespace(
        __version__="2.99",
        asked=asked,
        backend=backend,
        initializers=SimpleNamespace(get={"glorot_uniform": halves, "zeros": zeros}.__getitem__),
        layers=SimpleNamespace(**layers),
        models=make_models(asked, Printing if prints_summary else Handing),
    )


@dataclass(frozen=True)
class Dimension:
    """A length as TensorFlow 1 wraps it."""

    value: int | None


def halves(shape: tuple[int, ...], dtype: str) -> Values:
    """Return halves as Keras's initializer of kernels does; refuse impossible shapes."""
    if min(shape) < 0:
        raise ValueError(f"Keras makes no kernel of {shape}")
    return np.full(shape, 0.5, dtype)


def zeros(shape: tuple[int, ...], dtype: str) -> Values:
    """Return zeros as Keras's initializer of biases does."""
    return np.zeros(shape, dtype)
