"""Every layer computed as hardware computes it: each product and each sum rounds to the dtype of the data."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from harness.records import DTYPE_TRAITS, Array, Case, CaseData, LayerKind
from tests.oracle.brute import Place, brute_lengths, everywhere, links, place_of, windows
from tests.oracle.cases import Values

Number: TypeAlias = Any
"""A NumPy scalar of the case's dtype; NumPy's types do not include bfloat16."""

Sum: TypeAlias = Callable[[Sequence[Number]], Number]
Sums: TypeAlias = dict[Place, Number]


def forward(terms: Sequence[Number]) -> Number:
    return reduce(lambda total, term: total + term, terms)


def reverse(terms: Sequence[Number]) -> Number:
    return forward(terms[::-1])


def pairwise(terms: Sequence[Number]) -> Number:
    half = len(terms) // 2
    return pairwise(terms[:half]) + pairwise(terms[half:]) if half else terms[0]


ORDERS: Mapping[str, Sum] = {"forward": forward, "reverse": reverse, "pairwise": pairwise}


def by_division(total: Number, count: int) -> Number:
    return total / type(total)(count)


def by_reciprocal(total: Number, count: int) -> Number:
    one = type(total)
    return total * (one(1) / one(count))


MEANS = {"division": by_division, "reciprocal": by_reciprocal}


@dataclass(frozen=True)
class Arithmetic:
    """The order of summation, and how a mean is computed."""

    order: Sum
    mean: Callable[[Number, int], Number] = by_division

    def sums(self, products: Iterable[tuple[Place, Number]]) -> Sums:
        """Sum the products of each index."""
        terms: dict[Place, list[Number]] = defaultdict(list)
        for place, term in products:
            terms[place].append(term)
        return {place: self.order(numbers) for place, numbers in terms.items()}


def rounded_values(case: Case, data: CaseData, arithmetic: Arithmetic) -> Values:
    """Compute the output in the dtype of the case, and return it in float64."""
    shape = case.arrange_shape(case.batch, brute_lengths(case), case.filters)
    output = np.zeros(shape, dtype=DTYPE_TRAITS[case.dtype].dtype)
    if data.kernel is None:
        for out, window in windows(case):
            read = [data.inputs[cell] for cell in window]
            is_largest = case.kind is LayerKind.MAX_POOLING
            output[out] = max(read) if is_largest else arithmetic.mean(arithmetic.order(read), len(read))
        return output.astype(np.float64)
    sums = multiplied(case, data, arithmetic)
    if case.kind is LayerKind.SEPARABLE:
        assert data.pointwise is not None
        sums = arithmetic.sums(
            ((*cell, number), value * data.pointwise[(0,) * case.ndim][middle, number])
            for (*cell, middle), value in sums.items()
            for number in range(case.filters)
        )
    for (entry, *cell, number), value in sums.items():
        output[place_of(case, entry, tuple(cell), number)] = value
    if data.bias is not None:
        by_filter = data.bias.reshape(-1, *(1,) * case.ndim) if is_first(case) else data.bias
        output = output + by_filter
    return output.astype(np.float64)


def rounded_gradients(case: Case, data: CaseData, weight: Values, arithmetic: Arithmetic) -> list[Values]:
    """Compute the gradients in the dtype of the case, and return them in float64."""
    wanted = weight.astype(DTYPE_TRAITS[case.dtype].dtype)
    of_input: Array = np.zeros_like(data.inputs)
    if data.kernel is None:
        shared = (
            (cell, arithmetic.mean(wanted[out], len(window)))
            for out, window in windows(case)
            for cell in window
        )
        return [filled(of_input, arithmetic.sums(shared))]
    outer: Sums = {
        (entry, *cell, number): wanted[place_of(case, entry, cell, number)]
        for cell in everywhere(brute_lengths(case))
        for entry, number in everywhere((case.batch, case.filters))
    }
    inner, of_pointwise = outer, []
    if case.kind is LayerKind.SEPARABLE:
        assert data.pointwise is not None
        weights, ones = data.pointwise[(0,) * case.ndim], (0,) * case.ndim
        middles = range(case.channels * case.multiplier)
        depthwise = multiplied(case, data, arithmetic)
        inner = arithmetic.sums(
            ((*cell, middle), value * weights[middle, number])
            for (*cell, number), value in outer.items()
            for middle in middles
        )
        mixing = arithmetic.sums(
            ((*ones, middle, number), value * depthwise[(*cell, middle)])
            for (*cell, number), value in outer.items()
            for middle in middles
            if (*cell, middle) in depthwise
        )
        of_pointwise = [filled(np.zeros_like(data.pointwise), mixing)]
    met = list(links(case))
    back = arithmetic.sums((cell, inner[out] * data.kernel[tap]) for out, cell, tap in met)
    taps = arithmetic.sums((tap, inner[out] * data.inputs[cell]) for out, cell, tap in met)
    of_bias = []
    if data.bias is not None:
        biases = arithmetic.sums(((number,), value) for (*_, number), value in outer.items())
        of_bias = [filled(np.zeros_like(data.bias), biases)]
    return [filled(of_input, back), filled(np.zeros_like(data.kernel), taps), *of_pointwise, *of_bias]


def multiplied(case: Case, data: CaseData, arithmetic: Arithmetic) -> Sums:
    """Compute the sums of products with the first kernel, by index with channels last."""
    assert data.kernel is not None
    return arithmetic.sums((out, data.inputs[cell] * data.kernel[tap]) for out, cell, tap in links(case))


def filled(array: Array, sums: Sums) -> Values:
    for place, value in sums.items():
        array[place] = value
    return array.astype(np.float64)


def is_first(case: Case) -> bool:
    return case.arrange_shape(0, (0,) * case.ndim, 1)[1] == 1


def in_fewer_bits(array: Array, fraction_bits: int) -> Values:
    """Round the numbers of an array to the nearest with so many fraction bits."""
    significand, exponent = np.frexp(array.astype(np.float64))
    steps = math.ldexp(1, fraction_bits + 1)
    return np.ldexp(np.round(significand * steps) / steps, exponent)
