"""Runs stand-alone scripts in a target's environment, without the worker, and reads what they print."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.records import Launch, Outcome
from harness.targets.children import TIMED_OUT, run_child

_MARK: Final = "@ "


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script printed of a case: what came, where it differs, and an error's text.

    `what` is a word of the script (`harness.report.repro`), or the outcome of a process that died.
    """

    what: str
    where: str = ""
    error: str = ""


def call_by_hand(
    launch: Launch,
    folder: Path,
    case_ids: Sequence[str],
    script_of: Callable[[Sequence[str]], str],
    timeout_s: float,
    stop: threading.Event,
) -> Mapping[str, Answer]:
    """The answer to each case. A case over which the process dies costs that process only.

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
    answers: dict[str, Answer] = {}
    while left := [case_id for case_id in case_ids if case_id not in answers]:
        script = folder / "script.py"
        script.write_text(script_of(left), encoding="utf-8")
        argv = (launch.argv[0], "-s", str(script.absolute()))
        ended = run_child(argv, launch.environment, folder, timeout_s, stop)
        answers.update(_read(ended.output, left))
        culprit = next((case_id for case_id in left if case_id not in answers), None)
        if culprit is not None:
            outcome = Outcome.TIMED_OUT if ended.exit_status == TIMED_OUT else Outcome.CRASHED
            last = [line for line in ended.errors.splitlines() if line.strip()][-1:]
            answers[culprit] = Answer(outcome, f"exit status {ended.exit_status}", "".join(last))
    return answers


def _read(output: str, case_ids: Sequence[str]) -> Mapping[str, Answer]:
    answers: dict[str, Answer] = {}
    for line in output.splitlines():
        case_id, *words = line.removeprefix(_MARK).split("\t")
        if line.startswith(_MARK) and case_id in case_ids and len(words) == 3:
            answers[case_id] = Answer(*words)
    return answers
