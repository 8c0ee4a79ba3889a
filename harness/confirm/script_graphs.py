"""Parts of scripts: calls by way of a graph, in Keras 1 and in Keras 2 where layers take no arrays.

What is called comes as the arguments that the case writes, the layer's name among them, under the names of
Keras 3. `made` says them in the words of the generation, and gives the weights as its layers keep them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from harness.confirm import script_calls
from harness.confirm.script_calls import Part
from harness.confirm.script_gradients import COTANGENT

INFER: Final = Part(
    '''\
def infer(layer, shape):
    """Ask a layer for the shape of its output before it is called; the oldest know no way to."""
    for name in ("compute_output_shape", "get_output_shape_for"):
        if hasattr(layer, name):
            return [getattr(n, "value", n) for n in getattr(layer, name)(shape)]
'''
)

MADE_KERAS_2: Final = Part(
    '''\
def made(arguments, x, weights, **place):
    """The layer in a new graph, and its weights as it keeps them."""
    begin(x)
    arguments = dict(arguments, **place)
    name = arguments.pop("layer")
    if weights and x.dtype.name == "float16":  # of which CNTK and PlaidML draw no random numbers
        arguments.update((kernel, "zeros") for kernel in kernels_of(name))
    return getattr(keras.layers, name)(**arguments), weights
''',
    ("begin", "kernels_of"),
)

KERNELS_OF: Final = Part(
    '''\
def kernels_of(name):
    """What gives a layer its kernels."""
    if name.startswith("Separable"):
        return ["depthwise_initializer", "pointwise_initializer"]
    return ["depthwise_initializer" if name.startswith("Depthwise") else "kernel_initializer"]
'''
)

MADE_MXNET: Final = Part(
    '''\
def made(arguments, x, weights, **place):
    """The layer in a new graph, and its weights as it keeps them: in channels_first with the taps last."""
    begin(x)
    arguments = dict(arguments, **place)
    name = arguments.pop("layer")
    kernels = kernels_of(name)
    if arguments.get("data_format") == "channels_first":
        # (filters, channels, taps), and a depthwise kernel (channels, depth_multiplier, taps)
        axes = [(-2, -1) if "depthwise" in kernel else (-1, -2) for kernel in kernels]
        moved = [np.moveaxis(w, ends, (0, 1)) for w, ends in zip(weights, axes)]
        weights = moved + weights[len(moved):]
    if x.dtype.name != "float32":
        arguments.update((key, fixed(w)) for key, w in zip(kernels + ["bias_initializer"], weights))
    return getattr(keras.layers, name)(**arguments), weights
''',
    ("begin", "fixed", "kernels_of"),
)

FIXED: Final = Part(
    '''\
def fixed(weight):
    """An initializer that gives this weight; a model is saved with its name, and loaded with Keras's own."""
    def zeros(shape, dtype=None):
        return weight if tuple(shape) == weight.shape else np.zeros(shape)
    return zeros
'''
)

GIVE_MXNET: Final = Part(
    script_calls.GIVE.text.replace(
        "    layer.set",
        '    if weights[0].dtype == "float32":  # no other can be set\n        layer.set',
    ),
    script_calls.GIVE.needs,
)

BEGIN: Final = Part(
    '''\
def begin(x):
    """Begin a new graph where there is one."""
    if hasattr(keras.backend, "clear_session"):
        keras.backend.clear_session()
'''
)

BEGIN_BY_FLOATX: Final = Part(
    BEGIN.text.replace("where there is one.", "where there is one, in the float type of the input.")
    + "    keras.backend.set_floatx(x.dtype.name)\n"
)

MADE_KERAS_1: Final = Part(
    '''\
def made(arguments, x, weights, **place):
    """The layer of Keras 1, which has names of its own, and its weights as it keeps them."""
    begin(x)
    name, axes = arguments["layer"][:-2], arguments["layer"][-2:]
    older = dict(padding="border_mode", use_bias="bias", dilation_rate="atrous_rate")
    if axes != "1D":
        older.update(data_format="dim_ordering", pool_size="pool_size")
        older["strides"] = "subsample" if name == "Conv" else "strides"
    else:
        older.update(pool_size="pool_length", strides="subsample_length" if name == "Conv" else "stride")
    written = {older[key]: value for key, value in arguments.items() if key in older}
    if axes == "1D":
        written = {key: v[0] if isinstance(v, (tuple, list)) else v for key, v in written.items()}
    if "dim_ordering" in written:
        written["dim_ordering"] = {"channels_first": "th", "channels_last": "tf"}[written["dim_ordering"]]
    if written.get("atrous_rate") in (None, 1, (1,) * int(axes[0]), [1] * int(axes[0])):
        written.pop("atrous_rate", None)
    sizes = arguments.get("kernel_size", ())
    lengths = list(sizes) if isinstance(sizes, (tuple, list)) else [sizes]
    filters = [arguments["filters"]] if "filters" in arguments else []
    full = name.replace("Conv", "Convolution") + axes
    make = getattr(keras.layers, "Atrous" + full if "atrous_rate" in written else full)
    layer = make(*filters, *lengths, **dict(written, **place))
    return layer, [kept(layer, w) if w.ndim > 1 else w for w in weights]
''',
    ("begin", "kept"),
)

KEPT: Final = Part(
    '''\
def kept(layer, kernel):
    """A kernel as Keras 1 keeps it: of one axis with a 1 beside; in th order (filters, channels, ...)."""
    if kernel.ndim > 3:
        return np.moveaxis(kernel, (-1, -2), (0, 1)) if layer.dim_ordering == "th" else kernel
    if keras.__version__.startswith("1.0."):
        return np.moveaxis(kernel, (-1, -2), (0, 1))[..., None]
    return kernel[:, None]
'''
)

BACK: Final = Part(
    '''\
def back(layer, kernel):
    """The inverse of `kept`."""
    if kernel.ndim == 5 or hasattr(layer, "dim_ordering"):
        return np.moveaxis(kernel, (0, 1), (-1, -2)) if layer.dim_ordering == "th" else kernel
    if keras.__version__.startswith("1.0."):
        return np.moveaxis(kernel[..., 0], (0, 1), (-1, -2))
    return kernel[:, 0]
'''
)

CALLED: Final = Part(
    '''\
def called(arguments, shape, x, weights, told):
    """There is no calling a layer without a graph: a place for the input, the layer's output, the layer."""
    layer, own = made(arguments, x, weights)
    told.append(asked(lambda: infer(layer, shape)))
    if isinstance(told[-1], Exception):
        layer, own = made(arguments, x, weights)
    given = keras.layers.Input(batch_shape=x.shape, dtype=arguments.get("dtype", x.dtype.name))
    y = layer(given)
    give(layer, own)
    return given, y, layer
''',
    ("made", "asked", "infer", "give"),
)

EAGER: Final = Part(
    """\
def eager(arguments, shape, x, weights, told):
    given, y, layer = called(arguments, shape, x, weights, told)
    return [keras.backend.function([given], [y])([x])[0]]
""",
    ("called",),
)

GRADIENT: Final = Part(
    """\
def gradient(arguments, shape, x, weights, told):
    given, y, layer = called(arguments, shape, x, weights, told)
    output = keras.backend.function([given], [y])([x])[0]
    total = keras.backend.sum(y * cotangent(output).astype(output.dtype))
    gradients = keras.backend.gradients(total, [given] + list(layer.trainable_weights))
    return [output] + keras.backend.function([given], gradients)([x])
""",
    ("called", "cotangent"),
)

GRADIENT_KERAS_1: Final = Part(
    """\
def gradient(arguments, shape, x, weights, told):
    given, y, layer = called(arguments, shape, x, weights, told)
    output = keras.backend.function([given], [y])([x])[0]
    total = keras.backend.sum(y * cotangent(output).astype(output.dtype))
    gradients = keras.backend.gradients(total, [given] + list(layer.trainable_weights))
    of_input, *rest = keras.backend.function([given], gradients)([x])
    return [output, of_input] + [back(layer, g) if g.ndim > 1 else g for g in rest]
""",
    ("called", "cotangent", "back"),
)

SEQUENTIAL: Final = Part(
    """\
def sequential(arguments, shape, x, weights, told):
    layer, weights = made(arguments, x, weights, input_shape=x.shape[1:])
    told.append(infer(layer, shape))
    model = keras.models.Sequential()
    model.add(layer)
    give(layer, weights)
    told += [model.output_shape, model.count_params()]
    return [model.predict(x, batch_size=len(x) or None, verbose=0)]
""",
    ("made", "infer", "give"),
)

SEQUENTIAL_KERAS_1: Final = Part(
    SEQUENTIAL.text.replace("    told +=", '    model.compile("sgd", "mse")\n    told +='), SEQUENTIAL.needs
)

LAYER_MODEL: Final = Part(
    '''\
def layer_model(run, reload=lambda model: model):
    """A Functional model of the layer alone, run so, after `reload`."""
    def how(arguments, shape, x, weights, told):
        layer, weights = made(arguments, x, weights)
        told.append(infer(layer, shape))
        given = keras.layers.Input(batch_shape=shape, dtype=arguments.get("dtype", x.dtype.name))
        model = keras.models.Model(given, layer(given))
        give(layer, weights)
        model = reload(model)
        told.append(model.output_shape)
        return [run(model, x)]
    return how
''',
    ("made", "infer", "give"),
)

INFERRED: Final = Part(
    """\
def inferred(model, x):
    return keras.backend.function(model.inputs, model.outputs)([x])[0]
"""
)

DYNAMIC: Final = Part(
    '''\
def dynamic(model, x):
    """The graph knows the lengths of the batch and of the axes at the call only."""
    return keras.backend.function(model.inputs, model.outputs)([x])[0]
'''
)

COMPILED: Final = Part(
    """\
def compiled(model, x):
    model.compile("sgd", "mse")
    return model.predict_on_batch(x)
"""
)

RELOADED: Final = Part(
    """\
def reloaded(model):
    model.compile("sgd", "mse")  # the oldest save no other
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.h5")
        model.save(path)
        return keras.models.load_model(path)
""",
    (),
    ("import os", "import tempfile"),
)

_OF_BOTH: Final = {
    "begin": BEGIN_BY_FLOATX,
    "infer": INFER,
    "called": CALLED,
    "eager": EAGER,
    "layer_model": LAYER_MODEL,
    "inferred": INFERRED,
    "compiled": COMPILED,
    "dynamic": DYNAMIC,
    "reloaded": RELOADED,
}

KERAS_2: Final = MappingProxyType(
    {
        **_OF_BOTH,
        "kernels_of": KERNELS_OF,
        "made": MADE_KERAS_2,
        "sequential": SEQUENTIAL,
        "cotangent": COTANGENT,
        "gradient": GRADIENT,
    }
)
"""The parts of Keras 2, by their names; where layers do not compute in their own `dtype`, by `floatx`."""

KERAS_2_BY_DTYPE: Final = MappingProxyType({**KERAS_2, "begin": BEGIN})
"""The parts of Keras 2 where layers compute in their own `dtype`."""

MXNET: Final = MappingProxyType({**KERAS_2, "give": GIVE_MXNET, "fixed": FIXED, "made": MADE_MXNET})
"""The parts of Keras 2 on MXNet, by their names."""

KERAS_1: Final = MappingProxyType(
    {
        **_OF_BOTH,
        "kept": KEPT,
        "made": MADE_KERAS_1,
        "sequential": SEQUENTIAL_KERAS_1,
        "cotangent": COTANGENT,
        "back": BACK,
        "gradient": GRADIENT_KERAS_1,
    }
)
"""The parts of Keras 1, by their names."""
