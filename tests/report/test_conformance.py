from __future__ import annotations

from dataclasses import replace

import pytest

from harness.facets import Facet, find_facets
from harness.records import Case
from harness.report import conformance
from harness.report.conformance import EVERY, Conformance, ConformanceCell
from tests.report.judged import BAD, GOOD, SAME, conforming, of_modes, silent, table_of


def test_a_cell_is_counts_with_markers() -> None:
    assert str(ConformanceCell(118, 0, 2, 0, 0, 0)) == "118/120 · 2 silent"
    assert str(ConformanceCell(117, 0, 2, 0, 0, 0, 1)) == "117/120 · 2 silent · 1 unstable"
    assert str(ConformanceCell(118, 5, 1, 1, 0, 0)) == "118/120 · 1 silent · 1 loud · 5 refused"
    assert str(ConformanceCell(0, 0, 0, 0, 0, 0)) == "–"


def test_each_facet_of_a_case_has_a_row_after_the_row_of_all() -> None:
    rows = list(table_of([conforming(GOOD, SAME)]).list_facet_rows())
    assert rows[0].facet == EVERY
    assert {row.facet for row in rows[1:]} == {str(facet) for facet in find_facets(SAME)}


def test_facets_stand_in_their_own_order() -> None:
    facets = [row.facet for row in table_of([conforming(GOOD, SAME)]).list_facet_rows()][1:]
    assert facets == [facet for facet in Facet if facet in facets]


def test_spellings_of_a_padding_count_together() -> None:
    spelled = replace(SAME, padding="Same")
    (row,) = [
        row
        for row in table_of([conforming(GOOD, spelled), conforming(GOOD, SAME)]).list_facet_rows()
        if row.facet == EVERY
    ]
    assert (row.padding, row.cells[0].num_judged) == ("same", 2)


def test_each_mode_of_a_layer_has_a_row_of_all_its_paddings() -> None:
    rows = list(table_of(of_modes()).list_mode_rows())
    assert [(row.layer, row.mode, str(row.cells[1])) for row in rows] == [
        ("Conv2D", "eager", "1/1"),
        ("Conv2D", "dynamic", "0/2 · 2 silent"),
        ("MaxPooling1D", "eager", "1/1"),
        ("MaxPooling1D", "gradient", "1/1"),
    ]
    assert {(row.padding, row.facet) for row in rows} == {(EVERY, EVERY)}


def test_the_rows_of_facets_count_all_modes_together() -> None:
    rows = [row for row in table_of(of_modes()).list_facet_rows() if row.facet == EVERY]
    assert [(row.layer, row.padding, row.cells[1].num_judged) for row in rows] == [
        ("Conv2D", "same", 2),
        ("Conv2D", "valid", 1),
        ("MaxPooling1D", "same", 2),
    ]


def test_a_target_without_findings_keeps_its_column() -> None:
    table = table_of([conforming(GOOD, SAME)])
    assert table.targets == (GOOD, BAD)
    assert str(next(iter(table.list_facet_rows())).cells[1]) == "–"


def test_the_facets_of_a_case_are_computed_once_for_all_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(case: Case) -> frozenset[Facet]:
        asked.append(case.id)
        return find_facets(case)

    monkeypatch.setattr(conformance, "find_facets", counted)
    table = Conformance((GOOD, BAD))
    table.add(conforming(GOOD, SAME).finding)
    table.add(silent(BAD, SAME).finding)
    assert asked == [SAME.id]
