"""Which cases must be refused with an exception, which may be, and which must be computed.

Sources: the Keras documentation of `Conv2D` (groups, strides with dilation, padding names), and
TensorFlow's and JAX's behaviour for windows that do not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        return _must(f"padding {case.padding!r} is unknown to {case.layer}", "padding")
    for name, lengths in (
        ("kernel_size", case.kernel),
        ("strides", case.strides),
        ("dilation_rate", case.dilation),
    ):
        if min(lengths) < 1:
            return _must(f"{name} is below 1", *dict.fromkeys((name, name.split("_")[0].rstrip("s"))))
    if case.filters < 1:
        return _must("filters is below 1", "filters")
    if case.groups < 1:
        return _must("groups is below 1", "groups")
    if case.channels % case.groups:
        return _must("groups does not divide the channels", "groups")
    if case.filters % case.groups:
        return _must("groups does not divide the filters", "groups")
    return None


def _must(reason: str, *arguments: str) -> RefusalRule:
    return RefusalRule(Refusal.REQUIRED, reason, arguments)


def _allowed(case: Case) -> RefusalRule | None:
    if max(case.strides) > 1 and max(case.dilation) > 1:
        return STRIDED_AND_DILATED
    padding = padding_of(case)
    if padding is None:
        return None
    if any(geometry.out == 0 for geometry in axis_geometries(case, padding)):
        return EMPTY_OUTPUT
    return None
