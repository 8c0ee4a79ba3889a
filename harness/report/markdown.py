"""`conformance.md`: what was run, and the conformance table, to be read and committed."""

from __future__ import annotations

from pathlib import Path

from harness.records import RunInfo
from harness.report.conformance import Conformance
from harness.report.phrases import LEGEND, describe_shortfall, format_headline
from harness.report.tally import Tally
from harness.report.target_facts import list_measured, list_pins
from harness.templates import write_rendered


def write_conformance_markdown(path: Path, info: RunInfo, table: Conformance, tally: Tally) -> None:
    """Write `conformance.md`."""
    values = {
        "header": info.header,
        "runs": info.target_runs,
        "tally": tally,
        "headline": format_headline(tally),
        "shortfall": describe_shortfall(info, tally),
        "table": table,
        "legend": LEGEND,
        "list_measured": list_measured,
        "list_pins": list_pins,
    }
    write_rendered(path, "harness.report/conformance.md.j2", values)
