"""The commands that go on from a stored run: the history table, scripts, and calls by hand."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from harness.cli.options import (
    Jobs,
    RunFolder,
    Targets,
    TargetsFiles,
    Timeout,
    app,
    catalog_of,
    chosen_targets,
    note_list,
    shipped_limits,
)
from harness.cli.terminal import err, out
from harness.errors import EXIT_INCOMPLETE, EXIT_OK, HarnessError
from harness.generator.signals import signals_of
from harness.oracle import expect
from harness.records import Finding, RunInfo, TargetRun, Verdict, parse_case_id
from harness.report import short_history, write_history
from harness.report.csv_files import write_confirmation_counts, write_confirmations
from harness.report.repro import has_script, script
from harness.report.wording import count
from harness.runner.by_hand import call_by_hand
from harness.shipped import WORKER
from harness.store import read_case_ids, read_info
from harness.targets.catalog import Catalog
from harness.targets.environments import cache_directory
from harness.targets.launching import launch
from harness.targets.selection import select
from harness.verdicts.confirm import Confirmation
from harness.verdicts.judge import judged

BY_HAND_TIMEOUT_S = 600.0


@app.command("history")
def history_command(
    run_folder: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="where the tables go, by default RUN"),
    ] = None,
) -> None:
    """Write the history tables of a stored run: every version of every family, and what changed when."""
    info = read_info(run_folder)
    directory = output or run_folder
    history = write_history(directory, info, judged(run_folder, info, shipped_limits()))
    sys.stdout.write(short_history(history))
    out.print(f"{directory / 'history.html'}", markup=False, soft_wrap=True)


@app.command("repro")
def repro_command(
    run_folder: RunFolder,
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="the id of a case of the run")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="the name of a target of the run")],
) -> None:
    """Print a stand-alone script that makes the call of a case by hand, without the harness."""
    info = read_info(run_folder)
    if case_id not in set(read_case_ids(run_folder)):
        raise HarnessError(f"{run_folder}: has no case {case_id}; {run_folder}/findings.csv lists them")
    sys.stdout.write(_script(_target_run(info, target, run_folder), [case_id]))


@app.command("confirm")
def confirm_command(
    run_folder: RunFolder,
    target: Targets = None,
    jobs: Jobs = None,
    timeout: Timeout = BY_HAND_TIMEOUT_S,
    targets_file: TargetsFiles = None,
    tables: Annotated[
        Path | None, typer.Option("--tables", metavar="DIR", help="where to put the counts, to be committed")
    ] = None,
) -> None:
    """Make every diverging call of a stored run again by hand, and say which divergences hold."""
    info = read_info(run_folder)
    wanted = None if target is None else {one.name for one in chosen_targets(target, targets_file)}
    diverging: dict[str, list[Finding]] = {}
    for one in judged(run_folder, info, shipped_limits()):
        name = one.finding.target
        if one.finding.verdict is Verdict.DIVERGES and (wanted is None or name in wanted):
            diverging.setdefault(name, []).append(one.finding)
    catalog = catalog_of(targets_file)
    note_list(targets_file)
    stop = threading.Event()

    def confirm(name: str) -> list[Confirmation]:
        try:
            confirmations = _confirm(info, run_folder, name, diverging[name], catalog, timeout, stop)
        except HarnessError as error:
            err.print(f"{name} was not called: {error}", style="red", markup=False, soft_wrap=True)
            return [Confirmation(finding, None) for finding in diverging[name]]
        held = sum(one.holds for one in confirmations)
        said = f"{name}: {held} of {count(len(confirmations), 'divergence')} hold"
        err.print(said, style="dim", markup=False, soft_wrap=True)
        return confirmations

    try:
        with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
            confirmations = [one for found in pool.map(confirm, diverging) for one in found]
    finally:
        stop.set()
    write_confirmations(run_folder / "confirmed.csv", confirmations)
    if tables is not None:
        tables.mkdir(parents=True, exist_ok=True)
        write_confirmation_counts(tables / "confirmed.csv", confirmations)
    held = sum(one.holds for one in confirmations)
    out.print(f"{held:,} of {count(len(confirmations), 'divergence')} hold when called by hand", markup=False)
    out.print(f"{run_folder / 'confirmed.csv'}", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_OK if held == len(confirmations) else EXIT_INCOMPLETE)


def _confirm(
    info: RunInfo,
    run_folder: Path,
    name: str,
    findings: Sequence[Finding],
    catalog: Catalog,
    timeout: float,
    stop: threading.Event,
) -> list[Confirmation]:
    """A target's divergences, called by hand in its environment; what no script can call has no answer.

    Raises:
        HarnessError: the target is not listed, and so has no environment to call it in.
    """
    run = _target_run(info, name, run_folder)
    (target,) = select([name], catalog, os.environ, Path.cwd())
    start = launch(target, cache_directory(os.environ), WORKER, os.environ, lambda _line: None, stop)
    with TemporaryDirectory(prefix="keras-harness-") as folder:
        answers = call_by_hand(
            start,
            Path(folder),
            [finding.case.id for finding in findings if has_script(run, finding.case)],
            lambda case_ids: _script(run, case_ids),
            timeout,
            stop,
        )
    return [Confirmation(finding, answers.get(finding.case.id)) for finding in findings]


def _script(run: TargetRun, case_ids: Sequence[str]) -> str:
    cases = map(parse_case_id, case_ids)
    return script(run, ((case, expect(case, signals_of(case))) for case in cases))


def _target_run(info: RunInfo, name: str, run_folder: Path) -> TargetRun:
    if name not in info.target_runs:
        raise HarnessError(f"{run_folder}: has no target {name}; it has {', '.join(info.target_runs)}")
    return info.target_runs[name]
