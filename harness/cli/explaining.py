"""The case that a person asks `explain` for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from harness.cases.layer_specs import is_writable
from harness.errors import HarnessError
from harness.records import (
    DTYPE_TRAITS,
    Argument,
    ArgumentStyle,
    Case,
    DataFormat,
    DataKind,
    Layer,
    Mode,
    derive_arguments,
    parse_case_id,
    parse_lengths,
)
from harness.suggestions import suggest

LONGEST: Final = 10_000
"""Beyond this length an explanation has no reader, and its values no end."""

_FILTERS: Final = 24
_OPTIONS: Final = {"bias": "--bias/--no-bias", "multiplier": "--depth-multiplier"}
"""Options that are not named like what they give."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `explain` as they were given; None where one was not."""

    layer: Layer | None = None
    mode: Mode | None = None
    input: str | None = None
    kernel: str | None = None
    strides: str | None = None
    dilation: str | None = None
    padding: str | None = None
    output_padding: str | None = None
    data_format: DataFormat | None = None
    batch: int | None = None
    channels: int | None = None
    filters: int | None = None
    multiplier: int | None = None
    groups: int | None = None
    bias: bool | None = None
    dtype: str | None = None
    form: ArgumentStyle | None = None
    data: DataKind | None = None


def parse_named_case(case_id: str, asked: Asked) -> Case:
    """The case of an id, which says all that options could.

    Raises:
        HarnessError: the text is no id, or options describe a case besides.
    """
    given = [field.name for field in fields(asked) if getattr(asked, field.name) is not None]
    if given:
        named = ", ".join(_OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in given)
        raise HarnessError(f"{named}: the id of a case says all of it; give the id or the options")
    case = parse_case_id(case_id)
    _check_dtype(case.dtype, case_id)
    for lengths in (case.input, case.kernel, case.strides, case.dilation):
        _check_length(lengths, case_id)
    return case


def build_described_case(asked: Asked) -> Case:
    """The case that the options describe.

    Raises:
        HarnessError: lengths or a name that are none, or an option that the layer does not take.
    """
    if asked.input is None or asked.kernel is None:
        raise HarnessError(
            "give --input and --kernel, as in --input 5x5 --kernel 2, or the id of a case; "
            "`keras-harness cases SUITE` lists ids"
        )
    padding = "valid" if asked.padding is None else asked.padding
    if not (padding.replace("_", "").isalpha() and padding.isascii()):
        raise HarnessError(f"--padding {padding!r}: a name of letters, as in same or valid")
    layer = asked.layer or Layer.CONV2D
    _check_taken(asked, layer)
    dtype = asked.dtype or "float32"
    _check_dtype(dtype, "--dtype")
    ndim = _count_axes(asked.input, layer)
    # A pooling layer steps by its window unless it is told otherwise.
    usual_strides = asked.kernel if layer.kind.traits.is_pooling else "1"
    case = Case(
        layer=layer,
        mode=asked.mode or (Mode.EAGER if layer.is_operation else Mode.SEQUENTIAL),
        input=_parse_lengths(asked.input, "--input", ndim),
        kernel=_parse_lengths(asked.kernel, "--kernel", ndim),
        strides=_parse_lengths(asked.strides or usual_strides, "--strides", ndim),
        dilation=_parse_lengths(asked.dilation or "1", "--dilation", ndim),
        padding=padding,
        data_format=asked.data_format or DataFormat.CHANNELS_LAST,
        batch=1 if asked.batch is None else asked.batch,
        channels=1 if asked.channels is None else asked.channels,
        filters=_FILTERS if asked.filters is None else asked.filters,
        groups=1 if asked.groups is None else asked.groups,
        bias=asked.bias is not False,
        dtype=dtype,
        multiplier=1 if asked.multiplier is None else asked.multiplier,
        output_padding=(
            None
            if asked.output_padding is None
            else _parse_lengths(asked.output_padding, "--output-padding", ndim)
        ),
        form=asked.form or ArgumentStyle.TUPLE,
        data=asked.data or DataKind.EXACT,
    )
    if min(case.input) < 0:
        raise HarnessError(f"--input {asked.input}: a length below 0")
    case = derive_arguments(case)
    if not is_writable(case):
        raise HarnessError("--form int: one integer stands for all axes; give each option one length")
    return case


def spread_lengths(asked: Asked, ndim: int) -> str:
    """Which lengths were given once and stand for every axis; nothing where none does."""
    given = [(name, text) for name, text in _parse_given_lengths(asked) if "x" not in text.lower()]
    if ndim == 1 or not given:
        return ""
    each = ", ".join(f"--{name} {text} is {'x'.join([text.strip()] * ndim)}" for name, text in given)
    return f"One length stands for every axis: {each}."


def _parse_given_lengths(asked: Asked) -> Iterator[tuple[str, str]]:
    for name in ("input", "kernel", "strides", "dilation", "output_padding"):
        text = getattr(asked, name)
        if text is not None:
            yield name.replace("_", "-"), text


def _check_dtype(dtype: str, place: str) -> None:
    if dtype not in DTYPE_TRAITS:
        raise HarnessError(f"{place}: unknown dtype {dtype!r}; {suggest(dtype, DTYPE_TRAITS)}")


def _check_taken(asked: Asked, layer: Layer) -> None:
    """Raise for the options that say nothing of this layer."""
    traits, arguments = layer.kind.traits, layer.arguments
    not_taken = {
        "--dilation": asked.dilation is not None and Argument.DILATION_RATE not in arguments,
        "--filters": asked.filters is not None and traits.derived_filters is not None,
        "--groups": asked.groups is not None and traits.derived_groups is not None,
        "--depth-multiplier": asked.multiplier is not None and not traits.has_multiplier,
        "--output-padding": asked.output_padding is not None and Argument.OUTPUT_PADDING not in arguments,
        "--bias/--no-bias": asked.bias is not None and Argument.USE_BIAS not in arguments,
    }
    found = [option for option, is_given in not_taken.items() if is_given]
    if found:
        raise HarnessError(f"{', '.join(found)}: nothing that {layer} takes; leave it out")
    if asked.mode is Mode.SEQUENTIAL and layer.is_operation:
        raise HarnessError(f"--mode sequential: {layer} is no layer; use another mode")
    is_handed = layer.is_operation and traits.kernels
    if asked.mode is Mode.SYMBOLIC and not is_handed:
        raise HarnessError(f"--mode symbolic: {layer} is handed no weights; use another mode")


def _count_axes(text: str, layer: Layer) -> int:
    """The axes of the layer; of an operation, as many as the input has."""
    ndims = layer.ndims
    if len(ndims) == 1:
        return ndims[0]
    given = len(_parse_number(text, "--input"))
    if given not in ndims:
        wanted = ", ".join(map(str, ndims[:-1]))
        raise HarnessError(f"--input {text!r}: {given} lengths; {layer} takes {wanted} or {ndims[-1]}")
    return given


def _parse_lengths(text: str, option: str, ndim: int) -> tuple[int, ...]:
    """`5x5`, or one length for every axis."""
    lengths = _parse_number(text, option)
    if len(lengths) == 1:
        return lengths * ndim
    if len(lengths) != ndim:
        raise HarnessError(f"{option} {text!r}: {len(lengths)} lengths; give {ndim}, or one for all")
    return lengths


def _parse_number(text: str, option: str) -> tuple[int, ...]:
    try:
        lengths = parse_lengths(text.strip().lower())
    except ValueError as error:
        raise HarnessError(f"{option} {text!r}: integers joined by x, as in 5x5") from error
    _check_length(lengths, f"{option} {text!r}")
    return lengths


def _check_length(lengths: tuple[int, ...], place: str) -> None:
    if max(map(abs, lengths)) > LONGEST:
        raise HarnessError(f"{place}: explain takes lengths up to {LONGEST:,}")
