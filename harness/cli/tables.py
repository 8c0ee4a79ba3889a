"""The commands that go on from a stored run: the history table, scripts, and calls by hand."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

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
from harness.confirm.calls import Answer, NotCalled, call_by_hand
from harness.confirm.confirmations import Confirmation, Result, answer_of_modes, modes_of
from harness.confirm.csv_files import write_confirmation_counts, write_confirmations
from harness.confirm.phrases import doubts_by_hand, held_by_hand
from harness.confirm.script import NO_KERAS, script, why_no_script
from harness.data.case_data import signals_of
from harness.environments.cache import find_cache_directory
from harness.environments.launch import prepare_worker_command
from harness.errors import EXIT_INCOMPLETE, EXIT_OK, EXIT_UNEXPECTED, HarnessError
from harness.files import explain_disk_errors
from harness.history.markdown import short_history
from harness.history.write import write_history
from harness.judge.stored_run import judged
from harness.oracle import expect
from harness.records import (
    EXEC,
    Divergence,
    Finding,
    RunInfo,
    Standing,
    Target,
    TargetRun,
    Verdict,
    parse_case_id,
)
from harness.resources import WORKER
from harness.store import read_case_ids, read_info
from harness.targets.selection import selected_again

BY_HAND_TIMEOUT_S: Final = 600.0

_NOT_STARTED: Final = "the target cannot be started here"

_UNSTABLE: Final = "it is unstable: a second worker did not show it either"

_EXIT_CODES: Final = {
    Result.HOLDS: EXIT_OK,
    Result.NOT_CALLED: EXIT_INCOMPLETE,
    Result.DOES_NOT_HOLD: EXIT_UNEXPECTED,
}
"""The exit code of each result; of many that of the last in this order."""


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
    """Make every diverging call of a stored run again by hand, and say which divergences hold.

    The exit code is 0 where every divergence holds, 1 where one does not, 3 where one was not called.
    """
    info = read_info(run_folder)
    given = None if target is None else _given_targets(info, run_folder, target, targets_file)
    diverging: dict[str, list[Finding]] = {}
    for one in judged(run_folder, info, shipped_limits()):
        name = one.finding.target
        if one.finding.verdict is Verdict.DIVERGES and (given is None or name in given):
            diverging.setdefault(name, []).append(one.finding)
    _demand_scripts(info, diverging)
    catalog, case_ids = catalog_of(targets_file), tuple(read_case_ids(run_folder))
    note_list(targets_file)
    stop = threading.Event()

    def confirm(name: str) -> list[Confirmation]:
        try:
            run = _target_run(info, name, run_folder)
            one = (given or {}).get(name) or selected_again(run, catalog, os.environ, Path.cwd())
            confirmations = _confirm(run, one, diverging[name], case_ids, timeout, stop)
        except HarnessError as error:
            err.print(f"{name} was not called: {error}", style="red", markup=False, soft_wrap=True)
            return [Confirmation(finding, NotCalled(_NOT_STARTED)) for finding in diverging[name]]
        err.print(f"{name}: {held_by_hand(confirmations)}", style="dim", markup=False, soft_wrap=True)
        return confirmations

    try:
        with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
            confirmations = [one for found in pool.map(confirm, diverging) for one in found]
    finally:
        stop.set()
    with explain_disk_errors(run_folder):
        write_confirmations(run_folder / "confirmed.csv", confirmations)
    if tables is not None:
        with explain_disk_errors(tables, "choose another folder"):
            tables.mkdir(parents=True, exist_ok=True)
            write_confirmation_counts(tables / "confirmed.csv", confirmations)
    for line in (*doubts_by_hand(confirmations), f"by hand: {held_by_hand(confirmations)}"):
        out.print(line, markup=False, soft_wrap=True)
    out.print(f"{run_folder / 'confirmed.csv'}", markup=False, soft_wrap=True)
    raise typer.Exit(_EXIT_CODES[_worst(confirmations)])


def _worst(confirmations: Iterable[Confirmation]) -> Result:
    order = list(_EXIT_CODES)
    return max((one.result for one in confirmations), key=order.index, default=Result.HOLDS)


def _given_targets(
    info: RunInfo, run_folder: Path, selectors: Sequence[str], files: Sequence[Path] | None
) -> Mapping[str, Target | None]:
    """Those of the run that a person asked for, by name; None where the name is all that was given.

    Raises:
        HarnessError: none of them is of the run.
    """
    named: dict[str, Target | None] = {one: None for one in selectors if one in info.target_runs}
    others = [one for one in selectors if one not in named]
    chosen = {one.name: one for one in chosen_targets(others, files)} if others else {}
    given = {name: one for name, one in (named | chosen).items() if name in info.target_runs}
    if not given:
        raise HarnessError(
            f"{run_folder}: has no target {', '.join(selectors)}; it has {', '.join(info.target_runs)}"
        )
    return given


def _demand_scripts(info: RunInfo, diverging: Iterable[str]) -> None:
    """Refuse where there is nothing but programs that no script can call.

    Raises:
        HarnessError: every target that diverges is a command.
    """
    names = list(diverging)
    runs = [info.target_runs[name] for name in names if name in info.target_runs]
    if names and len(runs) == len(names) and all(run.selector.startswith(EXEC) for run in runs):
        raise HarnessError(f"{', '.join(names)}: cannot be called by hand: {NO_KERAS}")


def _confirm(
    run: TargetRun,
    target: Target,
    findings: Sequence[Finding],
    case_ids: Sequence[str],
    timeout: float,
    stop: threading.Event,
) -> list[Confirmation]:
    """A target's divergences, called by hand in its environment.

    Raises:
        HarnessError: its environment cannot be had.
    """
    groups = {
        finding.case.id: modes_of(finding, case_ids)
        for finding in findings
        if finding.divergence is Divergence.INCONSISTENT
    }
    wanted = dict.fromkeys(
        case_id for finding in findings for case_id in groups.get(finding.case.id, (finding.case.id,))
    )
    reasons = {case_id: why_no_script(run, parse_case_id(case_id)) for case_id in wanted}
    reasons.update((one.case.id, _UNSTABLE) for one in findings if one.standing is Standing.UNSTABLE)
    called = [case_id for case_id, why_not in reasons.items() if not why_not]
    answers: dict[str, Answer | NotCalled] = {}
    if called:
        start = prepare_worker_command(
            target, find_cache_directory(os.environ), WORKER, os.environ, lambda _line: None, stop
        )
        with TemporaryDirectory(prefix="keras-harness-") as folder:
            answers.update(
                call_by_hand(start, Path(folder), called, lambda some: _script(run, some), timeout, stop)
            )
    answers.update((case_id, NotCalled(why_not)) for case_id, why_not in reasons.items() if why_not)
    return [
        Confirmation(
            finding,
            answer_of_modes({case_id: answers[case_id] for case_id in groups[finding.case.id]})
            if finding.case.id in groups
            else answers[finding.case.id],
        )
        for finding in findings
    ]


def _script(run: TargetRun, case_ids: Sequence[str]) -> str:
    cases = map(parse_case_id, case_ids)
    return script(run, ((case, expect(case, signals_of(case))) for case in cases))


def _target_run(info: RunInfo, name: str, run_folder: Path) -> TargetRun:
    if name not in info.target_runs:
        raise HarnessError(f"{run_folder}: has no target {name}; it has {', '.join(info.target_runs)}")
    return info.target_runs[name]
