"""Finds what is wrong with what a target returned, if anything.

First the shapes of the weights: results from others than the formula's are not comparable. Then shape, dtype,
nonfinite cells and values; of the output, then of each gradient; then what was observed before the call
(inferred and symbolic shape, summary). Values must be equal: the data are integers whose sums are exact.
Algorithms that transform the data (Winograd, FFT) round, so a value within `INTEGER_TOLERANCE` of the right
integer counts as that integer, and its deviation is reported. Where the formula gives a bound, the bound
decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.judge.model_summary import read_summary
from harness.records import (
    INTEGER_TOLERANCE,
    Array,
    Case,
    Divergence,
    Expectation,
    ExpectedArray,
    Observation,
    Shape,
    Values,
    list_gradient_names,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with an answer; nothing if `divergence` is None.

    `shape` is the wrong shape that was observed before the call, if that is what is wrong.
    """

    divergence: Divergence | None = None
    max_abs_error: float | None = None
    first_index: tuple[int, ...] | None = None
    note: str = ""
    shape: Shape | None = None


def find_difference(case: Case, expectation: Expectation, observation: Observation) -> Difference:
    """Return the first difference of what was returned. Expectation and observation both have an output."""
    assert expectation.output is not None
    assert observation.values is not None
    weights = _compare_weights(expectation, observation)
    if weights.divergence is not None:
        return weights
    output = _compare_arrays(observation.values, expectation.output, expectation.dtype)
    if output.divergence is not None:
        return output
    for difference in (
        *_compare_gradients(case, expectation, observation),
        *_compare_before_call(expectation, observation),
    ):
        if difference.divergence is not None:
            return difference
    return output


def find_difference_before_call(expectation: Expectation, observation: Observation) -> Difference:
    """Return the first difference observed before a call that gave nothing. The expectation has an output."""
    assert expectation.output is not None
    for difference in (
        _compare_weights(expectation, observation),
        *_compare_before_call(expectation, observation),
    ):
        if difference.divergence is not None:
            return difference
    return Difference()


def _compare_weights(expectation: Expectation, observation: Observation) -> Difference:
    """Compare the shapes of the weights that the layer built, where they are known."""
    built, right = observation.weight_shapes, expectation.weight_shapes
    if built is None or built == right:
        return Difference()
    return Difference(
        Divergence.WEIGHTS,
        note=f"weights of the shapes {_format_shapes(built)}, not {_format_shapes(right or ())}",
    )


def _format_shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"


def _compare_gradients(
    case: Case, expectation: Expectation, observation: Observation
) -> Iterator[Difference]:
    if not case.mode.traits.differentiates:
        return
    names = list_gradient_names(case)
    if len(observation.gradients) != len(expectation.gradients):
        note = f"{len(observation.gradients)} gradients, not {len(names)}: of the {', the '.join(names)}"
        yield Difference(Divergence.GRADIENT, note=note)
        return
    for name, observed, expected in zip(names, observation.gradients, expectation.gradients, strict=True):
        difference = _compare_arrays(observed, expected, expectation.dtype)
        if difference.divergence is not None:
            what = f"{difference.divergence} of the gradient of the {name}"
            if difference.divergence is Divergence.SHAPE:
                what += f": {observed.shape}, not {expected.values.shape}"
            note = f"{what}: {difference.note}" if difference.note else what
            yield replace(difference, divergence=Divergence.GRADIENT, note=note)


def _compare_arrays(observed: Array, expected: ExpectedArray, dtype: str) -> Difference:
    if observed.shape != expected.values.shape:
        return Difference(Divergence.SHAPE)
    if observed.dtype.name != dtype:
        return Difference(Divergence.DTYPE, note=f"{observed.dtype.name}, not {dtype}")
    values = observed.astype(np.float64)
    if np.array_equal(values, expected.values):
        return Difference(max_abs_error=0.0)
    wrong = find_wrong_cells(values, expected)
    numbers = np.isfinite(values) & np.isfinite(expected.values)
    if (wrong & ~numbers).any():
        return Difference(Divergence.NONFINITE, first_index=_find_first_index(wrong))
    measured = numbers if expected.bound is None else numbers & np.isfinite(expected.bound)
    errors = np.abs(values[measured] - expected.values[measured])
    worst = float(errors.max(initial=0.0))
    if wrong.any():
        return Difference(Divergence.VALUE, worst, _find_first_index(wrong))
    if worst == 0:
        return Difference(max_abs_error=0.0)
    ulps = _compute_max_ulps(errors, expected.values[measured].astype(observed.dtype))
    return Difference(max_abs_error=worst, note=f"rounded by {ulps:.0f} ULP at most")


def find_wrong_cells(values: Values, expected: ExpectedArray) -> npt.NDArray[np.bool_]:
    """Return a mask of the wrong cells of an array that has the expected shape.

    An infinity is right where the same one is expected, and NaN where NaN is.
    """
    right = expected.values
    equal = (values == right) | (np.isnan(values) & np.isnan(right))
    with np.errstate(invalid="ignore"):
        errors = np.abs(values - right)
    near = errors < INTEGER_TOLERANCE
    if expected.bound is not None:
        near = (errors <= expected.bound) | np.isinf(expected.bound)
    wrong: npt.NDArray[np.bool_] = ~(equal | near)
    return wrong


def _find_first_index(wrong: Array) -> tuple[int, ...]:
    """Return the index of the first wrong cell in C order."""
    return tuple(int(place) for place in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def _compute_max_ulps(errors: Values, right: Array) -> float:
    """Compute the largest deviation in units in the last place of the right value."""
    return float(np.max(errors / np.spacing(np.abs(right)).astype(np.float64)))


def _compare_before_call(expectation: Expectation, observation: Observation) -> Iterator[Difference]:
    """Compare the shapes and the summary that were observed before the call."""
    if observation.inferred_shape is not None:
        yield _compare_shape(observation.inferred_shape, expectation.inferred_shape, "the inferred shape")
    if observation.symbolic_shape is not None:
        yield _compare_shape(
            observation.symbolic_shape, expectation.symbolic_shape, "the shape of the model's output"
        )
    if observation.summary is None:
        return
    summary = read_summary(observation.summary)
    yield _compare_shape(summary.output_shape, expectation.inferred_shape, "model.summary()")
    if summary.num_parameters != expectation.num_parameters:
        yield Difference(
            Divergence.PARAMETERS,
            note=f"model.summary() counts {summary.num_parameters} parameters,"
            f" not {expectation.num_parameters}",
        )


def _compare_shape(shape: Shape | None, expected: Shape | None, source: str) -> Difference:
    if shape == expected:
        return Difference()
    return Difference(Divergence.INFERRED_SHAPE, note=f"{source} is {shape}, not {expected}", shape=shape)
