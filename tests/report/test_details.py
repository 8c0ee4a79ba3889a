from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.records import (
    Divergence,
    ExpectedArray,
    Judgement,
    Layer,
    Mode,
    Observation,
    Outcome,
    Stage,
    derive_arguments,
)
from harness.report.details import MAX_SHOWN_CELLS, DetailSample, ValueGrid, format_number, make_grids
from tests.report.judged import (
    BAD,
    FIRST,
    GOOD,
    LARGE,
    SAME,
    VALID,
    conforming,
    loud,
    many,
    of_family,
    silent,
)


def marked(grid: ValueGrid) -> list[tuple[int, int]]:
    return [
        (grid.rows[i], grid.columns[j])
        for i, row in enumerate(grid.cells)
        for j, cell in enumerate(row)
        if cell.is_first
    ]


def test_both_sides_mark_the_first_difference() -> None:
    one = silent(BAD, SAME)
    expected, observed = make_grids(one)
    assert one.finding.first_index is not None
    place = one.finding.first_index[1:3]
    assert marked(expected) == marked(observed) == [place]
    assert expected.cells[place[0]][place[1]].text != observed.cells[place[0]][place[1]].text


def test_the_plane_is_that_of_the_first_difference() -> None:
    one = silent(BAD, FIRST, "kernel-flipped")
    values = np.asarray(one.expectation.values).copy()
    values[1, 2, 3, 1] += 7
    observation = replace(one.observation, values=values)
    finding = replace(one.finding, first_index=(1, 2, 3, 1))
    expected, observed = make_grids(replace(one, finding=finding, observation=observation))
    assert expected.note.startswith("batch entry 1, channel 2")
    assert marked(observed) == [(3, 1)]
    assert sum(cell.differs for row in observed.cells for cell in row) == 1
    assert int(observed.cells[3][1].text) - int(expected.cells[3][1].text) == 7


def wrong_gradient(layer: Layer, place: int, index: tuple[int, ...], filters: int = 3) -> Judgement:
    """Judge a target whose output is right and one gradient wrong in one cell."""
    one = conforming(BAD, derive_arguments(of_family(layer, mode=Mode.GRADIENT, filters=filters)))
    gradients = [array.values.astype(np.float32) for array in one.expectation.gradients]
    gradients[place][index] += 1
    return replace(
        one,
        finding=replace(one.finding, divergence=Divergence.GRADIENT, first_index=index),
        observation=replace(one.observation, gradients=tuple(gradients)),
    )


def test_what_other_weights_give_is_not_shown() -> None:
    one = silent(BAD, SAME)
    assert make_grids(replace(one, finding=replace(one.finding, divergence=Divergence.WEIGHTS))) == ()


def test_of_a_wrong_gradient_the_gradient_is_shown() -> None:
    expected, observed = make_grids(wrong_gradient(Layer.CONV2D, 1, (1, 2, 0, 2)))
    assert (expected.title, observed.title) == (
        "expected, gradient of the kernel",
        "observed, gradient of the kernel",
    )
    assert expected.note == "channel 0, filter 2"
    assert (len(expected.rows), len(expected.columns)) == (2, 3)
    assert marked(expected) == marked(observed) == [(1, 2)]
    assert sum(cell.differs for row in observed.cells for cell in row) == 1


def test_each_gradient_is_shown_in_its_own_axes() -> None:
    titles = {}
    for place, index in enumerate([(1, 4, 2, 1), (1, 2, 1, 0), (0, 0, 3, 2), (2,)]):
        grid = make_grids(wrong_gradient(Layer.SEPARABLE_CONV2D, place, index))[1]
        titles[grid.title.removeprefix("observed, gradient of the ")] = (grid.note, marked(grid))
    assert titles == {
        "input": ("batch entry 1, channel 1", [(4, 2)]),
        "depthwise kernel": ("channel 1, multiplier 0", [(1, 2)]),
        "pointwise kernel": ("rows 0, columns 0", [(3, 2)]),
        "bias": ("", [(0, 2)]),
    }


def test_the_second_axis_of_a_pointwise_kernel_is_one_of_filters() -> None:
    grid = make_grids(wrong_gradient(Layer.SEPARABLE_CONV2D, 2, (0, 0, 3, 2), filters=MAX_SHOWN_CELLS + 2))[1]
    assert grid.note == f"rows 0, columns 0; filter 0 to {MAX_SHOWN_CELLS - 1} of {MAX_SHOWN_CELLS + 2}"


def test_a_gradient_of_another_shape_is_shown_and_not_compared() -> None:
    one = wrong_gradient(Layer.CONV1D, 0, (0, 0, 0))
    gradients = (np.zeros((2, 4, 2), np.float32), *one.observation.gradients[1:])
    other = replace(one, observation=replace(one.observation, gradients=gradients))
    expected, observed = make_grids(other)
    assert (len(expected.columns), len(observed.columns)) == (5, 4)
    assert not any(cell.differs for row in observed.cells for cell in row)


def test_a_plane_of_three_axes_names_the_third() -> None:
    one = conforming(BAD, of_family(Layer.MAX_POOLING3D))
    values = np.asarray(one.expectation.values).copy()
    values[1, 4, 2, 1, 0] += 1
    moved = replace(
        one,
        finding=replace(one.finding, divergence=Divergence.VALUE, first_index=(1, 4, 2, 1, 0)),
        observation=replace(one.observation, values=values),
    )
    expected, observed = make_grids(moved)
    assert expected.note == "batch entry 1, depth 4, channel 0"
    assert marked(observed) == [(2, 1)]


def test_one_axis_is_shown_as_a_row() -> None:
    expected, _ = make_grids(silent(BAD, of_family(Layer.CONV1D)))
    assert (expected.rows, len(expected.columns)) == ((0,), 5)


def test_cells_are_tinted_by_the_bound_where_there_is_one() -> None:
    one = silent(BAD, SAME)
    assert one.expectation.output is not None
    right = one.expectation.output.values
    bound = np.full(right.shape, 0.01)
    observation = replace(one.observation, values=right + np.where(np.arange(3) == 0, 0.02, 0.005))
    expectation = replace(one.expectation, output=ExpectedArray(right, bound))
    finding = replace(one.finding, first_index=(0, 0, 0, 0))
    moved = replace(one, finding=finding, expectation=expectation, observation=observation)
    _, first = make_grids(moved)
    _, second = make_grids(replace(moved, finding=replace(finding, first_index=(0, 0, 0, 1))))
    assert all(cell.differs for row in first.cells for cell in row)
    assert not any(cell.differs for row in second.cells for cell in row)


def test_shapes_that_were_said_before_the_call_are_facts() -> None:
    one = silent(BAD, of_family(Layer.CONV1D, mode=Mode.DYNAMIC))
    sample = DetailSample(1)
    sample.offer(
        replace(
            one,
            finding=replace(one.finding, divergence=Divergence.INFERRED_SHAPE),
            observation=replace(one.observation, symbolic_shape=(None, 5, 3)),
        )
    )
    facts = dict(sample.list_details()[0].facts)
    assert facts["to be inferred"] == "(None, None, 3)"
    assert facts["the model's output"] == "(None, 5, 3), not (None, None, 3)"


def test_rounding_is_not_tinted() -> None:
    one = silent(BAD, SAME)
    values = np.asarray(one.expectation.values) + 0.001
    values[0, 1, 1, 0] = np.nan
    moved = replace(
        one,
        finding=replace(one.finding, first_index=(0, 1, 1, 0)),
        observation=replace(one.observation, values=values),
    )
    _, observed = make_grids(moved)
    assert [cell.differs for row in observed.cells for cell in row].count(True) == 1
    assert observed.cells[1][1].text == "nan"


def test_a_large_array_is_windowed_around_the_first_difference() -> None:
    one = silent(BAD, LARGE)
    finding = replace(one.finding, first_index=(0, 20, 49, 0))
    expected, _ = make_grids(replace(one, finding=finding))
    assert len(expected.rows) == len(expected.columns) == MAX_SHOWN_CELLS
    assert 20 in expected.rows
    assert expected.columns[-1] == 49
    assert "rows 14 to 25 of 40; columns 38 to 49 of 50" in expected.note


def test_unlike_shapes_are_shown_and_not_compared() -> None:
    expected, observed = make_grids(silent(BAD, VALID, "valid-means-same"))
    assert (len(expected.rows), len(observed.rows)) == (2, 3)
    assert not any(cell.differs for grid in (expected, observed) for row in grid.cells for cell in row)


def test_an_observation_with_other_axes_is_left_out() -> None:
    one = silent(BAD, SAME)
    flat = replace(one, observation=replace(one.observation, values=np.zeros(3)))
    assert [grid.title for grid in make_grids(flat)] == ["expected"]


def test_an_empty_array_has_no_cells() -> None:
    one = silent(BAD, SAME)
    empty = replace(one, observation=replace(one.observation, values=np.zeros((2, 0, 0, 3))))
    assert make_grids(empty)[1].note == "empty"


def test_an_error_shows_the_expected_side_only() -> None:
    assert [grid.title for grid in make_grids(loud(BAD, SAME))] == ["expected"]


def test_numbers_read_as_people_write_them() -> None:
    assert [format_number(value) for value in (3.0, -2.0, 0.5, float("inf"))] == ["3", "-2", "0.5", "inf"]


def test_a_sample_never_exceeds_its_limit() -> None:
    sample = DetailSample(3)
    for one in many(10):
        sample.offer(one)
    assert [detail.number for detail in sample.list_details()] == [1, 2, 3]
    assert sample.offered == 10


def test_a_sample_is_spread_over_targets_and_causes() -> None:
    sample = DetailSample(4)
    for one in many(8):
        sample.offer(one)
    sample.offer(silent(BAD, VALID, "valid-means-same"))
    sample.offer(loud(GOOD, SAME))
    sample.offer(loud(GOOD, VALID))
    causes = [(detail.finding.target, detail.finding.cause) for detail in sample.list_details()]
    assert causes.count((BAD, "all-padding-before")) == 2
    assert causes.count((BAD, "valid-means-same")) == 1
    assert causes.count((GOOD, "")) == 1
    assert sample.numbers == {1, 2, 9, 10}


def test_a_summary_is_kept_without_escape_sequences() -> None:
    one = silent(BAD, SAME)
    observation = Observation(BAD, SAME.id, Outcome.RETURNED, Stage.REPLY, summary="\x1b[1mModel\x1b[0m\nrow")
    sample = DetailSample(1)
    sample.offer(replace(one, observation=observation))
    assert sample.list_details()[0].summary == "Model\nrow"
