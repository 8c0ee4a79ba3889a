from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.records import RunInfo
from harness.report.markdown import write_conformance_markdown
from harness.report.tally import Tallier
from tests.markdown import widths_of_tables
from tests.report.judged import GOOD, info_of, mixed, table_of


def markdown_of(tmp_path: Path, info: RunInfo) -> str:
    tallier = Tallier(info)
    for one in mixed():
        tallier.add(one.finding)
    write_conformance_markdown(tmp_path / "conformance.md", info, table_of(mixed()), tallier.compute_tally())
    return (tmp_path / "conformance.md").read_text(encoding="utf-8")


def test_layers_and_modes_stand_first_in_the_markdown(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, info_of())
    assert "| Conv2D | eager | 5/5 · 1 refused | 1/5 · 3 silent · 1 loud · 1 refused |" in text
    assert text.index("## Layers and modes") < text.index("## Conv2D, padding same")


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


def test_every_line_of_a_table_has_as_many_cells(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, info_of())
    assert widths_of_tables(text) == [{4}, {4}, {3}, {3}, {3}]
    assert text.endswith(" |\n")
    assert "\n\n\n" not in text


def test_what_a_worker_measured_cannot_leave_its_cell(tmp_path: Path) -> None:
    info = info_of()
    assert info.footer is not None
    runs = [replace(run, fingerprint={"onednn": "1 | <b>\n| `x`"}) for run in info.footer.targets]
    text = markdown_of(tmp_path, replace(info, footer=replace(info.footer, targets=tuple(runs))))
    assert r"| onednn 1 \| &lt;b> \| \`x\` |" in text
    assert widths_of_tables(text)[0] == {4}


def test_a_target_that_the_footer_does_not_hold_has_empty_cells(tmp_path: Path) -> None:
    text = markdown_of(tmp_path, replace(info_of(), footer=None))
    assert f"| {GOOD} | 5/5 |  |  |" in text
