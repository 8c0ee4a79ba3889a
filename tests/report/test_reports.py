from __future__ import annotations

import json
import re
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.report.conformance import Conformance
from harness.report.html import Page, write_html
from harness.report.tally import Tallier
from harness.report.write import REPORTS, write_reports
from tests.report.judged import BAD, CASES, GOOD, SAME, conforming, in_order, info_of, many, mixed


class Scripts(HTMLParser):
    """A parser that collects scripts, images, and attributes that a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers.extend(name for name, _ in attrs if name.startswith("on"))
        self.links.extend(value or "" for name, value in attrs if name in {"href", "src"})


def page_of(directory: Path) -> str:
    return (directory / "index.html").read_text(encoding="utf-8")


def data_of(page: str) -> list[list[str]]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    rows: list[list[str]] = json.loads(match[1])["rows"]
    return rows


def test_every_report_is_written_and_the_counts_returned(tmp_path: Path) -> None:
    tally = write_reports(tmp_path / "new" / "run", info_of(), mixed())
    assert {path.name for path in (tmp_path / "new" / "run").iterdir()} == set(REPORTS)
    assert (tally.planned, tally.judged, tally.silent, tally.loud) == (10, 10, 3, 1)


def test_two_passes_are_byte_identical(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_reports(tmp_path / name, info_of(), iter(mixed()))
    for name in REPORTS:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_findings_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="out of order"):
        write_reports(tmp_path, info_of(), mixed()[::-1])
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_finding_is_refused(tmp_path: Path) -> None:
    one = conforming(GOOD, SAME)
    with pytest.raises(ValueError, match="repeated"):
        write_reports(tmp_path, info_of(), [one, one])


def test_a_finding_of_another_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keras0, which is not a target"):
        write_reports(tmp_path, info_of(), [conforming("keras0", SAME)])


def test_a_file_in_the_directorys_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"out: cannot be written: .*-o"):
        write_reports(tmp_path / "out", info_of(), [])


def test_an_empty_run_has_every_report(tmp_path: Path) -> None:
    tally = write_reports(tmp_path, info_of(state="incomplete"), [])
    assert tally.judged == 0
    assert "Nothing was judged" in page_of(tmp_path)


def test_the_page_runs_nothing_that_a_target_wrote(tmp_path: Path) -> None:
    write_reports(tmp_path, info_of(failure="</style></TITLE><script>alert(3)</script>"), mixed())
    page = page_of(tmp_path)
    scripts = Scripts()
    scripts.feed(page)
    assert scripts.tags.count("script") == 3
    assert "img" not in scripts.tags
    assert scripts.handlers == []
    assert not re.search(r"<script>alert", page, re.IGNORECASE)
    assert any("</script><script>alert(1)</script>" in cell for row in data_of(page) for cell in row)


def test_the_page_refers_to_nothing_outside_itself(tmp_path: Path) -> None:
    write_reports(tmp_path, info_of(), mixed())
    scripts = Scripts()
    scripts.feed(page_of(tmp_path))
    assert all(link.startswith("#") for link in scripts.links)
    assert "default-src 'none'" in page_of(tmp_path)


def test_an_incomplete_run_has_a_banner(tmp_path: Path) -> None:
    write_reports(tmp_path, info_of(state="interrupted", failure="no interpreter"), mixed())
    page = page_of(tmp_path)
    assert "This run is incomplete" in page
    assert "3 cases not run: no interpreter" in page


def test_a_complete_run_has_no_banner(tmp_path: Path) -> None:
    findings = in_order([conforming(target, case) for target in (GOOD, BAD) for case in CASES])
    write_reports(tmp_path, info_of(), findings)
    assert "This run is incomplete" not in page_of(tmp_path)
    assert '<h1 class="good">Nothing diverges</h1>' in page_of(tmp_path)


def test_rows_that_do_not_conform_come_first(tmp_path: Path) -> None:
    write_reports(tmp_path, info_of(), mixed())
    results = [row[1] for row in data_of(page_of(tmp_path))]
    assert results == sorted(results, key=lambda result: result == "conforms")
    assert results.count("conforms") == 6


def test_caps_say_how_many_more(tmp_path: Path) -> None:
    info, page = info_of(), Page(max_rows=6, max_details=2)
    tallier, table = Tallier(info), Conformance(info.header.targets)
    for one in mixed():
        tallier.add(one.finding)
        table.add(one.finding)
        page.add(one)
    write_html(tmp_path / "index.html", info, tallier.compute_tally(), table, page)
    text = page_of(tmp_path)
    rows = data_of(text)
    assert [row[1] for row in rows].count("conforms") == 2
    assert "6 findings are here" in text
    assert "4 more are in <code>findings.csv</code>" in text
    assert "2 divergences of 4 are shown" in text
    assert text.count('<details class="divergence"') == 2
    assert sum(row[0] != "0" for row in rows) == 2


def test_memory_does_not_grow_with_the_number_of_findings() -> None:
    def peak(count: int) -> int:
        page = Page(max_rows=20, max_details=5)
        findings = list(many(10))
        tracemalloc.start()
        for _ in range(count):
            for one in findings:
                page.add(one)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)
    assert peak(60) < 2 * peak(6)
