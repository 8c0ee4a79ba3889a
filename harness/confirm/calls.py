"""Run stand-alone scripts in a target's environment, without the worker, and parse their output."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Final

from harness.confirm.script_results import Conclusion, NotCalled, ScriptResult, ScriptWord
from harness.environments.subprocesses import TIMED_OUT, run_child
from harness.records import WorkerCommand

_MARK: Final = "@ "

_WORDS: Final[Mapping[str, ScriptWord]] = {word.value: word for word in ScriptWord}


def call_by_hand(
    launch: WorkerCommand,
    folder: Path,
    case_ids: Sequence[str],
    write_script: Callable[[Sequence[str]], str],
    timeout_s: float,
    stop: threading.Event,
) -> Mapping[str, ScriptResult | NotCalled]:
    """Call each case by hand and return its result. A case on which the process dies costs only that process.

    A crash or a timeout counts only for the first case of a process, since earlier calls may have caused the
    one or used up the time of the other; a later case is called again as the first of a new process. Slow is
    not wrong: a timeout gives no result.

    Args:
        launch: the command of the target's worker; its Python and its environment variables are used.
        folder: where scripts are written and run.
        case_ids: the cases, in the order in which a script calls them.
        write_script: returns the script that calls the given cases.
        timeout_s: how long one script may take.
        stop: ends the calls when it is set.

    Raises:
        HarnessError: `stop` was set.
    """
    results: dict[str, ScriptResult | NotCalled] = {}
    while remaining := [case_id for case_id in case_ids if case_id not in results]:
        first = remaining[0]
        script = folder / "script.py"
        script.write_text(write_script(remaining), encoding="utf-8")
        argv = (launch.argv[0], "-s", str(script.absolute()))
        process = run_child(argv, launch.environment, folder, timeout_s, stop)
        begun, new_results = _parse_output(process.output, remaining)
        results.update(new_results)
        last_error = "".join([line for line in process.errors.splitlines() if line.strip()][-1:])
        status = f"exit status {process.exit_status}"
        if first in new_results:
            continue
        if process.exit_status == TIMED_OUT:
            results[first] = NotCalled(f"it did not answer within {timeout_s:.0f} s")
        elif first in begun:
            results[first] = ScriptResult(Conclusion.CRASHED, status, last_error)
        else:
            why = NotCalled(f"the script ended before it called anything: {status}: {last_error}")
            results.update(dict.fromkeys(remaining, why))
    return results


def _parse_output(output: str, case_ids: Sequence[str]) -> tuple[Set[str], Mapping[str, ScriptResult]]:
    """Return the cases whose calls began, and the results of those that ended."""
    begun: set[str] = set()
    results: dict[str, ScriptResult] = {}
    for line in output.splitlines():
        case_id, *fields = line.removeprefix(_MARK).split("\t")
        if line.startswith(_MARK) and case_id in case_ids:
            begun.add(case_id)
            if len(fields) in {3, 4} and fields[0] in _WORDS:
                results[case_id] = ScriptResult(_WORDS[fields[0]], *fields[1:])
    return begun, results
