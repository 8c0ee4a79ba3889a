"""Make layers of Keras 2 on MXNet, which stores and accepts weights in its own way."""

import keras
import numpy as np

from .graphs import begin_graph_in_floatx, name_initializers


def move_taps_last(weights, initializers):
    """Return weights with each kernel's taps last: (filters, channels, taps).

    A depthwise kernel becomes (channels, depth_multiplier, taps).
    """
    axes = [(-2, -1) if "depthwise" in name else (-1, -2) for name in initializers]
    moved = [np.moveaxis(kernel, ends, (0, 1)) for kernel, ends in zip(weights, axes)]
    return moved + weights[len(moved) :]


def make_initializer(weight):
    """Return an initializer that gives this weight."""

    # A model is saved with the name of the function, and loaded with Keras's own of that name.
    def zeros(shape, dtype=None):
        return weight if tuple(shape) == weight.shape else np.zeros(shape)

    return zeros


def make_in_mxnet(arguments, x, weights, **place):
    """Return the layer in a new graph, and its weights as it keeps them: taps last in channels_first."""
    begin_graph_in_floatx(x)
    arguments = dict(arguments, **place)
    name = arguments.pop("layer")
    initializers = name_initializers(name)
    if arguments.get("data_format") == "channels_first":
        weights = move_taps_last(weights, initializers)
    if x.dtype.name != "float32":
        pairs = zip([*initializers, "bias_initializer"], weights)
        arguments.update((key, make_initializer(weight)) for key, weight in pairs)
    return getattr(keras.layers, name)(**arguments), weights
