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
    EnvironmentLayer,
    EnvironmentLayout,
    OnStep,
    Overlay,
    OverlayState,
    count_bytes,
    explain_cache_errors,
    is_intact,
    lay_out_environment,
    list_base_distributions,
    list_overlay_distributions,
    lock_layer,
    read_intact_base,
    write_state,
)
from harness.environments.stub_libraries import make_stub_libraries
from harness.environments.uv import Installer, explain_failure, find_uv, make_uv_environment, run_uv_checked
from harness.environments.variables import isolate_variables
from harness.errors import EXIT_INCOMPLETE, Cancelled, HarnessError
from harness.records import Target, WorkerCommand

_CUDA: Final = re.compile(r"(nvidia|cuda|jax-cuda\d*)-.*|(pytorch-)?triton(-.*)?")


@dataclass(frozen=True, slots=True)
class PreparedEnvironment:
    """The environment built for a target: its Python, what precedes it on the import path, its private home.

    `site` is the folder of the overlay's packages, `libraries` that of stub libraries, where there are any.
    """

    python: Path
    site: Path | None
    libraries: Path | None
    home: Path


@dataclass(frozen=True, slots=True)
class _BuildContext:
    """The external inputs of building."""

    worker: Path
    environ: Mapping[str, str]
    on_step: OnStep
    uv: Path | None
    stop: threading.Event

    def begin_step(self, line: str) -> None:
        """Tell the user what comes next.

        Raises:
            Cancelled: `stop` is set.
        """
        if self.stop.is_set():
            raise Cancelled
        self.on_step(line)

    def make_installer(self, layer: EnvironmentLayer) -> Installer:
        """Return uv configured to run in the folder of a layer."""
        return Installer(
            self.uv or find_uv(), make_uv_environment(self.environ), layer.folder, layer.log, self.stop
        )


def prepare_environment(
    target: Target,
    cache: Path,
    worker: Path,
    environ: Mapping[str, str],
    on_step: OnStep,
    uv: Path | None = None,
    stop: threading.Event | None = None,
) -> PreparedEnvironment | None:
    """Return what the target needs, built where it is missing or broken; None where it needs nothing.

    Concurrent processes and threads wait for the one that builds. `worker` is the
    worker's `__main__.py`, which has to say hello in the target. `uv` is the program to build with, by
    default the one that came with the harness. Setting `stop` ends the building.

    Raises:
        HarnessError: it cannot be built; exit code 3.
        Cancelled: `stop` was set.
    """
    layout = lay_out_environment(target, cache)
    if layout is None:
        return None
    context = _BuildContext(worker, environ, on_step, uv, stop or threading.Event())
    with explain_cache_errors(f"{target.name} cannot be prepared", cache):
        if layout.overlay is None:
            _ensure_base(layout, context)
        elif not is_intact(layout):
            with lock_layer(layout.overlay, target.name, on_step, context.stop):
                if not is_intact(layout):
                    _build_overlay(layout, layout.overlay, context)
        layout.home.mkdir(parents=True, exist_ok=True)
    return PreparedEnvironment(layout.base.python, layout.site, layout.libraries, layout.home)


def make_worker_command(
    target: Target, environment: PreparedEnvironment, worker: Path, environ: Mapping[str, str]
) -> WorkerCommand:
    """Return the command that starts the worker in the built environment."""
    variables = isolate_variables(
        environ,
        environment.home,
        target.variables,
        import_path=environment.site,
        libraries=environment.libraries,
    )
    return WorkerCommand((str(environment.python), "-s", str(worker), str(target.api)), variables)


def _ensure_base(layout: EnvironmentLayout, context: _BuildContext) -> BaseState:
    state = read_intact_base(layout.base)
    if state is None:
        subject = f"{layout.target.name}, its base {layout.base.label}"
        with lock_layer(layout.base, subject, context.on_step, context.stop):
            state = read_intact_base(layout.base) or _build_base(layout.base, layout.target.name, context)
    return state


def _build_base(base: Base, name: str, context: _BuildContext) -> BaseState:
    """Build a base from scratch; on failure leave only the log."""
    _clear_folder(base, name, context.on_step)
    installer = context.make_installer(base)
    try:
        context.begin_step(f"{name}: looking for Python {base.built.python}")
        interpreter = find_interpreter(base.built.python, context.environ, installer, name)
        context.begin_step(f"{name}: resolving the {len(base.built.requires)} requirements of its base")
        lock = _resolve_requirements(base, installer, interpreter, name)
        context.begin_step(f"{name}: installing its base")
        run_uv_checked(
            installer, name, ("venv", "--no-project", "--python", str(interpreter), str(base.venv))
        )
        run_uv_checked(installer, name, ("pip", "sync", "--python", str(base.python), str(lock)))
        if base.built.stub_libraries:
            context.begin_step(f"{name}: making stand-ins for {', '.join(base.built.stub_libraries)}")
            make_stub_libraries(base.built.stub_libraries, base.stub_folder, context.environ, installer, name)
        state = BaseState(
            schema=SCHEMA,
            key=base.key,
            build=uuid.uuid4().hex,
            python=str(interpreter),
            requires=base.built.requires,
            installed=list_base_distributions(base),
            stub_libraries=tuple(sorted(file.name for file in base.stub_folder.glob("*"))),
            num_bytes=count_bytes(base.folder),
        )
        write_state(base, state)
    except BaseException:
        shutil.rmtree(base.folder, ignore_errors=True)
        raise
    return state


def _build_overlay(layout: EnvironmentLayout, overlay: Overlay, context: _BuildContext) -> None:
    """Build an overlay from scratch, and its base where it is missing; on failure leave nothing."""
    name = layout.target.name
    _clear_folder(overlay, name, context.on_step)
    overlay.base_note.write_text(f"{layout.base.label}\n", encoding="utf-8")
    layout.home.mkdir(parents=True, exist_ok=True)
    base: BaseState | None = None
    try:
        base = _ensure_base(layout, context)
        if overlay.requires:
            context.begin_step(f"{name}: installing")
            arguments = ("pip", "install", "--no-deps", "--target", str(overlay.site))
            installer = context.make_installer(overlay)
            run_uv_checked(
                installer, name, (*arguments, "--python", str(layout.base.python), *overlay.requires)
            )
        context.begin_step(f"{name}: checking that its worker starts")
        environment = PreparedEnvironment(layout.base.python, layout.site, layout.libraries, layout.home)
        start = make_worker_command(layout.target, environment, context.worker, context.environ)
        fingerprint = check_hello(layout.target, start, overlay.folder, overlay.log, context.stop)
        state = OverlayState(
            schema=SCHEMA,
            key=overlay.key,
            base_build=base.build,
            target=name,
            requires=overlay.requires,
            installed=list_overlay_distributions(overlay),
            num_bytes=count_bytes(overlay.folder),
            fingerprint=dict(fingerprint),
        )
        write_state(overlay, state)
    except BaseException as error:
        shutil.rmtree(overlay.folder, ignore_errors=True)
        if isinstance(error, HarnessError) and error.exit_code == EXIT_INCOMPLETE and base is not None:
            _check_base_unchanged(layout, base, overlay)
        raise
    context.on_step(f"{name}: ready")


def _check_base_unchanged(layout: EnvironmentLayout, before: BaseState, overlay: Overlay) -> None:
    """Raise an error that the base has changed, where that is why building failed."""
    now = read_intact_base(layout.base)
    if now is None or now.build != before.build:
        raise explain_failure(
            layout.target.name,
            f"its base {layout.base.folder} was removed or changed meanwhile",
            "",
            overlay.log,
            "prepare it again, while nothing removes environments",
        )


def _clear_folder(layer: EnvironmentLayer, name: str, on_step: OnStep) -> None:
    """Make an empty folder for a layer."""
    layer.log.unlink(missing_ok=True)
    if layer.folder.exists():
        on_step(f"{name}: removing what is left of a broken environment")
        shutil.rmtree(layer.folder)
    layer.folder.mkdir()


def _resolve_requirements(base: Base, installer: Installer, interpreter: Path, name: str) -> Path:
    """Write the lock file of exact versions.

    Raises:
        HarnessError: no versions fit together, or they include CUDA packages: gigabytes that no target needs.
    """
    source, lock = base.folder / "requirements.in", base.folder / "requirements.lock"
    source.write_text("".join(f"{line}\n" for line in base.built.requires), encoding="utf-8")
    arguments = ["pip", "compile", "--python", str(interpreter), "--no-header", "--no-annotate"]
    if base.built.as_of:
        # PyTorch's own index does not say when a build was uploaded; it is pinned.
        arguments += ["--exclude-newer", base.built.as_of, "--exclude-newer-package", "torch=false"]
    run_uv_checked(installer, name, [*arguments, "--output-file", str(lock), str(source)])
    names = [
        canonicalize_name(re.split(r"[ =@;\[]", line)[0]) for line in lock.read_text("utf-8").splitlines()
    ]
    cuda = [package for package in names if _CUDA.fullmatch(package)]
    if cuda:
        raise explain_failure(
            name,
            "its requirements pull in CUDA packages, which are large and of no use here",
            "\n".join(cuda),
            base.log,
            "pin a build for the CPU, such as torch==2.13.0+cpu, and let uv find it with "
            "UV_TORCH_BACKEND=cpu or UV_FIND_LINKS",
        )
    return lock
