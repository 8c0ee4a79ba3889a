"""Which cases must be refused with an exception, which may be, and which must be computed.

Sources: the Keras documentation of `Conv2D` (groups, strides with dilation, padding names), and
TensorFlow's and JAX's behaviour for windows that do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from harness.oracle.convolution import axis_geometries
from harness.oracle.rules import Padding
from harness.records import Case, Refusal


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """What the formula says of refusing a case.

    A required refusal has to name one of `arguments`, in any case of letters.
    """

    refusal: Refusal
    reason: str = ""
    arguments: tuple[str, ...] = ()


ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "padding": ("padding", "border_mode", "border mode"),
        "kernel_size": ("kernel_size", "kernel", "nb_row", "nb_col"),
        "strides": ("strides", "stride", "subsample"),
        "dilation_rate": ("dilation_rate", "dilation", "atrous_rate"),
        "filters": ("filters", "nb_filter"),
        "groups": ("groups",),
    }
)
"""Each argument, and the words that name it in an error; the last ones are those of Keras 1."""

COMPUTES: Final = RefusalRule(Refusal.WRONG)

STRIDED_AND_DILATED: Final = RefusalRule(
    Refusal.ALLOWED, "strides > 1 together with dilation_rate > 1, which Keras documents as refused"
)
EMPTY_OUTPUT: Final = RefusalRule(Refusal.ALLOWED, "no full window fits: the output is empty")


def padding_of(case: Case) -> Padding | None:
    """The mode that the case's padding name stands for, or None for a name that Keras does not know.

    Keras lower-cases the name (`keras/src/backend/config.py` and `standardize_padding`), so `Same`
    and `SAME` mean `same`.
    """
    try:
        return Padding(case.padding.lower())
    except ValueError:
        return None


def refusal_of(case: Case) -> RefusalRule:
    """Whether refusing the case is required, allowed or wrong, and why."""
    return _required(case) or _allowed(case) or COMPUTES


def _required(case: Case) -> RefusalRule | None:
    if padding_of(case) is None:
        return _must("padding", f"padding {case.padding!r} is unknown to {case.layer}")
    for name, lengths in (
        ("kernel_size", case.kernel),
        ("strides", case.strides),
        ("dilation_rate", case.dilation),
    ):
        if min(lengths) < 1:
            return _must(name, f"{name} is below 1")
    if case.filters < 1:
        return _must("filters", "filters is below 1")
    if case.groups < 1:
        return _must("groups", "groups is below 1")
    if case.channels % case.groups:
        return _must("groups", "groups does not divide the channels")
    if case.filters % case.groups:
        return _must("groups", "groups does not divide the filters")
    return None


def _must(argument: str, reason: str) -> RefusalRule:
    return RefusalRule(Refusal.REQUIRED, reason, ARGUMENTS[argument])


def _allowed(case: Case) -> RefusalRule | None:
    if max(case.strides) > 1 and max(case.dilation) > 1:
        return STRIDED_AND_DILATED
    padding = padding_of(case)
    if padding is None:
        return None
    if any(geometry.out == 0 for geometry in axis_geometries(case, padding)):
        return EMPTY_OUTPUT
    return None
