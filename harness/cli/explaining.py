"""The case that a person asks `explain` for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.errors import HarnessError
from harness.records import (
    FAN_OUT,
    POOLING,
    SIGNATURES,
    Argument,
    Case,
    DataFormat,
    Kind,
    Layer,
    Mode,
    fitted,
    parse_lengths,
)

LONGEST: Final = 10_000
"""Beyond this length an explanation has no reader, and its values no end."""

_FILTERS: Final = 24
_SCALED: Final = frozenset({Kind.DEPTHWISE, Kind.SEPARABLE})


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `explain` as they were given; None where one was not."""

    layer: Layer
    mode: Mode | None
    input: str
    kernel: str
    strides: str | None
    dilation: str | None
    padding: str
    output_padding: str | None
    data_format: DataFormat
    batch: int
    channels: int
    filters: int | None
    multiplier: int | None
    groups: int | None
    bias: bool | None


def case_of(asked: Asked) -> Case:
    """The case that was asked for.

    Raises:
        HarnessError: lengths or a name that are none, or an option that the layer does not take.
    """
    if not (asked.padding.replace("_", "").isalpha() and asked.padding.isascii()):
        raise HarnessError(f"--padding {asked.padding!r}: a name of letters, as in same or valid")
    _check_taken(asked)
    ndim = _ndim(asked)
    kernel = _lengths(asked.kernel, "--kernel", ndim)
    is_pooling = SIGNATURES[asked.layer].kind in POOLING
    # A pooling layer steps by its window unless it is told otherwise.
    usual_strides = asked.kernel if is_pooling else "1"
    case = Case(
        layer=asked.layer,
        mode=asked.mode or (Mode.EAGER if asked.layer.value.startswith("ops.") else Mode.SEQUENTIAL),
        input=_lengths(asked.input, "--input", ndim),
        kernel=kernel,
        strides=_lengths(asked.strides or usual_strides, "--strides", ndim),
        dilation=_lengths(asked.dilation or "1", "--dilation", ndim),
        padding=asked.padding,
        data_format=asked.data_format,
        batch=asked.batch,
        channels=asked.channels,
        filters=_FILTERS if asked.filters is None else asked.filters,
        groups=1 if asked.groups is None else asked.groups,
        bias=asked.bias is not False,
        dtype="float32",
        multiplier=1 if asked.multiplier is None else asked.multiplier,
        output_padding=(
            None if asked.output_padding is None else _lengths(asked.output_padding, "--output-padding", ndim)
        ),
    )
    if min(case.input) < 0:
        raise HarnessError(f"--input {asked.input}: a length below 0")
    return fitted(case)


def _check_taken(asked: Asked) -> None:
    """Raise for the options that say nothing of this layer."""
    signature = SIGNATURES[asked.layer]
    not_taken = {
        "--dilation": asked.dilation is not None and signature.kind in POOLING,
        "--filters": asked.filters is not None and signature.kind in FAN_OUT,
        "--groups": asked.groups is not None and signature.kind is not Kind.CONVOLUTION,
        "--depth-multiplier": asked.multiplier is not None and signature.kind not in _SCALED,
        "--output-padding": asked.output_padding is not None and signature.kind is not Kind.TRANSPOSE,
        "--bias/--no-bias": asked.bias is not None and Argument.USE_BIAS not in signature.arguments,
    }
    found = [option for option, is_given in not_taken.items() if is_given]
    if found:
        raise HarnessError(f"{', '.join(found)}: nothing that {asked.layer} takes; leave it out")
    if asked.mode is Mode.SEQUENTIAL and asked.layer.value.startswith("ops."):
        raise HarnessError(f"--mode sequential: {asked.layer} is no layer; use another mode")
    is_handed = asked.layer.value.startswith("ops.") and signature.kind not in POOLING
    if asked.mode is Mode.SYMBOLIC and not is_handed:
        raise HarnessError(f"--mode symbolic: {asked.layer} is handed no weights; use another mode")


def _ndim(asked: Asked) -> int:
    """The axes of the layer; of an operation, as many as the input has."""
    ndims = SIGNATURES[asked.layer].ndims
    if len(ndims) == 1:
        return ndims[0]
    given = len(_parsed(asked.input, "--input"))
    if given not in ndims:
        wanted = ", ".join(map(str, ndims[:-1]))
        raise HarnessError(
            f"--input {asked.input!r}: {given} lengths; {asked.layer} takes {wanted} or {ndims[-1]}"
        )
    return given


def _lengths(text: str, option: str, ndim: int) -> tuple[int, ...]:
    """`5x5`, or one length for every axis."""
    lengths = _parsed(text, option)
    if len(lengths) == 1:
        return lengths * ndim
    if len(lengths) != ndim:
        raise HarnessError(f"{option} {text!r}: {len(lengths)} lengths; give {ndim}, or one for all")
    return lengths


def _parsed(text: str, option: str) -> tuple[int, ...]:
    try:
        lengths = parse_lengths(text.strip().lower())
    except ValueError as error:
        raise HarnessError(f"{option} {text!r}: integers joined by x, as in 5x5") from error
    if max(map(abs, lengths)) > LONGEST:
        raise HarnessError(f"{option} {text!r}: explain takes lengths up to {LONGEST:,}")
    return lengths
