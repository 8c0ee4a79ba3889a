from __future__ import annotations

from collections.abc import Set

import pytest

from harness.mutation.applicability import (
    build_applicability,
    can_change_gradients,
    find_met_needs,
    is_wrong_about_lengths,
)
from harness.oracle.wrong_rules import WRONG_RULES, Need, restrict_to_one_axis
from harness.records import Layer, LayerKind
from tests.oracle.test_rules import kinds_that_show

PLACES = [(layer, ndim) for layer in Layer for ndim in layer.ndims]

SHOWS_BESIDES = {
    # Keras 3 may refuse it there.
    "causal-padding-after": {LayerKind.SEPARABLE},
    "causal-ignores-dilation": {LayerKind.SEPARABLE},
    "causal-counts-the-stride": {LayerKind.SEPARABLE},
    "causal-means-same": {LayerKind.SEPARABLE},
    "causal-means-valid": {LayerKind.SEPARABLE},
    # Nothing is summed there: to round the largest cell is to round the inputs.
    "sums-rounded-to-bfloat16": {LayerKind.MAX_POOLING},
    "sums-rounded-to-float16": {LayerKind.MAX_POOLING},
    "sums-rounded-to-float32": {LayerKind.MAX_POOLING},
    # There is no bias, so that it is the rule above.
    "sums-and-bias-rounded-to-bfloat16": {LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING},
    "sums-and-bias-rounded-to-float16": {LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING},
    # One of its two wrong values alone equals Keras's there.
    "stride-ignored-in-padding-odd-cell-before": {LayerKind.TRANSPOSE},
    "padding-not-clamped-odd-cut-after": {LayerKind.TRANSPOSE},
}
"""Rules that give another answer in layers to which they do not apply."""


def kinds_of_habitat(name: str) -> Set[LayerKind]:
    lives = build_applicability(WRONG_RULES[name])
    return {layer.kind for layer, ndim in PLACES if lives(layer, ndim)}


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_rule_lives_wherever_it_shows_but_where_another_is_told_or_a_refusal_allowed(name: str) -> None:
    # `test_mutants` checks, layer by layer, that it shows wherever it applies.
    besides = kinds_that_show()[name] - kinds_of_habitat(name)
    known = SHOWS_BESIDES.get(name, set())
    assert besides == known, f"{name} shows in {besides} too; say why in SHOWS_BESIDES, or mend RESPECTS"


def test_a_rule_on_one_axis_lives_in_layers_of_several() -> None:
    for name, rule in restrict_to_one_axis(WRONG_RULES).items():
        lives = build_applicability(rule)
        assert not any(lives(layer, ndim) for layer, ndim in PLACES if ndim == 1), name


def test_every_need_is_met_by_some_layers_and_not_by_others() -> None:
    for need in Need:
        met = {need in find_met_needs(layer, ndim) for layer, ndim in PLACES}
        assert met == {True, False}, need


def test_lengths_and_gradients_are_changed_as_the_words_of_a_rule_reach() -> None:
    changed = {
        name: (is_wrong_about_lengths(WRONG_RULES[name]), can_change_gradients(WRONG_RULES[name]))
        for name in ("odd-cell-before", "length-rounded-down", "dilation-ignored", "bias-omitted")
    }
    assert changed == {
        "odd-cell-before": (False, True),
        "length-rounded-down": (True, False),
        "dilation-ignored": (True, True),
        "bias-omitted": (False, False),
    }
    # Of two wrong values, each has to show in the gradients.
    assert not can_change_gradients(WRONG_RULES["sums-and-bias-rounded-to-float16"])
