"""Stand-alone scripts: the call of a case as a person would write it, and what the formula says.

A script needs NumPy and the Keras it is about, nothing of the harness, and runs on Python 3.6. It
shares no code with the adapters of the worker, on purpose: where both give the same wrong answer,
the answer is Keras's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from harness.generator.signals import signals_of
from harness.records import Api, Array, Case, Expectation, Mode, TargetRun

_HEAD: Final = '''\
"""{title}

Calls Keras by hand and compares with the formula. The environment that it was seen in:

{environment}
"""
import numpy as np
{imports}

def array(dtype, shape, numbers):
    return np.array(numbers.split(), dtype).reshape(shape)

def give(layer, weights):
    """Set the weights; what must be refused has no weights of the right shape, and keeps its own."""
    if weights:
        layer.set_weights(weights)

def infer(layer, x):
    """Ask a layer for the shape of its output before it is called; the oldest know no way to."""
    for name in ("compute_output_shape", "get_output_shape_for"):
        if hasattr(layer, name):
            return getattr(layer, name)(x.shape)

{call}

def check(name, arguments, x, weights, expected):
    """Print what the call gives, and how it differs from the formula."""
    try:
        y = np.asarray(call(arguments, x, weights))
    except Exception as error:
        text = " ".join(str(error).split())
        print("\\n@ {{}}\\traised\\t{{}}\\t{{}}".format(name, type(error).__name__, text), flush=True)
        return
    if expected is None:
        what, where = "returned", "shape {{}}".format(y.shape)
    elif y.shape != expected.shape:
        what, where = "shape", "{{}}, the formula says {{}}".format(y.shape, expected.shape)
    elif y.dtype != expected.dtype:
        what, where = "dtype", "{{}}, not {{}}".format(y.dtype, expected.dtype)
    else:
        wrong = ~(np.abs(y.astype("float64") - expected.astype("float64")) < 0.25)
        what, where = "same", ""
        if wrong.any():
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            what = "value" if np.isfinite(y).all() else "nonfinite"
            where = "{{}} of {{}} wrong, first at {{}}: {{}}, the formula says {{}}".format(
                wrong.sum(), wrong.size, first, y[first], expected[first]
            )
    print("\\n@ {{}}\\t{{}}\\t{{}}\\t".format(name, what, where), flush=True)

'''

_IMPORTS: Final = {
    Api.KERAS: "import keras\n",
    Api.KERAS_MXNET: "import keras\n",
    Api.TF_KERAS: "import tensorflow as tf\n\nkeras = tf.keras\n",
    Api.TF_KERAS_PACKAGE: "import tf_keras as keras\n",
    Api.PLAIDML_KERAS: "import plaidml.keras\n\nplaidml.keras.install_backend()\nimport keras\n",
}

_CALL_KERAS_3: Final = """\
def call(arguments, x, weights):
    predicted = arguments.pop("predicted")
    layer = keras.layers.Conv2D(**arguments)
    infer(layer, x)
    if predicted:
        model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer])
        give(model, weights)
        return model.predict(x, batch_size=len(x), verbose=0)
    layer.build(x.shape)
    give(layer, weights)
    return keras.ops.convert_to_numpy(layer(x))
"""

_CALL_EAGERLY: Final = """\
def call(arguments, x, weights):
    predicted = arguments.pop("predicted")
    if arguments["groups"] == 1:  # older layers know no groups
        arguments.pop("groups")
    layer = keras.layers.Conv2D(**arguments)
    infer(layer, x)
    if predicted:
        model = keras.models.Sequential([keras.layers.InputLayer(x.shape[1:], dtype=x.dtype.name), layer])
        give(model, weights)
        return model.predict(x, batch_size=len(x))
    layer.build(x.shape)
    give(layer, weights)
    return layer(x)
"""

_CALL_IN_A_GRAPH: Final = '''\
def call(arguments, x, weights):
    """There is no calling a layer without a graph: a model of it predicts."""
    if keras.backend.backend() == "tensorflow":
        keras.backend.clear_session()
    keras.backend.set_floatx(arguments.pop("dtype"))
    arguments.pop("predicted")
    if arguments["groups"] == 1:  # older layers know no groups
        arguments.pop("groups")
    if weights and keras.backend.backend() == "mxnet":
        # set_weights fails there in float64; channels_first kernels lie as (filters, channels, rows, columns)
        if arguments["data_format"] == "channels_first":
            weights = [np.transpose(weights[0], (3, 2, 0, 1))] + weights[1:]
        names = ["kernel_initializer", "bias_initializer"]
        arguments.update((name, lambda shape, dtype=None, w=w: w) for name, w in zip(names, weights))
        weights = []
    layer = keras.layers.Conv2D(input_shape=x.shape[1:], **arguments)
    infer(layer, x)
    model = keras.models.Sequential()
    model.add(layer)
    give(model, weights)
    return model.predict(x, batch_size=len(x))
'''

_CALL_KERAS_1: Final = '''\
def call(arguments, x, weights):
    """There is no calling a layer without a graph: a model of it predicts. Keras 1 has names of its own."""
    keras.backend.set_floatx(arguments["dtype"])
    first = arguments["data_format"] == "channels_first"
    names = dict(
        border_mode=arguments["padding"],
        subsample=arguments["strides"],
        dim_ordering="th" if first else "tf",
        bias=arguments["use_bias"],
        input_shape=x.shape[1:],
    )
    convolution = keras.layers.Convolution2D
    if arguments["dilation_rate"] != (1, 1):
        convolution, names["atrous_rate"] = keras.layers.AtrousConvolution2D, arguments["dilation_rate"]
    rows, columns = arguments["kernel_size"]
    layer = convolution(arguments["filters"], rows, columns, **names)
    infer(layer, x)
    model = keras.models.Sequential()
    model.add(layer)
    if first and weights:  # kernels lie as (filters, channels, rows, columns)
        weights = [np.transpose(weights[0], (3, 2, 0, 1))] + weights[1:]
    give(model, weights)
    model.compile("sgd", "mse")
    return model.predict(x, batch_size=len(x))
'''


def script(target: TargetRun, cases: Iterable[tuple[Case, Expectation]]) -> str:
    """A script that calls each case on the target's Keras and prints a line for each.

    A line is `@ CASE`, what came (`same`, `value`, `nonfinite`, `shape`, `dtype`, `returned` where the
    case must be refused, `raised`), where, and an error's text, with tabs between.

    Args:
        target: what the calls were observed on.
        cases: with the formula's answers.
    """
    head = _HEAD.format(
        title=f"{target.name}, without keras-harness.",
        environment="\n".join(f"    {line}" for line in _environment(target)),
        imports=_IMPORTS[Api(target.api)],
        call=_call_of(target),
    )
    return head + "".join(_block(case, expectation) for case, expectation in cases)


def _call_of(target: TargetRun) -> str:
    """How this generation of Keras is called: TensorFlow 2 runs eagerly, and Keras since 2.4 with it."""
    generation = _numbers(target.fingerprint.get("keras", target.version))
    if generation < (2,):
        return _CALL_KERAS_1
    if generation >= (3,):
        return _CALL_KERAS_3
    if target.api == Api.KERAS and generation < (2, 4):
        return _CALL_IN_A_GRAPH
    is_tensorflow_2 = _numbers(target.fingerprint.get("backend_version", "")) >= (2,)
    return _CALL_EAGERLY if target.backend == "tensorflow" and is_tensorflow_2 else _CALL_IN_A_GRAPH


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _environment(target: TargetRun) -> Iterator[str]:
    """Commands that make an environment like the target's."""
    if target.requires:
        yield f"uv venv --python {target.python} env"
        yield "uv pip install --python env " + shlex.join(target.requires)
    if target.overlay:
        yield "uv pip install --python env --no-deps " + shlex.join(target.overlay)
    flags = [
        f"{name}={shlex.quote(value.replace('{home}', '.'))}" for name, value in target.variables.items()
    ]
    yield " ".join(("env", *flags, "env/bin/python", "SCRIPT"))


def _block(case: Case, expectation: Expectation) -> str:
    signals = signals_of(case)
    arguments = {
        "filters": case.filters,
        "kernel_size": case.kernel,
        "strides": case.strides,
        "padding": case.padding,
        "data_format": case.data_format.value,
        "dilation_rate": case.dilation,
        "groups": case.groups,
        "use_bias": case.bias,
        "dtype": case.dtype,
        "predicted": case.mode is Mode.SEQUENTIAL,
    }
    weights = [signals.kernel] if signals.bias is None else [signals.kernel, signals.bias]
    expected = None if expectation.values is None else expectation.values.astype(expectation.dtype)
    words = "" if expected is None else ",\n        ".join(map(_array, weights))
    return (
        f"check(\n    {case.id!r},\n    dict("
        + ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        + f"),\n    {_array(signals.inputs)},\n    [{words}],\n    {_array(expected)},\n)\n"
    )


def _array(values: Array | None) -> str:
    """Exact data as Python: they are integers, whatever their dtype."""
    if values is None:
        return "None"
    numbers = " ".join(str(int(number)) for number in values.ravel())
    return f"array({values.dtype.name!r}, {values.shape}, {numbers!r})"
