"""The names of layers and arguments in Keras 1."""

from typing import Any, Dict, List, Tuple

from .generation import Unsupported

DIM_ORDERINGS = {"channels_first": "th", "channels_last": "tf"}
"""Keras 1's names of the data formats."""

LAYERS = {"Conv": "Convolution", "MaxPooling": "MaxPooling", "AveragePooling": "AveragePooling"}
"""Keras 1's names of layers, before the number of axes; its depthwise and transposed ones are others."""

DILATED = "Atrous{}"
"""Keras 1's name of a dilated layer."""

NAMES = {
    "padding": "border_mode",
    "use_bias": "bias",
    "data_format": "dim_ordering",
    "dilation_rate": "atrous_rate",
}
"""Keras 1's names of arguments, the same for every layer that has them."""

NAMES_BY_LAYER = {
    "Convolution1D": {"strides": "subsample_length"},
    "Convolution2D": {"strides": "subsample"},
    "Convolution3D": {"strides": "subsample"},
    "MaxPooling1D": {"strides": "stride", "pool_size": "pool_length"},
    "AveragePooling1D": {"strides": "stride", "pool_size": "pool_length"},
}
"""Keras 1's names of further arguments; those not listed kept their name."""


def translate_layer(
    layer: str, version: str, arguments: Dict[str, Any]
) -> Tuple[str, List[int], Dict[str, Any]]:
    """Return the older name of a layer, its positional arguments and its keywords, from those of Keras 3.

    Raises Unsupported for a layer or an argument without an older name.
    """
    stem, axes = layer[:-2], layer[-2:]
    if stem not in LAYERS:
        raise Unsupported("Keras {} has no {}".format(version, layer))
    name = LAYERS[stem] + axes
    label = "{} of Keras {}".format(layer, version)
    untranslated = {argument: value for argument, value in arguments.items() if argument != "dtype"}
    if untranslated.pop("groups", 1) != 1:
        raise Unsupported("{} has no argument groups".format(label))
    if axes == "1D" and untranslated.pop("data_format", "channels_last") != "channels_last":
        raise Unsupported("{} has no argument data_format".format(label))
    positional = [untranslated.pop("filters")] if "filters" in untranslated else []
    positional += list_lengths(untranslated.pop("kernel_size", ()))
    if set(list_lengths(untranslated.get("dilation_rate", 1))) == {1}:
        untranslated.pop("dilation_rate", None)
    names = dict(NAMES, **NAMES_BY_LAYER.get(name, {}))
    keywords = {}
    for argument, value in untranslated.items():
        keywords[names.get(argument, argument)] = translate_value(label, axes, argument, value)
    return (DILATED.format(name) if "dilation_rate" in untranslated else name), positional, keywords


def translate_value(label: str, axes: str, argument: str, value: Any) -> Any:
    """Return the value of an argument: a layout by its older name, lengths of one axis as an integer."""
    if argument == "data_format":
        return DIM_ORDERINGS[value]
    if argument not in {"strides", "pool_size", "dilation_rate"}:
        return value
    if axes == "1D":
        (length,) = list_lengths(value)
        return length
    if isinstance(value, int):
        raise Unsupported("{} takes no single integer as {}".format(label, argument))
    return value


def list_lengths(value: Any) -> List[int]:
    """Return one integer for each axis, or a single one for all."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
