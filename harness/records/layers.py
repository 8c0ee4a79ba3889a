"""What each layer and operation of the family is: what it computes, on how many axes, with which arguments.

Source: the signatures of `keras.layers` and `keras.ops` of Keras 3.15.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Layer(StrEnum):
    """The Keras layer, or the operation of `keras.ops`, that a case calls."""

    CONV1D = "Conv1D"
    CONV2D = "Conv2D"
    CONV3D = "Conv3D"
    DEPTHWISE_CONV1D = "DepthwiseConv1D"
    DEPTHWISE_CONV2D = "DepthwiseConv2D"
    SEPARABLE_CONV1D = "SeparableConv1D"
    SEPARABLE_CONV2D = "SeparableConv2D"
    CONV1D_TRANSPOSE = "Conv1DTranspose"
    CONV2D_TRANSPOSE = "Conv2DTranspose"
    CONV3D_TRANSPOSE = "Conv3DTranspose"
    MAX_POOLING1D = "MaxPooling1D"
    MAX_POOLING2D = "MaxPooling2D"
    MAX_POOLING3D = "MaxPooling3D"
    AVERAGE_POOLING1D = "AveragePooling1D"
    AVERAGE_POOLING2D = "AveragePooling2D"
    AVERAGE_POOLING3D = "AveragePooling3D"
    OPS_CONV = "ops.conv"
    OPS_DEPTHWISE_CONV = "ops.depthwise_conv"
    OPS_SEPARABLE_CONV = "ops.separable_conv"
    OPS_CONV_TRANSPOSE = "ops.conv_transpose"
    OPS_MAX_POOL = "ops.max_pool"
    OPS_AVERAGE_POOL = "ops.average_pool"


class Kind(StrEnum):
    """What a layer computes, whatever the number of its axes."""

    CONVOLUTION = "convolution"
    DEPTHWISE = "depthwise"
    SEPARABLE = "separable"
    TRANSPOSE = "transpose"
    MAX_POOLING = "max-pooling"
    AVERAGE_POOLING = "average-pooling"


class Argument(StrEnum):
    """An argument under its name in Keras."""

    FILTERS = "filters"
    KERNEL_SIZE = "kernel_size"
    POOL_SIZE = "pool_size"
    STRIDES = "strides"
    PADDING = "padding"
    OUTPUT_PADDING = "output_padding"
    DATA_FORMAT = "data_format"
    DILATION_RATE = "dilation_rate"
    GROUPS = "groups"
    DEPTH_MULTIPLIER = "depth_multiplier"
    USE_BIAS = "use_bias"
    DTYPE = "dtype"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a layer computes, the numbers of spatial axes that it takes, and its arguments."""

    kind: Kind
    ndims: tuple[int, ...]
    arguments: frozenset[Argument]


_WINDOWS = frozenset({Argument.STRIDES, Argument.PADDING, Argument.DATA_FORMAT})
_TAPS = _WINDOWS | {Argument.DILATION_RATE}
_LAYER = frozenset({Argument.DTYPE})
_KERNEL = _LAYER | _TAPS | {Argument.KERNEL_SIZE, Argument.USE_BIAS}
_CONVOLUTION = _KERNEL | {Argument.FILTERS, Argument.GROUPS}
_DEPTHWISE = _KERNEL | {Argument.DEPTH_MULTIPLIER}
_SEPARABLE = _KERNEL | {Argument.FILTERS, Argument.DEPTH_MULTIPLIER}
_TRANSPOSE = _KERNEL | {Argument.FILTERS, Argument.OUTPUT_PADDING}
_POOL = _WINDOWS | {Argument.POOL_SIZE}

SIGNATURES: Final[Mapping[Layer, Signature]] = MappingProxyType(
    {
        Layer.CONV1D: Signature(Kind.CONVOLUTION, (1,), _CONVOLUTION),
        Layer.CONV2D: Signature(Kind.CONVOLUTION, (2,), _CONVOLUTION),
        Layer.CONV3D: Signature(Kind.CONVOLUTION, (3,), _CONVOLUTION),
        Layer.DEPTHWISE_CONV1D: Signature(Kind.DEPTHWISE, (1,), _DEPTHWISE),
        Layer.DEPTHWISE_CONV2D: Signature(Kind.DEPTHWISE, (2,), _DEPTHWISE),
        Layer.SEPARABLE_CONV1D: Signature(Kind.SEPARABLE, (1,), _SEPARABLE),
        Layer.SEPARABLE_CONV2D: Signature(Kind.SEPARABLE, (2,), _SEPARABLE),
        Layer.CONV1D_TRANSPOSE: Signature(Kind.TRANSPOSE, (1,), _TRANSPOSE),
        Layer.CONV2D_TRANSPOSE: Signature(Kind.TRANSPOSE, (2,), _TRANSPOSE),
        Layer.CONV3D_TRANSPOSE: Signature(Kind.TRANSPOSE, (3,), _TRANSPOSE),
        Layer.MAX_POOLING1D: Signature(Kind.MAX_POOLING, (1,), _POOL | _LAYER),
        Layer.MAX_POOLING2D: Signature(Kind.MAX_POOLING, (2,), _POOL | _LAYER),
        Layer.MAX_POOLING3D: Signature(Kind.MAX_POOLING, (3,), _POOL | _LAYER),
        Layer.AVERAGE_POOLING1D: Signature(Kind.AVERAGE_POOLING, (1,), _POOL | _LAYER),
        Layer.AVERAGE_POOLING2D: Signature(Kind.AVERAGE_POOLING, (2,), _POOL | _LAYER),
        Layer.AVERAGE_POOLING3D: Signature(Kind.AVERAGE_POOLING, (3,), _POOL | _LAYER),
        Layer.OPS_CONV: Signature(Kind.CONVOLUTION, (1, 2, 3), _TAPS),
        Layer.OPS_DEPTHWISE_CONV: Signature(Kind.DEPTHWISE, (1, 2), _TAPS),
        Layer.OPS_SEPARABLE_CONV: Signature(Kind.SEPARABLE, (1, 2), _TAPS),
        Layer.OPS_CONV_TRANSPOSE: Signature(Kind.TRANSPOSE, (1, 2, 3), _TAPS | {Argument.OUTPUT_PADDING}),
        Layer.OPS_MAX_POOL: Signature(Kind.MAX_POOLING, (1, 2, 3), _POOL),
        Layer.OPS_AVERAGE_POOL: Signature(Kind.AVERAGE_POOLING, (1, 2, 3), _POOL),
    }
)
"""Each layer, and each operation. An operation is handed its weights, so that their shapes say the rest."""

POOLING: Final = frozenset({Kind.MAX_POOLING, Kind.AVERAGE_POOLING})
"""What has no weights and keeps its channels."""

FAN_OUT: Final = frozenset({Kind.DEPTHWISE, *POOLING})
"""What derives its output channels from those of the input: there is no choice of filters."""

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def name_layer(layer: Layer) -> str:
    """Return the name that Keras gives to a layer or operation, to which it appends a counter."""
    words = layer.value.rpartition(".")[2]
    # A hump after a digit divides `conv2d_transpose`; one before `1D` does not divide `pooling1d`.
    return _HUMP.sub("_", re.sub(r"\dD", lambda match: match[0].lower(), words)).lower()
