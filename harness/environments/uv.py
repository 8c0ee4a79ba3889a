"""Calls uv: its environment, its log, and the meaning of its failures for a user.

Knows nothing of targets but their names.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uv

from harness.environments.subprocesses import ProgramResult, run_child
from harness.errors import EXIT_INCOMPLETE, HarnessError

_TIMEOUT_S: Final = 3600.0
_NUM_LAST_LINES: Final = 12
_DROPPED: Final = frozenset({"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME"})
"""Variables that would lead uv to a Python other than the requested one."""


@dataclass(frozen=True, slots=True)
class Installer:
    """uv, configured for one environment.

    `directory` is its working directory: a folder of ours, so that no project's settings are read. Its
    output is appended to `log`. Setting `stop` ends it.
    """

    program: Path
    environment: Mapping[str, str]
    directory: Path
    log: Path
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """A pattern in uv's messages, what it means, and what to do."""

    pattern: re.Pattern[str]
    problem: str
    remedy: str


_MEANINGS: Final = (
    _Meaning(
        re.compile(r"No space left|disk quota|os error (28|112|122)\b", re.IGNORECASE),
        "the disk is full",
        "free some space, or point KERAS_HARNESS_CACHE and UV_CACHE_DIR to another disk",
    ),
    _Meaning(
        re.compile(r"No interpreter found|No virtual environment|No Python at", re.IGNORECASE),
        "the Python that it stands on is gone",
        "prepare it again; what is missing is built anew",
    ),
    _Meaning(
        re.compile(r"Failed to initialize cache|failed to open file .*archive-v\d", re.IGNORECASE),
        "uv's own cache is broken",
        "run `uv cache clean`, or point UV_CACHE_DIR to another folder",
    ),
    _Meaning(
        re.compile(r"network was disabled|network connectivity is disabled", re.IGNORECASE),
        "the package registry may not be asked, for uv is told to stay offline",
        "unset UV_OFFLINE, or prepare the target once while online",
    ),
    _Meaning(
        re.compile(
            r"Failed to fetch|error sending request|dns error|tcp connect|client error \(Connect\)"
            r"|operation timed out|certificate",
            re.IGNORECASE,
        ),
        "the package registry cannot be reached",
        "check the network, HTTPS_PROXY, SSL_CERT_FILE, and UV_DEFAULT_INDEX if a mirror is to be used",
    ),
    _Meaning(
        re.compile(
            r"no wheels with a matching|wheels are available for|no wheels (are|is) usable", re.IGNORECASE
        ),
        "a pinned package has no wheel for this platform or Python",
        "choose another target, or list one of your own with pins that exist here",
    ),
    _Meaning(
        re.compile(r"does not satisfy Python", re.IGNORECASE),
        "a pinned package is not made for this version of Python",
        "choose another target, or mend `python` of the base in the list of targets",
    ),
    _Meaning(
        re.compile(r"missing an upload date", re.IGNORECASE),
        "the package index does not say when its files were uploaded, and the list is resolved as on a day",
        "use another index (UV_DEFAULT_INDEX), or a list of your own without `as_of`",
    ),
    _Meaning(
        re.compile(r"there is no version of|was not found in|No solution found", re.IGNORECASE),
        "the registry has no such set of pinned packages",
        "check the pins in the list of targets; builds outside the usual registry are found with "
        "UV_FIND_LINKS, and PyTorch's CPU builds with UV_TORCH_BACKEND=cpu",
    ),
    _Meaning(
        re.compile(r"Permission denied|Read-only file system|os error (13|30)\b", re.IGNORECASE),
        "a folder cannot be written",
        "point KERAS_HARNESS_CACHE and UV_CACHE_DIR to folders that can be written",
    ),
)
_UNKNOWN: Final = _Meaning(re.compile(""), "uv failed", "read the log, then try again")


def find_uv() -> Path:
    """Return the uv that came with the harness.

    Raises:
        HarnessError: it is missing.
    """
    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise HarnessError(
            f"uv, which builds the environments, is not installed properly ({error}); run `pip install uv`",
            EXIT_INCOMPLETE,
        ) from error


def make_uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the host's environment, adapted for uv.

    uv does not read pip's configuration, so pip's find-links folder is passed on. Where no such
    folder may hold PyTorch's CPU build, uv is told to take it from PyTorch's own index.
    """
    environment = {name: value for name, value in environ.items() if name not in _DROPPED}
    if "UV_FIND_LINKS" not in environment:
        links = environ.get("PIP_FIND_LINKS", "").split()
        if links:
            environment["UV_FIND_LINKS"] = ",".join(links)
        else:
            environment.setdefault("UV_TORCH_BACKEND", "cpu")
    return environment


def run_uv(installer: Installer, arguments: Sequence[str]) -> ProgramResult:
    """Run uv and write the log; a failure is returned, not raised.

    Raises:
        Cancelled: `stop` was set.
    """
    argv = [str(installer.program), "--color", "never", "--no-progress", *arguments]
    answer = run_child(argv, installer.environment, installer.directory, _TIMEOUT_S, installer.stop)
    append_log(installer.log, f"$ uv {' '.join(arguments)}\n{answer.output}{answer.errors}\n")
    return answer


def run_uv_checked(installer: Installer, target_name: str, arguments: Sequence[str]) -> str:
    """Run uv and return its standard output.

    Raises:
        HarnessError: it failed; gives the meaning, uv's last lines, the place of the log and the remedy.
    """
    answer = run_uv(installer, arguments)
    if answer.exit_status == 0:
        return answer.output
    meaning = next(
        (candidate for candidate in _MEANINGS if candidate.pattern.search(answer.errors)), _UNKNOWN
    )
    raise explain_failure(
        target_name, meaning.problem, take_last_lines(answer.errors), installer.log, meaning.remedy
    )


def explain_failure(target_name: str, problem: str, details: str, log: Path, remedy: str) -> HarnessError:
    """Return the error of a target that cannot be prepared: problem, last output, log and remedy."""
    indented = "".join(f"\n    {line}" for line in details.splitlines())
    return HarnessError(
        f"{target_name} cannot be prepared: {problem}{indented}\n  full log: {log}\n  {remedy}",
        EXIT_INCOMPLETE,
    )


def take_last_lines(text: str) -> str:
    """Return the end of an output, without empty lines."""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-_NUM_LAST_LINES:])


def append_log(log: Path, text: str) -> None:
    """Append to a log file, which is created with its first text."""
    with log.open("a", encoding="utf-8") as stream:
        stream.write(text)
