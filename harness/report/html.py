"""`index.html`: one self-contained page that opens from disk, with no network.

Everything that comes from a target is untrusted: Jinja2 escapes what is in the markup, the table's
data stand in a JSON block without `<`, `>` or `&`, cells are filled as text, and a content security
policy lets no script run but the page's own, known by its hash, and no request leave.
The table is DataTables, from the bundle that itables carries.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.explain.call_code import call_code
from harness.explain.svg import STYLE, svg_picture
from harness.files import replacing
from harness.records import Case, Judged, RunInfo, Standing, Verdict
from harness.report.conformance import LEGEND, Conformance, measured_facts
from harness.report.details import Detail, DetailSample
from harness.report.phrases import headline, pins_of, shortfall
from harness.report.rows import COLUMNS, row_of
from harness.report.tally import Count, Tally, count_of
from harness.text import count, one_line, shape_text

_PACKAGE: Final = "harness.report"

MAX_ROWS: Final = 20_000
"""Findings that the page's table holds; those that do not conform come first."""

MAX_DETAILS: Final = 200
"""Divergences that are shown one by one."""

_RESULTS: Final = {
    Count.CONFORMING: "conforms",
    Count.SILENT: "silent",
    Count.LOUD: "loud",
    Count.UNSUPPORTED: "unsupported",
    Count.INCONCLUSIVE: "inconclusive",
    Count.UNSTABLE: "unstable",
}
"""How the table names what became of a finding: the verdict, with the two kinds of diverging apart."""

_SHOWN: Final = (
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
_FILTERED: Final = ("result", "target", "layer", "mode", "padding", "divergence", "cause", "standing")
_PLACES: Final = tuple(COLUMNS.index(name) for name in _SHOWN)


class Page:
    """Gathers what the page shows, one finding at a time, within its caps."""

    def __init__(self, max_rows: int = MAX_ROWS, max_details: int = MAX_DETAILS) -> None:
        self._max_rows = max_rows
        self._conforming: list[list[str]] = []
        self._others: list[list[str]] = []
        self.sample = DetailSample(max_details)

    def add(self, judged: Judged) -> None:
        """Keep the row of a finding, and of a divergence what is needed to show it."""
        finding = judged.finding
        number = 0
        if finding.verdict is Verdict.DIVERGES:
            self.sample.offer(judged)
            number = self.sample.offered
        rows = self._conforming if finding.verdict is Verdict.CONFORMS else self._others
        if len(rows) < self._max_rows:
            rows.append([str(number), *_row(judged)])

    def rows(self) -> list[list[str]]:
        """The rows of the table; the first cell is the number of the shown divergence, 0 for none."""
        shown = self.sample.numbers
        rows = [*self._others, *self._conforming][: self._max_rows]
        return [[number if int(number) in shown else "0", *cells] for number, *cells in rows]


def _row(judged: Judged) -> list[str]:
    cells = row_of(judged)
    return [_RESULTS[count_of(judged.finding)], *(cells[place] for place in _PLACES)]


def environment_of_pages(package: str) -> Environment:
    """Jinja2 with a package's templates: what is untrusted is escaped, a name that is missing raises."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shape"] = shape_text
    environment.filters["one_line"] = one_line
    environment.filters["count"] = count
    environment.globals["measured_facts"] = measured_facts
    environment.globals["pins_of"] = pins_of
    return environment


def script_hash(script: str) -> str:
    """What a content security policy calls the one script that may run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def write_html(path: Path, info: RunInfo, tally: Tally, table: Conformance, page: Page) -> None:
    """Write the page of a run."""
    environment = environment_of_pages(_PACKAGE)
    environment.filters["call"] = call_code
    environment.globals["picture"] = _picture
    environment.globals["difference"] = difference
    script = template_text(_PACKAGE, "report.js")
    rows = page.rows()
    stream = environment.get_template("index.html.j2").stream(
        info=info,
        header=info.header,
        runs={} if info.footer is None else {target.name: target for target in info.footer.targets},
        tally=tally,
        headline=headline(tally),
        shortfall=shortfall(info, tally),
        table=table,
        table_rows=list(table.rows()),
        legend=LEGEND,
        details=page.sample.details(),
        num_divergences=page.sample.offered,
        columns=("result", *_SHOWN),
        filtered=_FILTERED,
        data={"columns": ["result", *_SHOWN], "rows": rows},
        num_rows=len(rows),
        style=Markup(template_text(_PACKAGE, "report.css") + STYLE),
        script=Markup(script),
        script_hash=script_hash(script),
        bundle=_bundle(),
    )
    with replacing(path) as file:
        for part in stream:
            file.write(part)


def template_text(package: str, name: str) -> str:
    """A style or a script of a package."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def bundle_path() -> Path:
    """Return where itables keeps the script of DataTables; itself it would import pandas."""
    package = find_spec("itables")
    assert package is not None
    assert package.submodule_search_locations is not None
    return Path(package.submodule_search_locations[0], "html", "dt_bundle.js")


def _bundle() -> dict[str, Markup]:
    """DataTables: its style as it is, its script in base64 so that nothing in it can end a block."""
    path = bundle_path()
    style = path.with_suffix(".css").read_text(encoding="utf-8")
    if "</style" in style.lower():
        raise ValueError(f"{path.with_suffix('.css')} would end the block of style that holds it")
    return {"style": Markup(style), "script": Markup(base64.b64encode(path.read_bytes()).decode())}


def _picture(case: Case, name: str) -> Markup:
    return Markup(svg_picture(case, name=name, is_standalone=False))


def difference(detail: Detail) -> str:
    """What went wrong, in a sentence."""
    finding = detail.finding
    words = str(finding.divergence or finding.verdict)
    if finding.standing is Standing.UNSTABLE:
        return one_line(finding.error, 240)
    if finding.first_index is not None:
        size = "" if finding.max_abs_error is None else f" off by up to {finding.max_abs_error!r},"
        return f"{words}:{size} first at {shape_text(finding.first_index)}"
    if finding.error:
        return f"{words}: {one_line(finding.error, 120)}"
    if finding.expected_shape != finding.observed_shape and finding.observed_shape is not None:
        return f"{words}: {shape_text(finding.observed_shape)}, not {shape_text(finding.expected_shape)}"
    return words
