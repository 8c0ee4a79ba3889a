"""Differentiate sum(output * cotangent) by the means of each backend."""

import jax
import keras
import numpy as np
import tensorflow as tf
import torch

from .layers import ask, build_layer, to_numpy
from .operations import infer_operation


def make_cotangent(y):
    """Return what the cells of the output weigh in the sum: integers from -3 to 3, none 0."""
    i = np.arange(np.prod([int(n) for n in y.shape]))
    h = (31 * i * i + 17 * i + 5) % 251 % 6
    return np.where(h < 3, h - 3, h - 2).reshape(y.shape)


def record_on_tape(layer, x, variables):
    """Return a layer's output and its gradients by the input and the variables, of TensorFlow's tape."""
    sources = [tf.constant(x), *variables]
    with tf.GradientTape() as tape:
        tape.watch(sources[0])
        y = layer(sources[0])
        total = tf.reduce_sum(y * tf.cast(make_cotangent(y), y.dtype))
    return [to_numpy(one) for one in [y, *tape.gradient(total, sources)]]


def differentiate_by_tensorflow(make, shape, x, weights, claims):
    """Differentiate the layer by the input and the weights."""
    layer = build_layer(make, shape, weights, claims)
    return record_on_tape(layer, x, [one.value for one in layer.trainable_weights])


def differentiate_keras_2_by_tensorflow(make, shape, x, weights, claims):
    """Differentiate the layer by the input and the weights, which are TensorFlow's own variables."""
    layer = build_layer(make, shape, weights, claims)
    return record_on_tape(layer, x, layer.trainable_weights)


def differentiate_by_jax(make, shape, x, weights, claims):
    """Differentiate the layer by the input and the weights."""
    layer = build_layer(make, shape, weights, claims)

    def compute_total(x, *weights):
        y, _ = layer.stateless_call(weights, [], x)
        return (y * make_cotangent(y).astype(y.dtype)).sum(), y

    sources = [jax.numpy.asarray(x), *(one.value for one in layer.trainable_weights)]
    gradients, y = jax.grad(compute_total, tuple(range(len(sources))), has_aux=True)(*sources)
    return [to_numpy(one) for one in [y, *gradients]]


def differentiate_by_torch(make, shape, x, weights, claims):
    """Differentiate the layer by the input and the weights."""
    layer = build_layer(make, shape, weights, claims)
    given = keras.ops.convert_to_tensor(x).requires_grad_()
    sources = [given, *(one.value for one in layer.trainable_weights)]
    y = layer(given)
    (y * torch.as_tensor(make_cotangent(y)).to(y)).sum().backward()
    return [to_numpy(one) for one in [y, *(one.grad for one in sources)]]


def differentiate_operation_by_tensorflow(operation, shape, x, weights, claims):
    """Differentiate the operation by the input and the weights."""
    claims.append(ask(lambda: infer_operation(operation, shape, x, weights)))
    sources = [tf.constant(one) for one in [x, *weights]]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y = operation(*sources)
        total = tf.reduce_sum(y * tf.cast(make_cotangent(y), y.dtype))
    return [to_numpy(one) for one in [y, *tape.gradient(total, sources)]]


def differentiate_operation_by_jax(operation, shape, x, weights, claims):
    """Differentiate the operation by the input and the weights."""
    claims.append(ask(lambda: infer_operation(operation, shape, x, weights)))

    def compute_total(*sources):
        y = operation(*sources)
        return (y * make_cotangent(y).astype(y.dtype)).sum(), y

    sources = [jax.numpy.asarray(one) for one in [x, *weights]]
    gradients, y = jax.grad(compute_total, tuple(range(len(sources))), has_aux=True)(*sources)
    return [to_numpy(one) for one in [y, *gradients]]


def differentiate_operation_by_torch(operation, shape, x, weights, claims):
    """Differentiate the operation by the input and the weights."""
    claims.append(ask(lambda: infer_operation(operation, shape, x, weights)))
    sources = [keras.ops.convert_to_tensor(one).requires_grad_() for one in [x, *weights]]
    y = operation(*sources)
    (y * torch.as_tensor(make_cotangent(y)).to(y)).sum().backward()
    return [to_numpy(one) for one in [y, *(one.grad for one in sources)]]
