"""A case, its id, and its data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, assert_never

from harness.errors import HarnessError
from harness.records.layers import Argument, Layer, LayerKind, LayerSizes
from harness.records.modes import Known, Mode
from harness.records.words import ArgumentStyle, Array, DataFormat, DataKind, Shape

_FORMAT_WORDS = {DataFormat.CHANNELS_LAST: "last", DataFormat.CHANNELS_FIRST: "first"}
_LAYER_WORDS = {layer: layer.value.lower() for layer in Layer}
_FORMATS = {word: data_format for data_format, word in _FORMAT_WORDS.items()}
_LAYERS = {word: layer for layer, word in _LAYER_WORDS.items()}
_LENGTHS_PATTERN = re.compile(r"-?[0-9]+(x-?[0-9]+)*")
_ID_PATTERN = re.compile(
    r"(?P<layer>[a-z0-9._]+)-(?P<mode>[a-z]+)"
    r"-i(?P<input>[0-9x]+)-k(?P<kernel>[-0-9x]+)-s(?P<strides>[-0-9x]+)(-d(?P<dilation>[-0-9x]+))?"
    r"-(?P<padding>[A-Za-z_]+)(-o(?P<output_padding>[-0-9x]+))?-(?P<data_format>last|first)"
    r"-b(?P<batch>\d+)-c(?P<channels>\d+)(-m(?P<multiplier>-?\d+))?(-f(?P<filters>-?\d+))?(-g(?P<groups>-?\d+))?"
    r"(-(?P<bias>bias|nobias))?-(?P<dtype>[a-z0-9]+)"
    r"(-(?P<form>list|int|defaults))?(-(?P<data>real|ties|nonfinite))?"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One fully specified call of a layer or operation.

    `input`, `kernel` (the window of a pooling layer), `strides` and `dilation` hold one integer per spatial
    axis. `padding` is the name as passed to Keras, so that `Same` and unknown names are cases too. `filters`
    counts output channels; `derive_arguments` computes it, and `groups`, where the layer leaves no choice.
    `multiplier` is the `depth_multiplier` of depthwise and separable layers.
    """

    layer: Layer
    mode: Mode
    input: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    data_format: DataFormat
    batch: int
    channels: int
    filters: int
    groups: int
    bias: bool
    dtype: str
    multiplier: int = 1
    output_padding: tuple[int, ...] | None = None
    form: ArgumentStyle = ArgumentStyle.TUPLE
    data: DataKind = DataKind.EXACT

    @property
    def id(self) -> str:
        """The readable, stable id; it holds every parameter, so that `parse_case_id` restores the case.

        Omitted are parameters for which the layer has no argument, and the usual values: no `output_padding`,
        tuples, exact data.
        """
        words = [
            _LAYER_WORDS[self.layer],
            str(self.mode),
            f"i{format_lengths(self.input)}",
            f"k{format_lengths(self.kernel)}",
        ]
        words.append(f"s{format_lengths(self.strides)}")
        traits, arguments = self.kind.traits, self.layer.arguments
        if Argument.DILATION_RATE in arguments:
            words.append(f"d{format_lengths(self.dilation)}")
        words.append(self.padding)
        if self.output_padding is not None:
            words.append(f"o{format_lengths(self.output_padding)}")
        words += [_FORMAT_WORDS[self.data_format], f"b{self.batch}", f"c{self.channels}"]
        if traits.has_multiplier:
            words.append(f"m{self.multiplier}")
        if traits.derived_filters is None:
            words.append(f"f{self.filters}")
        if traits.derived_groups is None:
            words.append(f"g{self.groups}")
        if Argument.USE_BIAS in arguments:
            words.append("bias" if self.bias else "nobias")
        words.append(self.dtype)
        words += [
            str(word) for word in (self.form, self.data) if word not in {ArgumentStyle.TUPLE, DataKind.EXACT}
        ]
        return "-".join(words)

    @property
    def kind(self) -> LayerKind:
        """The kind of computation that the layer performs."""
        return self.layer.kind

    @property
    def sizes(self) -> LayerSizes:
        """The numbers that determine the shapes of the layer's weights."""
        return LayerSizes(self.kernel, self.channels, self.filters, self.groups, self.multiplier)

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(self.input)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the input array, batch first."""
        return self.arrange_shape(self.batch, self.input, self.channels)

    @property
    def channel_axis(self) -> int:
        """The index of the channel axis in the input and the output."""
        return self.ndim + 1 if self.data_format is DataFormat.CHANNELS_LAST else 1

    @property
    def spatial_axes(self) -> range:
        """The indices of the spatial axes in the input and the output."""
        first = 1 if self.data_format is DataFormat.CHANNELS_LAST else 2
        return range(first, first + self.ndim)

    def mask_unknown(self, shape: tuple[int, ...]) -> Shape:
        """Return a shape of the input or output, with None for lengths that are unknown before the call."""
        known = self.mode.traits.known
        match known:
            case Known.ALL:
                return shape
            case Known.ALL_BUT_BATCH:
                return (None, *shape[1:])
            case Known.CHANNELS:
                return tuple(
                    length if axis == self.channel_axis else None for axis, length in enumerate(shape)
                )
            case _:
                assert_never(known)

    def arrange_shape(self, batch: int, spatial: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """Return batch, spatial lengths and channels in the order of the case's data format."""
        shape = [batch, *spatial]
        shape.insert(self.channel_axis, channels)
        return tuple(shape)


def derive_arguments(case: Case) -> Case:
    """Return the case with every argument that its layer determines: filters, groups, no bias, no dilation.

    A depthwise layer has `channels * multiplier` filters and one group per channel; pooling keeps its
    channels; operations add no bias.
    """
    traits, arguments = case.kind.traits, case.layer.arguments
    derived: dict[str, Any] = {}
    if not traits.has_multiplier:
        derived["multiplier"] = 1
    if traits.derived_filters is not None:
        derived["filters"] = case.sizes.get_extent(traits.derived_filters)
    if traits.derived_groups is not None:
        derived["groups"] = case.sizes.get_extent(traits.derived_groups)
    if Argument.DILATION_RATE not in arguments:
        derived["dilation"] = (1,) * case.ndim
    if Argument.OUTPUT_PADDING not in arguments:
        derived["output_padding"] = None
    if Argument.USE_BIAS not in arguments:
        derived["bias"] = False
    # Most cases need no change, and comparing is faster than copying.
    is_derived = all(getattr(case, name) == value for name, value in derived.items())
    return case if is_derived else replace(case, **derived)


def format_lengths(lengths: tuple[int, ...]) -> str:
    """Format lengths as in case ids: `(5, 4)` becomes `5x4`."""
    return "x".join(map(str, lengths))


@lru_cache(maxsize=4096)
def parse_lengths(text: str) -> tuple[int, ...]:
    """Parse what `format_lengths` writes.

    Raises:
        ValueError: `text` is not integers joined by `x`.
    """
    if _LENGTHS_PATTERN.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not integers joined by x")
    return tuple(int(part) for part in text.split("x"))


def parse_case_id(text: str) -> Case:
    """Return the case that has this id.

    Raises:
        HarnessError: `text` is not a case id.
    """
    match = _ID_PATTERN.fullmatch(text)
    if match is None:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    words = match.groupdict()
    try:
        case = _make_case(words)
    except (KeyError, ValueError) as error:
        raise HarnessError(
            f"{text!r} is not a case id ({error}); `keras-harness cases` lists them"
        ) from error
    lengths = {len(case.input), len(case.kernel), len(case.strides), len(case.dilation)}
    lengths |= set() if case.output_padding is None else {len(case.output_padding)}
    if len(lengths) != 1 or case.ndim not in case.layer.ndims or case.id != text:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    return case


def _make_case(words: Mapping[str, str | None]) -> Case:
    """Build the case from the parts of an id.

    Raises:
        KeyError: the layer or the data format does not exist.
        ValueError: the mode does not exist, or lengths are malformed.
    """

    def find_word(key: str, otherwise: str) -> str:
        return words[key] or otherwise

    lengths = parse_lengths(find_word("input", ""))
    output_padding = words["output_padding"]
    return derive_arguments(
        Case(
            layer=_LAYERS[find_word("layer", "")],
            mode=Mode(find_word("mode", "")),
            input=lengths,
            kernel=parse_lengths(find_word("kernel", "")),
            strides=parse_lengths(find_word("strides", "")),
            dilation=parse_lengths(find_word("dilation", format_lengths((1,) * len(lengths)))),
            padding=find_word("padding", ""),
            data_format=_FORMATS[find_word("data_format", "")],
            batch=int(find_word("batch", "")),
            channels=int(find_word("channels", "")),
            filters=int(find_word("filters", "1")),
            groups=int(find_word("groups", "1")),
            bias=words["bias"] == "bias",
            dtype=find_word("dtype", ""),
            multiplier=int(find_word("multiplier", "1")),
            output_padding=None if output_padding is None else parse_lengths(output_padding),
            form=ArgumentStyle(find_word("form", ArgumentStyle.TUPLE)),
            data=DataKind(find_word("data", DataKind.EXACT)),
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class CaseData:
    """The inputs and weights of a case, in its dtype.

    `inputs` has the shape `case.input_shape`. `kernel` and `pointwise` are the first and second kernel of the
    layer kind, shaped as `KernelTraits` computes, or None. `bias` has shape `(filters,)` or is None.
    """

    inputs: Array
    kernel: Array | None
    bias: Array | None = None
    pointwise: Array | None = None

    @property
    def weights(self) -> tuple[Array, ...]:
        """The weights in Keras's order."""
        return tuple(weight for weight in (self.kernel, self.pointwise, self.bias) if weight is not None)
