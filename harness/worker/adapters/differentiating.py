"""Gradients of L = sum(output * cotangent), of the input first, then of each weight in Keras's order."""

import importlib
from typing import Any, Callable, List, Sequence, Tuple

import numpy as np


class Unconnected(Exception):
    """A missing gradient, where the output depends on the input and on each weight."""


def compute_cotangent(shape: Sequence[int], dtype: Any) -> Any:
    """Return the array that an output is multiplied with: integers from -3 to 3, never 0.

    The element of C-order index i is h - 3 where h < 3, else h - 2, with h = (31*i*i + 17*i + 5) % 251 % 6.
    """
    index = np.arange(int(np.prod([int(length) for length in shape], dtype=np.int64)), dtype=np.int64)
    scattered = (31 * index * index + 17 * index + 5) % 251 % 6
    values = np.where(scattered < 3, scattered - 3, scattered - 2)
    return values.reshape([int(length) for length in shape]).astype(dtype)


def differentiate_by_tensorflow(
    call: Callable[[Any], Any], inputs: Any, weights: Sequence[Any]
) -> Tuple[Any, List[Any]]:
    """Return output and gradients by a gradient tape. `call` uses the weights: tensors or variables."""
    tensorflow = importlib.import_module("tensorflow")
    with tensorflow.GradientTape() as tape:
        for source in (inputs, *weights):
            tape.watch(source)
        output = call(inputs)
    weighting = tensorflow.cast(compute_cotangent(output.shape, "float32"), output.dtype)
    return output, require_connected(tape.gradient(output, [inputs, *weights], output_gradients=weighting))


def differentiate_by_torch(
    call: Callable[[Any], Any], inputs: Any, weights: Sequence[Any]
) -> Tuple[Any, List[Any]]:
    """Return output and gradients by the autograd graph of the call. `call` uses the weights."""
    torch = importlib.import_module("torch")
    sources = [inputs, *weights]
    for source in sources:
        source.requires_grad_()
    output = call(inputs)
    weighting = torch.as_tensor(
        compute_cotangent(output.shape, "float32"), dtype=output.dtype, device=output.device
    )
    return output, require_connected(
        torch.autograd.grad(output, sources, grad_outputs=weighting, allow_unused=True)
    )


def differentiate_by_jax(
    function: Callable[[Any, List[Any]], Any], inputs: Any, weights: Sequence[Any]
) -> Tuple[Any, List[Any]]:
    """Return output and gradients by the vector-Jacobian product of a function of input and weights."""
    jax = importlib.import_module("jax")
    output, pulled_back = jax.vjp(function, inputs, list(weights))
    of_inputs, of_weights = pulled_back(
        jax.numpy.asarray(compute_cotangent(output.shape, "float32"), output.dtype)
    )
    return output, require_connected([of_inputs, *of_weights])


def require_connected(gradients: Sequence[Any]) -> List[Any]:
    """Return the gradients as a list. Raises Unconnected where one is missing."""
    missing = [position for position, gradient in enumerate(gradients) if gradient is None]
    if missing:
        names = [
            "of the input" if position == 0 else "of weight {}".format(position - 1) for position in missing
        ]
        raise Unconnected(
            "there is no gradient {}: the output is not connected to it".format(", ".join(names))
        )
    return list(gradients)
