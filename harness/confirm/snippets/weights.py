"""Set the weights of layers and models."""

import keras


class WrongWeights(Exception):
    """A layer built weights of other shapes than the formula's."""


def demand_shapes(layer, weights):
    """Demand that a layer has built weights of the shapes of these."""
    variables = layer.weights if hasattr(keras, "ops") else layer.get_weights()
    built, right = ([tuple(one.shape) for one in arrays] for arrays in (variables, weights))
    if built != right:
        raise WrongWeights(f"{built}, the formula says {right}")


def set_weights(layer, weights):
    """Set the weights; what must be refused has no weights of the right shape, and keeps its own."""
    if weights:
        demand_shapes(layer, weights)
        layer.set_weights(weights)


def set_weights_of_float32(layer, weights):
    """Set the weights where they are of float32; MXNet sets no other, and got them as initial ones."""
    if weights:
        demand_shapes(layer, weights)
        if weights[0].dtype == "float32":
            layer.set_weights(weights)
