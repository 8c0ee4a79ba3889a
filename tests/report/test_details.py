from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.records import Observation, Outcome, Stage
from harness.report.details import WINDOW, DetailSample, Grid, grids_of, number_text

from .judged import BAD, FIRST, GOOD, LARGE, SAME, VALID, loud, many, silent


def marked(grid: Grid) -> list[tuple[int, int]]:
    return [
        (grid.rows[i], grid.columns[j])
        for i, row in enumerate(grid.cells)
        for j, cell in enumerate(row)
        if cell.is_first
    ]


def test_both_sides_mark_the_first_difference() -> None:
    one = silent(BAD, SAME)
    expected, observed = grids_of(one)
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
    expected, observed = grids_of(replace(one, finding=finding, observation=observation))
    assert expected.note.startswith("batch entry 1, filter 2")
    assert marked(observed) == [(3, 1)]
    assert sum(cell.differs for row in observed.cells for cell in row) == 1
    assert int(observed.cells[3][1].text) - int(expected.cells[3][1].text) == 7


def test_rounding_is_not_tinted() -> None:
    one = silent(BAD, SAME)
    values = np.asarray(one.expectation.values) + 0.001
    values[0, 1, 1, 0] = np.nan
    moved = replace(
        one,
        finding=replace(one.finding, first_index=(0, 1, 1, 0)),
        observation=replace(one.observation, values=values),
    )
    _, observed = grids_of(moved)
    assert [cell.differs for row in observed.cells for cell in row].count(True) == 1
    assert observed.cells[1][1].text == "nan"


def test_a_large_array_is_windowed_around_the_first_difference() -> None:
    one = silent(BAD, LARGE)
    finding = replace(one.finding, first_index=(0, 20, 49, 0))
    expected, _ = grids_of(replace(one, finding=finding))
    assert len(expected.rows) == len(expected.columns) == WINDOW
    assert 20 in expected.rows
    assert expected.columns[-1] == 49
    assert "rows 14 to 25 of 40; columns 38 to 49 of 50" in expected.note


def test_unlike_shapes_are_shown_and_not_compared() -> None:
    expected, observed = grids_of(silent(BAD, VALID, "valid-means-same"))
    assert (len(expected.rows), len(observed.rows)) == (2, 3)
    assert not any(cell.differs for grid in (expected, observed) for row in grid.cells for cell in row)


def test_an_observation_with_other_axes_is_left_out() -> None:
    one = silent(BAD, SAME)
    flat = replace(one, observation=replace(one.observation, values=np.zeros(3)))
    assert [grid.title for grid in grids_of(flat)] == ["expected"]


def test_an_empty_array_has_no_cells() -> None:
    one = silent(BAD, SAME)
    empty = replace(one, observation=replace(one.observation, values=np.zeros((2, 0, 0, 3))))
    assert grids_of(empty)[1].note == "empty"


def test_an_error_shows_the_expected_side_only() -> None:
    assert [grid.title for grid in grids_of(loud(BAD, SAME))] == ["expected"]


def test_numbers_read_as_people_write_them() -> None:
    assert [number_text(value) for value in (3.0, -2.0, 0.5, float("inf"))] == ["3", "-2", "0.5", "inf"]


def test_a_sample_never_exceeds_its_limit() -> None:
    sample = DetailSample(3)
    for one in many(10):
        sample.offer(one)
    assert [detail.number for detail in sample.details()] == [1, 2, 3]
    assert sample.offered == 10


def test_a_sample_is_spread_over_targets_and_causes() -> None:
    sample = DetailSample(4)
    for one in many(8):
        sample.offer(one)
    sample.offer(silent(BAD, VALID, "valid-means-same"))
    sample.offer(loud(GOOD, SAME))
    sample.offer(loud(GOOD, VALID))
    causes = [(detail.finding.target, detail.finding.cause) for detail in sample.details()]
    assert causes.count((BAD, "all-padding-before")) == 2
    assert causes.count((BAD, "valid-means-same")) == 1
    assert causes.count((GOOD, "")) == 1
    assert sample.numbers == {1, 2, 9, 10}


def test_a_summary_is_kept_without_escape_sequences() -> None:
    one = silent(BAD, SAME)
    observation = Observation(BAD, SAME.id, Outcome.RETURNED, Stage.REPLY, summary="\x1b[1mModel\x1b[0m\nrow")
    sample = DetailSample(1)
    sample.offer(replace(one, observation=observation))
    assert sample.details()[0].summary == "Model\nrow"
