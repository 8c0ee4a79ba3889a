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
_FORMATS = {find_word: name for name, find_word in _FORMAT_WORDS.items()}
_LAYERS = {find_word: layer for layer, find_word in _LAYER_WORDS.items()}
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

    `input`, `kernel` (the window, of a pooling layer), `strides` and `dilation` hold one integer per
    spatial axis. `padding` is the name as it is spelled to Keras, so that `Same` and an unknown name
    are cases too. `filters` counts output channels; `derive_arguments` gives it, and `groups`, where the
    layer leaves no choice. `multiplier` is the `depth_multiplier` of depthwise and separable layers.
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
        """The readable, stable name: every parameter, so that `parse_case_id` gives the case back.

        What the layer has no argument for is left out, and so is what is usual: no `output_padding`,
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
            str(find_word)
            for find_word in (self.form, self.data)
            if find_word not in {ArgumentStyle.TUPLE, DataKind.EXACT}
        ]
        return "-".join(words)

    @property
    def kind(self) -> LayerKind:
        """What the layer computes."""
        return self.layer.kind

    @property
    def sizes(self) -> LayerSizes:
        """What the shapes of the layer's weights follow from."""
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
        """The place of the channels among the axes of the input and the output."""
        return self.ndim + 1 if self.data_format is DataFormat.CHANNELS_LAST else 1

    @property
    def spatial_axes(self) -> range:
        """The places of the spatial axes among those of the input and the output."""
        first = 1 if self.data_format is DataFormat.CHANNELS_LAST else 2
        return range(first, first + self.ndim)

    def mask_unknown(self, shape: tuple[int, ...]) -> Shape:
        """A shape of the input or the output as far as the case's mode knows it before the call."""
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
        """Batch, spatial lengths and channels in the order of the case's data format."""
        shape = [batch, *spatial]
        shape.insert(self.channel_axis, channels)
        return tuple(shape)


def derive_arguments(case: Case) -> Case:
    """The case with what its layer leaves no choice of: derived filters and groups, no bias, no dilation.

    A depthwise layer has `channels * multiplier` filters in as many groups as channels; pooling keeps its
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
    # Most cases are as they should be, and a copy takes longer than a look.
    is_derived = all(getattr(case, name) == value for name, value in derived.items())
    return case if is_derived else replace(case, **derived)


def format_lengths(lengths: tuple[int, ...]) -> str:
    """Lengths as people write them: `(5, 4)` is `5x4`."""
    return "x".join(map(str, lengths))


@lru_cache(maxsize=4096)
def parse_lengths(text: str) -> tuple[int, ...]:
    """The inverse of `format_lengths`.

    Raises:
        ValueError: `text` is not integers joined by `x`.
    """
    if _LENGTHS_PATTERN.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not integers joined by x")
    return tuple(int(part) for part in text.split("x"))


def parse_case_id(text: str) -> Case:
    """The case that has this id.

    Raises:
        HarnessError: the text is no case id.
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
    """The case of the parts of an id.

    Raises:
        KeyError: a layer or a format that does not exist.
        ValueError: a mode that does not exist, or lengths that are none.
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
    """The data of a case, held in its dtype.

    `inputs` has `case.input_shape`. `kernel` and `pointwise` are the first and the second kernel of the
    layer's kind, of the shapes that `KernelTraits` tell, and None where there is none. `bias` has shape
    `(filters,)` or is None.
    """

    inputs: Array
    kernel: Array | None
    bias: Array | None = None
    pointwise: Array | None = None

    @property
    def weights(self) -> tuple[Array, ...]:
        """The weights in Keras's order."""
        return tuple(weight for weight in (self.kernel, self.pointwise, self.bias) if weight is not None)
