"""Every wrong rule is wrong somewhere: on small cases of our own, of every kind, with the harness's data."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from functools import cache

import numpy as np
import pytest

from harness.data.case_data import make_case_data
from harness.oracle import KERAS, WRONG_RULES, Rule, expect, rules
from harness.oracle.wrong_rules import RESPECTS, find_reaches, restrict_to_one_axis
from harness.records import Case, DataFormat, LayerKind, Refusal, derive_arguments
from tests.oracle.cases import CASE, LAYERS, paddings_of

GEOMETRIES: Mapping[int, Sequence[tuple[tuple[int, ...], ...]]] = {
    # Input, kernel, strides, dilation.
    1: (
        ((6,), (4,), (1,), (1,)),
        ((7,), (3,), (2,), (1,)),
        ((9,), (2,), (4,), (1,)),
        ((9,), (3,), (1,), (2,)),
        ((4,), (1,), (3,), (1,)),
    ),
    2: (
        ((6, 4), (4, 3), (1, 2), (1, 1)),
        ((5, 5), (2, 2), (2, 1), (1, 1)),
        ((4, 9), (2, 3), (3, 2), (1, 1)),
        ((9, 8), (3, 3), (1, 1), (2, 1)),
        ((4, 4), (1, 1), (3, 1), (1, 1)),
    ),
    3: (
        ((5, 4, 3), (2, 3, 2), (1, 2, 1), (1, 1, 1)),
        ((4, 4, 3), (3, 2, 2), (2, 1, 3), (1, 1, 1)),
        ((6, 5, 4), (2, 2, 2), (1, 1, 1), (1, 2, 3)),
    ),
}


def telling_cases(kind: LayerKind, ndim: int) -> Iterator[Case]:
    """Yield small cases of a kind, some of which every rule that concerns it gets wrong."""
    layer = LAYERS[kind, ndim]
    for geometry, padding, data_format in itertools.product(GEOMETRIES[ndim], paddings_of(layer), DataFormat):
        lengths, kernel, strides, dilation = geometry
        case = replace(
            CASE,
            layer=layer,
            input=lengths,
            kernel=kernel,
            strides=strides,
            dilation=dilation,
            padding=padding,
            data_format=data_format,
            channels=4 if data_format is DataFormat.CHANNELS_FIRST else 2,
            filters=4,
            groups=2,
            multiplier=2,
        )
        yield derive_arguments(case)
        yield derive_arguments(replace(case, output_padding=tuple(stride - 1 for stride in strides)))


@cache
def cases_by_kind() -> Mapping[LayerKind, Sequence[Case]]:
    found: dict[LayerKind, list[Case]] = defaultdict(list)
    for kind, ndim in LAYERS:
        found[kind] += dict.fromkeys(telling_cases(kind, ndim))
    return found


def answer(case: Case, rule: Rule) -> tuple[tuple[int, ...], bytes]:
    """Return shape and values under the rule, to be compared for equality."""
    values = expect(case, make_case_data(case), rule).values
    assert values is not None
    return values.shape, (values + 0.0).tobytes()


@cache
def kinds_that_show() -> Mapping[str, set[LayerKind]]:
    """Return the kinds of layers in which each wrong rule gives another answer than Keras's."""
    shown: dict[str, set[LayerKind]] = {name: set() for name in WRONG_RULES}
    for kind, cases in cases_by_kind().items():
        missing = dict(WRONG_RULES)
        for case in cases:
            right = answer(case, KERAS)
            found = [name for name, rule in missing.items() if answer(case, rule) != right]
            for name in found:
                shown[name].add(kind)
                del missing[name]
    return shown


@pytest.mark.parametrize("name", WRONG_RULES)
def test_every_wrong_rule_differs_from_keras_on_a_small_case(name: str) -> None:
    assert kinds_that_show()[name]


FORWARD = {
    LayerKind.CONVOLUTION,
    LayerKind.DEPTHWISE,
    LayerKind.SEPARABLE,
    LayerKind.MAX_POOLING,
    LayerKind.AVERAGE_POOLING,
}
WEIGHTED = {LayerKind.CONVOLUTION, LayerKind.DEPTHWISE, LayerKind.SEPARABLE, LayerKind.TRANSPOSE}
POOLS = {LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("odd-cell-before", set(LayerKind)),
        ("all-padding-before", set(LayerKind)),
        ("same-means-valid", set(LayerKind)),
        ("valid-means-same", set(LayerKind)),
        ("stride-ignored-in-padding", FORWARD),
        ("last-window-dropped", set(LayerKind)),
        ("causal-padding-after", {LayerKind.CONVOLUTION, LayerKind.SEPARABLE}),
        ("dilation-ignored", WEIGHTED),
        ("kernel-flipped", WEIGHTED),
        ("strides-swapped", set(LayerKind)),
        ("pads-swapped", set(LayerKind)),
        ("output-padding-before", {LayerKind.TRANSPOSE}),
        ("output-padding-ignored", {LayerKind.TRANSPOSE}),
        ("stride-beyond-kernel-not-covered", {LayerKind.TRANSPOSE}),
        ("groups-interleaved", {LayerKind.CONVOLUTION}),
        ("multiplier-before-channel", {LayerKind.DEPTHWISE, LayerKind.SEPARABLE}),
        ("strides-in-the-pointwise-step", {LayerKind.SEPARABLE}),
        ("divisor-counts-padding", {LayerKind.AVERAGE_POOLING}),
        ("maximum-with-zero", {LayerKind.MAX_POOLING}),
        ("other-pooling", POOLS),
        ("bias-omitted", WEIGHTED),
        ("batch-reversed", set(LayerKind)),
    ],
)
def test_a_rule_shows_in_the_kinds_that_it_speaks_of_and_in_no_other(
    name: str, kinds: set[LayerKind]
) -> None:
    assert kinds_that_show()[name] == kinds


def test_the_small_cases_tell_the_wrong_rules_from_one_another() -> None:
    together = [list(WRONG_RULES)]
    for case in itertools.chain.from_iterable(cases_by_kind().values()):
        together = [part for names in together for part in told_apart(case, names)]
        if not together:
            break
    assert not together


def told_apart(case: Case, names: Sequence[str]) -> list[list[str]]:
    """Group the names by their answer to the case, without groups of one."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name in names:
        groups[answer(case, WRONG_RULES[name])].append(name)
    return [group for group in groups.values() if len(group) > 1]


def test_wrong_rules_answer_every_case_that_may_be_computed() -> None:
    for case in itertools.islice(itertools.chain.from_iterable(cases_by_kind().values()), 0, None, 4):
        right = expect(case, make_case_data(case))
        assert right.refusal is not Refusal.REQUIRED
        for name, rule in WRONG_RULES.items():
            values = expect(case, make_case_data(case), rule).values
            assert values is not None
            assert values.dtype == np.float64
            assert not np.isnan(values).any(), name


def test_a_wrong_rule_that_moves_padding_alone_keeps_the_shape() -> None:
    # Why checking shapes is not enough: these rules are wrong and never change a shape.
    for name in (
        "odd-cell-before",
        "kernel-centred",
        "all-padding-before",
        "all-padding-after",
        "padding-not-clamped",
        "padding-not-clamped-odd-cut-after",
        "padding-not-clamped-odd-cell-before",
        "output-padding-before",
        "pads-swapped",
    ):
        for case in itertools.chain.from_iterable(cases_by_kind().values()):
            assert answer(case, KERAS)[0] == answer(case, WRONG_RULES[name])[0], (name, case.id)


def test_every_word_of_the_rules_is_used() -> None:
    enums = [word for word in vars(rules).values() if isinstance(word, type) and issubclass(word, StrEnum)]
    named = (KERAS, *WRONG_RULES.values(), *restrict_to_one_axis(WRONG_RULES).values())
    used = {getattr(rule, field.name) for rule in named for field in fields(Rule)}
    for words in enums:
        if words not in {StrEnum, rules.Padding}:
            assert set(words) <= used, words


def test_every_respect_of_a_rule_has_a_wrong_value() -> None:
    named = [*WRONG_RULES.values(), *restrict_to_one_axis(WRONG_RULES).values()]
    for field in fields(Rule):
        right = getattr(KERAS, field.name)
        assert any(getattr(rule, field.name) != right for rule in named), field.name


def test_every_respect_says_how_far_it_reaches_to_be_wrong_in_it() -> None:
    assert list(RESPECTS) == [field.name for field in fields(Rule)]


def test_only_wrong_words_reach_otherwise() -> None:
    for name, respect in RESPECTS.items():
        right = getattr(KERAS, name)
        assert right not in respect.by_word, name
        assert all(type(word) is type(right) for word in respect.by_word), name
        assert respect.reach not in respect.by_word.values(), name


def test_keras_reaches_nowhere_and_each_wrong_word_of_a_rule_as_far_as_it_says() -> None:
    assert find_reaches(KERAS) == ()
    both = WRONG_RULES["padding-not-clamped-odd-cut-after"]
    assert find_reaches(both) == (
        RESPECTS["placement"].by_word[both.placement],
        RESPECTS["amount"].by_word[both.amount],
    )
    assert find_reaches(WRONG_RULES["one-window-more"]) == (RESPECTS["windows"].reach,)


def test_no_wrong_rule_is_written_twice() -> None:
    assert len(set(WRONG_RULES.values())) == len(WRONG_RULES)
    assert KERAS not in WRONG_RULES.values()
