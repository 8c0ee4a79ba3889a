from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from harness.facets import Facet, facets_of
from harness.records import Judged, Layer, Mode, RunInfo
from harness.report.conformance import (
    COLUMNS,
    EVERY,
    Cell,
    Conformance,
    write_conformance_csv,
    write_conformance_markdown,
)
from harness.report.tally import Tallier
from tests.report.judged import BAD, GOOD, SAME, conforming, in_order, info_of, mixed, of_family, silent


def table_of(findings: list[Judged]) -> Conformance:
    table = Conformance((GOOD, BAD))
    for one in findings:
        table.add(one.finding)
    return table


def markdown_of(tmp_path: Path, info: RunInfo) -> str:
    tallier = Tallier(info)
    for one in mixed():
        tallier.add(one.finding)
    write_conformance_markdown(tmp_path / "conformance.md", info, table_of(mixed()), tallier.tally())
    return (tmp_path / "conformance.md").read_text(encoding="utf-8")


def test_a_cell_is_counts_with_markers() -> None:
    assert str(Cell(118, 0, 2, 0, 0, 0)) == "118/120 · 2 silent"
    assert str(Cell(117, 0, 2, 0, 0, 0, 1)) == "117/120 · 2 silent · 1 unstable"
    assert str(Cell(118, 5, 1, 1, 0, 0)) == "118/120 · 1 silent · 1 loud · 5 refused"
    assert str(Cell(0, 0, 0, 0, 0, 0)) == "–"


def test_each_facet_of_a_case_has_a_row_after_the_row_of_all() -> None:
    rows = list(table_of([conforming(GOOD, SAME)]).rows())
    assert rows[0].facet == EVERY
    assert {row.facet for row in rows[1:]} == {str(facet) for facet in facets_of(SAME)}


def test_facets_stand_in_their_own_order() -> None:
    facets = [row.facet for row in table_of([conforming(GOOD, SAME)]).rows()][1:]
    assert facets == [facet for facet in Facet if facet in facets]


def test_spellings_of_a_padding_count_together() -> None:
    spelled = replace(SAME, padding="Same")
    (row,) = [
        row
        for row in table_of([conforming(GOOD, spelled), conforming(GOOD, SAME)]).rows()
        if row.facet == EVERY
    ]
    assert (row.padding, row.cells[0].judged) == ("same", 2)


def of_modes() -> list[Judged]:
    """Two layers in two modes each, one of which diverges in one mode."""
    dynamic = of_family(Layer.CONV2D, mode=Mode.DYNAMIC)
    return in_order(
        [
            conforming(BAD, of_family(Layer.CONV2D)),
            silent(BAD, dynamic),
            silent(BAD, replace(dynamic, padding="valid"), "valid-means-same"),
            conforming(BAD, of_family(Layer.MAX_POOLING1D)),
            conforming(BAD, of_family(Layer.MAX_POOLING1D, mode=Mode.GRADIENT)),
        ]
    )


def test_each_mode_of_a_layer_has_a_row_of_all_its_paddings() -> None:
    rows = list(table_of(of_modes()).modes())
    assert [(row.layer, row.mode, str(row.cells[1])) for row in rows] == [
        ("Conv2D", "eager", "1/1"),
        ("Conv2D", "dynamic", "0/2 · 2 silent"),
        ("MaxPooling1D", "eager", "1/1"),
        ("MaxPooling1D", "gradient", "1/1"),
    ]
    assert {(row.padding, row.facet) for row in rows} == {(EVERY, EVERY)}


def test_the_rows_of_facets_count_all_modes_together() -> None:
    rows = [row for row in table_of(of_modes()).rows() if row.facet == EVERY]
    assert [(row.layer, row.padding, row.cells[1].judged) for row in rows] == [
        ("Conv2D", "same", 2),
        ("Conv2D", "valid", 1),
        ("MaxPooling1D", "same", 2),
    ]


def test_the_long_form_counts_every_finding_once_by_layer_mode_and_padding(tmp_path: Path) -> None:
    write_conformance_csv(tmp_path / "conformance.csv", table_of(of_modes()))
    frame = pd.read_csv(tmp_path / "conformance.csv")
    every = frame[frame["facet"] == EVERY]
    assert every["judged"].sum() == len(of_modes())
    assert not every[["layer", "mode", "padding", "target"]].duplicated().any()
    assert EVERY not in set(every["mode"])
    assert set(frame[frame["facet"] != EVERY]["mode"]) == {EVERY}


def test_layers_and_modes_stand_first_in_the_markdown(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, info_of())
    assert "| Conv2D | eager | 5/5 · 1 refused | 1/5 · 3 silent · 1 loud · 1 refused |" in text
    assert text.index("## Layers and modes") < text.index("## Conv2D, padding same")


def test_a_target_without_findings_keeps_its_column() -> None:
    table = table_of([conforming(GOOD, SAME)])
    assert table.targets == (GOOD, BAD)
    assert str(next(iter(table.rows())).cells[1]) == "–"


def test_the_long_form_has_a_row_for_each_target_with_findings(tmp_path: Path) -> None:
    write_conformance_csv(tmp_path / "conformance.csv", table_of(mixed()))
    frame = pd.read_csv(tmp_path / "conformance.csv")
    assert tuple(frame.columns) == COLUMNS
    every = frame[(frame["facet"] == EVERY) & (frame["target"] == BAD)]
    assert every["padding"].tolist() == ["same", "valid", "sideways"]
    assert every["judged"].tolist() == [3, 1, 1]
    assert every["silent"].tolist() == [2, 1, 0]
    assert every["loud"].tolist() == [1, 0, 0]
    assert every["refused"].tolist() == every["conforming"].tolist() == [0, 0, 1]


def test_the_header_states_what_was_run(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, info_of())
    for fact in (
        "2026-01-02T03:04:05",
        "keras-harness 0.1.0",
        "suites: core",
        "keras==3.15.1",
        "python 3.11.7",
    ):
        assert fact in text
    assert "incomplete" not in text
    assert "| all | 3/3 | 0/3 · 2 silent · 1 loud |" in text


def test_an_incomplete_run_says_so_first(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, info_of(state="incomplete", failure="a | b\n<script>"))
    assert text.index("This run is incomplete") < text.index("## Targets")
    assert "a \\| b &lt;script>" in text
