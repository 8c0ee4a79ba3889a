from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from harness.records import RunInfo
from harness.report.conformance import EVERY
from harness.report.csv_files import (
    CONFORMANCE_COLUMNS,
    TIMING_COLUMNS,
    open_findings_files,
    write_conformance_csv,
    write_timings,
)
from harness.report.rows import COLUMNS, format_row
from tests.report.judged import BAD, info_of, mixed, of_modes, table_of


def write(directory: Path) -> None:
    with open_findings_files(directory) as write_finding:
        for one in mixed():
            write_finding(one)


def test_pandas_reads_back_every_cell(tmp_path: Path) -> None:
    write(tmp_path)
    frame = pd.read_csv(tmp_path / "findings.csv", dtype=str, keep_default_na=False)
    assert tuple(frame.columns) == COLUMNS
    assert [tuple(row) for row in frame.itertuples(index=False)] == [format_row(one) for one in mixed()]


def test_pandas_infers_booleans_and_numbers(tmp_path: Path) -> None:
    write(tmp_path)
    frame = pd.read_csv(tmp_path / "findings.csv")
    assert frame["silent"].dtype == bool
    assert frame["max_abs_error"].dtype == float
    assert frame["filters"].tolist() == [3] * 10


def test_divergences_hold_the_diverging_rows_only(tmp_path: Path) -> None:
    write(tmp_path)
    frame = pd.read_csv(tmp_path / "divergences.csv")
    assert set(frame["verdict"]) == {"diverges"}
    assert len(frame) == 4


def test_lines_end_with_a_line_feed(tmp_path: Path) -> None:
    write(tmp_path)
    raw = (tmp_path / "findings.csv").read_bytes()
    assert b"\r" not in raw
    assert raw.count(b"\n") == 11


def test_timings_have_a_row_for_each_target(tmp_path: Path) -> None:
    write_timings(tmp_path / "timings.csv", info_of())
    lines = (tmp_path / "timings.csv").read_text(encoding="utf-8").splitlines()
    assert lines == [
        ",".join(TIMING_COLUMNS),
        "keras3.15.1-jax,2,5,2.0,4.0,1.2",
        "keras3.15.1-numpy,2,5,2.0,4.0,1.2",
    ]


def test_a_target_that_took_no_time_has_no_rate(tmp_path: Path) -> None:
    info = info_of()
    assert info.footer is not None
    idle = replace(info.footer.targets[0], seconds=0.0, observed=0)
    write_timings(tmp_path / "t.csv", replace(info, footer=replace(info.footer, targets=(idle,))))
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1] == "keras3.15.1-jax,2,0,2.0,0.0,"


def test_a_run_without_a_footer_has_no_timings(tmp_path: Path) -> None:
    write_timings(tmp_path / "timings.csv", RunInfo(info_of().header, None))
    assert (tmp_path / "timings.csv").read_text(encoding="utf-8") == ",".join(TIMING_COLUMNS) + "\n"


def test_the_long_form_counts_every_finding_once_by_layer_mode_and_padding(tmp_path: Path) -> None:
    write_conformance_csv(tmp_path / "conformance.csv", table_of(of_modes()))
    frame = pd.read_csv(tmp_path / "conformance.csv")
    every = frame[frame["facet"] == EVERY]
    assert every["judged"].sum() == len(of_modes())
    assert not every[["layer", "mode", "padding", "target"]].duplicated().any()
    assert EVERY not in set(every["mode"])
    assert set(frame[frame["facet"] != EVERY]["mode"]) == {EVERY}


def test_the_long_form_has_a_row_for_each_target_with_findings(tmp_path: Path) -> None:
    write_conformance_csv(tmp_path / "conformance.csv", table_of(mixed()))
    frame = pd.read_csv(tmp_path / "conformance.csv")
    assert tuple(frame.columns) == CONFORMANCE_COLUMNS
    every = frame[(frame["facet"] == EVERY) & (frame["target"] == BAD)]
    assert every["padding"].tolist() == ["same", "valid", "sideways"]
    assert every["judged"].tolist() == [3, 1, 1]
    assert every["silent"].tolist() == [2, 1, 0]
    assert every["loud"].tolist() == [1, 0, 0]
    assert every["refused"].tolist() == every["conforming"].tolist() == [0, 0, 1]
