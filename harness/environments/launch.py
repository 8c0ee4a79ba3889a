"""How to start a target's worker: the command and its whole environment.

The worker is started by its path, with no import path of the host, so that what is installed for
the harness never reaches a target; only `here`, whose point is the host's Python, keeps it.
"""

from __future__ import annotations

import shutil
import site
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from harness.environments.build import make_worker_command, prepare_environment
from harness.environments.layout import HOMES, OnStep, explain_cache_errors
from harness.environments.variables import PASSED_TO_COMMANDS, PASSED_TO_HOST_PYTHON, isolate_variables
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import BuiltEnvironment, Checkout, Command, HostPython, Target, WorkerCommand


def prepare_worker_command(
    target: Target,
    cache: Path,
    worker: Path,
    environ: Mapping[str, str],
    on_step: OnStep,
    stop: threading.Event | None = None,
    uv: Path | None = None,
) -> WorkerCommand:
    """Return the command that starts the target's worker; build its layers first where they are missing.

    `worker` is the worker's `__main__.py`. `environ` is the host's environment, of which an
    allow-list passes. `stop` and `uv` are as for `prepare_environment`.

    Raises:
        HarnessError: the layers cannot be built, or the command does not exist; exit code 3.
        Cancelled: `stop` was set.
    """
    match target.realisation:
        case BuiltEnvironment():
            environment = prepare_environment(target, cache, worker, environ, on_step, uv, stop)
            assert environment is not None, target
            return make_worker_command(target, environment, worker, environ)
        case Checkout(directory=directory):
            environment = prepare_environment(target, cache, worker, environ, on_step, uv, stop)
            assert environment is not None, target
            return make_worker_command(target, replace(environment, site=directory), worker, environ)
        case HostPython():
            return _make_host_python_command(target, cache, worker, environ)
        case Command(argv=(program, *arguments)):
            return WorkerCommand(
                (_find_program(program, target, environ), *arguments),
                isolate_variables(environ, None, target.variables, kept=PASSED_TO_COMMANDS),
            )
        case Command():
            raise AssertionError(f"{target.name} has no command")
        case _:
            assert_never(target.realisation)


def _make_host_python_command(
    target: Target, cache: Path, worker: Path, environ: Mapping[str, str]
) -> WorkerCommand:
    """Return the command of the running Python, with the user's site packages where it uses them."""
    home = cache.absolute() / HOMES / target.name
    with explain_cache_errors(f"{target.name} cannot start", cache):
        home.mkdir(parents=True, exist_ok=True)
    arguments = (str(worker), str(target.api))
    if not site.ENABLE_USER_SITE:
        variables = isolate_variables(environ, home, target.variables, kept=PASSED_TO_HOST_PYTHON)
        return WorkerCommand((sys.executable, "-s", *arguments), variables)
    # The user site is found by way of HOME, which is private; an empty variable counts as unset.
    user_site = {"PYTHONUSERBASE": site.getuserbase(), "PYTHONNOUSERSITE": ""}
    variables = isolate_variables(
        environ, home, {**user_site, **target.variables}, kept=PASSED_TO_HOST_PYTHON
    )
    return WorkerCommand((sys.executable, *arguments), variables)


def _find_program(program: str, target: Target, environ: Mapping[str, str]) -> str:
    """Return the program's file, as the user's shell would find it."""
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        raise HarnessError(
            f"{target.name} cannot start: there is no program {program!r}; give its path after exec:",
            EXIT_INCOMPLETE,
        )
    return path
