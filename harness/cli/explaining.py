"""Build the case that a user asks `explain` for."""

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

MAX_LENGTH: Final = 10_000
"""The greatest length: beyond it an explanation is unreadable, and its values are too many to compute."""

_DEFAULT_FILTERS: Final = 24
_OPTION_NAMES: Final = {"bias": "--bias/--no-bias", "multiplier": "--depth-multiplier"}
"""Options whose names differ from those of the fields."""


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """The options of `explain` that describe a case, as given; None for one that is not."""

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


def parse_named_case(case_id: str, options: CaseOptions) -> Case:
    """Return the case of an id, which leaves nothing for options to describe.

    Raises:
        HarnessError: the text is not an id, or options describe a case too.
    """
    given = [field.name for field in fields(options) if getattr(options, field.name) is not None]
    if given:
        named = ", ".join(_OPTION_NAMES.get(name, f"--{name.replace('_', '-')}") for name in given)
        raise HarnessError(f"{named}: the id of a case says all of it; give the id or the options")
    case = parse_case_id(case_id)
    _check_dtype(case.dtype, case_id)
    for lengths in (case.input, case.kernel, case.strides, case.dilation):
        _check_lengths(lengths, case_id)
    return case


def build_described_case(options: CaseOptions) -> Case:
    """Build the case that the options describe.

    Raises:
        HarnessError: lengths or a name are invalid, or the layer does not take an option.
    """
    if options.input is None or options.kernel is None:
        raise HarnessError(
            "give --input and --kernel, as in --input 5x5 --kernel 2, or the id of a case; "
            "`keras-harness cases SUITE` lists ids"
        )
    padding = "valid" if options.padding is None else options.padding
    if not (padding.replace("_", "").isalpha() and padding.isascii()):
        raise HarnessError(f"--padding {padding!r}: a name of letters, as in same or valid")
    layer = options.layer or Layer.CONV2D
    _check_options(options, layer)
    dtype = options.dtype or "float32"
    _check_dtype(dtype, "--dtype")
    ndim = _count_axes(options.input, layer)
    # By default, a pooling layer steps by its window.
    default_strides = options.kernel if layer.kind.traits.is_pooling else "1"
    case = Case(
        layer=layer,
        mode=options.mode or (Mode.EAGER if layer.is_operation else Mode.SEQUENTIAL),
        input=_parse_lengths(options.input, "--input", ndim),
        kernel=_parse_lengths(options.kernel, "--kernel", ndim),
        strides=_parse_lengths(options.strides or default_strides, "--strides", ndim),
        dilation=_parse_lengths(options.dilation or "1", "--dilation", ndim),
        padding=padding,
        data_format=options.data_format or DataFormat.CHANNELS_LAST,
        batch=1 if options.batch is None else options.batch,
        channels=1 if options.channels is None else options.channels,
        filters=_DEFAULT_FILTERS if options.filters is None else options.filters,
        groups=1 if options.groups is None else options.groups,
        bias=options.bias is not False,
        dtype=dtype,
        multiplier=1 if options.multiplier is None else options.multiplier,
        output_padding=(
            None
            if options.output_padding is None
            else _parse_lengths(options.output_padding, "--output-padding", ndim)
        ),
        form=options.form or ArgumentStyle.TUPLE,
        data=options.data or DataKind.EXACT,
    )
    if min(case.input) < 0:
        raise HarnessError(f"--input {options.input}: a length below 0")
    case = derive_arguments(case)
    if not is_writable(case):
        raise HarnessError("--form int: one integer stands for all axes; give each option one length")
    return case


def describe_spread_lengths(options: CaseOptions, ndim: int) -> str:
    """Describe which lengths were given once and stand for every axis; empty where none does."""
    given = [(name, text) for name, text in _iterate_given_lengths(options) if "x" not in text.lower()]
    if ndim == 1 or not given:
        return ""
    each = ", ".join(f"--{name} {text} is {'x'.join([text.strip()] * ndim)}" for name, text in given)
    return f"One length stands for every axis: {each}."


def _iterate_given_lengths(options: CaseOptions) -> Iterator[tuple[str, str]]:
    for name in ("input", "kernel", "strides", "dilation", "output_padding"):
        text = getattr(options, name)
        if text is not None:
            yield name.replace("_", "-"), text


def _check_dtype(dtype: str, place: str) -> None:
    if dtype not in DTYPE_TRAITS:
        raise HarnessError(f"{place}: unknown dtype {dtype!r}; {suggest(dtype, DTYPE_TRAITS)}")


def _check_options(options: CaseOptions, layer: Layer) -> None:
    """Check that the layer takes every given option.

    Raises:
        HarnessError: it does not.
    """
    traits, arguments = layer.kind.traits, layer.arguments
    not_taken = {
        "--dilation": options.dilation is not None and Argument.DILATION_RATE not in arguments,
        "--filters": options.filters is not None and traits.derived_filters is not None,
        "--groups": options.groups is not None and traits.derived_groups is not None,
        "--depth-multiplier": options.multiplier is not None and not traits.has_multiplier,
        "--output-padding": options.output_padding is not None and Argument.OUTPUT_PADDING not in arguments,
        "--bias/--no-bias": options.bias is not None and Argument.USE_BIAS not in arguments,
    }
    unusable = [option for option, is_given in not_taken.items() if is_given]
    if unusable:
        raise HarnessError(f"{', '.join(unusable)}: nothing that {layer} takes; leave it out")
    if options.mode is Mode.SEQUENTIAL and layer.is_operation:
        raise HarnessError(f"--mode sequential: {layer} is no layer; use another mode")
    takes_weights = layer.is_operation and traits.kernels
    if options.mode is Mode.SYMBOLIC and not takes_weights:
        raise HarnessError(f"--mode symbolic: {layer} is handed no weights; use another mode")


def _count_axes(text: str, layer: Layer) -> int:
    """Return the number of axes of the layer; for an operation, that of the input."""
    ndims = layer.ndims
    if len(ndims) == 1:
        return ndims[0]
    ndim = len(_parse_integers(text, "--input"))
    if ndim not in ndims:
        choices = ", ".join(map(str, ndims[:-1]))
        raise HarnessError(f"--input {text!r}: {ndim} lengths; {layer} takes {choices} or {ndims[-1]}")
    return ndim


def _parse_lengths(text: str, option: str, ndim: int) -> tuple[int, ...]:
    """Parse `5x5`, or one length for every axis."""
    lengths = _parse_integers(text, option)
    if len(lengths) == 1:
        return lengths * ndim
    if len(lengths) != ndim:
        raise HarnessError(f"{option} {text!r}: {len(lengths)} lengths; give {ndim}, or one for all")
    return lengths


def _parse_integers(text: str, option: str) -> tuple[int, ...]:
    try:
        lengths = parse_lengths(text.strip().lower())
    except ValueError as error:
        raise HarnessError(f"{option} {text!r}: integers joined by x, as in 5x5") from error
    _check_lengths(lengths, f"{option} {text!r}")
    return lengths


def _check_lengths(lengths: tuple[int, ...], place: str) -> None:
    if max(map(abs, lengths)) > MAX_LENGTH:
        raise HarnessError(f"{place}: explain takes lengths up to {MAX_LENGTH:,}")
