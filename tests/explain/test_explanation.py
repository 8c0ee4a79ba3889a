from __future__ import annotations

from dataclasses import replace

import pytest

from harness.explain.explanation import (
    compare_valid_and_same,
    explain_case,
    format_axis_formula,
    format_model_summary,
    format_transposed_formula,
)
from harness.oracle import Padding, compute_forward_axis, compute_transposed_axis
from harness.records import Case, DataFormat, Layer, LayerKind
from harness.text import format_shape
from tests.report.judged import SAME, UNKNOWN, VALID, expectation_of, of_family

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
    (text,) = [section.text for section in explain_case(case).sections if section.title == title]
    return text


def titles(case: Case) -> list[str]:
    return [section.title for section in explain_case(case).sections]


def test_the_summary_is_that_of_the_document() -> None:
    assert format_model_summary(SEED) == SUMMARY
    assert "(None, 2, 2, 24)          120" in format_model_summary(replace(SEED, padding="Valid"))


def test_channels_first_puts_the_filters_first_in_the_summary() -> None:
    case = replace(SEED, data_format=DataFormat.CHANNELS_FIRST, filters=1000)
    assert "(None, 1000, 3, 3)" in format_model_summary(case)
    assert "Total params: 5,000" in format_model_summary(case)


def test_same_is_worked_out_in_numbers() -> None:
    assert format_axis_formula(compute_forward_axis(5, 2, 2, 1, Padding.SAME), Padding.SAME) == (
        "n = 5 cells, k = 2, s = 2, d = 1",
        "out = ceil(n / s) = ceil(5 / 2) = 3",
        "total = max((out-1)*s + k - n, 0) = max((3-1)*2 + 2 - 5, 0) = max(1, 0) = 1",
        "before = total // 2 = 1 // 2 = 0; after = total - before = 1 - 0 = 1",
    )


def test_valid_is_worked_out_in_numbers() -> None:
    assert format_axis_formula(compute_forward_axis(5, 2, 2, 1, Padding.VALID), Padding.VALID) == (
        "n = 5 cells, k = 2, s = 2, d = 1",
        "out = floor((n - k) / s) + 1 = floor((5 - 2) / 2) + 1 = 2; no padding",
        "the last cell is never read",
    )


def test_dilation_shows_the_effective_kernel() -> None:
    lines = format_axis_formula(compute_forward_axis(7, 3, 1, 2, Padding.VALID), Padding.VALID)
    assert "e = (k-1)*d + 1 = (3-1)*2 + 1 = 5, the effective kernel" in lines
    assert "out = floor((n - e) / s) + 1 = floor((7 - 5) / 1) + 1 = 3; no padding" in lines


def test_a_clamped_total_shows_what_was_clamped() -> None:
    lines = format_axis_formula(compute_forward_axis(5, 1, 2, 1, Padding.SAME), Padding.SAME)
    assert "max((3-1)*2 + 1 - 5, 0) = max(0, 0) = 0" in lines[2]
    assert "s > k: cells between two windows are never read" in lines


def test_no_full_window_is_explained() -> None:
    lines = format_axis_formula(compute_forward_axis(2, 3, 1, 1, Padding.VALID), Padding.VALID)
    assert lines[-1] == "no full window fits: k = 3 is more than n = 2; out = 0"


def test_causal_pads_before_by_the_effective_kernel() -> None:
    assert format_axis_formula(compute_forward_axis(9, 3, 2, 2, Padding.CAUSAL), Padding.CAUSAL) == (
        "n = 9 cells, k = 3, s = 2, d = 2",
        "e = (k-1)*d + 1 = (3-1)*2 + 1 = 5, the effective kernel",
        "out = ceil(n / s) = ceil(9 / 2) = 5",
        "before = e - 1 = 5 - 1 = 4; after = 0: no output reads what comes later",
    )


@pytest.mark.parametrize(
    ("axis", "lines"),
    [
        (
            (5, 3, 2, 1, Padding.SAME, None),
            [
                "n = 5 cells, k = 3, s = 2, d = 1",
                "full = (n-1)*s + k = (5-1)*2 + 3 = 11: input cell i writes from cell i*s on",
                "out = n*s = 5*2 = 10",
                "before = max(full - out, 0) // 2 = max(1, 0) // 2 = 0 cells are cut off;"
                " after = full - out - before = 11 - 10 - 0 = 1",
            ],
        ),
        (
            (3, 4, 1, 2, Padding.SAME, 0),
            [
                "n = 3 cells, k = 4, s = 1, d = 2, p = 0 (output_padding)",
                "e = (k-1)*d + 1 = (4-1)*2 + 1 = 7, the effective kernel",
                "full = (n-1)*s + e = (3-1)*1 + 7 = 9: input cell i writes from cell i*s on",
                "out = full + p - 2*(e // 2) = 9 + 0 - 2*(7 // 2) = 3",
                "before = max(full - out, 0) // 2 = max(6, 0) // 2 = 3 cells are cut off;"
                " after = full - out - before = 9 - 3 - 3 = 3",
            ],
        ),
        (
            (3, 2, 4, 1, Padding.VALID, None),
            [
                "n = 3 cells, k = 2, s = 4, d = 1",
                "full = (n-1)*s + k = (3-1)*4 + 2 = 10: input cell i writes from cell i*s on",
                "out = (n-1)*s + max(k, s) = (3-1)*4 + max(2, 4) = 12",
                "nothing is cut off before; after = full - out = 10 - 12 = -2",
                "the last 2 cells are written by no input cell: zero, before the bias",
                "s > k: cells between are written by no input cell: zero, before the bias",
            ],
        ),
        (
            (4, 3, 2, 1, Padding.VALID, 1),
            [
                "n = 4 cells, k = 3, s = 2, d = 1, p = 1 (output_padding)",
                "full = (n-1)*s + k = (4-1)*2 + 3 = 9: input cell i writes from cell i*s on",
                "out = full + p = 9 + 1 = 10",
                "nothing is cut off before; after = full - out = 9 - 10 = -1",
                "the last cell is written by no input cell: zero, before the bias",
            ],
        ),
    ],
)
def test_a_transposed_axis_is_worked_out_in_numbers(
    axis: tuple[int, int, int, int, Padding, int | None], lines: list[str]
) -> None:
    padding, given = axis[4:]
    assert list(format_transposed_formula(compute_transposed_axis(*axis), padding, given)) == lines


def test_a_transposed_layer_is_never_causal() -> None:
    with pytest.raises(ValueError, match="causally"):
        format_transposed_formula(
            compute_transposed_axis(4, 2, 1, 1, Padding.SAME, None), Padding.CAUSAL, None
        )


def test_average_pooling_shows_what_each_window_is_divided_by() -> None:
    case = of_family(Layer.AVERAGE_POOLING2D, input=(5, 4), kernel=(2, 2), strides=(2, 2))
    assert section(case, "Values").splitlines() == [
        "The sum of the real cells in each window, divided by their number, not by the window's.",
        "real cells along rows: 2, 2, 1",
    ]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (of_family(Layer.MAX_POOLING1D), "The largest of the real cells in each window"),
        (of_family(Layer.DEPTHWISE_CONV2D), "output channel c*2 + j is channel c by filter j"),
        (
            of_family(Layer.SEPARABLE_CONV1D),
            "with 2 filters; then a convolution with kernel length 1 from 4 channels",
        ),
        (of_family(Layer.CONV3D_TRANSPOSE), "the sum of what input cells write there"),
        (
            of_family(Layer.CONV1D, groups=2, filters=4),
            "2 groups: each block of 2 filters reads its own block of 1",
        ),
    ],
)
def test_the_values_of_every_kind_are_explained(case: Case, message: str) -> None:
    assert message in section(case, "Values")


def test_both_modes_of_a_transposed_layer_are_compared_by_what_they_keep() -> None:
    text = compare_valid_and_same(of_family(Layer.CONV1D_TRANSPOSE, kernel=(4,), strides=(2,)))
    assert text.splitlines() == [
        "same gives an output of 10 (steps: 1 cut off before, 1 after).",
        "valid gives an output of 12 (steps: 0 cut off before, 0 after).",
    ]


@pytest.mark.parametrize("layer", Layer)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_every_layer_is_explained_with_the_shape_that_the_formula_gives(layer: Layer, padding: str) -> None:
    case = of_family(layer, padding=padding)
    shape = format_shape(expectation_of(case).shape)
    assert section(case, "Formula").endswith(f"output shape: {shape}")
    assert ("Summary" in titles(case)) is not layer.value.startswith("ops.")
    assert ("Values" in titles(case)) is (case.kind is not LayerKind.CONVOLUTION)
    if case.kind.traits.is_pooling and "Summary" in titles(case):
        assert "Total params: 0" in section(case, "Summary")


def test_a_long_name_is_cut_in_the_summary_as_keras_cuts_it() -> None:
    lines = format_model_summary(of_family(Layer.CONV2D_TRANSPOSE)).splitlines()
    assert lines[4].startswith("conv2d_transpose (Conv2DTran (None, 5, 4, 3)")


def test_three_axes_that_are_alike_are_worked_out_once() -> None:
    case = of_family(Layer.CONV3D, input=(4, 4, 4), kernel=(2, 2, 2))
    assert section(case, "Formula").startswith("depth, rows and columns, each:\n")


def test_like_axes_are_worked_out_once() -> None:
    assert section(SEED, "Formula").startswith(
        "Keras reads padding='Same' as 'same'.\nrows and columns, each:\n"
    )
    assert "columns:\n" in section(replace(SAME, strides=(2, 1)), "Formula")


def test_valid_and_same_agree_on_the_six_by_six_input() -> None:
    text = compare_valid_and_same(replace(SAME, input=(6, 6)))
    assert text.startswith("valid and same agree here: no padding is needed.")
    assert "3x3" in text


def test_valid_and_same_part_on_the_five_by_five_input() -> None:
    text = compare_valid_and_same(SAME)
    assert "same gives an output of 3x3 (rows: 0 padded before, 1 after;" in text
    assert "never reads the last of 5 rows and the last of 5 columns" in text


def test_an_empty_valid_output_is_said() -> None:
    assert "valid fits no full window" in compare_valid_and_same(replace(SAME, kernel=(9, 9)))


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
    text = str(explain_case(SEED, ascii_only=True))
    assert text.startswith(
        "Call\n----\nConv2D(filters=24, kernel_size=(2, 2), strides=(2, 2), padding='Same')"
    )
    assert SUMMARY in text
    assert text.isascii()
