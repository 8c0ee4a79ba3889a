"""Call the divergences of a stored run by hand, in the environments of their targets."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.cli.inputs import note_list, read_shipped_limits, read_targets, select_targets
from harness.cli.terminal import err
from harness.confirm.calls import call_by_hand
from harness.confirm.confirmations import Confirmation, ConfirmationResult, compare_modes, select_modes
from harness.confirm.phrases import count_results
from harness.confirm.script import write_script
from harness.confirm.script_calls import NO_KERAS, explain_no_script
from harness.confirm.script_results import NotCalled, ScriptResult
from harness.data.case_data import make_case_data
from harness.environments.cache import find_cache_directory
from harness.environments.launch import prepare_worker_command
from harness.errors import EXIT_INCOMPLETE, EXIT_OK, EXIT_UNEXPECTED, HarnessError
from harness.judge.stored_run import judge_run
from harness.oracle import expect
from harness.records import (
    EXEC_PREFIX,
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
from harness.targets.selection import reselect_target

_NOT_STARTED: Final = "the target cannot be started here"

_UNSTABLE: Final = "it is unstable: a second worker did not show it either"


def confirm_run(
    run_folder: Path,
    selectors: Sequence[str] | None,
    targets_files: Sequence[Path] | None,
    jobs: int,
    timeout_s: float,
) -> list[Confirmation]:
    """Call the divergences of a run by hand, those of the selected targets or of all.

    Raises:
        HarnessError: there is no such run or target, or no target that diverges can be called by a script.
    """
    info = read_info(run_folder)
    selected = (
        None if selectors is None else _select_targets_of_run(info, run_folder, selectors, targets_files)
    )
    diverging = _group_divergences(run_folder, info, selected)
    _check_scriptable(info, diverging)
    catalog, case_ids = read_targets(targets_files), tuple(read_case_ids(run_folder))
    note_list(targets_files)

    def confirm(name: str) -> list[Confirmation]:
        run = find_target_run(info, name, run_folder)
        target = (selected or {}).get(name) or reselect_target(run, catalog, os.environ, Path.cwd())
        return _confirm_target(run, target, diverging[name], case_ids, timeout_s, stop)

    def confirm_or_report(name: str) -> list[Confirmation]:
        try:
            confirmations = confirm(name)
        except HarnessError as error:
            err.print(f"{name} was not called: {error}", style="red", markup=False, soft_wrap=True)
            return [Confirmation(finding, NotCalled(_NOT_STARTED)) for finding in diverging[name]]
        err.print(f"{name}: {count_results(confirmations)}", style="dim", markup=False, soft_wrap=True)
        return confirmations

    stop = threading.Event()
    try:
        with ThreadPoolExecutor(jobs) as pool:
            return list(chain.from_iterable(pool.map(confirm_or_report, diverging)))
    finally:
        stop.set()


def choose_exit_code(confirmations: Iterable[Confirmation]) -> int:
    """Return 1 if a divergence does not hold, otherwise 3 if one was not called, otherwise 0."""
    results = {confirmation.result for confirmation in confirmations}
    if ConfirmationResult.DOES_NOT_HOLD in results:
        return EXIT_UNEXPECTED
    return EXIT_INCOMPLETE if ConfirmationResult.NOT_CALLED in results else EXIT_OK


def find_target_run(info: RunInfo, name: str, run_folder: Path) -> TargetRun:
    """Return what a run holds about a target.

    Raises:
        HarnessError: the run has no such target.
    """
    if name not in info.target_runs:
        raise HarnessError(f"{run_folder}: has no target {name}; it has {', '.join(info.target_runs)}")
    return info.target_runs[name]


def write_script_of_cases(run: TargetRun, case_ids: Sequence[str]) -> str:
    """Write the script that calls the cases on a target."""
    cases = map(parse_case_id, case_ids)
    return write_script(run, ((case, expect(case, make_case_data(case))) for case in cases))


def _group_divergences(
    run_folder: Path, info: RunInfo, selected: Mapping[str, Target | None] | None
) -> dict[str, list[Finding]]:
    """Return the findings that diverge, by target."""
    diverging: dict[str, list[Finding]] = {}
    for judgement in judge_run(run_folder, info, read_shipped_limits()):
        name = judgement.finding.target
        if judgement.finding.verdict is Verdict.DIVERGES and (selected is None or name in selected):
            diverging.setdefault(name, []).append(judgement.finding)
    return diverging


def _select_targets_of_run(
    info: RunInfo, run_folder: Path, selectors: Sequence[str], files: Sequence[Path] | None
) -> Mapping[str, Target | None]:
    """Return the targets of the run that the user selects, by name; None where only the name is known.

    Raises:
        HarnessError: the run has none of them.
    """
    named: dict[str, Target | None] = {name: None for name in selectors if name in info.target_runs}
    others = [selector for selector in selectors if selector not in named]
    listed = {target.name: target for target in select_targets(others, files)} if others else {}
    selected = {name: target for name, target in (named | listed).items() if name in info.target_runs}
    if not selected:
        raise HarnessError(
            f"{run_folder}: has no target {', '.join(selectors)}; it has {', '.join(info.target_runs)}"
        )
    return selected


def _check_scriptable(info: RunInfo, diverging: Iterable[str]) -> None:
    """Check that a script can call at least one target that diverges.

    Raises:
        HarnessError: all of them are commands.
    """
    names = list(diverging)
    runs = [info.target_runs[name] for name in names if name in info.target_runs]
    if names and len(runs) == len(names) and all(run.selector.startswith(EXEC_PREFIX) for run in runs):
        raise HarnessError(f"{', '.join(names)}: cannot be called by hand: {NO_KERAS}")


def _confirm_target(
    run: TargetRun,
    target: Target,
    findings: Sequence[Finding],
    case_ids: Sequence[str],
    timeout_s: float,
    stop: threading.Event,
) -> list[Confirmation]:
    """Call the divergences of a target by hand in its environment.

    Raises:
        HarnessError: its environment cannot be prepared.
    """
    groups = {
        finding.case.id: select_modes(finding, case_ids)
        for finding in findings
        if finding.divergence is Divergence.INCONSISTENT
    }
    wanted = dict.fromkeys(
        case_id for finding in findings for case_id in groups.get(finding.case.id, (finding.case.id,))
    )
    reasons = {case_id: explain_no_script(run, parse_case_id(case_id)) for case_id in wanted}
    reasons.update(
        (finding.case.id, _UNSTABLE) for finding in findings if finding.standing is Standing.UNSTABLE
    )
    called = [case_id for case_id, why_not in reasons.items() if not why_not]
    results: dict[str, ScriptResult | NotCalled] = {}
    if called:
        worker_command = prepare_worker_command(
            target, find_cache_directory(os.environ), WORKER, os.environ, lambda _line: None, stop
        )
        with TemporaryDirectory(prefix="keras-harness-") as folder:
            results.update(
                call_by_hand(
                    worker_command,
                    Path(folder),
                    called,
                    lambda ids: write_script_of_cases(run, ids),
                    timeout_s,
                    stop,
                )
            )
    results.update((case_id, NotCalled(why_not)) for case_id, why_not in reasons.items() if why_not)
    return [
        Confirmation(
            finding,
            compare_modes({case_id: results[case_id] for case_id in groups[finding.case.id]})
            if finding.case.id in groups
            else results[finding.case.id],
        )
        for finding in findings
    ]
