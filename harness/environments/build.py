"""Builds the layers of one target with uv: resolve, install, check, and only then write the state file.

Effects at the edge: the host's variables, the cache and the program to build with are arguments.
"""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from harness.environments.handshake import check_hello
from harness.environments.interpreters import find_interpreter
from harness.environments.layout import (
    SCHEMA,
    Base,
    BaseState,
    Layer,
    Overlay,
    OverlayState,
    Plan,
    Progress,
    base_distributions,
    explain_cache_errors,
    is_sound,
    num_bytes,
    only_builder,
    overlay_distributions,
    plan_for,
    sound_base,
    write_state,
)
from harness.environments.stub_libraries import make_stand_ins
from harness.environments.uv import Installer, demand, failure, find_uv, uv_environment
from harness.environments.variables import isolated
from harness.errors import EXIT_INCOMPLETE, HarnessError, StoppedError
from harness.records import Launch, Target

_CUDA: Final = re.compile(r"(nvidia|cuda|jax-cuda\d*)-.*|(pytorch-)?triton(-.*)?")


@dataclass(frozen=True, slots=True)
class PreparedEnvironment:
    """What is built for a target: its Python, what lies before it, and a home for its processes.

    `site` is the folder of the overlay's packages and `libraries` that of the stand-ins, where there are any.
    """

    python: Path
    site: Path | None
    libraries: Path | None
    home: Path


@dataclass(frozen=True, slots=True)
class _Means:
    """What building takes from outside."""

    worker: Path
    environ: Mapping[str, str]
    progress: Progress
    uv: Path | None
    stop: threading.Event

    def step(self, line: str) -> None:
        """Tells a person what comes next.

        Raises:
            StoppedError: `stop` is set.
        """
        if self.stop.is_set():
            raise StoppedError
        self.progress(line)

    def installer(self, layer: Layer) -> Installer:
        """uv, run in the layer's folder."""
        return Installer(
            self.uv or find_uv(), uv_environment(self.environ), layer.folder, layer.log, self.stop
        )


def prepare(
    target: Target,
    cache: Path,
    worker: Path,
    environ: Mapping[str, str],
    progress: Progress,
    uv: Path | None = None,
    stop: threading.Event | None = None,
) -> PreparedEnvironment | None:
    """What the target needs, built where it is missing or broken; None where it needs nothing.

    Processes and threads that ask at the same time wait for the one that builds. `worker` is the
    worker's `__main__.py`, which has to say hello in the target. `uv` is the program to build with, by
    default the one that came with the harness. `stop` ends the building when it is set.

    Raises:
        HarnessError: it cannot be built; exit code 3.
        StoppedError: `stop` was set.
    """
    plan = plan_for(target, cache)
    if plan is None:
        return None
    means = _Means(worker, environ, progress, uv, stop or threading.Event())
    with explain_cache_errors(f"{target.name} cannot be prepared", cache):
        if plan.overlay is None:
            _ensure_base(plan, means)
        elif not is_sound(plan):
            with only_builder(plan.overlay, target.name, progress, means.stop):
                if not is_sound(plan):
                    _build_overlay(plan, plan.overlay, means)
        plan.home.mkdir(parents=True, exist_ok=True)
    return PreparedEnvironment(plan.base.python, plan.site, plan.libraries, plan.home)


def worker_start(
    target: Target, environment: PreparedEnvironment, worker: Path, environ: Mapping[str, str]
) -> Launch:
    """How to start the worker in what was built."""
    variables = isolated(
        environ,
        environment.home,
        target.variables,
        import_path=environment.site,
        libraries=environment.libraries,
    )
    return Launch((str(environment.python), "-s", str(worker), str(target.api)), variables)


def _ensure_base(plan: Plan, means: _Means) -> BaseState:
    state = sound_base(plan.base)
    if state is None:
        subject = f"{plan.target.name}, its base {plan.base.label}"
        with only_builder(plan.base, subject, means.progress, means.stop):
            state = sound_base(plan.base) or _build_base(plan.base, plan.target.name, means)
    return state


def _build_base(base: Base, name: str, means: _Means) -> BaseState:
    """Builds from nothing; leaves nothing but the log where it fails."""
    _clear(base, name, means.progress)
    installer = means.installer(base)
    try:
        means.step(f"{name}: looking for Python {base.built.python}")
        interpreter = find_interpreter(base.built.python, means.environ, installer, name)
        means.step(f"{name}: resolving the {len(base.built.requires)} requirements of its base")
        lock = _resolve(base, installer, interpreter, name)
        means.step(f"{name}: installing its base")
        demand(installer, name, ("venv", "--no-project", "--python", str(interpreter), str(base.venv)))
        demand(installer, name, ("pip", "sync", "--python", str(base.python), str(lock)))
        if base.built.stand_ins:
            means.step(f"{name}: making stand-ins for {', '.join(base.built.stand_ins)}")
            make_stand_ins(base.built.stand_ins, base.stand_ins, means.environ, installer, name)
        state = BaseState(
            schema=SCHEMA,
            key=base.key,
            build=uuid.uuid4().hex,
            python=str(interpreter),
            requires=base.built.requires,
            installed=base_distributions(base),
            stand_ins=tuple(sorted(file.name for file in base.stand_ins.glob("*"))),
            num_bytes=num_bytes(base.folder),
        )
        write_state(base, state)
    except BaseException:
        shutil.rmtree(base.folder, ignore_errors=True)
        raise
    return state


def _build_overlay(plan: Plan, overlay: Overlay, means: _Means) -> None:
    """Builds from nothing, on a base that is built where it is missing; leaves nothing where it fails."""
    name = plan.target.name
    _clear(overlay, name, means.progress)
    overlay.base_note.write_text(f"{plan.base.label}\n", encoding="utf-8")
    plan.home.mkdir(parents=True, exist_ok=True)
    base: BaseState | None = None
    try:
        base = _ensure_base(plan, means)
        if overlay.requires:
            means.step(f"{name}: installing")
            arguments = ("pip", "install", "--no-deps", "--target", str(overlay.site))
            installer = means.installer(overlay)
            demand(installer, name, (*arguments, "--python", str(plan.base.python), *overlay.requires))
        means.step(f"{name}: checking that its worker starts")
        environment = PreparedEnvironment(plan.base.python, plan.site, plan.libraries, plan.home)
        start = worker_start(plan.target, environment, means.worker, means.environ)
        fingerprint = check_hello(plan.target, start, overlay.folder, overlay.log, means.stop)
        state = OverlayState(
            schema=SCHEMA,
            key=overlay.key,
            base_build=base.build,
            target=name,
            requires=overlay.requires,
            installed=overlay_distributions(overlay),
            num_bytes=num_bytes(overlay.folder),
            fingerprint=dict(fingerprint),
        )
        write_state(overlay, state)
    except BaseException as error:
        shutil.rmtree(overlay.folder, ignore_errors=True)
        if isinstance(error, HarnessError) and error.exit_code == EXIT_INCOMPLETE and base is not None:
            _demand_same_base(plan, base, overlay)
        raise
    means.progress(f"{name}: ready")


def _demand_same_base(plan: Plan, before: BaseState, overlay: Overlay) -> None:
    """Where building failed, says so if that is because the base is no longer what it was."""
    now = sound_base(plan.base)
    if now is None or now.build != before.build:
        raise failure(
            plan.target.name,
            f"its base {plan.base.folder} was removed or changed meanwhile",
            "",
            overlay.log,
            "prepare it again, while nothing removes environments",
        )


def _clear(layer: Layer, name: str, progress: Progress) -> None:
    """Makes an empty folder for a layer."""
    layer.log.unlink(missing_ok=True)
    if layer.folder.exists():
        progress(f"{name}: removing what is left of a broken environment")
        shutil.rmtree(layer.folder)
    layer.folder.mkdir()


def _resolve(base: Base, installer: Installer, interpreter: Path, name: str) -> Path:
    """The file of exact versions.

    Raises:
        HarnessError: there is no such set, or it holds CUDA packages: gigabytes that no target needs.
    """
    source, lock = base.folder / "requirements.in", base.folder / "requirements.lock"
    source.write_text("".join(f"{line}\n" for line in base.built.requires), encoding="utf-8")
    arguments = ["pip", "compile", "--python", str(interpreter), "--no-header", "--no-annotate"]
    if base.built.as_of:
        # PyTorch's own index does not say when a build was uploaded; it is pinned.
        arguments += ["--exclude-newer", base.built.as_of, "--exclude-newer-package", "torch=false"]
    demand(installer, name, [*arguments, "--output-file", str(lock), str(source)])
    names = [
        canonicalize_name(re.split(r"[ =@;\[]", line)[0]) for line in lock.read_text("utf-8").splitlines()
    ]
    cuda = [package for package in names if _CUDA.fullmatch(package)]
    if cuda:
        raise failure(
            name,
            "its requirements pull in CUDA packages, which are large and of no use here",
            "\n".join(cuda),
            base.log,
            "pin a build for the CPU, such as torch==2.13.0+cpu, and let uv find it with "
            "UV_TORCH_BACKEND=cpu or UV_FIND_LINKS",
        )
    return lock
