"""`report`: write the reports of a stored run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import RunFolder


def command(
    run_folder: RunFolder,
    tables: Annotated[
        Path | None, typer.Option("--tables", metavar="DIR", help="where to put the tables, to be committed")
    ] = None,
) -> None:
    """Write the reports of a stored run again."""
    from harness.cli import results
    from harness.cli.terminal import out
    from harness.report.write import copy_tables
    from harness.store import read_info

    results.report(run_folder, read_info(run_folder))
    if tables is not None:
        copy_tables(run_folder, tables)
    out.print(f"{run_folder / 'index.html'}", markup=False, soft_wrap=True)
