"""Parts of scripts: gradients of sum(output * cotangent), by the means of each backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.confirm.script_calls import Part

COTANGENT: Final = Part(
    '''\
def cotangent(y):
    """What the cells of the output weigh in the sum that is differentiated: integers from -3 to 3, none 0."""
    i = np.arange(np.prod([int(n) for n in y.shape]))
    h = (31 * i * i + 17 * i + 5) % 251 % 6
    return np.where(h < 3, h - 3, h - 2).reshape(y.shape)
'''
)

GRADIENT_TENSORFLOW: Final = """\
def gradient(make, shape, x, weights, told):
    layer = fresh(make, shape, told)
    layer.build(shape)
    give(layer, weights)
    sources = [tf.constant(x)] + [%(variable)s for v in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(sources[0])
        y = layer(sources[0])
        total = tf.reduce_sum(y * tf.cast(cotangent(y), y.dtype))
    return [numbers(one) for one in [y] + tape.gradient(total, sources)]
"""

GRADIENT_OP_TENSORFLOW: Final = Part(
    """\
def gradient_op(op, shape, x, weights, told):
    told.append(asked(lambda: infer_op(op, shape, x, weights)))
    sources = [tf.constant(one) for one in [x] + weights]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y = op(*sources)
        total = tf.reduce_sum(y * tf.cast(cotangent(y), y.dtype))
    return [numbers(one) for one in [y] + tape.gradient(total, sources)]
""",
    ("asked", "infer_op", "numbers", "cotangent"),
    ("import tensorflow as tf",),
)

GRADIENT_JAX: Final = Part(
    """\
def gradient(make, shape, x, weights, told):
    layer = fresh(make, shape, told)
    layer.build(shape)
    give(layer, weights)
    def total(x, *weights):
        y, _ = layer.stateless_call(weights, [], x)
        return (y * cotangent(y).astype(y.dtype)).sum(), y
    sources = [jax.numpy.asarray(x)] + [v.value for v in layer.trainable_weights]
    gradients, y = jax.grad(total, tuple(range(len(sources))), has_aux=True)(*sources)
    return [numbers(one) for one in (y,) + gradients]
""",
    ("fresh", "give", "numbers", "cotangent"),
    ("import jax",),
)

GRADIENT_OP_JAX: Final = Part(
    """\
def gradient_op(op, shape, x, weights, told):
    told.append(asked(lambda: infer_op(op, shape, x, weights)))
    def total(*sources):
        y = op(*sources)
        return (y * cotangent(y).astype(y.dtype)).sum(), y
    sources = [jax.numpy.asarray(one) for one in [x] + weights]
    gradients, y = jax.grad(total, tuple(range(len(sources))), has_aux=True)(*sources)
    return [numbers(one) for one in (y,) + gradients]
""",
    ("asked", "infer_op", "numbers", "cotangent"),
    ("import jax",),
)

GRADIENT_TORCH: Final = Part(
    """\
def gradient(make, shape, x, weights, told):
    layer = fresh(make, shape, told)
    layer.build(shape)
    give(layer, weights)
    sources = [keras.ops.convert_to_tensor(x).requires_grad_()] + [v.value for v in layer.trainable_weights]
    y = layer(sources[0])
    (y * torch.as_tensor(cotangent(y)).to(y)).sum().backward()
    return [numbers(one) for one in [y] + [one.grad for one in sources]]
""",
    ("fresh", "give", "numbers", "cotangent"),
    ("import torch",),
)

GRADIENT_OP_TORCH: Final = Part(
    """\
def gradient_op(op, shape, x, weights, told):
    told.append(asked(lambda: infer_op(op, shape, x, weights)))
    sources = [keras.ops.convert_to_tensor(one).requires_grad_() for one in [x] + weights]
    y = op(*sources)
    (y * torch.as_tensor(cotangent(y)).to(y)).sum().backward()
    return [numbers(one) for one in [y] + [one.grad for one in sources]]
""",
    ("asked", "infer_op", "numbers", "cotangent"),
    ("import torch",),
)


def gradients(backend: str, variable: str) -> Mapping[str, Part]:
    """The parts by their names; none for a backend that does not differentiate.

    Args:
        backend: what computes.
        variable: code for TensorFlow's variable behind the weight `v` of a layer.
    """
    of_layer = Part(
        GRADIENT_TENSORFLOW % {"variable": variable},
        ("fresh", "give", "numbers", "cotangent"),
        ("import tensorflow as tf",),
    )
    found = {
        "tensorflow": (of_layer, GRADIENT_OP_TENSORFLOW),
        "jax": (GRADIENT_JAX, GRADIENT_OP_JAX),
        "torch": (GRADIENT_TORCH, GRADIENT_OP_TORCH),
    }.get(backend)
    if found is None:
        return {}
    return {"cotangent": COTANGENT, "gradient": found[0], "gradient_op": found[1]}
