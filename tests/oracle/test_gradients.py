from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import KERAS, WRONG_RULES, Padding, expect
from harness.oracle.gradients import compute_gradients, make_cotangent
from harness.oracle.plan import Computation, plan_computation
from harness.oracle.values import compute_values
from harness.records import Array, Case, CaseData, DataFormat, LayerKind, Mode, derive_arguments
from tests.oracle.cases import CASE, LAYERS, Values, numbers, plan, signals, small_cases

LINE = replace(CASE, batch=1, channels=1, filters=1, bias=False)


def arrays(data: CaseData) -> tuple[Array, ...]:
    """Return the arrays with respect to which the loss is differentiated."""
    return (data.inputs, *data.weights)


def moved(data: CaseData, place: int, by: tuple[int, ...], step: float) -> CaseData:
    """Return the data with one number of the input or of a weight changed."""
    changed = arrays(data)[place].copy()
    changed[by] += step
    if place == 0:
        return replace(data, inputs=changed)
    names = [name for name in ("kernel", "pointwise", "bias") if getattr(data, name) is not None]
    return replace(data, **{names[place - 1]: changed})


def differences(case: Case, of: Computation, data: CaseData, weight: Values, step: float) -> Iterator[Values]:
    """Compute how the loss changes with each number, over the step: exact, as it is linear in each array."""
    before = np.sum(compute_values(case, of, data) * weight)
    for place, array in enumerate(arrays(data)):
        change = np.empty(array.shape)
        for at in np.ndindex(array.shape):
            after = np.sum(compute_values(case, of, moved(data, place, at, step)) * weight)
            change[at] = (after - before) / step
        yield change


@pytest.mark.parametrize("kind", [kind for kind in LayerKind if kind is not LayerKind.AVERAGE_POOLING])
@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_the_gradient_is_how_the_loss_changes_with_each_number(kind: LayerKind, data: st.DataObject) -> None:
    case = data.draw(small_cases(kind))
    own = signals(case)
    weight = numbers(compute_values(case, plan(case), own).shape, 31)
    # Integers that differ stay in their order when one grows by a half.
    step = 0.5 if kind is LayerKind.MAX_POOLING else 1.0
    gradients = compute_gradients(case, plan(case), own, weight)
    for gradient, change in zip(gradients, differences(case, plan(case), own, weight, step), strict=True):
        assert np.array_equal(gradient, change)


OF_VALUES = {"fill", "pointwise", "multiplier", "format", "maximum", "pooling", "bias", "batch", "precision"}
"""Fields of a rule that the gradients do not follow: they change how values are computed, not where from."""

FOLLOWED = [
    name
    for name, rule in WRONG_RULES.items()
    if not any(getattr(rule, field) != getattr(KERAS, field) for field in OF_VALUES)
]


@pytest.mark.parametrize(
    "kind", [LayerKind.CONVOLUTION, LayerKind.DEPTHWISE, LayerKind.SEPARABLE, LayerKind.TRANSPOSE]
)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data())
def test_gradients_under_a_wrong_rule_are_those_of_its_values(kind: LayerKind, data: st.DataObject) -> None:
    case = data.draw(small_cases(kind))
    wrong = plan_computation(case, Padding(case.padding), WRONG_RULES[data.draw(st.sampled_from(FOLLOWED))])
    own = signals(case)
    weight = numbers(compute_values(case, wrong, own).shape, 31)
    gradients = compute_gradients(case, wrong, own, weight)
    for gradient, change in zip(gradients, differences(case, wrong, own, weight, 1.0), strict=True):
        assert np.array_equal(gradient, change)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(small_cases(LayerKind.AVERAGE_POOLING))
def test_the_gradient_of_a_mean_is_how_the_loss_changes_with_each_number(case: Case) -> None:
    # Every count of input cells divides the inputs and the weights, so that no division rounds.
    whole = math.lcm(*range(1, math.prod(case.kernel) + 1))
    own = CaseData(numbers(case.input_shape, 11) * whole, None)
    weight = numbers(compute_values(case, plan(case), own).shape, 31) * whole
    (gradient,) = compute_gradients(case, plan(case), own, weight)
    (change,) = differences(case, plan(case), own, weight, float(whole))
    assert np.array_equal(gradient, change)


@pytest.mark.parametrize(("kind", "ndim"), [pair for pair in LAYERS if pair[0] is not LayerKind.MAX_POOLING])
@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(-5, 5), st.integers(-5, 5), st.sampled_from(DataFormat))
def test_the_gradient_is_linear_in_the_weight_of_the_outputs(
    kind: LayerKind, ndim: int, a: int, b: int, data_format: DataFormat
) -> None:
    case = derive_arguments(
        replace(
            CASE,
            layer=LAYERS[kind, ndim],
            input=(4, 5, 3)[:ndim],
            kernel=(2, 1, 2)[:ndim],
            strides=(1, 2, 1)[:ndim],
            dilation=(1,) * ndim,
            padding="valid",
            data_format=data_format,
        )
    )
    own = signals(case)
    shape = compute_values(case, plan(case), own).shape
    one, other = numbers(shape, 3) * 2, numbers(shape, 4) * 2
    both = compute_gradients(case, plan(case), own, a * one + b * other)
    parts = zip(
        compute_gradients(case, plan(case), own, one),
        compute_gradients(case, plan(case), own, other),
        strict=True,
    )
    for gradient, (first, second) in zip(both, parts, strict=True):
        assert np.array_equal(gradient, a * first + b * second)


def test_the_weights_of_the_outputs_follow_from_their_places_alone() -> None:
    # Place 100: 31*100*100 + 17*100 + 5 = 311705, of which 251 leaves 214, of which 6 leaves 4: 4 - 2 = 2.
    assert make_cotangent((2, 3, 5, 7)).ravel()[100] == 2
    expected = []
    for place in range(210):
        left = (31 * place * place + 17 * place + 5) % 251 % 6
        expected.append((-3, -2, -1, 1, 2, 3)[left])
    assert make_cotangent((2, 3, 5, 7)).ravel().tolist() == expected
    assert set(Counter(expected)) == {-3, -2, -1, 1, 2, 3}
    assert make_cotangent((2, 0, 5)).shape == (2, 0, 5)


@pytest.mark.parametrize(("kind", "ndim"), list(LAYERS))
def test_gradients_are_expected_of_the_input_and_of_each_weight_in_mode_gradient_only(
    kind: LayerKind, ndim: int
) -> None:
    case = derive_arguments(
        replace(
            CASE,
            layer=LAYERS[kind, ndim],
            mode=Mode.GRADIENT,
            input=(4, 5, 3)[:ndim],
            kernel=(2, 3, 1)[:ndim],
            strides=(1, 2, 3)[:ndim],
            dilation=(1,) * ndim,
        )
    )
    data = signals(case)
    expectation = expect(case, data)
    assert expectation.values is not None
    gradients = compute_gradients(case, plan(case), data, make_cotangent(expectation.values.shape))
    for expected, gradient, array in zip(expectation.gradients, gradients, arrays(data), strict=True):
        assert np.array_equal(expected.values, gradient)
        assert expected.values.shape == array.shape
    assert expect(replace(case, mode=Mode.EAGER), data).gradients == ()


@pytest.mark.parametrize("data_format", DataFormat)
def test_the_weights_of_the_outputs_lie_in_the_format_of_the_output(data_format: DataFormat) -> None:
    # One input cell, two filters: the output's shape decides which weight belongs to which filter.
    case = replace(LINE, input=(2,), kernel=(1,), filters=2, bias=True, data_format=data_format)
    data = CaseData(np.ones(case.input_shape), np.ones((1, 1, 2)), np.zeros(2))
    weight = np.array([[[1.0, 10], [100, 1000]]])
    of_bias = compute_gradients(case, plan(case), data, weight)[-1]
    by_filter = [101, 1010] if data_format is DataFormat.CHANNELS_LAST else [11, 1100]
    assert of_bias.tolist() == by_filter
