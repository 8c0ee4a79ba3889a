"""What each layer and operation of the family computes, with which weights and arguments.

`LayerKindTraits` holds what all layers of a kind share, `KernelTraits` describes one of their weights.
Source: the signatures of `keras.layers` and `keras.ops` of Keras 3.15.1, and the weights that its layers
build.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

from harness.records.words import Refusal


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

    @property
    def kind(self) -> LayerKind:
        """The kind of computation that the layer performs."""
        return _LAYERS[self].kind

    @property
    def ndims(self) -> tuple[int, ...]:
        """The numbers of spatial axes that the layer supports."""
        return _LAYERS[self].ndims

    @property
    def arguments(self) -> frozenset[Argument]:
        """The arguments that the layer accepts."""
        return _LAYERS[self].arguments

    @property
    def causal(self) -> Refusal:
        """Whether `causal` must, may or must not be refused; it may be where only Keras 2 has it."""
        return _LAYERS[self].causal

    @property
    def is_operation(self) -> bool:
        """Whether this is an operation of `keras.ops`, which is passed its weights, and not a layer."""
        return self.value.startswith("ops.")


class LayerKind(StrEnum):
    """What a layer computes, regardless of its number of axes."""

    CONVOLUTION = "convolution"
    DEPTHWISE = "depthwise"
    SEPARABLE = "separable"
    TRANSPOSE = "transpose"
    MAX_POOLING = "max-pooling"
    AVERAGE_POOLING = "average-pooling"

    @property
    def traits(self) -> LayerKindTraits:
        """The properties that all layers of the kind share."""
        return _KINDS[self]


class Reduction(StrEnum):
    """How the cells of a window are reduced: a sum of their products with taps, the maximum, the mean."""

    SUM = "sum"
    MAXIMUM = "maximum"
    MEAN = "mean"

    @property
    def selects_cell(self) -> bool:
        """Whether the result is one of the cells as it stands, and not computed from all of them."""
        match self:
            case Reduction.MAXIMUM:
                return True
            case Reduction.SUM | Reduction.MEAN:
                return False
            case _:
                assert_never(self)

    @property
    def divides(self) -> bool:
        """Whether the result of integers may be no integer."""
        match self:
            case Reduction.MEAN:
                return True
            case Reduction.SUM | Reduction.MAXIMUM:
                return False
            case _:
                assert_never(self)


class ChannelExtent(StrEnum):
    """A number of channels, along an axis or in a sum, that follows from the sizes of the layer.

    `multiplied-channels` are the output channels of a depthwise layer.
    """

    ONE = "one"
    CHANNELS = "channels"
    CHANNELS_OF_GROUP = "channels-of-group"
    FILTERS = "filters"
    FILTERS_OF_GROUP = "filters-of-group"
    MULTIPLIER = "multiplier"
    MULTIPLIED_CHANNELS = "multiplied-channels"


class Argument(StrEnum):
    """An argument, by its name in Keras."""

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
class LayerSizes:
    """The numbers that determine the shapes of a layer's weights; `kernel` has one length per spatial axis.

    A case with more groups than channels or filters, or fewer than 1, must be refused; its weights still get
    a shape, with one channel or filter per group.
    """

    kernel: tuple[int, ...]
    channels: int
    filters: int
    groups: int
    multiplier: int

    def get_extent(self, of: ChannelExtent) -> int:
        """Return the number of channels that the extent stands for."""
        match of:
            case ChannelExtent.ONE:
                return 1
            case ChannelExtent.CHANNELS:
                return self.channels
            case ChannelExtent.CHANNELS_OF_GROUP:
                return max(self.channels // max(self.groups, 1), 1)
            case ChannelExtent.FILTERS:
                return self.filters
            case ChannelExtent.FILTERS_OF_GROUP:
                return max(self.filters // max(self.groups, 1), 1)
            case ChannelExtent.MULTIPLIER:
                return self.multiplier
            case ChannelExtent.MULTIPLIED_CHANNELS:
                return self.channels * self.multiplier
            case _:
                assert_never(of)


@dataclass(frozen=True, slots=True)
class KernelTraits:
    """A weight that the cells of windows are multiplied by.

    Its shape has one length per spatial axis (1 if it `is_pointwise`), then `axes`. Through each tap an
    output channel sums `read` input channels, and an input channel contributes to `fed` output channels.
    `name` is the layer's name of the weight, `argument` the operation's.
    """

    name: str
    argument: str
    axes: tuple[ChannelExtent, ChannelExtent]
    read: ChannelExtent
    fed: ChannelExtent
    is_pointwise: bool = False

    def compute_lengths(self, sizes: LayerSizes) -> tuple[int, ...]:
        """Return the lengths of the kernel along the spatial axes."""
        return (1,) * len(sizes.kernel) if self.is_pointwise else sizes.kernel

    def compute_shape(self, sizes: LayerSizes) -> tuple[int, ...]:
        """Return the shape of the kernel in a layer of these sizes."""
        return (*self.compute_lengths(sizes), *(sizes.get_extent(axis) for axis in self.axes))

    def count_fan_in(self, sizes: LayerSizes) -> int:
        """Return the number of products summed in an output cell."""
        return math.prod(self.compute_lengths(sizes)) * sizes.get_extent(self.read)

    def count_fan_out(self, sizes: LayerSizes) -> int:
        """Return the number of products summed in the gradient of an input cell."""
        return math.prod(self.compute_lengths(sizes)) * sizes.get_extent(self.fed)


@dataclass(frozen=True, slots=True)
class LayerKindTraits:
    """The properties that all layers of a kind share.

    `kernels` are in Keras's order, the first one nearest to the input. `derived_filters` and `derived_groups`
    are None where the layer, or the shapes passed to an operation, leave a choice. A layer that
    `is_transposed` scatters the cells of its input.
    """

    reduction: Reduction
    kernels: tuple[KernelTraits, ...]
    derived_filters: ChannelExtent | None
    derived_groups: ChannelExtent | None
    is_transposed: bool = False

    @property
    def is_pooling(self) -> bool:
        """Whether the layer has no weights and keeps its channels."""
        return self.reduction is not Reduction.SUM

    @property
    def has_pointwise(self) -> bool:
        """Whether one of the kernels is pointwise."""
        return any(kernel.is_pointwise for kernel in self.kernels)

    @property
    def has_multiplier(self) -> bool:
        """Whether there is a depth multiplier."""
        return any(ChannelExtent.MULTIPLIER in kernel.axes for kernel in self.kernels)


_CONVOLVING: Final = KernelTraits(
    name="kernel",
    argument="kernel",
    axes=(ChannelExtent.CHANNELS_OF_GROUP, ChannelExtent.FILTERS),
    read=ChannelExtent.CHANNELS_OF_GROUP,
    fed=ChannelExtent.FILTERS_OF_GROUP,
)
_SCATTERING: Final = KernelTraits(
    name="kernel",
    argument="kernel",
    axes=(ChannelExtent.FILTERS, ChannelExtent.CHANNELS),
    read=ChannelExtent.CHANNELS,
    fed=ChannelExtent.FILTERS,
)
_BY_CHANNEL: Final = KernelTraits(
    name="depthwise_kernel",
    argument="kernel",
    axes=(ChannelExtent.CHANNELS, ChannelExtent.MULTIPLIER),
    read=ChannelExtent.ONE,
    fed=ChannelExtent.MULTIPLIER,
)
_POINTWISE: Final = KernelTraits(
    name="pointwise_kernel",
    argument="pointwise_kernel",
    axes=(ChannelExtent.MULTIPLIED_CHANNELS, ChannelExtent.FILTERS),
    read=ChannelExtent.MULTIPLIED_CHANNELS,
    fed=ChannelExtent.FILTERS,
    is_pointwise=True,
)

_KINDS: Final[Mapping[LayerKind, LayerKindTraits]] = MappingProxyType(
    {
        LayerKind.CONVOLUTION: LayerKindTraits(
            Reduction.SUM, (_CONVOLVING,), derived_filters=None, derived_groups=None
        ),
        LayerKind.DEPTHWISE: LayerKindTraits(
            Reduction.SUM,
            (_BY_CHANNEL,),
            derived_filters=ChannelExtent.MULTIPLIED_CHANNELS,
            derived_groups=ChannelExtent.CHANNELS,
        ),
        LayerKind.SEPARABLE: LayerKindTraits(
            Reduction.SUM,
            (replace(_BY_CHANNEL, argument="depthwise_kernel"), _POINTWISE),
            derived_filters=None,
            derived_groups=ChannelExtent.ONE,
        ),
        LayerKind.TRANSPOSE: LayerKindTraits(
            Reduction.SUM,
            (_SCATTERING,),
            derived_filters=None,
            derived_groups=ChannelExtent.ONE,
            is_transposed=True,
        ),
        LayerKind.MAX_POOLING: LayerKindTraits(
            Reduction.MAXIMUM,
            (),
            derived_filters=ChannelExtent.CHANNELS,
            derived_groups=ChannelExtent.ONE,
        ),
        LayerKind.AVERAGE_POOLING: LayerKindTraits(
            Reduction.MEAN,
            (),
            derived_filters=ChannelExtent.CHANNELS,
            derived_groups=ChannelExtent.ONE,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class _LayerTraits:
    """The kind of a layer, the numbers of spatial axes that it supports, and its arguments.

    `causal` is whether the padding of that name must, may or must not be refused.
    """

    kind: LayerKind
    ndims: tuple[int, ...]
    arguments: frozenset[Argument]
    causal: Refusal = Refusal.REQUIRED


_WINDOWS = frozenset({Argument.STRIDES, Argument.PADDING, Argument.DATA_FORMAT})
_TAPS = _WINDOWS | {Argument.DILATION_RATE}
_LAYER = frozenset({Argument.DTYPE})
_KERNEL = _LAYER | _TAPS | {Argument.KERNEL_SIZE, Argument.USE_BIAS}
_CONVOLUTION = _KERNEL | {Argument.FILTERS, Argument.GROUPS}
_DEPTHWISE = _KERNEL | {Argument.DEPTH_MULTIPLIER}
_SEPARABLE = _KERNEL | {Argument.FILTERS, Argument.DEPTH_MULTIPLIER}
_TRANSPOSE = _KERNEL | {Argument.FILTERS, Argument.OUTPUT_PADDING}
_POOL = _WINDOWS | {Argument.POOL_SIZE}

_LAYERS: Final[Mapping[Layer, _LayerTraits]] = MappingProxyType(
    {
        Layer.CONV1D: _LayerTraits(LayerKind.CONVOLUTION, (1,), _CONVOLUTION, Refusal.WRONG),
        Layer.CONV2D: _LayerTraits(LayerKind.CONVOLUTION, (2,), _CONVOLUTION),
        Layer.CONV3D: _LayerTraits(LayerKind.CONVOLUTION, (3,), _CONVOLUTION),
        Layer.DEPTHWISE_CONV1D: _LayerTraits(LayerKind.DEPTHWISE, (1,), _DEPTHWISE),
        Layer.DEPTHWISE_CONV2D: _LayerTraits(LayerKind.DEPTHWISE, (2,), _DEPTHWISE),
        Layer.SEPARABLE_CONV1D: _LayerTraits(LayerKind.SEPARABLE, (1,), _SEPARABLE, Refusal.ALLOWED),
        Layer.SEPARABLE_CONV2D: _LayerTraits(LayerKind.SEPARABLE, (2,), _SEPARABLE),
        Layer.CONV1D_TRANSPOSE: _LayerTraits(LayerKind.TRANSPOSE, (1,), _TRANSPOSE),
        Layer.CONV2D_TRANSPOSE: _LayerTraits(LayerKind.TRANSPOSE, (2,), _TRANSPOSE),
        Layer.CONV3D_TRANSPOSE: _LayerTraits(LayerKind.TRANSPOSE, (3,), _TRANSPOSE),
        Layer.MAX_POOLING1D: _LayerTraits(LayerKind.MAX_POOLING, (1,), _POOL | _LAYER),
        Layer.MAX_POOLING2D: _LayerTraits(LayerKind.MAX_POOLING, (2,), _POOL | _LAYER),
        Layer.MAX_POOLING3D: _LayerTraits(LayerKind.MAX_POOLING, (3,), _POOL | _LAYER),
        Layer.AVERAGE_POOLING1D: _LayerTraits(LayerKind.AVERAGE_POOLING, (1,), _POOL | _LAYER),
        Layer.AVERAGE_POOLING2D: _LayerTraits(LayerKind.AVERAGE_POOLING, (2,), _POOL | _LAYER),
        Layer.AVERAGE_POOLING3D: _LayerTraits(LayerKind.AVERAGE_POOLING, (3,), _POOL | _LAYER),
        Layer.OPS_CONV: _LayerTraits(LayerKind.CONVOLUTION, (1, 2, 3), _TAPS),
        Layer.OPS_DEPTHWISE_CONV: _LayerTraits(LayerKind.DEPTHWISE, (1, 2), _TAPS),
        Layer.OPS_SEPARABLE_CONV: _LayerTraits(LayerKind.SEPARABLE, (1, 2), _TAPS),
        Layer.OPS_CONV_TRANSPOSE: _LayerTraits(
            LayerKind.TRANSPOSE, (1, 2, 3), _TAPS | {Argument.OUTPUT_PADDING}
        ),
        Layer.OPS_MAX_POOL: _LayerTraits(LayerKind.MAX_POOLING, (1, 2, 3), _POOL),
        Layer.OPS_AVERAGE_POOL: _LayerTraits(LayerKind.AVERAGE_POOLING, (1, 2, 3), _POOL),
    }
)
"""Each layer and operation. The weights passed to an operation determine its other arguments."""


_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def name_layer(layer: Layer) -> str:
    """Return the name that Keras gives to a layer or operation, to which it appends a counter."""
    words = layer.value.rpartition(".")[2]
    # A capital after a digit divides `conv2d_transpose`; the D of `1D` does not divide `pooling1d`.
    return _HUMP.sub("_", re.sub(r"\dD", lambda match: match[0].lower(), words)).lower()
