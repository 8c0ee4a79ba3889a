from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.records import ArgumentStyle, DataKind, Layer, Mode
from harness.report.rows import COLUMNS, format_row
from tests.report.judged import BAD, GOOD, SAME, conforming, loud, of_family, silent


def test_a_row_has_a_cell_for_every_column() -> None:
    assert len(format_row(conforming(GOOD, SAME))) == len(COLUMNS)


def test_a_divergence_reads_as_the_contract_says() -> None:
    row = dict(zip(COLUMNS, format_row(silent(BAD, SAME)), strict=True))
    assert row["input"] == "5x5"
    assert row["expected_shape"] == "(2, 3, 3, 3)"
    assert row["silent"] == "true"
    assert row["divergence"] == "value"
    assert row["cause"] == "all-padding-before"
    assert float(row["max_abs_error"]) > 0
    assert row["first_index"] == "(0, 0, 0, 0)"


def test_what_is_absent_is_empty() -> None:
    row = dict(zip(COLUMNS, format_row(loud(BAD, SAME)), strict=True))
    assert row["observed_shape"] == ""
    assert row["max_abs_error"] == ""
    assert row["first_index"] == ""
    assert row["silent"] == "false"


def test_floats_are_as_short_as_they_can_be_and_exact() -> None:
    one = silent(BAD, SAME)

    def row(error: float) -> tuple[str, ...]:
        return format_row(replace(one, finding=replace(one.finding, max_abs_error=error)))

    assert "0.1" in row(float(np.float64(0.1)))
    assert "nan" in row(math.nan)


def test_the_columns_begin_as_the_contract_says() -> None:
    assert COLUMNS[:12] == (
        *("target", "case", "layer", "mode", "input", "kernel", "strides", "dilation", "padding"),
        *("data_format", "groups", "filters"),
    )
    assert COLUMNS[12:25] == (
        *("outcome", "stage", "verdict", "divergence", "silent", "expected_shape", "observed_shape"),
        *("inferred_shape", "max_abs_error", "first_index", "cause", "standing", "error"),
    )


def test_a_row_says_all_of_a_case() -> None:
    case = of_family(
        Layer.CONV2D_TRANSPOSE,
        strides=(2, 3),
        output_padding=(1, 2),
        form=ArgumentStyle.LIST,
        data=DataKind.REAL,
        bias=False,
    )
    row = dict(zip(COLUMNS, format_row(conforming(GOOD, case)), strict=True))
    assert row["output_padding"] == "1x2"
    assert (row["form"], row["data"], row["bias"], row["dtype"]) == ("list", "real", "false", "float32")
    assert (row["batch"], row["channels"], row["multiplier"]) == ("2", "2", "1")
    assert dict(zip(COLUMNS, format_row(conforming(GOOD, SAME)), strict=True))["output_padding"] == ""


def test_a_row_holds_what_the_model_said_of_its_shape() -> None:
    one = conforming(GOOD, of_family(Layer.CONV1D, mode=Mode.DYNAMIC))
    symbolic = replace(one, observation=replace(one.observation, symbolic_shape=(None, None, 3)))
    assert format_row(symbolic)[-1] == "(None, None, 3)"
    assert format_row(one)[-1] == ""
