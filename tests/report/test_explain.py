from __future__ import annotations

from dataclasses import replace

from harness.oracle import Padding, axis_geometry
from harness.records import Case, DataFormat, Mode
from harness.report.explain import axis_formula, comparison, explanation, summary_table
from harness.report.wording import call_line

from .judged import SAME, UNKNOWN, VALID

SEED = replace(SAME, filters=24, padding="Same")

SUMMARY = """\
Model: "sequential"
_________________________________________________________________
Layer (type)                 Output Shape              Param #
=================================================================
conv2d (Conv2D)              (None, 3, 3, 24)          120
=================================================================
Total params: 120
Trainable params: 120
Non-trainable params: 0
_________________________________________________________________"""


def section(case: Case, title: str) -> str:
    (text,) = [section.text for section in explanation(case).sections if section.title == title]
    return text


def titles(case: Case) -> list[str]:
    return [section.title for section in explanation(case).sections]


def test_the_summary_is_that_of_the_document() -> None:
    assert summary_table(SEED) == SUMMARY
    assert "(None, 2, 2, 24)          120" in summary_table(replace(SEED, padding="Valid"))


def test_channels_first_puts_the_filters_first_in_the_summary() -> None:
    case = replace(SEED, data_format=DataFormat.CHANNELS_FIRST, filters=1000)
    assert "(None, 1000, 3, 3)" in summary_table(case)
    assert "Total params: 5,000" in summary_table(case)


def test_same_is_worked_out_in_numbers() -> None:
    assert axis_formula(axis_geometry(5, 2, 2, 1, Padding.SAME), Padding.SAME) == (
        "n = 5 cells, k = 2, s = 2, d = 1",
        "out = ceil(n / s) = ceil(5 / 2) = 3",
        "total = max((out-1)*s + k - n, 0) = max((3-1)*2 + 2 - 5, 0) = max(1, 0) = 1",
        "before = total // 2 = 1 // 2 = 0; after = total - before = 1 - 0 = 1",
    )


def test_valid_is_worked_out_in_numbers() -> None:
    assert axis_formula(axis_geometry(5, 2, 2, 1, Padding.VALID), Padding.VALID) == (
        "n = 5 cells, k = 2, s = 2, d = 1",
        "out = floor((n - k) / s) + 1 = floor((5 - 2) / 2) + 1 = 2; no padding",
        "the last cell is never read",
    )


def test_dilation_shows_the_effective_kernel() -> None:
    lines = axis_formula(axis_geometry(7, 3, 1, 2, Padding.VALID), Padding.VALID)
    assert "e = (k-1)*d + 1 = (3-1)*2 + 1 = 5, the effective kernel" in lines
    assert "out = floor((n - e) / s) + 1 = floor((7 - 5) / 1) + 1 = 3; no padding" in lines


def test_a_clamped_total_shows_what_was_clamped() -> None:
    lines = axis_formula(axis_geometry(5, 1, 2, 1, Padding.SAME), Padding.SAME)
    assert "max((3-1)*2 + 1 - 5, 0) = max(0, 0) = 0" in lines[2]
    assert "s > k: cells between two windows are never read" in lines


def test_no_full_window_is_explained() -> None:
    lines = axis_formula(axis_geometry(2, 3, 1, 1, Padding.VALID), Padding.VALID)
    assert lines[-1] == "no full window fits: k = 3 is more than n = 2; out = 0"


def test_like_axes_are_worked_out_once() -> None:
    assert section(SEED, "Formula").startswith(
        "Keras reads padding='Same' as 'same'.\nrows and columns, each:\n"
    )
    assert "columns:\n" in section(replace(SAME, strides=(2, 1)), "Formula")


def test_valid_and_same_agree_on_the_six_by_six_input() -> None:
    text = comparison(replace(SAME, input=(6, 6)))
    assert text.startswith("valid and same agree here: no padding is needed.")
    assert "3x3" in text


def test_valid_and_same_part_on_the_five_by_five_input() -> None:
    text = comparison(SAME)
    assert "same gives an output of 3x3 (rows: 0 padded before, 1 after;" in text
    assert "never reads the last of 5 rows and the last of 5 columns" in text


def test_an_empty_valid_output_is_said() -> None:
    assert "valid fits no full window" in comparison(replace(SAME, kernel=(9, 9)))


def test_a_required_refusal_ends_the_explanation() -> None:
    assert titles(UNKNOWN) == ["Call", "Refusal"]
    assert "must refuse" in section(UNKNOWN, "Refusal")


def test_an_allowed_refusal_is_noted_beside_the_formula() -> None:
    case = replace(SAME, dilation=(2, 2))
    assert "may refuse" in section(case, "Refusal")
    assert "Formula" in titles(case)


def test_an_empty_output_has_no_summary() -> None:
    assert "Summary" not in titles(replace(VALID, kernel=(9, 9)))


def test_an_explanation_prints_every_section() -> None:
    text = str(explanation(SEED, ascii_only=True))
    assert text.startswith(
        "Call\n----\nConv2D(filters=24, kernel_size=(2, 2), strides=(2, 2), padding='Same')"
    )
    assert SUMMARY in text
    assert text.isascii()


def test_the_call_states_what_is_not_default() -> None:
    case = replace(
        SAME,
        mode=Mode.SEQUENTIAL,
        data_format=DataFormat.CHANNELS_FIRST,
        dilation=(1, 2),
        channels=4,
        groups=2,
        bias=False,
        dtype="float16",
    )
    assert call_line(case) == (
        "Sequential([Input((4, 5, 5)), Conv2D(filters=3, kernel_size=(2, 2), strides=(2, 2), padding='same', "
        "data_format='channels_first', dilation_rate=(1, 2), groups=2, use_bias=False, dtype='float16')])(x)"
        "  # x: float16 (2, 4, 5, 5)"
    )
