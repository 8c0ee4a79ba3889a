"""Runs stand-alone scripts in a target's environment, without the worker, and reads what they print."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.environments.subprocesses import TIMED_OUT, run_child
from harness.records import Outcome, WorkerCommand

_MARK: Final = "@ "


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script printed of a case: what came, where it differs, an error's text.

    `before` says what was told wrong before the call, where there was an error.

    `what` is a word of the script (`harness.confirm.script`), or `crashed` where the call ended the process.
    """

    what: str
    where: str = ""
    error: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class NotCalled:
    """There is no answer of a call by hand, and why."""

    why: str


def call_by_hand(
    launch: WorkerCommand,
    folder: Path,
    case_ids: Sequence[str],
    script_of: Callable[[Sequence[str]], str],
    timeout_s: float,
    stop: threading.Event,
) -> Mapping[str, Answer | NotCalled]:
    """The answer to each case. A case over which the process dies costs that process only.

    It is called again as the first of a process before its death, or its silence, counts: what went before
    may have led to the one, and taken the time of the other. Who is slow is not wrong: there is no answer.

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
    answers: dict[str, Answer | NotCalled] = {}
    while left := [case_id for case_id in case_ids if case_id not in answers]:
        first = left[0]
        script = folder / "script.py"
        script.write_text(script_of(left), encoding="utf-8")
        argv = (launch.argv[0], "-s", str(script.absolute()))
        ended = run_child(argv, launch.environment, folder, timeout_s, stop)
        begun, found = _read(ended.output, left)
        answers.update(found)
        last = "".join([line for line in ended.errors.splitlines() if line.strip()][-1:])
        status = f"exit status {ended.exit_status}"
        if first in found:
            continue
        if ended.exit_status == TIMED_OUT:
            answers[first] = NotCalled(f"it did not answer within {timeout_s:.0f} s")
        elif first in begun:
            answers[first] = Answer(Outcome.CRASHED, status, last)
        else:
            why = NotCalled(f"the script ended before it called anything: {status}: {last}")
            answers.update(dict.fromkeys(left, why))
    return answers


def _read(output: str, case_ids: Sequence[str]) -> tuple[Set[str], Mapping[str, Answer]]:
    """The cases whose call began, and the answers."""
    begun: set[str] = set()
    answers: dict[str, Answer] = {}
    for line in output.splitlines():
        case_id, *words = line.removeprefix(_MARK).split("\t")
        if line.startswith(_MARK) and case_id in case_ids:
            begun.add(case_id)
            if len(words) in {3, 4}:
                answers[case_id] = Answer(*words)
    return begun, answers
