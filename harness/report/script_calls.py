"""Parts of scripts: calls where layers take arrays, in Keras 3 and in Keras 2 on TensorFlow 2.

Python 3.6, in which a person calls Keras. Every way of calling takes what makes the layer, the shape that the
layer is told beforehand, the input and the weights. It gives what came (the output, then the gradients),
and what was said before: the shape that the layer inferred, the shape of the model's output, the number of
parameters.
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
    built, right = ([tuple(w.shape) for w in all_of] for all_of in (layer.get_weights(), weights))
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
    return np.asarray(y)
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
def fresh(make, shape):
    """A layer, and what it says of its output's shape; another one where that raised an error."""
    layer = make()
    inferred = asked(lambda: layer.compute_output_shape(shape))
    return make() if isinstance(inferred, Exception) else layer, inferred
''',
    ("asked",),
)

EAGER: Final = Part(
    """\
def eager(make, shape, x, weights):
    layer, inferred = fresh(make, shape)
    layer.build(shape)
    give(layer, weights)
    return [numbers(layer(x))], [inferred]
""",
    ("fresh", "give", "numbers"),
)

EAGER_OP: Final = Part(
    """\
def eager_op(op, shape, x, weights):
    inferred = asked(lambda: infer_op(op, shape, x, weights))
    tensors = [keras.ops.convert_to_tensor(one) for one in [x] + weights]
    return [numbers(op(*tensors))], [inferred]
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
def sequential(make, shape, x, weights):
    layer = make()
    inferred = layer.compute_output_shape(shape)
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer])
    give(model, weights)
    said = [inferred, model.output_shape, model.count_params()]
    return [model.predict(x, batch_size=len(x) or None, verbose=0)], said
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
def layer_model(run):
    """A Functional model of the layer alone, run so."""
    def how(make, shape, x, weights):
        layer = make()
        inferred = layer.compute_output_shape(shape)
        given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
        model = keras.Model(given, layer(given))
        give(model, weights)
        return [numbers(run(model, x))], [inferred, model.output_shape]
    return how
''',
    ("give", "numbers"),
)

OP_MODEL: Final = Part(
    '''\
def op_model(run):
    """A Functional model of the operation alone, run so."""
    def how(op, shape, x, weights):
        given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
        y = op(given, *weights)
        model = keras.Model(given, y)
        return [numbers(run(model, x))], [y.shape, model.output_shape]
    return how
''',
    ("numbers",),
)

SYMBOLIC_OP: Final = Part(
    '''\
def symbolic_op(op, shape, x, weights):
    """A Functional model of the operation alone, whose inputs are the weights, too."""
    given = [keras.Input(batch_shape=one.shape, dtype=one.dtype.name) for one in [x] + weights]
    y = op(*given)
    model = keras.Model(given, y)
    return [numbers(model([x] + weights))], [y.shape, model.output_shape]
''',
    ("numbers",),
)

OP_LAYER_MODEL: Final = Part(
    '''\
def op_layer_model(run):
    """A Functional model of a layer that calls the operation with weights of its own, run so."""
    def how(op, shape, x, weights):
        class Calls(keras.layers.Layer):
            def build(self, shape):
                self.own = [self.add_weight(shape=w.shape) for w in weights]
            def compute_output_shape(self, shape):
                return infer_op(op, shape, x, weights)
            def call(self, x):
                return op(x, *self.own)
        given = keras.Input(shape[1:], batch_size=shape[0], dtype=x.dtype.name)
        layer = Calls(dtype=x.dtype.name)
        model = keras.Model(given, layer(given))
        give(layer, weights)
        return [numbers(run(model, x))], [infer_op(op, shape, x, weights), model.output_shape]
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
def reloaded(model, x):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        return keras.models.load_model(path)(x)
""",
    (),
    ("import os", "import tempfile"),
)
