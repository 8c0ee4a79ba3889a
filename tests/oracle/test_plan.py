"""A computation holds all that decides an answer: what it leaves out of a rule changes no value."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.oracle import KERAS, WRONG_RULES, Padding, Rule
from harness.oracle.plan import Computation, compute_axis_geometries, is_format_misread, plan_computation
from harness.oracle.rules import (
    Causal,
    Dilation,
    Divisor,
    Fill,
    Groups,
    Maximum,
    Multiplier,
    Orientation,
    OutputPadding,
    Pads,
    Placement,
    Pointwise,
    Strides,
    TransposedLength,
)
from harness.oracle.values import compute_values, evaluate
from harness.oracle.wrong_rules import restrict_to_one_axis
from harness.records import Case, LayerKind, derive_arguments
from tests.oracle.cases import CASE, LAYERS, signals, small_cases, unequal_cases

AXIS_RULES = restrict_to_one_axis(WRONG_RULES)
RULES = {"keras": KERAS, **WRONG_RULES, **AXIS_RULES}


def unabridged(case: Case, plan: Computation, rule: Rule) -> Computation:
    """Return the computation with its whole rule, except for what the rule does not do to the case.

    It misreads the data format only where the lengths allow it, transposes square kernels only, and fills
    padded cells, which a transposed layer does not have and a maximum ignores.
    """
    if not is_format_misread(case, rule):
        rule = replace(rule, format=KERAS.format)
    if rule.orientation is Orientation.TRANSPOSED and len(set(case.kernel)) > 1:
        rule = replace(rule, orientation=KERAS.orientation)
    if plan.kind in {LayerKind.TRANSPOSE, LayerKind.MAX_POOLING}:
        rule = replace(rule, fill=KERAS.fill)
    return replace(plan, rule=rule)


@st.composite
def combined(draw: st.DrawFn) -> Rule:
    """Combine two rules to one that is wrong in both respects."""
    one, other = draw(st.sampled_from(sorted(RULES))), draw(st.sampled_from(sorted(RULES)))
    changes = {
        field: getattr(RULES[other], field)
        for field in RULES[other].__slots__
        if getattr(RULES[other], field) != getattr(KERAS, field)
    }
    return replace(RULES[one], **changes)


@pytest.mark.parametrize("kind", LayerKind)
@settings(derandomize=True, deadline=None, max_examples=25, phases=[Phase.generate])
@given(st.data())
def test_rules_with_equal_plans_give_equal_values(kind: LayerKind, data: st.DataObject) -> None:
    case = data.draw(small_cases(kind))
    padding, own = Padding(case.padding), signals(case)
    rules = [*RULES.values(), *(data.draw(combined()) for _ in range(20))]
    alike: dict[Computation, list[Rule]] = defaultdict(list)
    for rule in rules:
        alike[plan_computation(case, padding, rule)].append(rule)
    for plan, same in alike.items():
        values = compute_values(case, plan, own)
        for rule in same:
            assert np.array_equal(values, compute_values(case, unabridged(case, plan, rule), own)), rule


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(list(LAYERS)).flatmap(lambda pair: unequal_cases(*pair)), combined())
def test_a_plan_is_as_long_as_its_output(case: Case, rule: Rule) -> None:
    padding = Padding(case.padding)
    plan = plan_computation(case, padding, rule)
    values = evaluate(case, padding, signals(case), rule)
    assert values.shape == case.arrange_shape(case.batch, plan.out, case.filters)
    assert values.dtype == np.float64


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.sampled_from(list(LAYERS)).flatmap(lambda pair: unequal_cases(*pair)))
def test_keras_has_the_plan_of_its_axes_and_nothing_else(case: Case) -> None:
    padding = Padding(case.padding)
    assert plan_computation(case, padding) == Computation(
        case.kind, compute_axis_geometries(case, padding), KERAS, (1,) * case.ndim
    )


ONLY_OF = {
    replace(KERAS, causal=Causal.AFTER): {LayerKind.CONVOLUTION, LayerKind.SEPARABLE},
    replace(KERAS, groups=Groups.REVERSED): {LayerKind.CONVOLUTION},
    replace(KERAS, multiplier=Multiplier.MULTIPLIER_MAJOR): {LayerKind.DEPTHWISE, LayerKind.SEPARABLE},
    replace(KERAS, pointwise=Pointwise.TRANSPOSED): {LayerKind.SEPARABLE},
    replace(KERAS, output_padding=OutputPadding.BEFORE): {LayerKind.TRANSPOSE},
    replace(KERAS, full=TransposedLength.KERNEL_ONLY): {LayerKind.TRANSPOSE},
    replace(KERAS, divisor=Divisor.WINDOW): {LayerKind.AVERAGE_POOLING},
    replace(KERAS, maximum=Maximum.ZERO): {LayerKind.MAX_POOLING},
    replace(KERAS, fill=Fill.ONE): {
        LayerKind.CONVOLUTION,
        LayerKind.DEPTHWISE,
        LayerKind.SEPARABLE,
        LayerKind.AVERAGE_POOLING,
    },
    replace(KERAS, orientation=Orientation.FLIPPED): {
        LayerKind.CONVOLUTION,
        LayerKind.DEPTHWISE,
        LayerKind.SEPARABLE,
        LayerKind.TRANSPOSE,
    },
    replace(KERAS, placement=Placement.ODD_BEFORE): set(LayerKind),
}


@pytest.mark.parametrize(
    "rule", ONLY_OF, ids=lambda rule: next(n for n in WRONG_RULES if WRONG_RULES[n] == rule)
)
def test_a_rule_changes_the_plans_of_the_kinds_that_it_speaks_of(rule: Rule) -> None:
    changed = set()
    for kind in LayerKind:
        for padding, (stride, more) in itertools.product(("same", "valid", "causal"), ((2, (1,)), (4, None))):
            if padding == "causal" and kind not in {LayerKind.CONVOLUTION, LayerKind.SEPARABLE}:
                continue
            case = derive_arguments(
                replace(
                    CASE,
                    layer=LAYERS[kind, 1],
                    input=(4,),
                    strides=(stride,),
                    padding=padding,
                    output_padding=more,
                    groups=2,
                    multiplier=2,
                )
            )
            if plan_computation(case, Padding(padding), rule) != plan_computation(case, Padding(padding)):
                changed.add(kind)
    assert changed == ONLY_OF[rule]


@pytest.mark.parametrize("name", AXIS_RULES)
def test_a_rule_on_one_axis_is_as_wrong_as_on_all_there_and_right_on_the_others(name: str) -> None:
    rule = AXIS_RULES[name]
    for kind, ndim in LAYERS:
        for padding in ("same", "valid") if ndim > 1 else ():
            case = derive_arguments(
                replace(
                    CASE,
                    layer=LAYERS[kind, ndim],
                    input=(6, 9, 7)[:ndim],
                    kernel=(3, 2, 2)[:ndim],
                    strides=(2, 3, 2)[:ndim],
                    dilation=(1, 2, 3)[:ndim],
                    padding=padding,
                    output_padding=(1, 2, 0)[:ndim],
                )
            )
            right = compute_axis_geometries(case, Padding(padding))
            held = compute_axis_geometries(case, Padding(padding), rule)
            everywhere = compute_axis_geometries(case, Padding(padding), replace(rule, on_axis=KERAS.on_axis))
            place = 0 if name.endswith("first-axis") else ndim - 1
            assert list(held) == [everywhere[a] if a == place else right[a] for a in range(ndim)]


def test_every_rule_of_lengths_and_pads_is_held_to_the_first_and_to_the_last_axis() -> None:
    moved = {
        rule for rule in WRONG_RULES.values() if spoken_of(rule) & {"placement", "amount", "shift", "full"}
    }
    assert moved
    for rule in moved:
        held = [of_axis for of_axis in AXIS_RULES.values() if replace(of_axis, on_axis=KERAS.on_axis) == rule]
        assert len(held) == 2
    assert len(set(AXIS_RULES.values())) == len(AXIS_RULES)


def spoken_of(rule: Rule) -> set[str]:
    """Return the fields in which a rule is wrong."""
    return {field for field in Rule.__slots__ if getattr(rule, field) != getattr(KERAS, field)}


@pytest.mark.parametrize("kind", [LayerKind.CONVOLUTION, LayerKind.TRANSPOSE])
def test_pads_and_strides_of_other_axes_are_those_of_the_axes_named(kind: LayerKind) -> None:
    case = derive_arguments(
        replace(
            CASE,
            layer=LAYERS[kind, 3],
            input=(6, 5, 7),
            kernel=(4, 3, 2),
            strides=(1, 2, 3),
            dilation=(1, 1, 1),
        )
    )
    pads = [(axis.before, axis.after) for axis in compute_axis_geometries(case, Padding.SAME)]
    for name, order in (
        (Pads.SWAPPED, (2, 1, 0)),
        (Pads.FIRST_FOR_ALL, (0, 0, 0)),
        (Pads.LAST_FOR_ALL, (2, 2, 2)),
    ):
        moved = compute_axis_geometries(case, Padding.SAME, replace(KERAS, pads=name))
        assert [(axis.before, axis.after) for axis in moved] == [pads[a] for a in order]
    for strides, expected in (
        (Strides.SWAPPED, (3, 2, 1)),
        (Strides.FIRST_FOR_ALL, (1, 1, 1)),
        (Strides.LAST_FOR_ALL, (3, 3, 3)),
        (Strides.IGNORED, (1, 1, 1)),
    ):
        taken = compute_axis_geometries(case, Padding.SAME, replace(KERAS, strides=strides))
        assert tuple(axis.stride for axis in taken) == expected
    dilated = replace(case, dilation=(1, 2, 3), strides=(1, 1, 1))
    for dilation, expected in ((Dilation.SWAPPED, (3, 2, 1)), (Dilation.FIRST_FOR_ALL, (1, 1, 1))):
        spread = compute_axis_geometries(dilated, Padding.SAME, replace(KERAS, dilation=dilation))
        assert tuple(axis.dilation for axis in spread) == expected
