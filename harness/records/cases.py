"""A case, its id, and its data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.records.words import Array, DataFormat, Layer, Mode

_FORMAT_WORDS = {DataFormat.CHANNELS_LAST: "last", DataFormat.CHANNELS_FIRST: "first"}
_LAYER_WORDS = {layer: layer.value.lower() for layer in Layer}
_LENGTHS = re.compile(r"-?[0-9]+(x-?[0-9]+)*")
_ID = re.compile(
    r"(?P<layer>[a-z0-9]+)-(?P<mode>[a-z]+)"
    r"-i(?P<input>[0-9x]+)-k(?P<kernel>[-0-9x]+)-s(?P<strides>[-0-9x]+)-d(?P<dilation>[-0-9x]+)"
    r"-(?P<padding>[A-Za-z_]+)-(?P<data_format>last|first)"
    r"-b(?P<batch>\d+)-c(?P<channels>\d+)-f(?P<filters>-?\d+)-g(?P<groups>-?\d+)"
    r"-(?P<bias>bias|nobias)-(?P<dtype>[a-z0-9]+)"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One fully specified layer call.

    `input`, `kernel`, `strides` and `dilation` hold one integer per spatial axis. `padding` is the
    name as it is spelled to Keras, so that `Same` and an unknown name are cases too.
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

    @property
    def id(self) -> str:
        """The readable, stable name: every parameter, so that `parse_case_id` gives the case back."""
        return "-".join(
            (
                _LAYER_WORDS[self.layer],
                self.mode,
                f"i{by(self.input)}",
                f"k{by(self.kernel)}",
                f"s{by(self.strides)}",
                f"d{by(self.dilation)}",
                self.padding,
                _FORMAT_WORDS[self.data_format],
                f"b{self.batch}",
                f"c{self.channels}",
                f"f{self.filters}",
                f"g{self.groups}",
                "bias" if self.bias else "nobias",
                self.dtype,
            )
        )

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


def by(lengths: tuple[int, ...]) -> str:
    """Lengths as people write them: `(5, 4)` is `5x4`."""
    return "x".join(map(str, lengths))


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
        case = Case(
            layer={word: layer for layer, word in _LAYER_WORDS.items()}[words["layer"]],
            mode=Mode(words["mode"]),
            input=parse_lengths(words["input"]),
            kernel=parse_lengths(words["kernel"]),
            strides=parse_lengths(words["strides"]),
            dilation=parse_lengths(words["dilation"]),
            padding=words["padding"],
            data_format={word: name for name, word in _FORMAT_WORDS.items()}[words["data_format"]],
            batch=int(words["batch"]),
            channels=int(words["channels"]),
            filters=int(words["filters"]),
            groups=int(words["groups"]),
            bias=words["bias"] == "bias",
            dtype=words["dtype"],
        )
    except (KeyError, ValueError) as error:
        raise HarnessError(
            f"{text!r} is not a case id ({error}); `keras-harness cases` lists them"
        ) from error
    ndim = {len(case.input), len(case.kernel), len(case.strides), len(case.dilation)}
    if case.id != text or len(ndim) != 1:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    return case


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """The exact data of a case.

    `inputs` has `case.input_shape`; `kernel` has shape `(*case.kernel, channels/groups, filters)`;
    `bias` has shape `(filters,)` or is None. All are integers held in the case's dtype.
    """

    inputs: Array
    kernel: Array
    bias: Array | None
