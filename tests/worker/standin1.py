"""A stand-in for Keras 1 on Theano."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.worker.standins import Asked, Backend, Convolution, Placeholder, Values, make_input, make_models


def make_keras1(*, atrous: bool = True) -> Any:
    """Return Keras 1 on Theano. `asked` records the calls."""
    backend = Backend()
    asked = Asked()

    class Convolution2D(Convolution):
        def __init__(self, nb_filter: int, nb_row: int, nb_col: int, **more: Any) -> None:
            asked.layers.append((type(self).__name__, more))
            if more["border_mode"] not in {"same", "valid"}:
                # As Keras 1.0 does.
                # Keras 1 raises the bare class.
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

        @property
        def trainable_weights(self) -> list[Values]:
            return [self.W, *[self.b] * self.use_bias]

        def get_weights(self) -> list[Values]:
            return self.trainable_weights

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
            # Keras 1 asks for a batch that is None, the stand-in's placeholder for numbers.
            layer(Placeholder((None, *layer.input_shape), backend.floatx()))
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

    layers: dict[str, Any] = {"Convolution2D": Convolution2D, "Input": make_input}
    if atrous:
        layers["AtrousConvolution2D"] = AtrousConvolution2D
    return SimpleNamespace(
        __version__="1.2.2",
        asked=asked,
        backend=backend,
        layers=SimpleNamespace(**layers),
        models=make_models(asked, Sequential),
    )
