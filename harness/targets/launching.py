"""Says how to start a target's worker: the command and its whole environment.

The worker is started by its path, with no import path of the host, so that what is installed for
the harness never reaches a target; only `here`, whose point is the host's Python, keeps it.
"""

from __future__ import annotations

import shutil
import site
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Built, Checkout, Command, Here, Launch, Target
from harness.targets.building import PreparedEnvironment, prepare
from harness.targets.environments import Progress, disk_errors_told
from harness.targets.isolation import HOST_PYTHON, USER, isolated


def launch(
    target: Target, cache: Path, worker: Path, environ: Mapping[str, str], progress: Progress
) -> Launch:
    """How to start the target's worker; builds its environment first where that is missing.

    `worker` is the worker's `__main__.py`. `environ` is the host's environment, of which an
    allow-list passes.

    Raises:
        HarnessError: the environment cannot be built, or the command is not there; exit code 3.
    """
    match target.realisation:
        case Built():
            environment = _prepared(target, cache, environ, progress)
            variables = isolated(environ, environment.home, target.variables)
            return Launch((str(environment.python), "-s", str(worker)), variables)
        case Checkout(directory=directory):
            environment = _prepared(target, cache, environ, progress)
            home = _home(target, cache)
            variables = isolated(environ, home, {**target.variables, "PYTHONPATH": str(directory)})
            return Launch((str(environment.python), "-s", str(worker)), variables)
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
    home = _home(target, cache)
    if not site.ENABLE_USER_SITE:
        variables = isolated(environ, home, target.variables, kept=HOST_PYTHON)
        return Launch((sys.executable, "-s", str(worker)), variables)
    # The user site is found by way of HOME, which is private; an empty variable counts as unset.
    own = {"PYTHONUSERBASE": site.getuserbase(), "PYTHONNOUSERSITE": ""}
    variables = isolated(environ, home, {**own, **target.variables}, kept=HOST_PYTHON)
    return Launch((sys.executable, str(worker)), variables)


def _prepared(
    target: Target, cache: Path, environ: Mapping[str, str], progress: Progress
) -> PreparedEnvironment:
    environment = prepare(target, cache, environ, progress)
    assert environment is not None, target
    with disk_errors_told(target, cache):
        environment.home.mkdir(parents=True, exist_ok=True)
    return environment


def _home(target: Target, cache: Path) -> Path:
    """The private home of a target that has no environment to itself."""
    home = cache.absolute() / "homes" / target.name
    with disk_errors_told(target, cache):
        home.mkdir(parents=True, exist_ok=True)
    return home


def _found(program: str, target: Target, environ: Mapping[str, str]) -> str:
    """The program's file, as the person's shell would find it."""
    found = shutil.which(program, path=environ.get("PATH"))
    if found is None:
        raise HarnessError(
            f"{target.name} cannot start: there is no program {program!r}; give its path after exec:",
            EXIT_INCOMPLETE,
        )
    return found
