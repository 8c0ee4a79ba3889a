"""Stand-ins for the backends that adapters call directly: TensorFlow, torch and JAX.

Their gradients are not real: each is filled with the sum of what the output was weighted with.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Values = npt.NDArray[Any]


class Module:
    """`tensorflow.Module`."""


class Tensor(np.ndarray[Any, Any]):
    """A tensor of torch, which knows whether its gradient is wanted."""

    device = "cpu"
    is_wanted = False

    def requires_grad_(self) -> Tensor:
        self.is_wanted = True
        return self


def make_tensor(values: Any, dtype: Any = None) -> Tensor:
    return np.array(values, dtype).view(Tensor)


@dataclass
class Heard:
    """The calls that a backend received."""

    signatures: list[Any] = field(default_factory=list)
    num_resets: int = 0
    num_clearings: int = 0
    unconnected: bool = False

    def gradient(self, source: Values, weighting: Values) -> Values | None:
        return None if self.unconnected else np.full(source.shape, weighting.sum(), weighting.dtype)


def install(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """Replace the three real ones."""
    heard = Heard()
    for name, module in {
        "tensorflow": make_tensorflow(heard),
        "torch": make_torch(heard),
        "torch._dynamo": SimpleNamespace(reset=lambda: setattr(heard, "num_resets", heard.num_resets + 1)),
        "jax": make_jax(heard),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    return heard


def make_tensorflow(heard: Heard) -> Any:
    class GradientTape:
        def __enter__(self) -> GradientTape:
            self.watched: list[Values] = []
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        def watch(self, source: Values) -> None:
            self.watched.append(source)

        def gradient(
            self, output: Values, sources: Sequence[Values], output_gradients: Values
        ) -> list[Values | None]:
            assert [id(source) for source in sources] == [id(source) for source in self.watched]
            assert (output_gradients.shape, output_gradients.dtype) == (output.shape, output.dtype)
            return [heard.gradient(source, output_gradients) for source in sources]

    @dataclass
    class TensorSpec:
        shape: tuple[int | None, ...]
        dtype: str

    def function(
        call: Callable[[Values], Values],
        input_signature: Sequence[TensorSpec],
        autograph: bool,  # noqa: FBT001
    ) -> Callable[[Values], Values]:
        (specification,) = input_signature
        heard.signatures.append(specification.shape)

        def traced(inputs: Values) -> Values:
            assert inputs.dtype.name == specification.dtype
            return call(inputs)

        return traced

    return SimpleNamespace(
        executing_eagerly=lambda: True,
        Module=Module,
        GradientTape=GradientTape,
        TensorSpec=TensorSpec,
        function=function,
        cast=lambda values, dtype: np.asarray(values).astype(dtype),
    )


def make_torch(heard: Heard) -> Any:
    def grad(
        output: Values,
        sources: Sequence[Tensor],
        grad_outputs: Values,
        allow_unused: bool,  # noqa: FBT001
    ) -> list[Values | None]:
        assert all(source.is_wanted for source in sources)
        assert (grad_outputs.shape, grad_outputs.dtype) == (output.shape, output.dtype)
        return [heard.gradient(source, grad_outputs) for source in sources]

    return SimpleNamespace(
        autograd=SimpleNamespace(grad=grad),
        as_tensor=lambda values, dtype, **_: np.asarray(values, dtype),
    )


def make_jax(heard: Heard) -> Any:
    def vjp(
        function: Callable[[Values, list[Values]], Values], inputs: Values, weights: list[Values]
    ) -> tuple[Values, Callable[[Values], tuple[Values | None, list[Values | None]]]]:
        output = function(inputs, weights)

        def pulled_back(weighting: Values) -> tuple[Values | None, list[Values | None]]:
            assert (weighting.shape, weighting.dtype) == (output.shape, output.dtype)
            of_weights = [heard.gradient(weight, weighting) for weight in weights]
            return heard.gradient(inputs, weighting), of_weights

        return output, pulled_back

    def clear_caches() -> None:
        heard.num_clearings += 1

    return SimpleNamespace(vjp=vjp, clear_caches=clear_caches, numpy=SimpleNamespace(asarray=np.asarray))
