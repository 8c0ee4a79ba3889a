"""Bugs that Keras had, or a backend of it, and that were mended: replayed, so that a suite has to find them.

Each has a link to where it was reported or mended. What it answers is made of the formula's parts
(`reproducing`), and shows wherever it showed then: in some layers, formats, modes or sizes only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from harness.mutation.applicability import Lives
from harness.mutation.bug_behaviours import (
    accepting,
    computing,
    following,
    inferring,
    memory_of_input_length,
    needs_more_than_torch_adds,
    pools_the_channels,
    refusing,
    refusing_for_another_reason,
    saying_nothing,
    strides_in_dilated_blocks,
    theano_counts_the_border,
    theano_keeps_every_window,
    theano_takes_lengths_from_other_axes,
    torch_crops_alike,
    torch_cuts_by_pads,
    torch_repeats_the_edge,
    torch_reverses_even_pads,
    without_output_padding,
)
from harness.mutation.mutants import Answer, Mutant, Theme
from harness.oracle.rules import KERAS, Amount, Dilation, Placement
from harness.records import Case, DataFormat, Execution, Layer, LayerKind, Mode

_KERAS = "https://github.com/keras-team/keras"
_TENSORFLOW = "https://github.com/tensorflow/tensorflow"


@dataclass(frozen=True, slots=True)
class Replay:
    """A bug that was mended: what was wrong, where that is written, and in which layers."""

    name: str
    what: str
    link: str
    lives_in: Lives
    answer: Answer


def replays() -> tuple[Mutant, ...]:
    """The bugs as mutants; their names begin with `replay-`."""
    return tuple(Mutant(f"replay-{bug.name}", Theme.REPLAY, bug.lives_in, bug.answer) for bug in REPLAYS)


def _in(*layers: Layer, ndims: tuple[int, ...] = (1, 2, 3)) -> Lives:
    return lambda layer, ndim: layer in layers and ndim in ndims


def _of(*kinds: LayerKind, ndims: tuple[int, ...] = (1, 2, 3)) -> Lives:
    return lambda layer, ndim: layer.kind in kinds and ndim in ndims


def _is_same(case: Case) -> bool:
    return case.padding.lower() == "same"


def _is_dilated(case: Case) -> bool:
    return max(case.dilation) > 1


def _is_channels_first(case: Case) -> bool:
    return case.data_format is DataFormat.CHANNELS_FIRST


_CONVOLVES: Final = (LayerKind.CONVOLUTION, LayerKind.DEPTHWISE, LayerKind.SEPARABLE)
_POOLS: Final = (LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING)
_CONV: Final = (Layer.CONV1D, Layer.CONV2D, Layer.CONV3D)
_TRANSPOSED: Final = (Layer.CONV1D_TRANSPOSE, Layer.CONV2D_TRANSPOSE, Layer.CONV3D_TRANSPOSE)
_UNDILATED: Final = replace(KERAS, dilation=Dilation.IGNORED)

REPLAYS: Final[tuple[Replay, ...]] = (
    Replay(
        "torch-transposed-same-shifted",
        "Torch: a transposed `same` cut as much off before as after: values stood one cell off with strides"
        " above 1, and an even kernel with stride 1 lost a cell.",
        f"{_KERAS}/pull/22876",
        _of(LayerKind.TRANSPOSE),
        computing(torch_crops_alike),
    ),
    Replay(
        "torch-transposed-same-refused",
        "Torch: a transposed `same` raised an error where torch's output_padding had to reach the stride.",
        f"{_KERAS}/pull/21852",
        _of(LayerKind.TRANSPOSE),
        refusing("a Torch output_padding that is greater than strides", needs_more_than_torch_adds),
    ),
    Replay(
        "torch-average-repeats-the-edge",
        "Torch: average pooling padded unevenly by repeating the edge, and counted what it had repeated.",
        f"{_KERAS}/pull/23233",
        _of(LayerKind.AVERAGE_POOLING),
        computing(torch_repeats_the_edge),
    ),
    Replay(
        "torch-even-pads-reversed",
        "Torch: where every axis is padded evenly, the first axis got the padding of the last.",
        f"{_KERAS}/pull/20774",
        _of(*_CONVOLVES, *_POOLS, ndims=(2, 3)),
        torch_reverses_even_pads,
    ),
    Replay(
        "torch-same-not-clamped",
        "Torch: `same` cut cells off the input where windows are shorter than their strides, or failed.",
        f"{_KERAS}/pull/20774",
        _of(*_CONVOLVES, LayerKind.MAX_POOLING),
        torch_cuts_by_pads,
    ),
    Replay(
        "tensorflow-same-not-clamped",
        "TensorFlow up to 1.7: the same on the CPU, rounded towards 0; its gradients were right.",
        f"{_TENSORFLOW}/issues/14601",
        _in(Layer.CONV1D, Layer.CONV2D),
        following(
            replace(KERAS, amount=Amount.UNCLAMPED, placement=Placement.TOWARDS_ZERO), forward_only=True
        ),
    ),
    Replay(
        "theano-average-counts-the-border",
        "Theano: average pooling with `same` divided by the window, padding and all.",
        f"{_KERAS}/pull/9479",
        _in(Layer.AVERAGE_POOLING1D, Layer.AVERAGE_POOLING2D),
        computing(theano_counts_the_border),
    ),
    Replay(
        "theano-pooling-3d-not-cut",
        "Theano: pooling of three axes with `same` kept every window of its padding: a name was used twice.",
        f"{_KERAS}/pull/9578",
        _in(Layer.MAX_POOLING3D, Layer.AVERAGE_POOLING3D),
        theano_keeps_every_window,
    ),
    Replay(
        "theano-pooling-1d-same-refused",
        "Theano: pooling of one axis with `same` padded the other, of length 1, by -1 cells.",
        f"{_KERAS}/pull/4683",
        _in(Layer.MAX_POOLING1D, Layer.AVERAGE_POOLING1D),
        refusing("Can't store in size_t for the bytes requested", _is_same),
    ),
    Replay(
        "theano-average-gradient-refused",
        "Theano: average pooling with `same` predicted, and could not be trained.",
        f"{_KERAS}/issues/4599",
        _in(Layer.AVERAGE_POOLING2D),
        refusing(
            "padding must be zero for average_exc_pad",
            lambda case: case.mode.traits.differentiates and _is_same(case),
        ),
    ),
    Replay(
        "theano-transposed-lengths-of-other-axes",
        "Theano: the output's lengths were read from the wrong axes with channels last.",
        f"{_KERAS}/pull/5382",
        _in(Layer.CONV2D_TRANSPOSE),
        computing(theano_takes_lengths_from_other_axes),
    ),
    Replay(
        "cntk-dilation-as-strides",
        "CNTK: the dilation was handed over as strides.",
        f"{_KERAS}/pull/10967",
        _in(Layer.CONV2D),
        following(replace(KERAS, dilation=Dilation.AS_STRIDE)),
    ),
    Replay(
        "transposed-dilation-ignored",
        "The dilation of a transposed layer did nothing.",
        f"{_KERAS}/pull/11029",
        _in(Layer.CONV2D_TRANSPOSE),
        following(_UNDILATED),
    ),
    Replay(
        "transposed-3d-dilation-ignored",
        "tf.keras: the same of three axes.",
        f"{_TENSORFLOW}/issues/29841",
        _in(Layer.CONV3D_TRANSPOSE),
        following(_UNDILATED),
    ),
    Replay(
        "transposed-unequal-dilation-refused",
        "tf.keras: a dilation for each axis of a transposed layer raised an error that said nothing.",
        f"{_TENSORFLOW}/issues/48469",
        _in(Layer.CONV2D_TRANSPOSE),
        refusing("", lambda case: len(set(case.dilation)) > 1),
    ),
    Replay(
        "separable-shape-ignores-dilation",
        "The shape said before the call left the dilation out.",
        f"{_KERAS}/pull/8152",
        _in(Layer.SEPARABLE_CONV2D),
        inferring(_UNDILATED),
    ),
    Replay(
        "depthwise-shape-ignores-dilation",
        "The same of a depthwise layer, later on.",
        f"{_KERAS}/issues/12972",
        _in(Layer.DEPTHWISE_CONV2D),
        inferring(_UNDILATED),
    ),
    Replay(
        "depthwise-strides-in-dilated-blocks",
        "TensorFlow: strides with a dilation were taken within the blocks that the dilation cuts.",
        f"{_KERAS}/pull/23027",
        _of(LayerKind.DEPTHWISE, LayerKind.SEPARABLE),
        strides_in_dilated_blocks,
    ),
    Replay(
        "pooling-1d-pools-the-channels",
        "tf.keras: pooling of one axis with channels first pooled the channels.",
        f"{_TENSORFLOW}/issues/11638",
        _in(Layer.MAX_POOLING1D, Layer.AVERAGE_POOLING1D),
        pools_the_channels,
    ),
    Replay(
        "dilated-model-loses-lengths",
        "TensorFlow 2.0 betas: a model knew no length of what comes of a dilated layer.",
        f"{_TENSORFLOW}/issues/29542",
        _in(*_CONV),
        saying_nothing(_is_dilated, inferred=False),
    ),
    Replay(
        "transposed-same-shape-unknown",
        "The shape of a transposed `same` was not known before the call.",
        f"{_KERAS}/pull/5796",
        _in(Layer.CONV2D_TRANSPOSE),
        saying_nothing(_is_same, inferred=True),
    ),
    Replay(
        "output-padding-lost-on-reload",
        "A layer forgot its output_padding when it was saved.",
        f"{_KERAS}/pull/23014",
        _in(*_TRANSPOSED),
        computing(without_output_padding, lambda case: case.mode is Mode.RELOADED),
    ),
    Replay(
        "output-padding-0-refused",
        "An output_padding of 0, which is not the default, had to be above 0.",
        f"{_KERAS}/pull/21383",
        _in(*_TRANSPOSED),
        refusing(
            "The `output_padding` argument has values that do not satisfy `value > 0`",
            lambda case: 0 in (case.output_padding or ()),
        ),
    ),
    Replay(
        "output-padding-beyond-strides-unnamed",
        "An output_padding that is not below the strides failed somewhere in TensorFlow.",
        f"{_KERAS}/pull/22439",
        _in(*_TRANSPOSED),
        refusing_for_another_reason(
            "Size of out_backprop doesn't match computed",
            lambda case: any(p >= s for p, s in zip(case.output_padding or (), case.strides, strict=False)),
        ),
    ),
    Replay(
        "grouped-gradient-refused",
        "TensorFlow on the CPU: a grouped convolution was computed, and could not be trained.",
        f"{_KERAS}/issues/14896",
        _in(Layer.CONV1D, Layer.CONV2D),
        refusing(
            "filter_size does not have enough elements",
            lambda case: case.mode.traits.differentiates and case.groups > 1,
        ),
    ),
    Replay(
        "grouped-bias-in-a-graph-refused",
        "TensorFlow on the CPU: a graph fuses a convolution with its bias, and could not if it is grouped.",
        f"{_TENSORFLOW}/issues/53631",
        _in(Layer.CONV2D),
        refusing(
            "Fused conv implementation does not support grouped convolutions for now.",
            lambda case: case.mode.traits.execution is Execution.GRAPH and case.groups > 1 and case.bias,
        ),
    ),
    Replay(
        "depthwise-1d-channels-first-dilated-refused",
        "TensorFlow on the CPU: a dilated depthwise layer of one axis with channels first failed.",
        f"{_KERAS}/pull/22641",
        _in(Layer.DEPTHWISE_CONV1D, Layer.OPS_DEPTHWISE_CONV, ndims=(1,)),
        refusing("Incompatible shapes", lambda case: _is_channels_first(case) and _is_dilated(case)),
    ),
    Replay(
        "depthwise-channels-first-refused",
        "TensorFlow on the CPU: depthwise and separable layers with channels first.",
        f"{_KERAS}/issues/23031",
        lambda layer, ndim: (
            layer.kind is LayerKind.SEPARABLE or (layer.kind is LayerKind.DEPTHWISE and ndim > 1)
        ),
        refusing("Depthwise convolution on CPU is only supported for NHWC format", _is_channels_first),
    ),
    Replay(
        "separable-1d-strided-refused",
        "TensorFlow: a separable layer of one axis had a stride of 1 along the axis that it adds.",
        f"{_KERAS}/pull/9206",
        _in(Layer.SEPARABLE_CONV1D),
        refusing(
            "Current implementation only supports equal length strides in the row and column dimensions.",
            lambda case: max(case.strides) > 1,
        ),
    ),
    Replay(
        "conv3d-channels-first-dynamic-refused",
        "TensorFlow: a bias with channels first needed a reshape that takes one unknown length.",
        f"{_TENSORFLOW}/issues/20527",
        _in(Layer.CONV3D),
        refusing(
            "Failed to convert object to Tensor",
            lambda case: case.mode is Mode.DYNAMIC and _is_channels_first(case) and case.bias,
        ),
    ),
    Replay(
        "causal-refused",
        "tf.keras of TensorFlow 1.11: `causal`, which the layer documents, was handed to Conv2D as it is.",
        f"{_TENSORFLOW}/issues/28186",
        _in(Layer.CONV1D),
        refusing(
            "Attr 'padding' of 'Conv2D' Op passed string 'CAUSAL' not in: \"SAME\", \"VALID\".",
            lambda case: case.padding.lower() == "causal",
        ),
    ),
    Replay(
        "separable-1d-without-a-window",
        "TensorFlow: where no window fits, as many cells as the input has came back.",
        f"{_KERAS}/issues/22496",
        _in(Layer.SEPARABLE_CONV1D),
        memory_of_input_length,
    ),
    Replay(
        "negative-pool-accepted",
        "tf.keras of TensorFlow 2.3: a negative pool_size gave NaN.",
        f"{_KERAS}/issues/19013",
        _in(Layer.AVERAGE_POOLING2D),
        accepting(lambda case: min(case.kernel) < 0),
    ),
    Replay(
        "filters-0-accepted",
        "tf.keras up to TensorFlow 2.8: filters=0 gave an array without channels.",
        f"{_KERAS}/issues/15942",
        _in(*_CONV),
        accepting(lambda case: case.filters == 0),
    ),
)
"""The bugs, most of them by backend; the oldest is of 2016, the latest of 2026."""
