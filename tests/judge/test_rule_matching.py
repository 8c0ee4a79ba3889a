from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from harness.data.case_data import signals_of
from harness.judge.rule_matching import alike, fits, fitting, shape_of
from harness.mutation.simulated_target import Subject
from harness.oracle import WRONG_RULES
from harness.records import Array, Case
from tests.judge.made import PLAIN, smoke

RULES = ("odd-cell-before", "kernel-flipped", "same-means-valid", "bias-omitted", "strides-swapped")


def answers(case: Case) -> Iterator[Array]:
    """What targets give that follow some wrong rules, or none."""
    subject = Subject(case)
    if subject.padding is None:
        return
    for rule in RULES:
        plan = subject.other_plan(WRONG_RULES[rule])
        if plan is not None and (values := subject.computed(plan).values) is not None:
            yield values
    values = subject.right.values
    assert values is not None
    yield (values + 1).astype(values.dtype)
    yield np.full_like(values, np.nan)


def test_a_rule_matches_exactly_where_its_whole_output_does() -> None:
    """What is rejected by one cell is what computing everything rejects."""
    num_matches = 0
    for case in smoke():
        for observed in answers(case):
            groups, data = alike(case, WRONG_RULES), signals_of(case)
            values = observed.astype(np.float64)
            wholly = tuple(
                name
                for group in groups
                if shape_of(case, group.plan) == values.shape and fits(case, group.plan, data, values)
                for name in group.names
            )
            assert fitting(case, data, groups, observed) == wholly, case.id
            num_matches += len(wholly)
    assert num_matches > 100


def test_a_case_without_a_formula_has_no_rules() -> None:
    with pytest.raises(ValueError, match="no formula"):
        alike(replace(PLAIN, padding="unheard-of"), WRONG_RULES)
