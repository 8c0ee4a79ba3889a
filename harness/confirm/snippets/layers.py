"""Call layers on arrays, in Keras 3 and in Keras 2 on TensorFlow 2."""

import keras
import numpy as np

from .weights import set_weights


def to_numpy(y):
    """Return the numbers of a tensor."""
    if hasattr(keras, "ops"):  # Keras 3
        return np.asarray(keras.ops.convert_to_numpy(y))
    return y.numpy() if hasattr(y, "numpy") else np.asarray(y)


def ask(question):
    """Return the answer, or the error that is raised instead."""
    try:
        return question()
    except Exception as error:
        return error


def build_layer(make, shape, weights, claims):
    """Return a built layer that was asked for its output's shape before; a new one if that raised."""
    layer = make()
    claims.append(ask(lambda: layer.compute_output_shape(shape)))
    if isinstance(claims[-1], Exception):
        layer = make()
    layer.build(shape)
    set_weights(layer, weights)
    return layer


def call_layer(make, shape, x, weights, claims):
    """Call the layer on the input."""
    layer = build_layer(make, shape, weights, claims)
    return [to_numpy(layer(x))]


def predict_model(model, x, claims):
    """Predict the input as one batch, after the model's claims."""
    claims += [model.output_shape, model.count_params()]
    return [model.predict(x, batch_size=len(x) or None, verbose=0)]


def predict_sequential(make, shape, x, weights, claims):
    """Predict by a Sequential model of the layer alone."""
    layer = make()
    claims.append(layer.compute_output_shape(shape))
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer])
    set_weights(model, weights)
    return predict_model(model, x, claims)


def predict_sequential_of_keras_2(make, shape, x, weights, claims):
    """Predict by a Sequential model of the layer alone, under the names of Keras 2."""
    layer = make()
    claims.append(layer.compute_output_shape(shape))
    given = keras.layers.InputLayer(x.shape[1:], dtype=x.dtype.name)
    model = keras.models.Sequential([given, layer])
    set_weights(model, weights)
    return predict_model(model, x, claims)
