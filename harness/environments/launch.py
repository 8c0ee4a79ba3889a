"""Says how to start a target's worker: the command and its whole environment.

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

from harness.environments.build import prepare, worker_start
from harness.environments.layout import HOMES, Progress, explain_cache_errors
from harness.environments.variables import HOST_PYTHON, USER, isolated
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Built, Checkout, Command, Here, Launch, Target


def launch(
    target: Target,
    cache: Path,
    worker: Path,
    environ: Mapping[str, str],
    progress: Progress,
    stop: threading.Event | None = None,
    uv: Path | None = None,
) -> Launch:
    """How to start the target's worker; builds its layers first where they are missing.

    `worker` is the worker's `__main__.py`. `environ` is the host's environment, of which an
    allow-list passes. `stop` and `uv` are as for `prepare`.

    Raises:
        HarnessError: the layers cannot be built, or the command is not there; exit code 3.
        StoppedError: `stop` was set.
    """
    match target.realisation:
        case Built():
            environment = prepare(target, cache, worker, environ, progress, uv, stop)
            assert environment is not None, target
            return worker_start(target, environment, worker, environ)
        case Checkout(directory=directory):
            environment = prepare(target, cache, worker, environ, progress, uv, stop)
            assert environment is not None, target
            return worker_start(target, replace(environment, site=directory), worker, environ)
        case Here():
            return _launch_here(target, cache, worker, environ)
        case Command(argv=(program, *arguments)):
            return Launch(
                (_found(program, target, environ), *arguments),
                isolated(environ, None, target.variables, kept=USER),
            )
        case Command():
            raise AssertionError(f"{target.name} has no command")
        case _:
            assert_never(target.realisation)


def _launch_here(target: Target, cache: Path, worker: Path, environ: Mapping[str, str]) -> Launch:
    """The running Python, with the packages of the person's own site folder where it uses them."""
    home = cache.absolute() / HOMES / target.name
    with explain_cache_errors(f"{target.name} cannot start", cache):
        home.mkdir(parents=True, exist_ok=True)
    arguments = (str(worker), str(target.api))
    if not site.ENABLE_USER_SITE:
        variables = isolated(environ, home, target.variables, kept=HOST_PYTHON)
        return Launch((sys.executable, "-s", *arguments), variables)
    # The user site is found by way of HOME, which is private; an empty variable counts as unset.
    own = {"PYTHONUSERBASE": site.getuserbase(), "PYTHONNOUSERSITE": ""}
    variables = isolated(environ, home, {**own, **target.variables}, kept=HOST_PYTHON)
    return Launch((sys.executable, *arguments), variables)


def _found(program: str, target: Target, environ: Mapping[str, str]) -> str:
    """The program's file, as the person's shell would find it."""
    found = shutil.which(program, path=environ.get("PATH"))
    if found is None:
        raise HarnessError(
            f"{target.name} cannot start: there is no program {program!r}; give its path after exec:",
            EXIT_INCOMPLETE,
        )
    return found
