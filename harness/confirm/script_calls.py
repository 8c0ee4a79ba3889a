"""Parts of scripts: calls where layers take arrays, in Keras 3 and in Keras 2 on TensorFlow 2.

Python 3.6, in which a person calls Keras. Every way of calling takes what makes the layer, the shape that the
layer is told beforehand, the input, the weights, and a list that gets what is told before the call: the
shape that the layer inferred, the shape of the model's output, the number of parameters. It gives what came:
the output, then the gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Part:
    """The text of a part, the parts that it calls, and what it imports."""

    text: str
    needs: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


ARRAY: Final = Part(
    """\
def array(dtype, shape, numbers):
    return np.array(numbers.split(), "float64").astype(dtype).reshape(shape)
"""
)

ARRAY_OF_TENSORFLOW: Final = Part(
    """\
def array(dtype, shape, numbers):
    dtype = tf.bfloat16.as_numpy_dtype if dtype == "bfloat16" else dtype
    return np.array(numbers.split(), "float64").astype(dtype).reshape(shape)
""",
    (),
    ("import tensorflow as tf",),
)

ARRAY_OF_NUMPY: Final = Part(
    """\
def array(dtype, shape, numbers):
    dtype = "float32" if dtype == "bfloat16" else dtype  # of which NumPy knows nothing
    return np.array(numbers.split(), "float64").astype(dtype).reshape(shape)
"""
)

WRONG_WEIGHTS: Final = Part(
    '''\
class WrongWeights(Exception):
    """A layer built weights of other shapes than the formula's."""
'''
)

GIVE: Final = Part(
    '''\
def give(layer, weights):
    """Set the weights; what must be refused has no weights of the right shape, and keeps its own."""
    if not weights:
        return
    variables = layer.weights if hasattr(keras, "ops") else layer.get_weights()
    built, right = ([tuple(w.shape) for w in all_of] for all_of in (variables, weights))
    if built != right:
        raise WrongWeights("{}, the formula says {}".format(built, right))
    layer.set_weights(weights)
''',
    ("wrong_weights",),
)

NUMBERS: Final = Part(
    """\
def numbers(y):
    return np.asarray(keras.ops.convert_to_numpy(y))
"""
)

NUMBERS_KERAS_2: Final = Part(
    """\
def numbers(y):
    return y.numpy() if hasattr(y, "numpy") else np.asarray(y)
"""
)

ASKED: Final = Part(
    '''\
def asked(ask):
    """What is said when it is asked for, or the error that is raised instead."""
    try:
        return ask()
    except Exception as error:
        return error
'''
)

FRESH: Final = Part(
    '''\
def fresh(make, shape, told):
    """A layer that was asked for its output's shape; another one where that raised an error."""
    layer = make()
    told.append(asked(lambda: layer.compute_output_shape(shape)))
    return make() if isinstance(told[-1], Exception) else layer
''',
    ("asked",),
)

EAGER: Final = Part(
    """\
def eager(make, shape, x, weights, told):
    layer = fresh(make, shape, told)
    layer.build(shape)
    give(layer, weights)
    return [numbers(layer(x))]
""",
    ("fresh", "give", "numbers"),
)

EAGER_OP: Final = Part(
    """\
def eager_op(op, shape, x, weights, told):
    told.append(asked(lambda: infer_op(op, shape, x, weights)))
    tensors = [keras.ops.convert_to_tensor(one, dtype=one.dtype.name) for one in [x] + weights]
    return [numbers(op(*tensors))]
""",
    ("asked", "infer_op", "numbers"),
)

INFER_OP: Final = Part(
    """\
def infer_op(op, shape, x, weights):
    return op(keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name), *weights).shape
"""
)

SEQUENTIAL: Final = Part(
    """\
def sequential(make, shape, x, weights, told):
    layer = make()
    told.append(layer.compute_output_shape(shape))
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer])
    give(model, weights)
    told += [model.output_shape, model.count_params()]
    return [model.predict(x, batch_size=len(x) or None, verbose=0)]
""",
    ("give",),
)

SEQUENTIAL_KERAS_2: Final = Part(
    SEQUENTIAL.text.replace(
        "keras.Sequential([keras.Input(", "keras.models.Sequential([keras.layers.InputLayer("
    ),
    ("give",),
)

LAYER_MODEL: Final = Part(
    '''\
def layer_model(run, reload=lambda model: model):
    """A Functional model of the layer alone, run so, after `reload`."""
    def how(make, shape, x, weights, told):
        layer = make()
        told.append(layer.compute_output_shape(shape))
        given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
        model = keras.Model(given, layer(given))
        give(model, weights)
        model = reload(model)
        told.append(model.output_shape)
        return [numbers(run(model, x))]
    return how
''',
    ("give", "numbers"),
)

OP_MODEL: Final = Part(
    '''\
def op_model(run):
    """A Functional model of the operation alone, run so."""
    def how(op, shape, x, weights, told):
        given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
        y = op(given, *weights)
        model = keras.Model(given, y)
        told += [y.shape, model.output_shape]
        return [numbers(run(model, x))]
    return how
''',
    ("numbers",),
)

SYMBOLIC_OP: Final = Part(
    '''\
def symbolic_op(op, shape, x, weights, told):
    """A Functional model of the operation alone, whose inputs are the weights, too."""
    given = [keras.Input(batch_shape=one.shape, dtype=one.dtype.name) for one in [x] + weights]
    y = op(*given)
    model = keras.Model(given, y)
    told += [y.shape, model.output_shape]
    return [numbers(model([x] + weights))]
''',
    ("numbers",),
)

OP_LAYER_MODEL: Final = Part(
    '''\
def op_layer_model(run):
    """A Functional model of a layer that calls the operation with weights of its own, run so."""
    def how(op, shape, x, weights, told):
        class Calls(keras.layers.Layer):
            def build(self, shape):
                self.own = [self.add_weight(shape=w.shape, initializer="zeros") for w in weights]
            def compute_output_shape(self, shape):
                return infer_op(op, shape, x, weights)
            def call(self, x):
                return op(x, *self.own)
        given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
        layer = Calls(dtype=x.dtype.name)
        model = keras.Model(given, layer(given))
        give(layer, weights)
        told += [infer_op(op, shape, x, weights), model.output_shape]
        return [numbers(run(model, x))]
    return how
''',
    ("give", "infer_op", "numbers"),
)

INFERRED: Final = Part(
    """\
def inferred(model, x):
    return model(x)
"""
)

COMPILED: Final = Part(
    """\
def compiled(model, x):
    model.compile("sgd", "mse", jit_compile=False)
    return model.predict_on_batch(x)
"""
)

COMPILED_BEFORE_JIT: Final = Part(COMPILED.text.replace(", jit_compile=False", ""))

JIT: Final = Part(
    """\
def jit(model, x):
    model.compile("sgd", "mse", jit_compile=True)
    return model.predict_on_batch(x)
"""
)

JIT_TORCH: Final = Part(
    """\
def jit(model, x):
    torch._dynamo.reset()  # after some models the compiler gives up without a word
    model.compile("sgd", "mse", jit_compile=True)
    return model.predict_on_batch(x)
""",
    (),
    ("import torch._dynamo",),
)

DYNAMIC: Final = Part(
    '''\
def dynamic(model, x):
    """The model knows the lengths of the batch and of the axes at the call only."""
    return model(x)
'''
)

DYNAMIC_TENSORFLOW: Final = Part(
    '''\
def dynamic(model, x):
    """The model, and the graph of it, know the lengths of the batch and of the axes at the call only."""
    unknown = tf.TensorSpec(model.input_shape, x.dtype)
    return tf.function(lambda x: model(x), input_signature=[unknown], autograph=False)(x)
''',
    (),
    ("import tensorflow as tf",),
)

RELOADED: Final = Part(
    """\
def reloaded(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        return keras.models.load_model(path)
""",
    (),
    ("import os", "import tempfile"),
)
