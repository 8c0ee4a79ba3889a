"""Builds one environment with uv: resolve, install, check, and only then write the state file.

Effects at the edge: the host's variables, the cache and the program to build with are arguments.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from harness.records import Target
from harness.targets.catalog import API_IMPORTS
from harness.targets.environments import (
    SCHEMA,
    Plan,
    Progress,
    State,
    disk_errors_told,
    installed_distributions,
    only_builder,
    plan_for,
    sound_state,
    write_state,
)
from harness.targets.installer import (
    Installer,
    append_log,
    demand,
    failure,
    find_uv,
    last_lines,
    uv_environment,
)
from harness.targets.interpreters import find_interpreter
from harness.targets.isolation import isolated

_CHECK_TIMEOUT_S: Final = 600.0
_CHECK_MARK: Final = "keras-harness-check:"
_CHECK: Final = """\
import json, platform
{import_keras}
answer = [platform.python_version(), keras.__version__, keras.backend.backend()]
print("\\n{mark}" + json.dumps(answer))
"""
_CUDA: Final = re.compile(r"(nvidia|cuda|jax-cuda\d*)-.*|(pytorch-)?triton(-.*)?")


@dataclass(frozen=True, slots=True)
class PreparedEnvironment:
    """A built environment: its folder, its Python, a home for its processes, and what is installed."""

    folder: Path
    python: Path
    home: Path
    state: State


def prepare(
    target: Target, cache: Path, environ: Mapping[str, str], progress: Progress, uv: Path | None = None
) -> PreparedEnvironment | None:
    """The target's environment, built where it is missing or broken; None where it needs none.

    Processes that ask at the same time wait for the one that builds. `uv` is the program to build
    with, by default the one that came with the harness.

    Raises:
        HarnessError: it cannot be built; exit code 3.
    """
    plan = plan_for(target, cache)
    if plan is None:
        return None
    with disk_errors_told(target, cache):
        state = sound_state(plan)
        if state is None:
            with only_builder(plan, progress):
                state = sound_state(plan) or _build(plan, environ, progress, uv)
    return PreparedEnvironment(plan.folder, plan.python, plan.home, state)


def _build(plan: Plan, environ: Mapping[str, str], progress: Progress, uv: Path | None) -> State:
    """Builds from nothing; leaves nothing but the log where it fails."""
    plan.log.unlink(missing_ok=True)
    if plan.folder.exists():
        progress(f"{plan.target.name}: removing what is left of a broken environment")
        shutil.rmtree(plan.folder)
    plan.folder.mkdir()
    plan.home.mkdir(exist_ok=True)
    installer = Installer(uv or find_uv(), uv_environment(environ), plan.folder, plan.log)
    try:
        progress(f"{plan.target.name}: looking for Python {plan.built.python}")
        interpreter = find_interpreter(plan.built.python, environ, installer, plan.target.name)
        progress(f"{plan.target.name}: resolving {len(plan.built.requires)} requirements")
        lock = _resolve(plan, installer, interpreter)
        progress(f"{plan.target.name}: installing")
        _install(plan, installer, interpreter, lock)
        progress(f"{plan.target.name}: checking that Keras works")
        python_version = _check(plan, environ)
        state = State(
            schema=SCHEMA,
            key=plan.key,
            target=plan.target.name,
            python=python_version,
            requires=plan.built.requires,
            installed=installed_distributions(plan.folder),
        )
        write_state(plan, state)
    except BaseException:
        shutil.rmtree(plan.folder, ignore_errors=True)
        raise
    progress(f"{plan.target.name}: ready, {len(state.installed)} packages")
    return state


def _resolve(plan: Plan, installer: Installer, interpreter: Path) -> Path:
    """The file of exact versions.

    Raises:
        HarnessError: there is no such set, or it holds CUDA packages: gigabytes that no target needs.
    """
    source, lock = plan.folder / "requirements.in", plan.folder / "requirements.lock"
    source.write_text("".join(f"{line}\n" for line in plan.built.requires), encoding="utf-8")
    arguments = ["pip", "compile", "--python", str(interpreter), "--no-header", "--no-annotate"]
    demand(installer, plan.target.name, [*arguments, "--output-file", str(lock), str(source)])
    names = [
        canonicalize_name(re.split(r"[ =@;\[]", line)[0]) for line in lock.read_text("utf-8").splitlines()
    ]
    cuda = [name for name in names if _CUDA.fullmatch(name)]
    if cuda:
        raise failure(
            plan.target.name,
            "its requirements pull in CUDA packages, which are large and of no use here",
            "\n".join(cuda),
            plan.log,
            "pin a build for the CPU, such as torch==2.13.0+cpu, and let uv find it with "
            "UV_TORCH_BACKEND=cpu or UV_FIND_LINKS",
        )
    return lock


def _install(plan: Plan, installer: Installer, interpreter: Path, lock: Path) -> None:
    venv = str(plan.folder / "venv")
    demand(installer, plan.target.name, ("venv", "--no-project", "--python", str(interpreter), venv))
    demand(installer, plan.target.name, ("pip", "sync", "--python", str(plan.python), str(lock)))


def _check(plan: Plan, environ: Mapping[str, str]) -> str:
    """Imports Keras as the target will; gives the version of Python.

    Raises:
        HarnessError: Keras cannot be imported, or is another version or backend than the target's name says.
    """
    target = plan.target
    program = _CHECK.format(import_keras=API_IMPORTS[target.api], mark=_CHECK_MARK)
    try:
        done = subprocess.run(
            [str(plan.python), "-s", "-c", program],
            env=isolated(environ, plan.home, target.variables),
            cwd=plan.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_CHECK_TIMEOUT_S,
            check=False,
        )
        status, output, errors = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        status, output, errors = -1, "", f"no answer within {_CHECK_TIMEOUT_S:.0f} s"
    append_log(plan.log, f"$ python -s -c {program!r}\n{output}{errors}\nexit status {status}\n")
    answers = [line.removeprefix(_CHECK_MARK) for line in output.splitlines() if line.startswith(_CHECK_MARK)]
    if status != 0 or not answers:
        raise failure(
            target.name,
            f"it was installed, but cannot import Keras (exit status {status})",
            last_lines(errors),
            plan.log,
            "read the log; if the pins fit together elsewhere, this platform lacks something that they need",
        )
    python_version, *found = json.loads(answers[-1])
    expected = [target.version or found[0], target.backend]
    if found != expected:
        raise failure(
            target.name,
            f"it should be Keras {expected[0]} on {expected[1]}, but is Keras {found[0]} on {found[1]}",
            "",
            plan.log,
            "mend `requires` and `variables` (KERAS_BACKEND) of the target",
        )
    return str(python_version)
