"""The check that ends the building of a target: its worker says hello and is what the target's name says.

Knows the first message of the wire (harness/worker/README.md) and nothing of how a worker was built.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from harness.environments.subprocesses import run_child
from harness.environments.uv import append_log, explain_failure, take_last_lines
from harness.records import Target, WorkerCommand

_TIMEOUT_S: Final = 600.0
_EXCHANGE: Final = '{"type":"hello","protocol":1}\n{"type":"bye"}\n'
"""The messages for the worker; the twin of the first and last messages of `harness/runner/wire.py`."""


def check_hello(
    target: Target, start: WorkerCommand, directory: Path, log: Path, stop: threading.Event
) -> Mapping[str, str]:
    """Return the fingerprint in the hello of the target's worker.

    Raises:
        HarnessError: it does not start, or says that it is another API, version or backend.
    """
    try:
        ended = run_child(start.argv, start.environment, directory, _TIMEOUT_S, stop, _EXCHANGE)
    except OSError as error:
        raise explain_failure(
            target.name, "its Python cannot be started", str(error), log, "prepare it again"
        ) from error
    append_log(
        log, f"$ {' '.join(start.argv)}\n{ended.output}{ended.errors}\nexit status {ended.exit_status}\n"
    )
    message = _find_first_message(ended.output)
    match message:
        case {"type": "hello", "fingerprint": dict(fingerprint)}:
            facts = {str(key): str(value) for key, value in fingerprint.items()}
        case {"type": "failed", "error": {"type": kind, "message": text}}:
            raise explain_failure(
                target.name,
                f"it was installed, but its worker cannot start: {kind}",
                take_last_lines(str(text)),
                log,
                "read the log; if the pins fit together elsewhere, this platform lacks something they need",
            )
        case _:
            raise explain_failure(
                target.name,
                f"it was installed, but its worker says no hello (exit status {ended.exit_status})",
                take_last_lines(ended.errors),
                log,
                "read the log; if the pins fit together elsewhere, this platform lacks something they need",
            )
    _check_identity(target, facts, log)
    return facts


def _find_first_message(output: str) -> object:
    """Return the first line that is a JSON object; None where there is none."""
    for line in output.splitlines():
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(line, type=dict[str, object])
    return None


def _check_identity(target: Target, facts: Mapping[str, str], log: Path) -> None:
    expected = {"api": str(target.api), "version": target.version, "backend": target.backend}
    for key, value in expected.items():
        if value and facts.get(key) != value:
            actual = facts.get(key, "nothing")
            raise explain_failure(
                target.name,
                f"its {key} should be {value}, but its worker says {actual}",
                "",
                log,
                "mend the target's base, `overlay` and `variables` (KERAS_BACKEND) in the list of targets",
            )
