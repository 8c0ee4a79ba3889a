from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.encoding import DTYPES
from harness.judge.compare import judge_observation
from harness.oracle import WRONG_RULES
from harness.records import (
    Case,
    DataKind,
    Divergence,
    Layer,
    Mode,
    Observation,
    ObservedError,
    Outcome,
    Shape,
    Stage,
    Values,
    Verdict,
    derive_arguments,
    list_gradient_names,
)
from tests.judge.made import EMPTY, PLAIN, TARGET, answer, expected

GRADIENT = replace(PLAIN, mode=Mode.GRADIENT)
SMALL_GRADIENT = replace(
    GRADIENT, input=(2, 3), kernel=(1, 2), strides=(1, 1), batch=1, channels=1, filters=2
)
DYNAMIC = replace(PLAIN, mode=Mode.DYNAMIC)
REAL = replace(PLAIN, data=DataKind.REAL)
MEAN = derive_arguments(replace(PLAIN, layer=Layer.AVERAGE_POOLING2D, kernel=(3, 3)))
LARGEST = derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, data=DataKind.REAL))
SEPARABLE = derive_arguments(replace(PLAIN, layer=Layer.SEPARABLE_CONV2D, mode=Mode.GRADIENT))


def right(case: Case) -> Observation:
    """Return what the formula gives, as a target would return it."""
    formula = expected(case)
    assert formula.values is not None
    return Observation(
        target=TARGET,
        case_id=case.id,
        outcome=Outcome.RETURNED,
        stage=Stage.REPLY,
        values=formula.values.astype(DTYPES[case.dtype]),
        gradients=tuple(part.values.astype(DTYPES[case.dtype]) for part in formula.gradients),
        inferred_shape=formula.inferred_shape,
        symbolic_shape=formula.symbolic_shape,
    )


def with_gradients(case: Case, gradients: Sequence[Values]) -> Observation:
    made = tuple(gradient.astype(DTYPES[case.dtype]) for gradient in gradients)
    return replace(right(case), gradients=made)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize("case", [PLAIN, SMALL_GRADIENT, DYNAMIC, REAL, MEAN, LARGEST])
def test_the_formulas_own_answer_conforms_in_every_dtype(case: Case, dtype: str) -> None:
    case = replace(case, dtype=dtype)
    finding = judge_observation(case, expected(case), right(case), ())
    assert finding.verdict is Verdict.CONFORMS, finding.error


def test_a_wrong_gradient_is_a_divergence_of_its_own_and_says_of_what() -> None:
    formula = expected(GRADIENT)
    for place, name in enumerate(("input", "kernel", "bias")):
        gradients = [part.values for part in formula.gradients]
        gradients[place] = gradients[place] + (np.arange(gradients[place].size) == 1).reshape(
            gradients[place].shape
        )
        finding = judge_observation(GRADIENT, formula, with_gradients(GRADIENT, gradients), ())
        assert finding.divergence is Divergence.GRADIENT
        assert finding.is_silent
        assert finding.error == f"value of the gradient of the {name}"
        assert finding.first_index == tuple(map(int, np.unravel_index(1, gradients[place].shape)))


def test_gradients_of_another_shape_dtype_or_number_diverge() -> None:
    formula = expected(GRADIENT)
    parts = [part.values for part in formula.gradients]
    fewer = judge_observation(GRADIENT, formula, with_gradients(GRADIENT, parts[:2]), ())
    assert fewer.error == "2 gradients, not 3: of the input, the kernel, the bias"
    shaped = judge_observation(
        GRADIENT, formula, with_gradients(GRADIENT, [parts[0], parts[1][..., :1], parts[2]]), ()
    )
    assert shaped.error.startswith("shape of the gradient of the kernel: (2, 3, 2, 1), not (2, 3, 2, 3)")
    wide = replace(right(GRADIENT), gradients=tuple(part.astype(np.float64) for part in parts))
    assert (
        judge_observation(GRADIENT, formula, wide, ()).error
        == "dtype of the gradient of the input: float64, not float32"
    )


def test_gradients_have_the_names_of_the_weights_in_keras_order() -> None:
    assert list_gradient_names(SEPARABLE) == ("input", "depthwise kernel", "pointwise kernel", "bias")
    assert list_gradient_names(MEAN) == ("input",)
    assert len(expected(SEPARABLE).gradients) == 4


@pytest.mark.parametrize(
    "shape",
    [
        (None, None, None, None),
        (2, None, None, 3),
        (None, 3, None, 3),
        (None, None, None, 2),
        (None, None, 3),
    ],
)
def test_a_model_has_to_know_its_channels_and_nothing_that_cannot_be_known(shape: Shape) -> None:
    formula = expected(DYNAMIC)
    assert formula.symbolic_shape == (None, None, None, 3)
    finding = judge_observation(DYNAMIC, formula, replace(right(DYNAMIC), symbolic_shape=shape), ())
    assert finding.divergence is Divergence.INFERRED_SHAPE
    assert finding.error == f"the shape of the model's output is {shape}, not (None, None, None, 3)"


def test_a_wrong_shape_before_the_call_has_the_rules_that_give_it_as_its_cause() -> None:
    wrong = replace(right(PLAIN), inferred_shape=(2, 2, 6, 3))
    finding = judge_observation(PLAIN, expected(PLAIN), wrong, ())
    assert finding.divergence is Divergence.INFERRED_SHAPE
    assert "length-rounded-down" in finding.cause.split(" or ")


def test_real_data_may_be_off_by_the_bound_and_no_further() -> None:
    formula = expected(REAL)
    assert formula.output is not None
    assert formula.output.bound is not None
    for share, verdict in ((0.9, Verdict.CONFORMS), (1.5, Verdict.DIVERGES)):
        values = formula.output.values + share * formula.output.bound
        case = replace(REAL, dtype="float32")
        wide = replace(right(case), values=values.astype(np.float32))
        assert judge_observation(case, formula, wide, ()).verdict is verdict


def test_real_data_in_half_precision_is_seen() -> None:
    formula = expected(REAL)
    assert formula.values is not None
    halved = replace(right(REAL), values=formula.values.astype(np.float16).astype(np.float32))
    assert judge_observation(REAL, formula, halved, ()).divergence is Divergence.VALUE


def test_the_largest_of_a_window_is_one_of_its_cells_to_the_last_bit() -> None:
    observed = right(LARGEST)
    assert observed.values is not None
    off = np.nextafter(observed.values, np.float32(0))
    assert (
        judge_observation(LARGEST, expected(LARGEST), replace(observed, values=off), ()).divergence
        is Divergence.VALUE
    )


def test_a_mean_that_counts_padding_is_named() -> None:
    wrong = answer(MEAN, WRONG_RULES["divisor-counts-padding"])
    finding = judge_observation(MEAN, expected(MEAN), replace(right(MEAN), values=wrong), ())
    assert finding.cause == "divisor-counts-padding"


@pytest.mark.parametrize(
    ("case", "verdict", "divergence"),
    [
        (PLAIN, Verdict.DIVERGES, Divergence.UNEXPECTED_ERROR),
        (EMPTY, Verdict.CONFORMS, None),
    ],
)
def test_a_layer_that_computes_has_to_infer_unless_it_may_refuse(
    case: Case, verdict: Verdict, divergence: Divergence | None
) -> None:
    error = ObservedError("ValueError", "padding must be either 'valid' or 'same'")
    observed = replace(right(case), inferred_shape=None, inference_error=error)
    finding = judge_observation(case, expected(case), observed, ())
    assert (finding.verdict, finding.divergence) == (verdict, divergence)
    assert finding.error == str(error)


def test_a_wrong_answer_counts_for_more_than_a_shape_that_was_not_inferred() -> None:
    observed = replace(right(PLAIN), inference_error=ObservedError("ValueError", "no"))
    assert observed.values is not None
    wrong = replace(observed, values=observed.values + np.float32(1))  # type: ignore[operator]
    assert judge_observation(PLAIN, expected(PLAIN), wrong, ()).divergence is Divergence.VALUE


NONFINITE = derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D, data=DataKind.NONFINITE, batch=4))
NONFINITE_MEAN = replace(NONFINITE, layer=Layer.AVERAGE_POOLING2D)


def of_nonfinite(case: Case, change: Callable[[Values], Values]) -> Divergence | None:
    """Return the divergence of values made from the right ones."""
    values = expected(case).values
    assert values is not None
    changed = change(values).astype(DTYPES[case.dtype])
    return judge_observation(case, expected(case), replace(right(case), values=changed), ()).divergence


@pytest.mark.parametrize("case", [NONFINITE, NONFINITE_MEAN], ids=lambda case: case.layer)
def test_infinities_and_nan_conform_where_the_formula_has_them(case: Case) -> None:
    assert of_nonfinite(case, lambda values: values) is None
    output = expected(case).output
    assert output is not None
    assert np.isinf(output.values).any()
    assert np.isnan(output.values).any()


def test_a_maximum_with_nan_may_be_anything_and_a_mean_with_nan_is_nan() -> None:
    assert of_nonfinite(NONFINITE, lambda values: np.where(np.isnan(values), 7.0, values)) is None
    changed = of_nonfinite(NONFINITE_MEAN, lambda values: np.where(np.isnan(values), 7.0, values))
    assert changed is Divergence.NONFINITE


@pytest.mark.parametrize("case", [NONFINITE, NONFINITE_MEAN], ids=lambda case: case.layer)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -3.4028235e38])
def test_another_thing_in_the_place_of_minus_infinity_diverges(case: Case, wrong: float) -> None:
    changed = of_nonfinite(case, lambda values: np.where(np.isneginf(values), wrong, values))
    assert changed is Divergence.NONFINITE


@pytest.mark.parametrize("case", [NONFINITE, NONFINITE_MEAN], ids=lambda case: case.layer)
def test_numbers_among_infinities_have_to_be_right_too(case: Case) -> None:
    changed = of_nonfinite(case, lambda values: np.where(np.isfinite(values), values + 1, values))
    assert changed is Divergence.VALUE


def test_ties_have_one_answer_and_zeros_no_sign() -> None:
    case = replace(NONFINITE, data=DataKind.TIES)
    assert judge_observation(case, expected(case), right(case), ()).verdict is Verdict.CONFORMS
    values = expected(case).values
    assert values is not None
    assert (values == 0).any()
    other = np.where(values == 0, np.copysign(0.0, -np.copysign(1.0, values)), values).astype("float32")
    assert (
        judge_observation(case, expected(case), replace(right(case), values=other), ()).verdict
        is Verdict.CONFORMS
    )
