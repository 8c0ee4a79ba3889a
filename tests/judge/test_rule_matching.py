from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from harness.data.case_data import make_case_data
from harness.judge.rule_matching import (
    compute_result_shape,
    find_matching_rules,
    group_by_computation,
    is_reproduced_by,
)
from harness.mutation.simulated_target import SimulatedCase
from harness.oracle import WRONG_RULES
from harness.records import Array, Case
from tests.judge.made import PLAIN, smoke

RULES = ("odd-cell-before", "kernel-flipped", "same-means-valid", "bias-omitted", "strides-swapped")


def answers(case: Case) -> Iterator[Array]:
    """Return the answers of targets that follow some wrong rules, or none."""
    subject = SimulatedCase(case)
    if subject.padding is None:
        return
    for rule in RULES:
        plan = subject.find_other_computation(WRONG_RULES[rule])
        if plan is not None and (values := subject.compute(plan).values) is not None:
            yield values
    values = subject.expected_observation.values
    assert values is not None
    yield (values + 1).astype(values.dtype)
    yield np.full_like(values, np.nan)


def test_a_rule_matches_exactly_where_its_whole_output_does() -> None:
    """Check that rejecting by one cell finds the same rules as computing everything."""
    num_matches = 0
    for case in smoke():
        for observed in answers(case):
            groups, data = group_by_computation(case, WRONG_RULES), make_case_data(case)
            values = observed.astype(np.float64)
            wholly = tuple(
                name
                for group in groups
                if compute_result_shape(case, group.computation) == values.shape
                and is_reproduced_by(case, group.computation, data, values)
                for name in group.names
            )
            assert find_matching_rules(case, data, groups, observed) == wholly, case.id
            num_matches += len(wholly)
    assert num_matches > 100


def test_a_case_without_a_formula_has_no_rules() -> None:
    with pytest.raises(ValueError, match="no formula"):
        group_by_computation(replace(PLAIN, padding="unheard-of"), WRONG_RULES)
