from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.records import Data, Form, Layer, Mode, name_layer
from harness.report.rows import COLUMNS, row_of
from harness.text import one_line, plain_lines, shape_text
from tests.report.judged import BAD, GOOD, SAME, conforming, loud, of_family, silent


def test_a_row_has_a_cell_for_every_column() -> None:
    assert len(row_of(conforming(GOOD, SAME))) == len(COLUMNS)


def test_a_divergence_reads_as_the_contract_says() -> None:
    row = dict(zip(COLUMNS, row_of(silent(BAD, SAME)), strict=True))
    assert row["input"] == "5x5"
    assert row["expected_shape"] == "(2, 3, 3, 3)"
    assert row["silent"] == "true"
    assert row["divergence"] == "value"
    assert row["cause"] == "all-padding-before"
    assert float(row["max_abs_error"]) > 0
    assert row["first_index"] == "(0, 0, 0, 0)"


def test_what_is_absent_is_empty() -> None:
    row = dict(zip(COLUMNS, row_of(loud(BAD, SAME)), strict=True))
    assert row["observed_shape"] == ""
    assert row["max_abs_error"] == ""
    assert row["first_index"] == ""
    assert row["silent"] == "false"


def test_floats_are_as_short_as_they_can_be_and_exact() -> None:
    one = silent(BAD, SAME)

    def row(error: float) -> tuple[str, ...]:
        return row_of(replace(one, finding=replace(one.finding, max_abs_error=error)))

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
        form=Form.LIST,
        data=Data.REAL,
        bias=False,
    )
    row = dict(zip(COLUMNS, row_of(conforming(GOOD, case)), strict=True))
    assert row["output_padding"] == "1x2"
    assert (row["form"], row["data"], row["bias"], row["dtype"]) == ("list", "real", "false", "float32")
    assert (row["batch"], row["channels"], row["multiplier"]) == ("2", "2", "1")
    assert dict(zip(COLUMNS, row_of(conforming(GOOD, SAME)), strict=True))["output_padding"] == ""


def test_a_row_holds_what_the_model_said_of_its_shape() -> None:
    one = conforming(GOOD, of_family(Layer.CONV1D, mode=Mode.DYNAMIC))
    said = replace(one, observation=replace(one.observation, symbolic_shape=(None, None, 3)))
    assert row_of(said)[-1] == "(None, None, 3)"
    assert row_of(one)[-1] == ""


@pytest.mark.parametrize(
    "name",
    [
        *("conv1d", "conv2d", "conv3d", "depthwise_conv1d", "separable_conv2d", "conv2d_transpose"),
        *("max_pooling1d", "average_pooling3d", "functional", "sequential", "input_layer", "conv_transpose"),
        *("max_pool", "keras_tensor", "convolution2d"),
    ],
)
def test_the_counters_of_names_do_not_differ_between_runs(name: str) -> None:
    assert one_line(f"in {name}_28_1/x of {name}_3, {name}_4_W") == f"in {name}_#/x of {name}_#, {name}_#_W"
    assert one_line(f"{name} of float_32, my_{name}_3") == f"{name} of float_32, my_{name}_3"


def test_layers_are_named_as_keras_names_them() -> None:
    assert name_layer(Layer.DEPTHWISE_CONV2D) == "depthwise_conv2d"
    assert name_layer(Layer.CONV1D_TRANSPOSE) == "conv1d_transpose"
    assert name_layer(Layer.MAX_POOLING3D) == "max_pooling3d"
    assert name_layer(Layer.OPS_SEPARABLE_CONV) == "separable_conv"


def test_an_unknown_axis_is_none() -> None:
    assert shape_text((None, 3, 3, 24)) == "(None, 3, 3, 24)"
    assert shape_text(None) == ""


def test_a_traceback_within_an_error_is_left_out() -> None:
    text = (
        "Graph execution error:\n\nDetected at node operating_7_1/conv defined at (most recent call last):\n"
        '  File "/home/me/__main__.py", line 50, in <module>\n\n  File "/a b/nn.py", line 1181, in conv\n\n'
        "No such primitive.\n\t [[{{node operating_7_1/conv}}]] [Op:__inference_one_step_251094]"
    )
    assert one_line(text) == (
        "Graph execution error: Detected at node operating_#/conv defined at (most recent call last): "
        "No such primitive. [[{{node operating_#/conv}}]] [Op:__inference_one_step_#]"
    )


def test_an_error_is_one_line_without_escape_sequences() -> None:
    text = "bad\r\n\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x00 \u202eflipped"
    assert one_line(text) == "bad red link flipped"


def test_a_lone_surrogate_can_be_written() -> None:
    assert one_line("a\ud800b").encode("utf-8") == b"a b"


def test_addresses_and_counters_do_not_differ_between_runs() -> None:
    first = one_line('[11:33:25] layer "conv2d_28" of <Sequential name=sequential_3> at 0x7f00deadbeef')
    second = one_line('[09:04:00] layer "conv2d_4" of <Sequential name=sequential_11> at 0x7fffdeadbee0')
    assert first == second
    assert "conv2d_#" in first


def test_a_cut_says_how_many_characters_are_left_out() -> None:
    assert one_line("x" * 410) == "x" * 400 + " ... (10 more characters)"


def test_cut_lines_are_counted() -> None:
    assert plain_lines("a\x1b[1mb\nc\nd", 2) == "ab\nc\n... (1 more lines)"
