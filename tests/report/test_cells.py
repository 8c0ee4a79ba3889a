from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from harness.report.cells import COLUMNS, one_line, plain_lines, row_of, shape_text

from .judged import BAD, GOOD, SAME, conforming, loud, silent


def test_a_row_has_a_cell_for_every_column() -> None:
    assert len(row_of(conforming(GOOD, SAME).finding)) == len(COLUMNS)


def test_a_divergence_reads_as_the_contract_says() -> None:
    row = dict(zip(COLUMNS, row_of(silent(BAD, SAME).finding), strict=True))
    assert row["input"] == "5x5"
    assert row["expected_shape"] == "(2, 3, 3, 3)"
    assert row["silent"] == "true"
    assert row["divergence"] == "value"
    assert row["cause"] == "all-padding-before"
    assert float(row["max_abs_error"]) > 0
    assert row["first_index"] == "(0, 0, 0, 0)"


def test_what_is_absent_is_empty() -> None:
    row = dict(zip(COLUMNS, row_of(loud(BAD, SAME).finding), strict=True))
    assert row["observed_shape"] == ""
    assert row["max_abs_error"] == ""
    assert row["first_index"] == ""
    assert row["silent"] == "false"


def test_floats_are_as_short_as_they_can_be_and_exact() -> None:
    finding = replace(silent(BAD, SAME).finding, max_abs_error=float(np.float64(0.1)))
    assert "0.1" in row_of(finding)
    assert "nan" in row_of(replace(finding, max_abs_error=math.nan))


def test_an_unknown_axis_is_none() -> None:
    assert shape_text((None, 3, 3, 24)) == "(None, 3, 3, 24)"
    assert shape_text(None) == ""


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
