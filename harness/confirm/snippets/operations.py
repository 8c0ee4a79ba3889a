"""Call operations of Keras 3 with their weights as arguments."""

import keras

from .layers import ask, to_numpy
from .weights import set_weights


def infer_operation(operation, shape, x, weights):
    """Return the shape that the operation gives for a symbolic input."""
    return operation(keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name), *weights).shape


def call_operation(operation, shape, x, weights, claims):
    """Call the operation on tensors."""
    claims.append(ask(lambda: infer_operation(operation, shape, x, weights)))
    tensors = [keras.ops.convert_to_tensor(one, dtype=one.dtype.name) for one in [x, *weights]]
    return [to_numpy(operation(*tensors))]


def run_operation_model(run, operation, shape, x, weights, claims):
    """Run a Functional model of the operation alone."""
    given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
    y = operation(given, *weights)
    model = keras.Model(given, y)
    claims += [y.shape, model.output_shape]
    return [to_numpy(run(model, x))]


def call_symbolic_model(operation, shape, x, weights, claims):
    """Call a Functional model of the operation alone, whose inputs are the weights, too."""
    given = [keras.Input(batch_shape=one.shape, dtype=one.dtype.name) for one in [x, *weights]]
    y = operation(*given)
    model = keras.Model(given, y)
    claims += [y.shape, model.output_shape]
    return [to_numpy(model([x, *weights]))]


def run_operation_layer_model(run, operation, shape, x, weights, claims):
    """Run a Functional model of a layer that calls the operation with weights of its own."""

    class Calls(keras.layers.Layer):
        def build(self, shape):
            self.own = [self.add_weight(shape=one.shape, initializer="zeros") for one in weights]

        def compute_output_shape(self, shape):
            return infer_operation(operation, shape, x, weights)

        def call(self, x):
            return operation(x, *self.own)

    given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
    layer = Calls(dtype=x.dtype.name)
    model = keras.Model(given, layer(given))
    set_weights(layer, weights)
    claims += [infer_operation(operation, shape, x, weights), model.output_shape]
    return [to_numpy(run(model, x))]
