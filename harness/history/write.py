"""Write the history of a run in one pass over its findings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.files import explain_disk_errors
from harness.history.csv_files import write_changes_csv, write_history_csv, write_targets_csv
from harness.history.gather import History, gather_history
from harness.history.html import write_history_html
from harness.history.markdown import write_history_markdown
from harness.records import Judgement, RunInfo
from harness.report.write import check_order


def write_history(directory: Path, info: RunInfo, judgements: Iterable[Judgement]) -> History:
    """Write how the targets of a run conform over the versions of each family; return that history.

    Reads the findings once. Writes `history.csv`, `history.md`, `history.html`, `changes.csv` and
    `targets.csv`, all of which may be committed. `render_short_history` makes a README's table of the result.

    Args:
        directory: created if it does not exist.
        info: what was run.
        judgements: sorted by target, then by case id, each pair once.

    Raises:
        HarnessError: the directory cannot be written.
        ValueError: a finding is out of order, repeated, or of a target that the run does not have.
    """
    with explain_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        history = gather_history(info, check_order(judgements, info))
        write_history_csv(directory / "history.csv", history)
        write_changes_csv(directory / "changes.csv", history)
        write_targets_csv(directory / "targets.csv", history)
        write_history_markdown(directory / "history.md", history)
        write_history_html(directory / "history.html", history)
    return history
