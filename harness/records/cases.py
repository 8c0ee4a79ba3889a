"""A case, its id, and its data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from harness.errors import HarnessError
from harness.records.layers import FAN_OUT, POOLING, SIGNATURES, Argument, Kind, Layer
from harness.records.words import Array, Data, DataFormat, Form, Mode

_FORMAT_WORDS = {DataFormat.CHANNELS_LAST: "last", DataFormat.CHANNELS_FIRST: "first"}
_LAYER_WORDS = {layer: layer.value.lower() for layer in Layer}
_FORMATS = {word: name for name, word in _FORMAT_WORDS.items()}
_LAYERS = {word: layer for layer, word in _LAYER_WORDS.items()}
_LENGTHS = re.compile(r"-?[0-9]+(x-?[0-9]+)*")
_ID = re.compile(
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
    are cases too. `filters` counts output channels; `fitted` gives it, and `groups`, where the layer
    leaves no choice. `multiplier` is the `depth_multiplier` of depthwise and separable layers.
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
    form: Form = Form.TUPLE
    data: Data = Data.EXACT

    @property
    def id(self) -> str:
        """The readable, stable name: every parameter, so that `parse_case_id` gives the case back.

        What the layer has no argument for is left out, and so is what is usual: no `output_padding`,
        tuples, exact data.
        """
        words = [_LAYER_WORDS[self.layer], str(self.mode), f"i{by(self.input)}", f"k{by(self.kernel)}"]
        words.append(f"s{by(self.strides)}")
        if self.kind not in POOLING:
            words.append(f"d{by(self.dilation)}")
        words.append(self.padding)
        if self.output_padding is not None:
            words.append(f"o{by(self.output_padding)}")
        words += [_FORMAT_WORDS[self.data_format], f"b{self.batch}", f"c{self.channels}"]
        if self.kind in {Kind.DEPTHWISE, Kind.SEPARABLE}:
            words.append(f"m{self.multiplier}")
        if self.kind not in FAN_OUT:
            words.append(f"f{self.filters}")
        if self.kind is Kind.CONVOLUTION:
            words.append(f"g{self.groups}")
        if Argument.USE_BIAS in SIGNATURES[self.layer].arguments:
            words.append("bias" if self.bias else "nobias")
        words.append(self.dtype)
        words += [str(word) for word in (self.form, self.data) if word not in {Form.TUPLE, Data.EXACT}]
        return "-".join(words)

    @property
    def kind(self) -> Kind:
        """What the layer computes."""
        return SIGNATURES[self.layer].kind

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(self.input)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the input array, batch first."""
        return self.shape_of(self.batch, self.input, self.channels)

    def shape_of(self, batch: int, spatial: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """Batch, spatial lengths and channels in the order of the case's data format."""
        if self.data_format is DataFormat.CHANNELS_LAST:
            return (batch, *spatial, channels)
        return (batch, channels, *spatial)


def fitted(case: Case) -> Case:
    """The case with what its layer leaves no choice of: derived filters and groups, no bias, no dilation.

    A depthwise layer has `channels * multiplier` filters in as many groups as channels; pooling keeps its
    channels; operations add no bias.
    """
    kind = case.kind
    derived: dict[str, Any] = {}
    if kind is not Kind.CONVOLUTION:
        derived["groups"] = case.channels if kind is Kind.DEPTHWISE else 1
    if kind is Kind.DEPTHWISE:
        derived["filters"] = case.channels * case.multiplier
    elif kind is not Kind.SEPARABLE:
        derived["multiplier"] = 1
    if kind in POOLING:
        derived |= {"filters": case.channels, "dilation": (1,) * case.ndim}
    if kind is not Kind.TRANSPOSE:
        derived["output_padding"] = None
    if Argument.USE_BIAS not in SIGNATURES[case.layer].arguments:
        derived["bias"] = False
    # Most cases are as they should be, and a copy takes longer than a look.
    is_derived = all(getattr(case, name) == value for name, value in derived.items())
    return case if is_derived else replace(case, **derived)


def by(lengths: tuple[int, ...]) -> str:
    """Lengths as people write them: `(5, 4)` is `5x4`."""
    return "x".join(map(str, lengths))


@lru_cache(maxsize=4096)
def parse_lengths(text: str) -> tuple[int, ...]:
    """The inverse of `by`.

    Raises:
        ValueError: `text` is not integers joined by `x`.
    """
    if _LENGTHS.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not integers joined by x")
    return tuple(int(part) for part in text.split("x"))


def parse_case_id(text: str) -> Case:
    """The case that has this id.

    Raises:
        HarnessError: the text is no case id.
    """
    match = _ID.fullmatch(text)
    if match is None:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    words = match.groupdict()
    try:
        case = _case_of(words)
    except (KeyError, ValueError) as error:
        raise HarnessError(
            f"{text!r} is not a case id ({error}); `keras-harness cases` lists them"
        ) from error
    lengths = {len(case.input), len(case.kernel), len(case.strides), len(case.dilation)}
    lengths |= set() if case.output_padding is None else {len(case.output_padding)}
    if len(lengths) != 1 or case.ndim not in SIGNATURES[case.layer].ndims or case.id != text:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    return case


def _case_of(words: Mapping[str, str | None]) -> Case:
    """The case of the parts of an id.

    Raises:
        KeyError: a layer or a format that does not exist.
        ValueError: a mode that does not exist, or lengths that are none.
    """

    def word(key: str, otherwise: str) -> str:
        return words[key] or otherwise

    lengths = parse_lengths(word("input", ""))
    output_padding = words["output_padding"]
    return fitted(
        Case(
            layer=_LAYERS[word("layer", "")],
            mode=Mode(word("mode", "")),
            input=lengths,
            kernel=parse_lengths(word("kernel", "")),
            strides=parse_lengths(word("strides", "")),
            dilation=parse_lengths(word("dilation", by((1,) * len(lengths)))),
            padding=word("padding", ""),
            data_format=_FORMATS[word("data_format", "")],
            batch=int(word("batch", "")),
            channels=int(word("channels", "")),
            filters=int(word("filters", "1")),
            groups=int(word("groups", "1")),
            bias=words["bias"] == "bias",
            dtype=word("dtype", ""),
            multiplier=int(word("multiplier", "1")),
            output_padding=None if output_padding is None else parse_lengths(output_padding),
            form=Form(word("form", Form.TUPLE)),
            data=Data(word("data", Data.EXACT)),
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """The data of a case, held in its dtype.

    `inputs` has `case.input_shape`. `kernel` has, by kind: `(*case.kernel, channels/groups, filters)` for a
    convolution, `(*case.kernel, channels, multiplier)` for a depthwise or separable one, `(*case.kernel,
    filters, channels)` for a transposed one, and is None for pooling. `pointwise`, of a separable
    one, has `(1, ..., channels*multiplier, filters)`. `bias` has shape `(filters,)` or is None.
    """

    inputs: Array
    kernel: Array | None
    bias: Array | None = None
    pointwise: Array | None = None

    @property
    def weights(self) -> tuple[Array, ...]:
        """The weights in Keras's order."""
        return tuple(weight for weight in (self.kernel, self.pointwise, self.bias) if weight is not None)
