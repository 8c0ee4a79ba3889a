"""`judge`: judge a stored run again."""

from __future__ import annotations

import typer

from harness.cli.options import RunFolder


def command(run_folder: RunFolder) -> None:
    """Judge a stored run again, without Keras, and write its reports."""
    from harness.cli import results
    from harness.store import read_info

    info = read_info(run_folder)
    tally = results.report(run_folder, info)
    results.print_summary(run_folder, info, tally)
    raise typer.Exit(results.choose_exit_code(info, tally))
