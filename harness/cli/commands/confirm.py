"""`confirm`: call every divergence of a stored run by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from harness.cli.options import Jobs, RunFolder, Targets, TargetsFiles, Timeout

BY_HAND_TIMEOUT_S: Final = 600.0


def command(
    run_folder: RunFolder,
    target: Targets = None,
    jobs: Jobs = None,
    timeout: Timeout = BY_HAND_TIMEOUT_S,
    targets_file: TargetsFiles = None,
    tables: Annotated[
        Path | None, typer.Option("--tables", metavar="DIR", help="where to put the counts, to be committed")
    ] = None,
) -> None:
    """Make every diverging call of a stored run again by hand, and say which divergences hold.

    The exit code is 0 where every divergence holds, 1 where one does not, 3 where one was not called.
    """
    from harness.cli import confirming
    from harness.cli.terminal import out
    from harness.confirm.csv_files import write_confirmation_counts, write_confirmations
    from harness.confirm.phrases import count_results, list_unconfirmed
    from harness.files import explain_disk_errors

    confirmations = confirming.confirm_run(
        run_folder, target, targets_file, jobs or os.cpu_count() or 1, timeout
    )
    with explain_disk_errors(run_folder):
        write_confirmations(run_folder / "confirmed.csv", confirmations)
    if tables is not None:
        with explain_disk_errors(tables, "choose another folder"):
            tables.mkdir(parents=True, exist_ok=True)
            write_confirmation_counts(tables / "confirmed.csv", confirmations)
    for line in (*list_unconfirmed(confirmations), f"by hand: {count_results(confirmations)}"):
        out.print(line, markup=False, soft_wrap=True)
    out.print(f"{run_folder / 'confirmed.csv'}", markup=False, soft_wrap=True)
    raise typer.Exit(confirming.choose_exit_code(confirmations))
