"""Call layers through a graph, in Keras 1 and in Keras 2 where layers take no arrays.

The layer comes as the arguments of the case, including its name, under the names of Keras 3. `make` passes
them under the names of its Keras, and also returns the weights as the layer stores them.
"""

import os
import tempfile

import keras

from .gradients import make_cotangent
from .layers import ask, predict_model
from .weights import set_weights


def begin_graph():
    """Begin a new graph where there is one."""
    if hasattr(keras.backend, "clear_session"):
        keras.backend.clear_session()


def begin_graph_in_floatx(x):
    """Begin a new graph where there is one, in the float type of the input."""
    begin_graph()
    keras.backend.set_floatx(x.dtype.name)


def name_initializers(name):
    """Return the arguments by which a layer draws its kernels."""
    if name.startswith("Separable"):
        return ["depthwise_initializer", "pointwise_initializer"]
    return ["depthwise_initializer" if name.startswith("Depthwise") else "kernel_initializer"]


def make_layer_of_keras_2(arguments, x, weights, place):
    """Return the layer that the arguments name, and its weights; `place` are arguments beside them."""
    arguments = dict(arguments, **place)
    name = arguments.pop("layer")
    if weights and x.dtype.name == "float16":  # of which CNTK and PlaidML draw no random numbers
        arguments.update((one, "zeros") for one in name_initializers(name))
    return getattr(keras.layers, name)(**arguments), weights


def make_in_keras_2(arguments, x, weights, **place):
    """Return the layer in a new graph, and its weights."""
    begin_graph()
    return make_layer_of_keras_2(arguments, x, weights, place)


def make_in_keras_2_by_floatx(arguments, x, weights, **place):
    """Return the layer in a new graph, and its weights, where layers heed no dtype of their own."""
    begin_graph_in_floatx(x)
    return make_layer_of_keras_2(arguments, x, weights, place)


def infer_layer(layer, shape):
    """Return the shape that a layer infers before it is called; the oldest know no way to."""
    for name in ("compute_output_shape", "get_output_shape_for"):
        if hasattr(layer, name):
            return [getattr(n, "value", n) for n in getattr(layer, name)(shape)]
    return None


def connect_layer(make, arguments, shape, x, weights, claims, give):
    """Return a place for the input, the layer's output, the layer; there is no calling it without a graph."""
    layer, own = make(arguments, x, weights)
    claims.append(ask(lambda: infer_layer(layer, shape)))
    if isinstance(claims[-1], Exception):
        layer, own = make(arguments, x, weights)
    given = keras.layers.Input(batch_shape=x.shape, dtype=arguments.get("dtype", x.dtype.name))
    y = layer(given)
    give(layer, own)
    return given, y, layer


def call_graph(make, arguments, shape, x, weights, claims, give=set_weights):
    """Call a graph of the layer alone."""
    given, y, _ = connect_layer(make, arguments, shape, x, weights, claims, give)
    return [keras.backend.function([given], [y])([x])[0]]


def differentiate_connected(given, y, layer, x):
    """Return the output of a connected layer, and the gradients by the input and the weights."""
    output = keras.backend.function([given], [y])([x])[0]
    total = keras.backend.sum(y * make_cotangent(output).astype(output.dtype))
    gradients = keras.backend.gradients(total, [given, *layer.trainable_weights])
    return [output, *keras.backend.function([given], gradients)([x])]


def differentiate_graph(make, arguments, shape, x, weights, claims):
    """Differentiate a graph of the layer alone."""
    given, y, layer = connect_layer(make, arguments, shape, x, weights, claims, set_weights)
    return differentiate_connected(given, y, layer, x)


def predict_sequential_graph(make, arguments, shape, x, weights, claims, give=set_weights):
    """Predict by a Sequential model of the layer alone."""
    layer, own = make(arguments, x, weights, input_shape=x.shape[1:])
    claims.append(infer_layer(layer, shape))
    model = keras.models.Sequential()
    model.add(layer)
    give(layer, own)
    return predict_model(model, x, claims)


def run_graph_model(
    run, make, arguments, shape, x, weights, claims, give=set_weights, reload=lambda model: model
):
    """Run a Functional model of the layer alone, by default one that was not saved and reloaded."""
    layer, own = make(arguments, x, weights)
    claims.append(infer_layer(layer, shape))
    given = keras.layers.Input(batch_shape=shape, dtype=arguments.get("dtype", x.dtype.name))
    model = keras.models.Model(given, layer(given))
    give(layer, own)
    model = reload(model)
    claims.append(model.output_shape)
    return [run(model, x)]


def evaluate_model(model, x):
    """Evaluate the graph of a model, which knows the lengths that the model does."""
    return keras.backend.function(model.inputs, model.outputs)([x])[0]


def reload_model_by_hdf5(model):
    """Save a model as HDF5, and load it."""
    model.compile("sgd", "mse")  # the oldest save no other
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.h5")
        model.save(path)
        return keras.models.load_model(path)
