from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from harness.explain.picture import (
    MAX_CELLS,
    compute_taps,
    draw_text_picture,
    find_drawn_geometries,
    find_windows_reading,
    list_padded_positions,
    make_strip,
)
from harness.explain.svg import draw_svg_picture
from harness.oracle import Padding, compute_forward_axis
from harness.records import Case, Layer
from tests.report.judged import SAME, UNKNOWN, VALID, expectation_of, of_family

SEED = """\
input 5x5, padded to 6x6; output 3x3, a box for each window
 ┌─────────┬─────────┬─────────┐
 │  0    1 │  2    3 │  4   ░░ │
 │  5    6 │  7    8 │  9   ░░ │
 ├─────────┼─────────┼─────────┤
 │ 10   11 │ 12   13 │ 14   ░░ │
 │ 15   16 │ 17   18 │ 19   ░░ │
 ├─────────┼─────────┼─────────┤
 │ 20   21 │ 22   23 │ 24   ░░ │
 │ ░░   ░░ │ ░░   ░░ │ ░░   ░░ │
 └─────────┴─────────┴─────────┘

rows and columns, each: 5 cells, 0 padded before, 1 after; 3 windows
  cell      0 1 2 3 4 ░
  output 0  ■ ■
  output 1      ■ ■
  output 2          ■ ■

░ padding (zeros)   ■ read by the window"""

UNREAD = """\
input 5x5; output 2x2, a box for each window
 +---------+---------+
 |  0    1 |  2    3 |  x
 |  5    6 |  7    8 |  x
 +---------+---------+
 | 10   11 | 12   13 |  x
 | 15   16 | 17   18 |  x
 +---------+---------+
    x    x    x    x    x

rows and columns, each: 5 cells, no padding; 2 windows
  cell      0 1 2 3 4
  output 0  # #
  output 1      # #
  not read          x

x never read   # read by the window"""

DILATED = replace(SAME, input=(7, 5), kernel=(2, 3), strides=(1, 1), dilation=(2, 1))
LONG = replace(SAME, input=(1000, 5))
GAPPED = replace(SAME, input=(7, 4), strides=(4, 3))
CASES = (SAME, VALID, DILATED, LONG, GAPPED, UNKNOWN, replace(VALID, kernel=(9, 9)))


def test_same_pads_the_last_row_and_column_of_the_seed() -> None:
    assert draw_text_picture(SAME) == SEED


def test_a_transposed_layer_shows_what_each_input_cell_writes_and_what_is_cut_off() -> None:
    case = of_family(Layer.CONV1D_TRANSPOSE, input=(3,), kernel=(4,), strides=(2,))
    assert draw_text_picture(case).splitlines() == [
        "steps: 6 cells, 1 cut off before, 1 after; 3 input cells",
        "  cell      ░ 0 1 2 3 4 5 ░",
        "  input 0   ■ ■ ■ ■",
        "  input 1       ■ ■ ■ ■",
        "  input 2           ■ ■ ■ ■",
        "",
        "░ cut off   ■ written by the input cell",
    ]


def test_cells_that_no_input_cell_writes_are_marked() -> None:
    case = of_family(Layer.CONV1D_TRANSPOSE, input=(2,), kernel=(1,), strides=(3,), padding="valid")
    assert draw_text_picture(case, ascii_only=True).splitlines() == [
        "steps: 6 cells, nothing cut off; 2 input cells",
        "  cell      0 1 2 3 4 5",
        "  input 0   #",
        "  input 1         #",
        "  unwritten   x x   x x",
        "",
        "x never written   # written by the input cell",
    ]


def test_a_picture_of_a_transposed_layer_is_that_of_its_values() -> None:
    case = of_family(
        Layer.CONV1D_TRANSPOSE, kernel=(3,), strides=(2,), filters=1, channels=1, bias=False, batch=1
    )
    values = expectation_of(case).values
    assert values is not None
    (geometry,) = find_drawn_geometries(case) or ()
    written = [bool(find_windows_reading(geometry, position)) for position in range(geometry.length)]
    assert geometry.length == values.shape[1]
    assert written == [bool(value) for value in values.ravel()]


def test_padding_is_not_called_zeros_where_it_counts_for_nothing() -> None:
    pooled = of_family(Layer.MAX_POOLING2D)
    assert "padding (counts for nothing)" in draw_text_picture(pooled)
    assert "zeros" not in draw_text_picture(pooled) + draw_svg_picture(pooled)
    assert "padding (zeros)" in draw_svg_picture(SAME)


def test_causal_padding_stands_before_the_first_cell() -> None:
    case = of_family(Layer.CONV1D, padding="causal", dilation=(2,))
    assert "  cell      ░ ░ 0 1 2 3 4\n  output 0  ■ · ■\n" in draw_text_picture(case)


def test_three_axes_are_a_strip_each() -> None:
    lines = draw_text_picture(of_family(Layer.AVERAGE_POOLING3D)).splitlines()
    assert [line.split(":")[0] for line in lines if " cells, " in line] == ["depth", "rows", "columns"]


@pytest.mark.parametrize("layer", Layer)
def test_every_layer_has_a_picture_that_is_well_formed(layer: Layer) -> None:
    case = of_family(layer, strides=(2,) * layer.ndims[-1])
    ET.fromstring(draw_svg_picture(case))
    assert "no picture" not in draw_text_picture(case)


def test_valid_leaves_the_last_row_and_column_unread() -> None:
    assert draw_text_picture(VALID, ascii_only=True) == UNREAD


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_ascii_picture_is_ascii(case: Case) -> None:
    assert draw_text_picture(case, ascii_only=True).isascii()


def test_dilation_shows_the_cells_it_skips() -> None:
    picture = draw_text_picture(DILATED)
    assert "  output 0  ■ · ■\n" in picture
    assert "skipped by the dilation" in picture


def test_windows_that_leave_gaps_have_boxes_apart() -> None:
    assert " ┌─────────┐    ┌─────────┐\n" in draw_text_picture(GAPPED)


def test_a_long_axis_says_what_is_not_drawn() -> None:
    picture = draw_text_picture(LONG)
    assert "not drawn: 977 of 1,000 cells and 488 of 500 windows" in picture
    assert max(map(len, picture.splitlines())) < 120


def test_no_window_is_said() -> None:
    assert "no full window fits" in draw_text_picture(replace(VALID, kernel=(9, 9)))


def test_a_refused_case_has_no_picture_and_says_why() -> None:
    assert find_drawn_geometries(UNKNOWN) is None
    assert draw_text_picture(UNKNOWN) == "no picture: padding 'Sideways' is unknown to Conv2D"
    assert "is unknown to Conv2D" in draw_svg_picture(UNKNOWN)


def test_readers_and_taps_agree_on_every_small_axis() -> None:
    for n, k, s, d, padding in itertools.product(range(1, 8), range(1, 5), range(1, 5), (1, 2), Padding):
        geometry = compute_forward_axis(n, k, s, d, padding)
        for position in list_padded_positions(geometry):
            readers = {window for window in range(geometry.out) if position in compute_taps(geometry, window)}
            assert find_windows_reading(geometry, position) == readers


def test_a_strip_keeps_both_ends() -> None:
    strip = make_strip("rows", compute_forward_axis(1000, 3, 1, 1, Padding.SAME))
    assert len(strip.positions) == MAX_CELLS
    assert (strip.positions[0], strip.positions[-1]) == (-1, 1000)
    assert strip.windows[-1] == 999
    assert strip.windows.count(None) == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_svg_is_well_formed_and_described(case: Case) -> None:
    root = ET.fromstring(draw_svg_picture(case, name="here"))
    title, desc = root[0], root[1]
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {desc.attrib['id']}"
    assert title.text
    assert desc.text


def test_the_svg_outlines_a_window_for_each_output_cell() -> None:
    assert draw_svg_picture(SAME).count('class="pad-window') == 9
    assert draw_svg_picture(VALID).count('class="pad-window') == 4


def test_the_svg_strikes_out_what_is_never_read() -> None:
    assert draw_svg_picture(VALID).count('class="pad-faint"') == 9
    assert 'class="pad-strike"' in draw_svg_picture(VALID)
    assert 'class="pad-strike"' not in draw_svg_picture(SAME)


def test_the_svg_hatches_the_padding_and_fills_it_with_zeros() -> None:
    assert draw_svg_picture(SAME).count('class="pad-dim">0<') == 11
    assert "url(#padding-hatch)" in draw_svg_picture(SAME)
    assert "url(#padding-hatch)" not in draw_svg_picture(VALID)


def test_crossing_windows_have_a_panel_each() -> None:
    crossing = replace(SAME, kernel=(3, 3), strides=(1, 1))
    assert draw_svg_picture(crossing).count("<use ") == 25
    assert draw_svg_picture(crossing).count(" pad-tap") == 25
    assert draw_svg_picture(replace(crossing, kernel=(2, 2), dilation=(2, 2))).count(" pad-tap") == 25 * 4


def test_the_style_is_left_to_a_page_that_has_it() -> None:
    assert "<style>" in draw_svg_picture(SAME)
    assert "<style>" not in draw_svg_picture(SAME, is_standalone=False)


@pytest.mark.parametrize(
    ("case", "size"),
    [
        (SAME, "374 276"),
        (replace(SAME, kernel=(3, 3), strides=(1, 1)), "659 487"),
        (UNKNOWN, "385 40"),
        (LONG, "674 446"),
        (replace(VALID, kernel=(9, 9)), "462 242"),
    ],
)
def test_the_svg_is_as_large_as_what_is_drawn(case: Case, size: str) -> None:
    assert f'viewBox="0 0 {size}"' in draw_svg_picture(case)


def test_the_svg_escapes_what_a_user_wrote() -> None:
    hostile = replace(SAME, padding='</title><script>"&')
    root = ET.fromstring(draw_svg_picture(hostile))
    assert (root[0].text or "").endswith(hostile.padding)
    assert "<script>" not in draw_svg_picture(hostile)
