from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.oracle import expect
from harness.oracle.expectation import num_parameters, output_shape
from harness.records import DataFormat, Mode, Refusal

from .brute import CASE, signals, tiny_planes

DOCUMENT = replace(
    CASE,
    mode=Mode.SEQUENTIAL,
    input=(5, 5),
    kernel=(2, 2),
    strides=(2, 2),
    dilation=(1, 1),
    padding="Same",
    channels=1,
    filters=24,
)


@pytest.mark.parametrize(
    ("length", "padding", "out"), [(5, "Same", 3), (5, "Valid", 2), (6, "Valid", 3), (6, "Same", 3)]
)
def test_the_documents_models_give_its_shapes_and_120_parameters(length: int, padding: str, out: int) -> None:
    case = replace(DOCUMENT, input=(length, length), padding=padding)
    expectation = expect(case, signals(case))
    assert expectation.inferred_shape == (None, out, out, 24)
    assert expectation.shape == (2, out, out, 24)
    assert expectation.num_parameters == 120
    assert expectation.refusal is Refusal.WRONG


def test_an_eager_call_knows_its_batch() -> None:
    case = replace(DOCUMENT, mode=Mode.EAGER)
    assert expect(case, signals(case)).inferred_shape == (2, 3, 3, 24)


def test_channels_first_puts_the_filters_behind_the_batch() -> None:
    case = replace(DOCUMENT, data_format=DataFormat.CHANNELS_FIRST, input=(5, 7))
    assert expect(case, signals(case)).inferred_shape == (None, 24, 3, 4)


def test_the_shape_is_known_without_the_values() -> None:
    for case in tiny_planes():
        values = expect(case, signals(case)).values
        assert values is not None
        assert output_shape(case) == values.shape


@pytest.mark.parametrize("changes", [{"padding": "bogus"}, {"kernel": (0, 2)}])
def test_a_case_that_must_be_refused_has_no_shape(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="has no output: "):
        output_shape(replace(DOCUMENT, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bias", "groups", "count"),
    [(True, 1, 2 * 3 * 4 * 6 + 6), (False, 1, 2 * 3 * 4 * 6), (True, 2, 2 * 3 * 2 * 6 + 6)],
)
def test_parameters_are_the_kernel_of_one_group_and_the_bias(*, bias: bool, groups: int, count: int) -> None:
    case = replace(DOCUMENT, kernel=(2, 3), channels=4, filters=6, bias=bias, groups=groups)
    assert num_parameters(case) == count
    data = signals(case)
    assert count == data.kernel.size + (0 if data.bias is None else data.bias.size)


def test_values_are_float64_and_the_dtype_is_the_cases() -> None:
    case = replace(DOCUMENT, dtype="float32")
    expectation = expect(case, signals(case))
    assert expectation.dtype == "float32"
    assert expectation.values is not None
    assert expectation.values.dtype == np.float64
