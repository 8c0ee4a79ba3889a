"""Fixed bugs of Keras and its backends, replayed as mutants so that a suite has to catch them.

Each has a link to its report or fix. Its answers are composed of the formula's parts (`bug_behaviours`) and
wrong wherever the bug showed: in some layers, formats, modes or sizes only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from harness.mutation.applicability import Applicability
from harness.mutation.bug_behaviours import (
    accept,
    compute_with,
    count_border_as_theano,
    crop_alike_as_torch,
    cut_by_pads_as_torch,
    follow_rule,
    forget_output_padding,
    infer_by_rule,
    keep_every_window_as_theano,
    needs_more_than_torch_adds,
    pool_channels,
    refuse,
    refuse_for_another_reason,
    repeat_edge_as_torch,
    report_no_lengths,
    return_unwritten_memory,
    reverse_even_pads_as_torch,
    stride_in_dilated_blocks,
    take_lengths_from_other_axes_as_theano,
)
from harness.mutation.mutants import Behaviour, Mutant, Theme
from harness.oracle.rules import KERAS, Amount, Dilation, Placement
from harness.records import Case, DataFormat, Execution, Layer, LayerKind, Mode

_KERAS_URL = "https://github.com/keras-team/keras"
_TENSORFLOW_URL = "https://github.com/tensorflow/tensorflow"


@dataclass(frozen=True, slots=True)
class Replay:
    """A fixed bug: what was wrong, where that is documented, and in which layers it showed."""

    name: str
    description: str
    link: str
    applies_to: Applicability
    answer: Behaviour


def list_replays() -> tuple[Mutant, ...]:
    """List the bugs as mutants; their names begin with `replay-`."""
    return tuple(Mutant(f"replay-{bug.name}", Theme.REPLAY, bug.applies_to, bug.answer) for bug in REPLAYS)


def _select_layers(*layers: Layer, ndims: tuple[int, ...] = (1, 2, 3)) -> Applicability:
    return lambda layer, ndim: layer in layers and ndim in ndims


def _select_kinds(*kinds: LayerKind, ndims: tuple[int, ...] = (1, 2, 3)) -> Applicability:
    return lambda layer, ndim: layer.kind in kinds and ndim in ndims


def _is_same(case: Case) -> bool:
    return case.padding.lower() == "same"


def _is_dilated(case: Case) -> bool:
    return max(case.dilation) > 1


def _is_channels_first(case: Case) -> bool:
    return case.data_format is DataFormat.CHANNELS_FIRST


_CONVOLVING_KINDS: Final = (LayerKind.CONVOLUTION, LayerKind.DEPTHWISE, LayerKind.SEPARABLE)
_POOLS: Final = (LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING)
_CONV_LAYERS: Final = (Layer.CONV1D, Layer.CONV2D, Layer.CONV3D)
_TRANSPOSED_LAYERS: Final = (Layer.CONV1D_TRANSPOSE, Layer.CONV2D_TRANSPOSE, Layer.CONV3D_TRANSPOSE)
_UNDILATED_RULE: Final = replace(KERAS, dilation=Dilation.IGNORED)

REPLAYS: Final[tuple[Replay, ...]] = (
    Replay(
        "torch-transposed-same-shifted",
        "Torch: a transposed `same` cut as much off before as after: values stood one cell off with strides"
        " above 1, and an even kernel with stride 1 lost a cell.",
        f"{_KERAS_URL}/pull/22876",
        _select_kinds(LayerKind.TRANSPOSE),
        compute_with(crop_alike_as_torch),
    ),
    Replay(
        "torch-transposed-same-refused",
        "Torch: a transposed `same` raised an error where torch's output_padding had to reach the stride.",
        f"{_KERAS_URL}/pull/21852",
        _select_kinds(LayerKind.TRANSPOSE),
        refuse("a Torch output_padding that is greater than strides", needs_more_than_torch_adds),
    ),
    Replay(
        "torch-average-repeats-the-edge",
        "Torch: average pooling padded unevenly by repeating the edge, and counted what it had repeated.",
        f"{_KERAS_URL}/pull/23233",
        _select_kinds(LayerKind.AVERAGE_POOLING),
        compute_with(repeat_edge_as_torch),
    ),
    Replay(
        "torch-even-pads-reversed",
        "Torch: where every axis is padded evenly, the first axis got the padding of the last.",
        f"{_KERAS_URL}/pull/20774",
        _select_kinds(*_CONVOLVING_KINDS, *_POOLS, ndims=(2, 3)),
        reverse_even_pads_as_torch,
    ),
    Replay(
        "torch-same-not-clamped",
        "Torch: `same` cut cells off the input where windows are shorter than their strides, or failed.",
        f"{_KERAS_URL}/pull/20774",
        _select_kinds(*_CONVOLVING_KINDS, LayerKind.MAX_POOLING),
        cut_by_pads_as_torch,
    ),
    Replay(
        "tensorflow-same-not-clamped",
        "TensorFlow up to 1.7: the same on the CPU, rounded towards 0; its gradients were right.",
        f"{_TENSORFLOW_URL}/issues/14601",
        _select_layers(Layer.CONV1D, Layer.CONV2D),
        follow_rule(
            replace(KERAS, amount=Amount.UNCLAMPED, placement=Placement.TOWARDS_ZERO), forward_only=True
        ),
    ),
    Replay(
        "theano-average-counts-the-border",
        "Theano: average pooling with `same` divided by the window, padding and all.",
        f"{_KERAS_URL}/pull/9479",
        _select_layers(Layer.AVERAGE_POOLING1D, Layer.AVERAGE_POOLING2D),
        compute_with(count_border_as_theano),
    ),
    Replay(
        "theano-pooling-3d-not-cut",
        "Theano: pooling of three axes with `same` kept every window of its padding: a name was used twice.",
        f"{_KERAS_URL}/pull/9578",
        _select_layers(Layer.MAX_POOLING3D, Layer.AVERAGE_POOLING3D),
        keep_every_window_as_theano,
    ),
    Replay(
        "theano-pooling-1d-same-refused",
        "Theano: pooling of one axis with `same` padded the other, of length 1, by -1 cells.",
        f"{_KERAS_URL}/pull/4683",
        _select_layers(Layer.MAX_POOLING1D, Layer.AVERAGE_POOLING1D),
        refuse("Can't store in size_t for the bytes requested", _is_same),
    ),
    Replay(
        "theano-average-gradient-refused",
        "Theano: average pooling with `same` predicted, and could not be trained.",
        f"{_KERAS_URL}/issues/4599",
        _select_layers(Layer.AVERAGE_POOLING2D),
        refuse(
            "padding must be zero for average_exc_pad",
            lambda case: case.mode.traits.differentiates and _is_same(case),
        ),
    ),
    Replay(
        "theano-transposed-lengths-of-other-axes",
        "Theano: the output's lengths were read from the wrong axes with channels last.",
        f"{_KERAS_URL}/pull/5382",
        _select_layers(Layer.CONV2D_TRANSPOSE),
        compute_with(take_lengths_from_other_axes_as_theano),
    ),
    Replay(
        "cntk-dilation-as-strides",
        "CNTK: the dilation was handed over as strides.",
        f"{_KERAS_URL}/pull/10967",
        _select_layers(Layer.CONV2D),
        follow_rule(replace(KERAS, dilation=Dilation.AS_STRIDE)),
    ),
    Replay(
        "transposed-dilation-ignored",
        "The dilation of a transposed layer did nothing.",
        f"{_KERAS_URL}/pull/11029",
        _select_layers(Layer.CONV2D_TRANSPOSE),
        follow_rule(_UNDILATED_RULE),
    ),
    Replay(
        "transposed-3d-dilation-ignored",
        "tf.keras: the same of three axes.",
        f"{_TENSORFLOW_URL}/issues/29841",
        _select_layers(Layer.CONV3D_TRANSPOSE),
        follow_rule(_UNDILATED_RULE),
    ),
    Replay(
        "transposed-unequal-dilation-refused",
        "tf.keras: a dilation for each axis of a transposed layer raised an error that said nothing.",
        f"{_TENSORFLOW_URL}/issues/48469",
        _select_layers(Layer.CONV2D_TRANSPOSE),
        refuse("", lambda case: len(set(case.dilation)) > 1),
    ),
    Replay(
        "separable-shape-ignores-dilation",
        "The shape said before the call left the dilation out.",
        f"{_KERAS_URL}/pull/8152",
        _select_layers(Layer.SEPARABLE_CONV2D),
        infer_by_rule(_UNDILATED_RULE),
    ),
    Replay(
        "depthwise-shape-ignores-dilation",
        "The same of a depthwise layer, later on.",
        f"{_KERAS_URL}/issues/12972",
        _select_layers(Layer.DEPTHWISE_CONV2D),
        infer_by_rule(_UNDILATED_RULE),
    ),
    Replay(
        "depthwise-strides-in-dilated-blocks",
        "TensorFlow: strides with a dilation were taken within the blocks that the dilation cuts.",
        f"{_KERAS_URL}/pull/23027",
        _select_kinds(LayerKind.DEPTHWISE, LayerKind.SEPARABLE),
        stride_in_dilated_blocks,
    ),
    Replay(
        "pooling-1d-pools-the-channels",
        "tf.keras: pooling of one axis with channels first pooled the channels.",
        f"{_TENSORFLOW_URL}/issues/11638",
        _select_layers(Layer.MAX_POOLING1D, Layer.AVERAGE_POOLING1D),
        pool_channels,
    ),
    Replay(
        "dilated-model-loses-lengths",
        "TensorFlow 2.0 betas: a model knew no length of what comes of a dilated layer.",
        f"{_TENSORFLOW_URL}/issues/29542",
        _select_layers(*_CONV_LAYERS),
        report_no_lengths(_is_dilated, inferred=False),
    ),
    Replay(
        "transposed-same-shape-unknown",
        "The shape of a transposed `same` was not known before the call.",
        f"{_KERAS_URL}/pull/5796",
        _select_layers(Layer.CONV2D_TRANSPOSE),
        report_no_lengths(_is_same, inferred=True),
    ),
    Replay(
        "output-padding-lost-on-reload",
        "A layer forgot its output_padding when it was saved.",
        f"{_KERAS_URL}/pull/23014",
        _select_layers(*_TRANSPOSED_LAYERS),
        compute_with(forget_output_padding, lambda case: case.mode is Mode.RELOADED),
    ),
    Replay(
        "output-padding-0-refused",
        "An output_padding of 0, which is not the default, had to be above 0.",
        f"{_KERAS_URL}/pull/21383",
        _select_layers(*_TRANSPOSED_LAYERS),
        refuse(
            "The `output_padding` argument has values that do not satisfy `value > 0`",
            lambda case: 0 in (case.output_padding or ()),
        ),
    ),
    Replay(
        "output-padding-beyond-strides-unnamed",
        "An output_padding that is not below the strides failed somewhere in TensorFlow.",
        f"{_KERAS_URL}/pull/22439",
        _select_layers(*_TRANSPOSED_LAYERS),
        refuse_for_another_reason(
            "Size of out_backprop doesn't match computed",
            lambda case: any(p >= s for p, s in zip(case.output_padding or (), case.strides, strict=False)),
        ),
    ),
    Replay(
        "grouped-gradient-refused",
        "TensorFlow on the CPU: a grouped convolution was computed, and could not be trained.",
        f"{_KERAS_URL}/issues/14896",
        _select_layers(Layer.CONV1D, Layer.CONV2D),
        refuse(
            "filter_size does not have enough elements",
            lambda case: case.mode.traits.differentiates and case.groups > 1,
        ),
    ),
    Replay(
        "grouped-bias-in-a-graph-refused",
        "TensorFlow on the CPU: a graph fuses a convolution with its bias, and could not if it is grouped.",
        f"{_TENSORFLOW_URL}/issues/53631",
        _select_layers(Layer.CONV2D),
        refuse(
            "Fused conv implementation does not support grouped convolutions for now.",
            lambda case: case.mode.traits.execution is Execution.GRAPH and case.groups > 1 and case.bias,
        ),
    ),
    Replay(
        "depthwise-1d-channels-first-dilated-refused",
        "TensorFlow on the CPU: a dilated depthwise layer of one axis with channels first failed.",
        f"{_KERAS_URL}/pull/22641",
        _select_layers(Layer.DEPTHWISE_CONV1D, Layer.OPS_DEPTHWISE_CONV, ndims=(1,)),
        refuse("Incompatible shapes", lambda case: _is_channels_first(case) and _is_dilated(case)),
    ),
    Replay(
        "depthwise-channels-first-refused",
        "TensorFlow on the CPU: depthwise and separable layers with channels first.",
        f"{_KERAS_URL}/issues/23031",
        lambda layer, ndim: (
            layer.kind is LayerKind.SEPARABLE or (layer.kind is LayerKind.DEPTHWISE and ndim > 1)
        ),
        refuse("Depthwise convolution on CPU is only supported for NHWC format", _is_channels_first),
    ),
    Replay(
        "separable-1d-strided-refused",
        "TensorFlow: a separable layer of one axis had a stride of 1 along the axis that it adds.",
        f"{_KERAS_URL}/pull/9206",
        _select_layers(Layer.SEPARABLE_CONV1D),
        refuse(
            "Current implementation only supports equal length strides in the row and column dimensions.",
            lambda case: max(case.strides) > 1,
        ),
    ),
    Replay(
        "conv3d-channels-first-dynamic-refused",
        "TensorFlow: a bias with channels first needed a reshape that takes one unknown length.",
        f"{_TENSORFLOW_URL}/issues/20527",
        _select_layers(Layer.CONV3D),
        refuse(
            "Failed to convert object to Tensor",
            lambda case: case.mode is Mode.DYNAMIC and _is_channels_first(case) and case.bias,
        ),
    ),
    Replay(
        "causal-refused",
        "tf.keras of TensorFlow 1.11: `causal`, which the layer documents, was handed to Conv2D as it is.",
        f"{_TENSORFLOW_URL}/issues/28186",
        _select_layers(Layer.CONV1D),
        refuse(
            "Attr 'padding' of 'Conv2D' Op passed string 'CAUSAL' not in: \"SAME\", \"VALID\".",
            lambda case: case.padding.lower() == "causal",
        ),
    ),
    Replay(
        "separable-1d-without-a-window",
        "TensorFlow: where no window fits, as many cells as the input has came back.",
        f"{_KERAS_URL}/issues/22496",
        _select_layers(Layer.SEPARABLE_CONV1D),
        return_unwritten_memory,
    ),
    Replay(
        "negative-pool-accepted",
        "tf.keras of TensorFlow 2.3: a negative pool_size gave NaN.",
        f"{_KERAS_URL}/issues/19013",
        _select_layers(Layer.AVERAGE_POOLING2D),
        accept(lambda case: min(case.kernel) < 0),
    ),
    Replay(
        "filters-0-accepted",
        "tf.keras up to TensorFlow 2.8: filters=0 gave an array without channels.",
        f"{_KERAS_URL}/issues/15942",
        _select_layers(*_CONV_LAYERS),
        accept(lambda case: case.filters == 0),
    ),
)
"""The bugs, most of them by backend; the oldest is from 2016, the latest from 2026."""
