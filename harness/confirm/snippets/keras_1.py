"""Make layers of Keras 1, which has its own names and layouts, and calls that differ from Keras 2."""

import keras
import numpy as np

from .graphs import begin_graph_in_floatx, connect_layer, differentiate_connected, infer_layer
from .layers import predict_model
from .weights import set_weights


def name_older_arguments(stem, axes):
    """Return the names that Keras 1 has for arguments of a layer, such as Conv of 2D."""
    older = {"padding": "border_mode", "use_bias": "bias", "dilation_rate": "atrous_rate"}
    if axes == "1D":
        strides = "subsample_length" if stem == "Conv" else "stride"
        return dict(older, pool_size="pool_length", strides=strides)
    strides = "subsample" if stem == "Conv" else "strides"
    return dict(older, data_format="dim_ordering", pool_size="pool_size", strides=strides)


def translate_arguments(stem, axes, arguments):
    """Return the arguments as Keras 1 takes them; a dilation of 1 is none."""
    older = name_older_arguments(stem, axes)
    written = {older[key]: value for key, value in arguments.items() if key in older}
    if axes == "1D":
        written = {key: one[0] if isinstance(one, (tuple, list)) else one for key, one in written.items()}
    if "dim_ordering" in written:
        written["dim_ordering"] = {"channels_first": "th", "channels_last": "tf"}[written["dim_ordering"]]
    if written.get("atrous_rate") in (None, 1, (1,) * int(axes[0]), [1] * int(axes[0])):
        written.pop("atrous_rate", None)
    return written


def make_in_keras_1(arguments, x, weights, **place):
    """Return the layer in a new graph, and its weights as it keeps them."""
    begin_graph_in_floatx(x)
    stem, axes = arguments["layer"][:-2], arguments["layer"][-2:]
    written = translate_arguments(stem, axes, arguments)
    sizes = arguments.get("kernel_size", ())
    lengths = sizes if isinstance(sizes, (tuple, list)) else [sizes]
    filters = [arguments["filters"]] if "filters" in arguments else []
    name = stem.replace("Conv", "Convolution") + axes
    make = getattr(keras.layers, "Atrous" + name if "atrous_rate" in written else name)
    layer = make(*filters, *lengths, **dict(written, **place))
    return layer, [keep_kernel(layer, one) if one.ndim > 1 else one for one in weights]


def keep_kernel(layer, kernel):
    """Return a kernel as Keras 1 keeps it: one axis with a 1 beside; th order as (filters, channels, ...)."""
    if kernel.ndim > 3:
        return np.moveaxis(kernel, (-1, -2), (0, 1)) if layer.dim_ordering == "th" else kernel
    if keras.__version__.startswith("1.0."):
        return np.moveaxis(kernel, (-1, -2), (0, 1))[..., None]
    return kernel[:, None]


def restore_kernel(layer, kernel):
    """Return what `keep_kernel` made of a kernel as it was."""
    if kernel.ndim == 5 or hasattr(layer, "dim_ordering"):
        return np.moveaxis(kernel, (0, 1), (-1, -2)) if layer.dim_ordering == "th" else kernel
    if keras.__version__.startswith("1.0."):
        return np.moveaxis(kernel[..., 0], (0, 1), (-1, -2))
    return kernel[:, 0]


def differentiate_graph_of_keras_1(make, arguments, shape, x, weights, claims):
    """Differentiate a graph of the layer alone, kernels in the layout of later versions."""
    given, y, layer = connect_layer(make, arguments, shape, x, weights, claims, set_weights)
    output, of_input, *rest = differentiate_connected(given, y, layer, x)
    return [output, of_input, *(restore_kernel(layer, one) if one.ndim > 1 else one for one in rest)]


def predict_sequential_graph_of_keras_1(make, arguments, shape, x, weights, claims):
    """Predict by a Sequential model of the layer alone, which has to be compiled."""
    layer, own = make(arguments, x, weights, input_shape=x.shape[1:])
    claims.append(infer_layer(layer, shape))
    model = keras.models.Sequential()
    model.add(layer)
    set_weights(layer, own)
    model.compile("sgd", "mse")
    return predict_model(model, x, claims)
