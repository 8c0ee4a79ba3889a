"""Run Functional models, of a layer and in general."""

import os
import tempfile

import keras
import tensorflow as tf
import torch._dynamo

from .layers import to_numpy
from .weights import set_weights


def run_layer_model(run, make, shape, x, weights, claims, reload=lambda model: model):
    """Run a Functional model of the layer alone, by default one that was not saved and reloaded."""
    layer = make()
    claims.append(layer.compute_output_shape(shape))
    given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
    model = keras.Model(given, layer(given))
    set_weights(model, weights)
    model = reload(model)
    claims.append(model.output_shape)
    return [to_numpy(run(model, x))]


def call_model(model, x):
    """Call the model on the input."""
    return model(x)


def call_model_by_signature(model, x):
    """Call a graph of the model that learns the lengths of the batch and of the axes at the call only."""
    unknown = tf.TensorSpec(model.input_shape, x.dtype)
    return tf.function(lambda x: model(x), input_signature=[unknown], autograph=False)(x)


def predict_batch(model, x):
    """Predict a batch by the backend's own graph."""
    model.compile("sgd", "mse", jit_compile=False)
    return model.predict_on_batch(x)


def predict_batch_before_jit(model, x):
    """Predict a batch where `compile` knows no `jit_compile`."""
    model.compile("sgd", "mse")
    return model.predict_on_batch(x)


def predict_batch_by_jit(model, x):
    """Predict a batch by the backend's compiler."""
    model.compile("sgd", "mse", jit_compile=True)
    return model.predict_on_batch(x)


def predict_batch_by_jit_of_torch(model, x):
    """Predict a batch by torch's compiler."""
    torch._dynamo.reset()  # after some models the compiler gives up without a word
    model.compile("sgd", "mse", jit_compile=True)
    return model.predict_on_batch(x)


def reload_model(model):
    """Save a model in Keras's own format, and load it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        return keras.models.load_model(path)
