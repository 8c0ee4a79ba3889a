"""`repro`: print the call of a case as a script."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.cli.options import RunFolder
from harness.errors import HarnessError


def command(
    run_folder: RunFolder,
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="the id of a case of the run")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="the name of a target of the run")],
) -> None:
    """Print a stand-alone script that makes the call of a case by hand, without the harness."""
    from harness.cli.confirming import find_target_run, write_script_of_cases
    from harness.store import read_case_ids, read_info

    info = read_info(run_folder)
    if case_id not in set(read_case_ids(run_folder)):
        raise HarnessError(f"{run_folder}: has no case {case_id}; {run_folder}/findings.csv lists them")
    sys.stdout.write(write_script_of_cases(find_target_run(info, target, run_folder), [case_id]))
