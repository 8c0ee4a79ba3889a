"""Runs stand-alone scripts in a target's environment, without the worker, and reads what they print."""

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
    script_of: Callable[[Sequence[str]], str],
    timeout_s: float,
    stop: threading.Event,
) -> Mapping[str, ScriptResult | NotCalled]:
    """Return the result of each case. A case over which the process dies costs that process only.

    It is called again as the first of a process before its death, or its silence, counts: what went before
    may have led to the one, and taken the time of the other. Who is slow is not wrong: there is no result.

    Args:
        launch: the target's worker, of which the Python and the environment variables are taken.
        folder: where scripts are written and run.
        case_ids: in the order in which the script calls them.
        script_of: the script that calls these cases.
        timeout_s: how long one script may take.
        stop: ends the calls.

    Raises:
        HarnessError: `stop` was set.
    """
    results: dict[str, ScriptResult | NotCalled] = {}
    while left := [case_id for case_id in case_ids if case_id not in results]:
        first = left[0]
        script = folder / "script.py"
        script.write_text(script_of(left), encoding="utf-8")
        argv = (launch.argv[0], "-s", str(script.absolute()))
        ended = run_child(argv, launch.environment, folder, timeout_s, stop)
        begun, found = _read(ended.output, left)
        results.update(found)
        last = "".join([line for line in ended.errors.splitlines() if line.strip()][-1:])
        status = f"exit status {ended.exit_status}"
        if first in found:
            continue
        if ended.exit_status == TIMED_OUT:
            results[first] = NotCalled(f"it did not answer within {timeout_s:.0f} s")
        elif first in begun:
            results[first] = ScriptResult(Conclusion.CRASHED, status, last)
        else:
            why = NotCalled(f"the script ended before it called anything: {status}: {last}")
            results.update(dict.fromkeys(left, why))
    return results


def _read(output: str, case_ids: Sequence[str]) -> tuple[Set[str], Mapping[str, ScriptResult]]:
    """Return the cases whose call began, and the results."""
    begun: set[str] = set()
    results: dict[str, ScriptResult] = {}
    for line in output.splitlines():
        case_id, *fields = line.removeprefix(_MARK).split("\t")
        if line.startswith(_MARK) and case_id in case_ids:
            begun.add(case_id)
            if len(fields) in {3, 4} and fields[0] in _WORDS:
                results[case_id] = ScriptResult(_WORDS[fields[0]], *fields[1:])
    return begun, results
