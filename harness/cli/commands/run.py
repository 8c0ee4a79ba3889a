"""`run`: observe suites on targets, judge, explain and report."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    CasesFolders,
    Jobs,
    NewestPerMinor,
    Output,
    Settings,
    Suites,
    Targets,
    TargetsFiles,
    Timeout,
)
from harness.errors import HarnessError
from harness.runner.timeouts import DEFAULT_TIMEOUTS


def command(
    *,
    suites: Suites = None,
    target: Targets = None,
    output: Output = None,
    jobs: Jobs = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in DIR")] = False,
    timeout: Timeout = DEFAULT_TIMEOUTS.case_s,
    cases: CasesFolders = None,
    targets_file: TargetsFiles = None,
    newest_only: NewestPerMinor = False,
    settings: Settings = None,
) -> None:
    """Observe, judge, explain, report. Without arguments: suite core, the newest Keras on TensorFlow."""
    from harness.cli import inputs, runs
    from harness.store import read_info
    from harness.targets.selection import NEWEST

    names = tuple(suites or ("core",))
    selected = inputs.select_targets(target or [NEWEST], targets_file, settings, newest_only=newest_only)
    if resume and output is None:
        raise HarnessError("--resume needs -o DIR, the folder of the run to go on with")
    if resume and output is not None:
        read_info(output)
    request = runs.Request(
        directory=output or Path("reports", "runs", f"{time.strftime('%Y%m%d-%H%M%S')}-{'-'.join(names)}"),
        suites=names,
        cases=inputs.read_cases(cases, names),
        targets=selected,
        targets_files=targets_file,
        jobs=jobs or os.cpu_count() or 1,
        timeout_s=timeout,
    )
    info = runs.observe(request, resume=resume)

    # Imported only now, so that no worker waits for the modules that judge and report.
    from harness.cli import results

    info, tally = results.report_with_second_look(request, info)
    results.print_summary(request.directory, info, tally)
    raise typer.Exit(results.choose_exit_code(info, tally))
