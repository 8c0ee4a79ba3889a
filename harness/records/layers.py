"""What each layer and operation of the family is: what it computes, of which weights, with which arguments.

`LayerKindTraits` tell what is alike in all layers that compute the same, `KernelTraits` what a weight of
them is. Source: the signatures of `keras.layers` and `keras.ops` of Keras 3.15.1, and the weights that its
layers build.
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
        """What the layer computes."""
        return _LAYERS[self].kind

    @property
    def ndims(self) -> tuple[int, ...]:
        """The numbers of spatial axes that the layer takes."""
        return _LAYERS[self].ndims

    @property
    def arguments(self) -> frozenset[Argument]:
        """The arguments that the layer takes."""
        return _LAYERS[self].arguments

    @property
    def causal(self) -> Refusal:
        """What is documented of refusing `causal`: Keras 2 has it of layers that may refuse it in Keras 3."""
        return _LAYERS[self].causal

    @property
    def is_operation(self) -> bool:
        """Whether it is an operation of `keras.ops`, which is handed its weights, and no layer."""
        return self.value.startswith("ops.")


class LayerKind(StrEnum):
    """What a layer computes, whatever the number of its axes."""

    CONVOLUTION = "convolution"
    DEPTHWISE = "depthwise"
    SEPARABLE = "separable"
    TRANSPOSE = "transpose"
    MAX_POOLING = "max-pooling"
    AVERAGE_POOLING = "average-pooling"

    @property
    def traits(self) -> LayerKindTraits:
        """What is alike in all layers of the kind."""
        return _KINDS[self]


class Reduction(StrEnum):
    """What is made of the cells of a window: the sum of their products with taps, the largest, the mean."""

    SUM = "sum"
    MAXIMUM = "maximum"
    MEAN = "mean"


class ChannelExtent(StrEnum):
    """How many channels there are along an axis, or in a sum, as the sizes of the layer give it.

    `multiplied-channels` are those that a depthwise layer makes of the channels of its input.
    """

    ONE = "one"
    CHANNELS = "channels"
    CHANNELS_OF_GROUP = "channels-of-group"
    FILTERS = "filters"
    FILTERS_OF_GROUP = "filters-of-group"
    MULTIPLIER = "multiplier"
    MULTIPLIED_CHANNELS = "multiplied-channels"


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
class LayerSizes:
    """The numbers that the shapes of a layer's weights follow from; `kernel` has a length for each axis.

    Groups that are more than the channels or filters, or fewer than 1, must be refused; a shape there is all
    the same, of one channel or filter a group.
    """

    kernel: tuple[int, ...]
    channels: int
    filters: int
    groups: int
    multiplier: int

    def get_extent(self, of: ChannelExtent) -> int:
        """How many channels that is."""
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

    Its shape has a length for each spatial axis, 1 if it `is_pointwise`, and then `axes`. An output channel
    sums up `read` channels of the input, through each tap; an input channel is summed up in `fed` output
    channels. `name` is that of the weight of a layer; `argument` is what an operation is handed it as.
    """

    name: str
    argument: str
    axes: tuple[ChannelExtent, ChannelExtent]
    read: ChannelExtent
    fed: ChannelExtent
    is_pointwise: bool = False

    def compute_lengths(self, sizes: LayerSizes) -> tuple[int, ...]:
        """Its lengths along the spatial axes."""
        return (1,) * len(sizes.kernel) if self.is_pointwise else sizes.kernel

    def compute_shape(self, sizes: LayerSizes) -> tuple[int, ...]:
        """Its shape in a layer of these sizes."""
        return (*self.compute_lengths(sizes), *(sizes.get_extent(axis) for axis in self.axes))

    def count_fan_in(self, sizes: LayerSizes) -> int:
        """How many products the sum of an output cell has."""
        return math.prod(self.compute_lengths(sizes)) * sizes.get_extent(self.read)

    def count_fan_out(self, sizes: LayerSizes) -> int:
        """How many products the sum of an input cell's gradient has."""
        return math.prod(self.compute_lengths(sizes)) * sizes.get_extent(self.fed)


@dataclass(frozen=True, slots=True)
class LayerKindTraits:
    """What is alike in all layers of a kind.

    `kernels` stand in Keras's order, the first one nearest to the input. `derived_filters` and
    `derived_groups` are None where a layer, or the shape of what an operation is handed, leaves a choice.
    A layer that `is_transposed` scatters the cells of its input.
    """

    reduction: Reduction
    kernels: tuple[KernelTraits, ...]
    derived_filters: ChannelExtent | None
    derived_groups: ChannelExtent | None
    is_transposed: bool = False

    @property
    def is_pooling(self) -> bool:
        """Whether it has no weights and keeps its channels."""
        return self.reduction is not Reduction.SUM

    @property
    def has_pointwise(self) -> bool:
        """Whether a kernel is pointwise."""
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
    """What a layer computes, the numbers of spatial axes that it takes, and its arguments.

    `causal` says whether the padding of that name must be refused.
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
"""Each layer, and each operation. An operation is handed its weights, so that their shapes say the rest."""


_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def name_layer(layer: Layer) -> str:
    """Return the name that Keras gives to a layer or operation, to which it appends a counter."""
    words = layer.value.rpartition(".")[2]
    # A hump after a digit divides `conv2d_transpose`; one before `1D` does not divide `pooling1d`.
    return _HUMP.sub("_", re.sub(r"\dD", lambda match: match[0].lower(), words)).lower()
