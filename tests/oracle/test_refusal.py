from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.oracle import Padding, expect
from harness.oracle.refusal import EMPTY_OUTPUT, STRIDED_AND_DILATED, padding_of, refusal_of
from harness.records import Case, Refusal

from .brute import CASE, signals

PLANE = replace(CASE, input=(5, 6), kernel=(2, 3), strides=(1, 1), dilation=(1, 1), channels=4, filters=4)


def required() -> Iterator[tuple[Case, str]]:
    """Each case that must be refused, and the argument that the exception has to name."""
    for name in ("causal", "full", "bogus", "Samee", "", "same "):
        yield replace(PLANE, padding=name), "padding"
    for bad in ((0, 2), (2, 0), (-1, 2), (2, -1), (0, 0)):
        yield replace(PLANE, kernel=bad), "kernel_size"
        yield replace(PLANE, strides=bad), "strides"
        yield replace(PLANE, dilation=bad), "dilation_rate"
    for number in (0, -1):
        yield replace(PLANE, filters=number), "filters"
        yield replace(PLANE, groups=number), "groups"
    yield replace(PLANE, groups=2, channels=3), "groups"
    yield replace(PLANE, groups=2, filters=3), "groups"
    yield replace(PLANE, groups=3, channels=3), "groups"
    yield replace(PLANE, groups=8, channels=4, filters=8), "groups"


@pytest.mark.parametrize(
    ("case", "argument"), list(required()), ids=lambda value: getattr(value, "id", value)
)
def test_impossible_arguments_must_be_refused_by_name(case: Case, argument: str) -> None:
    refusal = refusal_of(case)
    assert refusal.refusal is Refusal.REQUIRED
    assert argument in refusal.arguments
    assert refusal.reason


@pytest.mark.parametrize(
    ("case", "argument"), list(required()), ids=lambda value: getattr(value, "id", value)
)
def test_a_case_that_must_be_refused_has_no_answer(case: Case, argument: str) -> None:
    expectation = expect(case, signals(PLANE))
    assert expectation.refusal is Refusal.REQUIRED
    assert expectation.values is None
    assert expectation.shape is None
    assert expectation.inferred_shape is None
    assert expectation.num_parameters is None


def test_an_argument_is_also_named_by_the_word_that_keras_1_has_for_it() -> None:
    words = {argument: refusal_of(case).arguments for case, argument in required()}
    assert {"border_mode", "border mode"} <= set(words["padding"])
    assert "nb_row" in words["kernel_size"]
    assert "subsample" in words["strides"]
    assert "atrous_rate" in words["dilation_rate"]
    assert "nb_filter" in words["filters"]
    assert {names[0] for names in words.values()} == set(words)


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("same", Padding.SAME),
        ("Same", Padding.SAME),
        ("SAME", Padding.SAME),
        ("valid", Padding.VALID),
        ("Valid", Padding.VALID),
        ("VALID", Padding.VALID),
        ("causal", None),
        ("bogus", None),
        ("", None),
    ],
)
def test_padding_names_are_lower_cased_and_never_guessed(spelled: str, meant: Padding | None) -> None:
    assert padding_of(replace(PLANE, padding=spelled)) is meant


@pytest.mark.parametrize(("strides", "dilation"), [((2, 1), (2, 1)), ((2, 1), (1, 2)), ((3, 3), (2, 2))])
def test_strides_with_dilation_may_be_refused_and_have_an_answer(
    strides: tuple[int, ...], dilation: tuple[int, ...]
) -> None:
    case = replace(PLANE, strides=strides, dilation=dilation)
    assert refusal_of(case) is STRIDED_AND_DILATED
    assert expect(case, signals(case)).values is not None


@pytest.mark.parametrize("changes", [{"strides": (2, 2)}, {"dilation": (2, 2)}])
def test_strides_alone_and_dilation_alone_must_be_computed(changes: dict[str, tuple[int, int]]) -> None:
    case = replace(PLANE, **changes, padding="same")  # type: ignore[arg-type]
    assert refusal_of(case).refusal is Refusal.WRONG


@pytest.mark.parametrize(("kernel", "dilation"), [((6, 1), (1, 1)), ((1, 7), (1, 1)), ((3, 2), (3, 1))])
def test_valid_without_a_full_window_may_be_refused_or_empty(
    kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> None:
    case = replace(PLANE, kernel=kernel, dilation=dilation, padding="valid")
    assert refusal_of(case) is EMPTY_OUTPUT
    values = expect(case, signals(case)).values
    assert values is not None
    assert values.size == 0
    assert refusal_of(replace(case, padding="same")).refusal is Refusal.WRONG


def test_a_kernel_as_long_as_the_input_must_be_computed() -> None:
    assert refusal_of(replace(PLANE, kernel=PLANE.input, padding="valid")).refusal is Refusal.WRONG


@pytest.mark.parametrize(("channels", "filters", "groups"), [(4, 6, 2), (3, 3, 3), (2, 4, 2), (4, 4, 1)])
def test_groups_that_divide_must_be_computed(channels: int, filters: int, groups: int) -> None:
    case = replace(PLANE, channels=channels, filters=filters, groups=groups)
    assert refusal_of(case).refusal is Refusal.WRONG


def test_what_must_be_refused_stays_so_where_refusing_is_also_allowed() -> None:
    case = replace(PLANE, strides=(2, 2), dilation=(2, 2), groups=3)
    assert refusal_of(case).refusal is Refusal.REQUIRED
