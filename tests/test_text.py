"""Untrusted text as printable, repeatable lines, and as a cell of Markdown."""

from __future__ import annotations

import pytest

from harness.records import Layer, name_layer
from harness.text import escape_cell, format_one_line, format_plain_lines, format_shape


@pytest.mark.parametrize(
    "name",
    [
        *("conv1d", "conv2d", "conv3d", "depthwise_conv1d", "separable_conv2d", "conv2d_transpose"),
        *("max_pooling1d", "average_pooling3d", "functional", "sequential", "input_layer", "conv_transpose"),
        *("max_pool", "keras_tensor", "convolution2d"),
    ],
)
def test_the_counters_of_names_do_not_differ_between_runs(name: str) -> None:
    assert (
        format_one_line(f"in {name}_28_1/x of {name}_3, {name}_4_W")
        == f"in {name}_#/x of {name}_#, {name}_#_W"
    )
    assert format_one_line(f"{name} of float_32, my_{name}_3") == f"{name} of float_32, my_{name}_3"


def test_layers_are_named_as_keras_names_them() -> None:
    assert name_layer(Layer.DEPTHWISE_CONV2D) == "depthwise_conv2d"
    assert name_layer(Layer.CONV1D_TRANSPOSE) == "conv1d_transpose"
    assert name_layer(Layer.MAX_POOLING3D) == "max_pooling3d"
    assert name_layer(Layer.OPS_SEPARABLE_CONV) == "separable_conv"


def test_an_unknown_axis_is_none() -> None:
    assert format_shape((None, 3, 3, 24)) == "(None, 3, 3, 24)"
    assert format_shape(None) == ""


def test_a_traceback_within_an_error_is_left_out() -> None:
    text = (
        "Graph execution error:\n\nDetected at node operating_7_1/conv defined at (most recent call last):\n"
        '  File "/home/me/__main__.py", line 50, in <module>\n\n  File "/a b/nn.py", line 1181, in conv\n\n'
        "No such primitive.\n\t [[{{node operating_7_1/conv}}]] [Op:__inference_one_step_251094]"
    )
    assert format_one_line(text) == (
        "Graph execution error: Detected at node operating_#/conv defined at (most recent call last): "
        "No such primitive. [[{{node operating_#/conv}}]] [Op:__inference_one_step_#]"
    )


def test_an_error_is_one_line_without_escape_sequences() -> None:
    text = "bad\r\n\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x00 \u202eflipped"
    assert format_one_line(text) == "bad red link flipped"


def test_a_lone_surrogate_can_be_written() -> None:
    assert format_one_line("a\ud800b").encode("utf-8") == b"a b"


def test_addresses_and_counters_do_not_differ_between_runs() -> None:
    first = format_one_line(
        '[11:33:25] layer "conv2d_28" of <Sequential name=sequential_3> at 0x7f00deadbeef'
    )
    second = format_one_line(
        '[09:04:00] layer "conv2d_4" of <Sequential name=sequential_11> at 0x7fffdeadbee0'
    )
    assert first == second
    assert "conv2d_#" in first


def test_a_cut_says_how_many_characters_are_left_out() -> None:
    assert format_one_line("x" * 410) == "x" * 400 + " ... (10 more characters)"


def test_cut_lines_are_counted() -> None:
    assert format_plain_lines("a\x1b[1mb\nc\nd", 2) == "ab\nc\n... (1 more lines)"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a | b", r"a \| b"),
        ("a\nb", "a b"),
        ("*a* `b` [c](d)", r"\*a\* \`b\` \[c](d)"),
        ("a\\b", r"a\\b"),
        ("<b> & &lt;", "&lt;b> &amp; &amp;lt;"),
    ],
)
def test_a_cell_reads_as_the_text_was_written(text: str, cell: str) -> None:
    assert escape_cell(text) == cell


def test_a_cell_is_cut_before_it_is_escaped() -> None:
    assert escape_cell("||||", 2) == r"\|\| ... (2 more characters)"
