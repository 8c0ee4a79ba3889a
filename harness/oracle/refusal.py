"""Which cases must be refused with an exception, which may be, and which must be computed.

Sources: the Keras documentation of each layer and operation (padding names, groups, strides with
dilation, `output_padding` below the strides), and what TensorFlow and JAX do with windows that do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from harness.oracle.plan import compute_axis_geometries
from harness.oracle.rules import Padding
from harness.records import Argument, Case, Layer, Refusal


@dataclass(frozen=True, slots=True)
class RefusalDecision:
    """Whether a case must, may or must not be refused, and why.

    A required refusal must name one of `arguments`, in any letter case.
    """

    refusal: Refusal
    reason: str = ""
    arguments: tuple[str, ...] = ()


ARGUMENT_WORDS: Final[Mapping[Argument, tuple[str, ...]]] = MappingProxyType(
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
"""The words that name each argument in an error: Keras's, then those of Keras 1 and the backends."""

NO_REFUSAL: Final = RefusalDecision(Refusal.WRONG)

STRIDED_AND_DILATED: Final = RefusalDecision(
    Refusal.ALLOWED, "strides > 1 together with dilation_rate > 1, which Keras documents as refused"
)
EMPTY_OUTPUT: Final = RefusalDecision(Refusal.ALLOWED, "no full window fits: the output is empty")
EMPTY_INPUT: Final = RefusalDecision(Refusal.ALLOWED, "the input holds nothing, and nothing comes of it")
CAUSAL_IN_KERAS_2: Final = RefusalDecision(
    Refusal.ALLOWED, "causal, which Keras 2 documents for this layer and Keras 3 does not"
)


def parse_padding(case: Case) -> Padding | None:
    """Return the padding that the case names, or None for a name that its layer does not know.

    Keras lower-cases the name (`keras/src/backend/config.py` and `standardize_padding`), so `Same` and `SAME`
    mean `same`. Only `Conv1D` pads causally, and `SeparableConv1D` of Keras 2.
    """
    try:
        padding = Padding(case.padding.lower())
    except ValueError:
        return None
    return None if padding is Padding.CAUSAL and not _has_causal(case.layer) else padding


def list_known_paddings(layer: Layer) -> tuple[Padding, ...]:
    """Return the paddings that the layer has in some version of Keras."""
    return tuple(padding for padding in Padding if padding is not Padding.CAUSAL or _has_causal(layer))


def _has_causal(layer: Layer) -> bool:
    return layer.causal is not Refusal.REQUIRED


def decide_refusal(case: Case) -> RefusalDecision:
    """Decide whether refusing the case is required, allowed or wrong, and why."""
    return find_required_refusal(case) or next(_iterate_allowed_refusals(case), NO_REFUSAL)


def find_required_refusal(case: Case) -> RefusalDecision | None:
    """Return why the case must be refused, or None where it need not be."""
    return next(_iterate_required_refusals(case), None)


def _iterate_required_refusals(case: Case) -> Iterator[RefusalDecision]:
    if parse_padding(case) is None:
        yield _make_required_refusal(Argument.PADDING, f"padding {case.padding!r} is unknown to {case.layer}")
    window = Argument.POOL_SIZE if case.kind.traits.is_pooling else Argument.KERNEL_SIZE
    for name, lengths in (
        (window, case.kernel),
        (Argument.STRIDES, case.strides),
        (Argument.DILATION_RATE, case.dilation),
    ):
        if min(lengths) < 1:
            yield _make_required_refusal(name, f"{name} is below 1")
    if case.multiplier < 1:
        yield _make_required_refusal(Argument.DEPTH_MULTIPLIER, "depth_multiplier is below 1")
    if case.filters < 1:
        yield _make_required_refusal(Argument.FILTERS, "filters is below 1")
    if case.groups < 1:
        yield _make_required_refusal(Argument.GROUPS, "groups is below 1")
    elif case.channels % case.groups:
        yield _make_required_refusal(Argument.GROUPS, "groups does not divide the channels")
    elif case.filters % case.groups:
        yield _make_required_refusal(Argument.GROUPS, "groups does not divide the filters")
    for extra, stride in zip(case.output_padding or (), case.strides, strict=False):
        if not 0 <= extra < stride:
            yield _make_required_refusal(
                Argument.OUTPUT_PADDING, "output_padding is not from 0 up to below the strides"
            )


def _make_required_refusal(argument: Argument, reason: str) -> RefusalDecision:
    return RefusalDecision(Refusal.REQUIRED, reason, ARGUMENT_WORDS[argument])


def _iterate_allowed_refusals(case: Case) -> Iterator[RefusalDecision]:
    padding = parse_padding(case)
    assert padding is not None
    if max(case.strides) > 1 and max(case.dilation) > 1:
        yield STRIDED_AND_DILATED
    if padding is Padding.CAUSAL and case.layer.causal is Refusal.ALLOWED:
        yield CAUSAL_IN_KERAS_2
    if case.batch == 0 or min(case.input) == 0:
        yield EMPTY_INPUT
    if any(geometry.out == 0 for geometry in compute_axis_geometries(case, padding)):
        yield EMPTY_OUTPUT
