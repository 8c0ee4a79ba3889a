"""Parts of scripts: calls by way of a graph, in Keras 1 and in Keras 2 where layers take no arrays."""

from __future__ import annotations

from typing import Final

from harness.report.script_calls import Part

INFER: Final = Part(
    '''\
def infer(layer, shape):
    """Ask a layer for the shape of its output before it is called; the oldest know no way to."""
    for name in ("compute_output_shape", "get_output_shape_for"):
        if hasattr(layer, name):
            return [getattr(n, "value", n) for n in getattr(layer, name)(shape)]
'''
)

IN_A_GRAPH: Final = Part(
    '''\
def in_a_graph(arguments, shape, x, weights):
    """There is no calling a layer without a graph: a model of it predicts."""
    if keras.backend.backend() == "tensorflow":
        keras.backend.clear_session()
    keras.backend.set_floatx(x.dtype.name)
    arguments.pop("dtype", None)
    name = arguments.pop("layer")
    if weights and name.startswith("Conv") and keras.backend.backend() == "mxnet":
        # set_weights fails there in float64; channels_first kernels lie as (filters, channels, rows, columns)
        if arguments.get("data_format") == "channels_first":
            weights = [np.moveaxis(weights[0], (-1, -2), (0, 1))] + weights[1:]
        names = ["kernel_initializer", "bias_initializer"]
        arguments.update((name, lambda shape, dtype=None, w=w: w) for name, w in zip(names, weights))
        weights = []
    layer = getattr(keras.layers, name)(input_shape=x.shape[1:], **arguments)
    inferred = infer(layer, shape)
    model = keras.models.Sequential()
    model.add(layer)
    give(model, weights)
    said = [inferred, model.output_shape if shape[0] is None else None, model.count_params()]
    return [model.predict(x, batch_size=len(x))], said
''',
    ("give", "infer"),
)

KERAS_1: Final = Part(
    '''\
def in_a_graph(arguments, shape, x, weights):
    """There is no calling a layer without a graph: a model of it predicts. Keras 1 has names of its own."""
    keras.backend.set_floatx(x.dtype.name)
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
    inferred = infer(layer, shape)
    model = keras.models.Sequential()
    model.add(layer)
    if first and weights:  # kernels lie as (filters, channels, rows, columns)
        weights = [np.transpose(weights[0], (3, 2, 0, 1))] + weights[1:]
    give(model, weights)
    said = [inferred, model.output_shape if shape[0] is None else None, model.count_params()]
    model.compile("sgd", "mse")
    return [model.predict(x, batch_size=len(x))], said
''',
    ("give", "infer"),
)
