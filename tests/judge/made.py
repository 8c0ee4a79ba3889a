"""Cases, and observations of targets that follow a right or wrong rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.cases.suites import expand_suites, load_library
from harness.data.case_data import make_case_data
from harness.encoding import DTYPES
from harness.oracle import KERAS, Rule, expect
from harness.records import (
    Array,
    Case,
    DataFormat,
    Expectation,
    Layer,
    Mode,
    Observation,
    Outcome,
    Refusal,
    Stage,
)
from harness.resources import find_cases_folder

TARGET = "keras0.0-made"

PLAIN = Case(
    layer=Layer.CONV2D,
    mode=Mode.EAGER,
    input=(5, 6),
    kernel=(2, 3),
    strides=(2, 1),
    dilation=(1, 1),
    padding="same",
    data_format=DataFormat.CHANNELS_LAST,
    batch=2,
    channels=2,
    filters=3,
    groups=1,
    bias=True,
    dtype="float32",
)
MAY_BE_REFUSED = replace(PLAIN, dilation=(2, 2))
EMPTY = replace(PLAIN, padding="valid", kernel=(6, 3), strides=(1, 1))
MUST_BE_REFUSED = replace(PLAIN, padding="bogus")
BY_REFUSAL = {
    Refusal.WRONG: PLAIN,
    Refusal.ALLOWED: MAY_BE_REFUSED,
    Refusal.REQUIRED: MUST_BE_REFUSED,
}


def expected(case: Case) -> Expectation:
    """Return the formula's answer."""
    return expect(case, make_case_data(case))


def answer(case: Case, rule: Rule = KERAS) -> Array:
    """Return what a target that follows the rule returns."""
    values = expect(case, make_case_data(case), rule).values
    assert values is not None
    return values.astype(DTYPES[case.dtype])


def returned(case: Case, values: Array) -> Observation:
    """Make an observation with these values and a correctly inferred shape."""
    return Observation(
        target=TARGET,
        case_id=case.id,
        outcome=Outcome.RETURNED,
        stage=Stage.REPLY,
        values=values,
        inferred_shape=expected(case).inferred_shape,
    )


def smoke() -> Iterator[Case]:
    """Return the cases of suite smoke that have an answer."""
    for case in expand_suites(load_library([find_cases_folder()]), ["smoke"]):
        if expected(case).values is not None:
            yield case
