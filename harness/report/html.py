"""`index.html`: one self-contained page that opens from disk, without a network.

Everything from a target is untrusted: Jinja2 escapes what is in the markup, the data of the table are in a
JSON block without `<`, `>` or `&`, cells are filled as text, and a content security policy allows only the
page's own script, by its hash, and no request. The table is DataTables, from the bundle in itables.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from harness.explain.call_code import format_call
from harness.explain.svg import draw_svg_picture
from harness.records import Case, Judgement, RunInfo, Standing, Verdict
from harness.report.conformance import Conformance
from harness.report.details import Detail, DetailSample
from harness.report.phrases import LEGEND, describe_shortfall, format_headline
from harness.report.rows import COLUMNS, format_row
from harness.report.tally import FindingCount, Tally, classify_finding
from harness.report.target_facts import list_measured, list_pins
from harness.templates import hash_script, read_asset, write_rendered
from harness.text import format_one_line, format_shape

MAX_ROWS: Final = 20_000
"""The most findings in the page's table; those that do not conform come first."""

MAX_DETAILS: Final = 200
"""The most divergences that are shown one by one."""

_RESULTS: Final = {
    FindingCount.CONFORMING: "conforms",
    FindingCount.SILENT: "silent",
    FindingCount.LOUD: "loud",
    FindingCount.UNSUPPORTED: "unsupported",
    FindingCount.INCONCLUSIVE: "inconclusive",
    FindingCount.UNSTABLE: "unstable",
}
"""The result of a finding as the table names it: its verdict, with silent and loud divergences apart."""

_SHOWN_COLUMNS: Final = (
    "target",
    "layer",
    "mode",
    "divergence",
    "cause",
    "input",
    "kernel",
    "strides",
    "dilation",
    "padding",
    "data_format",
    "groups",
    "filters",
    "dtype",
    "outcome",
    "expected_shape",
    "observed_shape",
    "max_abs_error",
    "standing",
    "error",
    "case",
)
_FILTERED_COLUMNS: Final = ("result", "target", "layer", "mode", "padding", "divergence", "cause", "standing")
_SHOWN_PLACES: Final = tuple(COLUMNS.index(name) for name in _SHOWN_COLUMNS)


class Page:
    """The contents of the page, gathered one finding at a time, within its limits."""

    def __init__(self, max_rows: int = MAX_ROWS, max_details: int = MAX_DETAILS) -> None:
        self._max_rows = max_rows
        self._conforming: list[list[str]] = []
        self._others: list[list[str]] = []
        self.sample = DetailSample(max_details)

    def add(self, judgement: Judgement) -> None:
        """Keep the row of a finding and, if it diverges, its details."""
        finding = judgement.finding
        number = 0
        if finding.verdict is Verdict.DIVERGES:
            self.sample.offer(judgement)
            number = self.sample.offered
        rows = self._conforming if finding.verdict is Verdict.CONFORMS else self._others
        if len(rows) < self._max_rows:
            rows.append([str(number), *_format_row(judgement)])

    def list_rows(self) -> list[list[str]]:
        """List the rows of the table; the first cell is the number of the shown divergence, 0 for none."""
        shown = self.sample.numbers
        rows = [*self._others, *self._conforming][: self._max_rows]
        return [[number if int(number) in shown else "0", *cells] for number, *cells in rows]


def _format_row(judgement: Judgement) -> list[str]:
    cells = format_row(judgement)
    return [_RESULTS[classify_finding(judgement.finding)], *(cells[place] for place in _SHOWN_PLACES)]


def write_html(path: Path, info: RunInfo, tally: Tally, table: Conformance, page: Page) -> None:
    """Write the page of a run."""
    rows = page.list_rows()
    script = read_asset("harness.report/report.js")
    values = {
        "header": info.header,
        "runs": info.target_runs,
        "tally": tally,
        "headline": format_headline(tally),
        "shortfall": describe_shortfall(info, tally),
        "table": table,
        "table_rows": list(table.list_facet_rows()),
        "legend": LEGEND,
        "details": page.sample.list_details(),
        "num_divergences": page.sample.offered,
        "filtered_columns": _FILTERED_COLUMNS,
        "data": {"columns": ["result", *_SHOWN_COLUMNS], "rows": rows},
        "num_rows": len(rows),
        "style": "\n".join(map(read_asset, ("harness.report/report.css", "harness.explain/picture.css"))),
        "script": script,
        "script_hash": hash_script(script),
        "bundle": _read_bundle(),
        "format_call": format_call,
        "draw_picture": _draw_picture,
        "describe_difference": describe_difference,
        "list_measured": list_measured,
        "list_pins": list_pins,
    }
    write_rendered(path, "harness.report/index.html.j2", values)


def find_bundle() -> Path:
    """Return the path of DataTables in itables, which is not imported because it would import pandas."""
    package = find_spec("itables")
    assert package is not None
    assert package.submodule_search_locations is not None
    return Path(package.submodule_search_locations[0], "html", "dt_bundle.js")


def _read_bundle() -> Mapping[str, str]:
    """Read DataTables: its style as text, its script in base64 so that nothing in it can end a block."""
    path = find_bundle()
    style = path.with_suffix(".css").read_text(encoding="utf-8")
    if "</style" in style.lower():
        raise ValueError(f"{path.with_suffix('.css')} would end the block of style that holds it")
    return {"style": style, "script": base64.b64encode(path.read_bytes()).decode()}


def _draw_picture(case: Case, name: str) -> str:
    return draw_svg_picture(case, name=name, is_standalone=False)


def describe_difference(detail: Detail) -> str:
    """Describe a divergence in a sentence."""
    finding = detail.finding
    kind = str(finding.divergence or finding.verdict)
    if finding.standing is Standing.UNSTABLE:
        return format_one_line(finding.error, 240)
    if finding.first_index is not None:
        size = "" if finding.max_abs_error is None else f" off by up to {finding.max_abs_error!r},"
        return f"{kind}:{size} first at {format_shape(finding.first_index)}"
    if finding.error:
        return f"{kind}: {format_one_line(finding.error, 120)}"
    if finding.expected_shape != finding.observed_shape and finding.observed_shape is not None:
        return f"{kind}: {format_shape(finding.observed_shape)}, not {format_shape(finding.expected_shape)}"
    return kind
