"""Which cases must be refused with an exception, which may be, and which must be computed.

Sources: the Keras documentation of each layer and operation (padding names, groups, strides with
dilation, `output_padding` below the strides), and what TensorFlow and JAX do with windows that do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from harness.oracle.plan import axis_geometries
from harness.oracle.rules import Padding
from harness.records import Argument, Case, Layer, Refusal


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """What the formula says of refusing a case.

    A required refusal has to name one of `arguments`, in any case of letters.
    """

    refusal: Refusal
    reason: str = ""
    arguments: tuple[str, ...] = ()


ARGUMENTS: Final[Mapping[Argument, tuple[str, ...]]] = MappingProxyType(
    {
        Argument.PADDING: ("padding", "border_mode", "border mode"),
        Argument.KERNEL_SIZE: ("kernel_size", "kernel", "nb_row", "nb_col"),
        Argument.POOL_SIZE: ("pool_size", "pool", "ksize", "window"),
        Argument.STRIDES: ("strides", "stride", "subsample"),
        Argument.DILATION_RATE: ("dilation_rate", "dilation", "dilated rates", "atrous_rate"),
        Argument.OUTPUT_PADDING: ("output_padding",),
        Argument.FILTERS: ("filters", "nb_filter"),
        Argument.GROUPS: ("groups",),
        Argument.DEPTH_MULTIPLIER: ("depth_multiplier",),
    }
)
"""Each argument, and the words that name it in an error: Keras's, then those of Keras 1 and the backends."""

COMPUTES: Final = RefusalRule(Refusal.WRONG)

STRIDED_AND_DILATED: Final = RefusalRule(
    Refusal.ALLOWED, "strides > 1 together with dilation_rate > 1, which Keras documents as refused"
)
EMPTY_OUTPUT: Final = RefusalRule(Refusal.ALLOWED, "no full window fits: the output is empty")
EMPTY_INPUT: Final = RefusalRule(Refusal.ALLOWED, "the input holds nothing, and nothing comes of it")
CAUSAL_IN_KERAS_2: Final = RefusalRule(
    Refusal.ALLOWED, "causal, which Keras 2 documents for this layer and Keras 3 does not"
)


def padding_of(case: Case) -> Padding | None:
    """The mode that the case's padding name stands for, or None for a name that its layer does not know.

    Keras lower-cases the name (`keras/src/backend/config.py` and `standardize_padding`), so `Same`
    and `SAME` mean `same`. Only `Conv1D` pads causally, and `SeparableConv1D` of Keras 2.
    """
    try:
        padding = Padding(case.padding.lower())
    except ValueError:
        return None
    return None if padding is Padding.CAUSAL and not _has_causal(case.layer) else padding


def known_paddings(layer: Layer) -> tuple[Padding, ...]:
    """The paddings that the layer has in some Keras."""
    return tuple(padding for padding in Padding if padding is not Padding.CAUSAL or _has_causal(layer))


def _has_causal(layer: Layer) -> bool:
    return layer.causal is not Refusal.REQUIRED


def refusal_of(case: Case) -> RefusalRule:
    """Whether refusing the case is required, allowed or wrong, and why."""
    return required_refusal(case) or next(_allowed(case), COMPUTES)


def required_refusal(case: Case) -> RefusalRule | None:
    """Why the case must be refused; None where it need not be."""
    return next(_required(case), None)


def _required(case: Case) -> Iterator[RefusalRule]:
    if padding_of(case) is None:
        yield _must(Argument.PADDING, f"padding {case.padding!r} is unknown to {case.layer}")
    window = Argument.POOL_SIZE if case.kind.traits.is_pooling else Argument.KERNEL_SIZE
    for name, lengths in (
        (window, case.kernel),
        (Argument.STRIDES, case.strides),
        (Argument.DILATION_RATE, case.dilation),
    ):
        if min(lengths) < 1:
            yield _must(name, f"{name} is below 1")
    if case.multiplier < 1:
        yield _must(Argument.DEPTH_MULTIPLIER, "depth_multiplier is below 1")
    if case.filters < 1:
        yield _must(Argument.FILTERS, "filters is below 1")
    if case.groups < 1:
        yield _must(Argument.GROUPS, "groups is below 1")
    elif case.channels % case.groups:
        yield _must(Argument.GROUPS, "groups does not divide the channels")
    elif case.filters % case.groups:
        yield _must(Argument.GROUPS, "groups does not divide the filters")
    for given, stride in zip(case.output_padding or (), case.strides, strict=False):
        if not 0 <= given < stride:
            yield _must(Argument.OUTPUT_PADDING, "output_padding is not from 0 up to below the strides")


def _must(argument: Argument, reason: str) -> RefusalRule:
    return RefusalRule(Refusal.REQUIRED, reason, ARGUMENTS[argument])


def _allowed(case: Case) -> Iterator[RefusalRule]:
    padding = padding_of(case)
    assert padding is not None
    if max(case.strides) > 1 and max(case.dilation) > 1:
        yield STRIDED_AND_DILATED
    if padding is Padding.CAUSAL and case.layer.causal is Refusal.ALLOWED:
        yield CAUSAL_IN_KERAS_2
    if case.batch == 0 or min(case.input) == 0:
        yield EMPTY_INPUT
    if any(geometry.out == 0 for geometry in axis_geometries(case, padding)):
        yield EMPTY_OUTPUT
