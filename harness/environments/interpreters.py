"""Finds a Python X.Y in the usual places; lets uv download one where there is none.

A file with the right name counts as an interpreter only once it has run: version managers put stubs on
`PATH` that fail when another version is chosen.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.environments.subprocesses import run_child
from harness.environments.uv import Installer, explain_failure, run_uv, take_last_lines
from harness.errors import HarnessError

_PROBE: Final = (
    "import platform, sys; "
    "print(platform.python_implementation(), '%d.%d' % sys.version_info[:2]); print(sys.executable)"
)
_PROBE_TIMEOUT_S: Final = 60.0
_EXECUTABLE_SUFFIXES: Final = ("", ".exe")


def find_interpreter(
    version: str, environ: Mapping[str, str], installer: Installer, target_name: str
) -> Path:
    """Find a CPython of this version ("3.11"), or download one.

    Raises:
        HarnessError: there is none, and uv could not download one; lists where it was sought.
    """
    installed = locate_interpreter(version, environ, installer)
    return installed or _download(version, environ, installer, target_name)


def locate_interpreter(version: str, environ: Mapping[str, str], installer: Installer) -> Path | None:
    """Return an installed CPython of this version, or None."""
    candidates = _list_candidates(version, environ, installer)
    answers = (_probe(candidate, version, environ, installer) for candidate in candidates)
    return next((path for path in answers if path is not None), None)


def explain_how_to_get(version: str) -> str:
    """Return what a user without a Python of this version can do."""
    return (
        f"get one with `pyenv install {version}`, `uv python install {version}`, "
        "or the system's package manager"
    )


def _list_candidates(version: str, environ: Mapping[str, str], installer: Installer) -> Iterator[Path]:
    """Yield files that may be the interpreter: on PATH, in pyenv, known to uv, and the running one."""
    for folder in _split_path(environ):
        yield from (folder / f"python{version}{suffix}" for suffix in _EXECUTABLE_SUFFIXES)
    versions = _find_pyenv_root(environ) / "versions"
    if versions.is_dir():
        for folder in sorted(versions.glob(f"{version}.*"), key=_parse_numbers, reverse=True):
            yield folder / "bin" / f"python{version}"
    uv_answer = run_uv(installer, ("python", "find", "--system", "--no-python-downloads", version))
    if uv_answer.exit_status == 0:
        yield Path(uv_answer.output.strip())
    yield Path(sys.executable)


def _probe(candidate: Path, version: str, environ: Mapping[str, str], installer: Installer) -> Path | None:
    """Return the interpreter behind the candidate, or None where it fails or has another version."""
    if not candidate.is_file():
        return None
    argv = (str(candidate.absolute()), "-I", "-c", _PROBE)
    try:
        ended = run_child(argv, environ, installer.directory, _PROBE_TIMEOUT_S, installer.stop)
    except OSError:
        return None
    lines = ended.output.splitlines()
    if ended.exit_status != 0 or len(lines) != 2 or lines[0] != f"CPython {version}":
        return None
    return Path(lines[1])


def _download(version: str, environ: Mapping[str, str], installer: Installer, target_name: str) -> Path:
    installed = run_uv(installer, ("python", "install", "--no-bin", version))
    if installed.exit_status == 0:
        answer = run_uv(installer, ("python", "find", "--managed-python", version))
        path = _probe(Path(answer.output.strip()), version, environ, installer)
        if path is not None:
            return path
    raise _explain_missing(version, environ, installer, target_name, installed.errors)


def _explain_missing(
    version: str, environ: Mapping[str, str], installer: Installer, target_name: str, errors: str
) -> HarnessError:
    looked = (
        f"python{version} in the {len(_split_path(environ))} folders of PATH",
        f"{_find_pyenv_root(environ) / 'versions'}",
        "the interpreters that uv knows",
        "the running Python",
    )
    return explain_failure(
        target_name,
        f"there is no working Python {version} (looked at: {'; '.join(looked)}), "
        "and uv could not download one",
        take_last_lines(errors),
        installer.log,
        explain_how_to_get(version),
    )


def _split_path(environ: Mapping[str, str]) -> tuple[Path, ...]:
    return tuple(Path(part) for part in environ.get("PATH", "").split(os.pathsep) if part)


def _find_pyenv_root(environ: Mapping[str, str]) -> Path:
    root = environ.get("PYENV_ROOT")
    return Path(root) if root else Path(environ.get("HOME", "~")).expanduser() / ".pyenv"


def _parse_numbers(folder: Path) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", folder.name)))
