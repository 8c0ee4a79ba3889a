from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.history.csv_files import CHANGE_COLUMNS, COLUMNS, TARGET_COLUMNS
from harness.history.gather import History, gather_history
from harness.history.html import classify_cell
from harness.history.markdown import render_short_history
from harness.history.write import write_history
from harness.oracle import WRONG_RULES
from harness.records import Case, Observation, RunInfo
from harness.report.conformance import ConformanceCell
from tests.history.lines import Doing, follows, info_of, judged_run, not_run, raises, target
from tests.markdown import widths_of_tables
from tests.report.judged import CASES, SAME, VALID
from tests.report.test_reports import Scripts

FILES = {"history.csv", "history.md", "history.html", "changes.csv", "targets.csv"}
GOOD, BAD, FLIPPED = (
    follows(),
    follows(WRONG_RULES["all-padding-before"]),
    follows(WRONG_RULES["kernel-flipped"]),
)
HOSTILE = (
    "</script><script>alert(1)</script></TD ><img src=x onerror=alert(2)> | `x` \x1b[31m\n| 0x7f00deadbeef"
)
LINE = (GOOD, BAD, not_run, BAD, GOOD, GOOD)


def run_of(
    line: Sequence[Doing] = LINE, cases: Sequence[Case] = CASES, directory: Path | None = None
) -> tuple[RunInfo, History]:
    """Make a run of versions 1.0, 2.0, ... of a family that do this, and one right target of another."""
    targets = [target(f"{number}.0") for number in range(1, len(line) + 1)]
    other = target("1.0", "jax")
    info = info_of([*targets, other], len(cases))
    doing = {one.name: do for one, do in zip(targets, line, strict=True)} | {other.name: GOOD}
    judged = judged_run(cases, doing)
    return info, gather_history(info, judged) if directory is None else write_history(directory, info, judged)


def test_every_file_is_written_and_the_history_returned(tmp_path: Path) -> None:
    _, history = run_of(directory=tmp_path / "new" / "history")
    assert {path.name for path in (tmp_path / "new" / "history").iterdir()} == FILES
    assert [family.family for family in history.families] == ["jax", "made"]


def test_two_passes_are_byte_identical(tmp_path: Path) -> None:
    for name in ("first", "second"):
        run_of(directory=tmp_path / name)
    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_findings_out_of_order_are_refused(tmp_path: Path) -> None:
    info = info_of([target("1.0")])
    judged = list(judged_run(CASES, {"made1.0-1.0": GOOD}))
    with pytest.raises(ValueError, match="out of order"):
        write_history(tmp_path, info, judged[::-1])


def test_a_file_in_the_directorys_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"out: cannot be written: .*-o"):
        run_of(directory=tmp_path / "out")


def test_the_long_form_holds_every_target_and_adds_up(tmp_path: Path) -> None:
    run_of(directory=tmp_path)
    frame = pd.read_csv(tmp_path / "history.csv")
    assert tuple(frame.columns) == COLUMNS
    assert frame["target"].nunique() == 7
    assert frame.groupby("target")["judged"].sum().tolist() == [len(CASES)] * 7
    counts = ["conforming", "silent", "loud", "unsupported", "inconclusive"]
    assert frame[counts].sum(axis="columns").tolist() == frame["judged"].tolist()
    second = frame[(frame["target"] == "made2.0-1.0") & (frame["padding"] == "same")]
    assert second[["conforming", "silent"]].to_numpy().tolist() == [[0, 3]]


def test_changes_name_targets(tmp_path: Path) -> None:
    run_of(directory=tmp_path)
    frame = pd.read_csv(tmp_path / "changes.csv", keep_default_na=False)
    assert tuple(frame.columns) == CHANGE_COLUMNS
    (row,) = frame.to_dict("records")
    assert row["cause"] == "all-padding-before"
    assert [row[name] for name in ("before", "first_bad", "last_bad", "first_good")] == [
        f"made{version}.0-1.0" for version in (1, 2, 4, 5)
    ]


def test_targets_have_their_pins_and_the_versions_they_measured(tmp_path: Path) -> None:
    run_of(directory=tmp_path)
    frame = pd.read_csv(tmp_path / "targets.csv", keep_default_na=False, dtype=str)
    assert tuple(frame.columns) == TARGET_COLUMNS
    first = frame.set_index("target").loc["made1.0-1.0"]
    assert first["pins"] == "keras==1.0; numpy==2.4.6"
    assert first["measured"] == "keras 1.0; backend_version 1.0"


def test_neighbours_that_say_the_same_in_every_row_are_folded() -> None:
    _, history = run_of()
    made = history.families[1]
    assert made.fold_columns() == (("1.0", 0), ("2.0", 1), ("3.0", 2), ("4.0", 3), ("5.0–6.0", 4))


def test_neighbours_that_differ_in_one_row_are_not_folded() -> None:
    _, history = run_of([GOOD, BAD], [VALID, SAME])
    assert [head for head, _ in history.families[1].fold_columns()] == ["1.0", "2.0"]
    _, history = run_of([GOOD, BAD], [VALID])
    assert [head for head, _ in history.families[1].fold_columns()] == ["1.0–2.0"]


def test_the_markdown_folds_columns_and_says_so(tmp_path: Path) -> None:
    run_of(directory=tmp_path)
    text = (tmp_path / "history.md").read_text(encoding="utf-8")
    assert "| case | 1.0 | 2.0 | 3.0 | 4.0 | 5.0–6.0 |" in text
    assert "| Conv2D · same | 3/3 | 0/3 · 3 silent | 0/3 · 3 inconclusive |" in text
    assert "| Conv2D · eager | 5/5 · 1 refused | 2/5 · 3 silent · 1 refused | 0/5 · 5 inconclusive |" in text
    assert "stand in one column" in text
    assert "| 2.0 (not in 1.0) | 4.0 | 5.0 |" in text


def test_every_line_of_a_table_has_as_many_cells(tmp_path: Path) -> None:
    run_of(directory=tmp_path)
    text = (tmp_path / "history.md").read_text(encoding="utf-8")
    assert widths_of_tables(text) == [{6}, {2}, {4}, {6}, {6}, {4}]
    assert text.endswith(" |\n")
    assert "\n\n\n" not in text


def test_the_head_states_what_was_run(tmp_path: Path) -> None:
    run_of(directory=tmp_path)
    for name in ("history.md", "history.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        for fact in (
            "2026-01-02T03:04:05",
            "keras-harness 0.2.0",
            "made",
            "keras 1.0",
            "backend_version 1.0",
        ):
            assert fact in text, (name, fact)


def test_an_incomplete_run_says_so(tmp_path: Path) -> None:
    targets = [replace(target("1.0"), not_run=5, failure="no wheel | <u>"), target("2.0")]
    info = info_of(targets, len(CASES), state="incomplete")
    doing = {"made1.0-1.0": not_run, "made2.0-1.0": GOOD}
    write_history(tmp_path, info, judged_run(CASES, doing))
    for name in ("history.md", "history.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "This run is incomplete" in text
        assert "<u>" not in text


def test_a_run_without_a_footer_has_a_history(tmp_path: Path) -> None:
    info = RunInfo(info_of([target("1.0")], len(CASES)).header, None)
    history = write_history(tmp_path, info, judged_run(CASES, {"made1.0-1.0": not_run}))
    (family,) = history.families
    assert (family.family, family.same_rule_spans, family.changes) == ("unplaced", (), ())
    assert "not started" in (tmp_path / "history.md").read_text(encoding="utf-8")


def test_readings_stand_per_range_of_versions() -> None:
    spelled = replace(SAME, padding="Same", input=(6, 7), kernel=(3, 2))
    _, history = run_of([FLIPPED, not_run, FLIPPED, GOOD], [SAME, spelled, replace(SAME, kernel=(4, 3))])
    first, second = history.families[1].same_rule_spans
    assert (first.versions, first.explained, first.returned) == ("1.0–3.0", 6, 6)
    assert "kernel flipped" in first.description
    assert (second.versions, second.is_keras, second.explained) == ("4.0", True, 3)


def test_the_short_table_has_a_line_for_each_family() -> None:
    _, history = run_of()
    lines = render_short_history(history).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| jax | 1.0 | 1 | 5/5 · 1 refused | Keras's rule (3/3) | nothing |")
    assert "silent value: `all-padding-before` (2.0–4.0; 3 cases)" in lines[3]
    assert "1.0–6.0 | 6 | " in lines[3]


def test_the_short_table_says_how_many_ways_more_there_are() -> None:
    kernels = [replace(VALID, kernel=(2, number)) for number in range(1, 6)]

    def fails(name: str, case: Case) -> Observation:
        return raises("way " + "abcdefg"[case.kernel[1]])(name, case)

    _, history = run_of([fails], kernels)
    assert "1 more |" in render_short_history(history).splitlines()[-1]


def test_what_a_target_wrote_cannot_leave_its_place(tmp_path: Path) -> None:
    run_of([raises(HOSTILE), GOOD], directory=tmp_path)
    page = (tmp_path / "history.html").read_text(encoding="utf-8")
    scripts = Scripts()
    scripts.feed(page)
    assert scripts.tags.count("script") == 1
    assert "img" not in scripts.tags
    assert scripts.handlers == []
    assert all(link.startswith("#") for link in scripts.links)
    assert "default-src 'none'" in page
    for line in (tmp_path / "history.md").read_text(encoding="utf-8").splitlines():
        assert "<script" not in line.lower()
        assert "\x1b" not in line
        if "alert" in line and line.startswith("| loud"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 7
    assert "\x1b" not in (tmp_path / "changes.csv").read_text(encoding="utf-8")


def test_a_cell_is_coloured_by_its_worst_count() -> None:
    assert classify_cell(ConformanceCell(0, 0, 0, 0, 0, 0)) == "n"
    assert classify_cell(ConformanceCell(5, 5, 0, 0, 0, 0)) == "w"
    assert classify_cell(ConformanceCell(5, 0, 1, 1, 1, 1)) == "s"
    assert classify_cell(ConformanceCell(5, 0, 0, 1, 1, 1)) == "l"
    assert classify_cell(ConformanceCell(5, 0, 0, 0, 1, 1)) == "i"
    assert classify_cell(ConformanceCell(5, 0, 0, 0, 1, 0)) == "u"


def test_the_page_shows_every_version_and_marks_rows_that_conform(tmp_path: Path) -> None:
    run_of([GOOD, GOOD, BAD], directory=tmp_path)
    page = (tmp_path / "history.html").read_text(encoding="utf-8")
    assert [page.count(f'title="made{version}.0-1.0"') for version in (1, 2, 3)] == [1, 1, 1]
    made = page[page.index('id="family-2"') :]
    assert re.search(r'<tr class="every "><th scope="row">Conv2D · same</th><td class="w">3/3</td>', made)
    assert re.search(
        r'<tr class="every whole"><th scope="row">Conv2D · valid</th><td class="w">1/1</td>', made
    )
    assert "<b>3 silent</b>" in made


def test_many_versions_stay_small(tmp_path: Path) -> None:
    _, history = run_of([GOOD, BAD] * 30, directory=tmp_path)
    num_cells = sum(len(family.paddings) * len(family.columns) for family in history.families)
    assert num_cells > 100
    assert (tmp_path / "history.csv").stat().st_size < 90 * num_cells
    assert (tmp_path / "history.html").stat().st_size < 150 * num_cells + 80_000
    assert (tmp_path / "history.md").stat().st_size < 100 * num_cells + 40_000
