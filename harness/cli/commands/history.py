"""`history`: write the history tables of a stored run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import RunFolder


def command(
    run_folder: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="where the tables go, by default RUN"),
    ] = None,
) -> None:
    """Write the history tables of a stored run: every version of every family, and what changed when."""
    from harness.cli.inputs import read_shipped_limits
    from harness.cli.terminal import out
    from harness.history.markdown import render_short_history
    from harness.history.write import write_history
    from harness.judge.stored_run import judge_run
    from harness.store import read_info

    info = read_info(run_folder)
    directory = output or run_folder
    history = write_history(directory, info, judge_run(run_folder, info, read_shipped_limits()))
    sys.stdout.write(render_short_history(history))
    out.print(f"{directory / 'history.html'}", markup=False, soft_wrap=True)
