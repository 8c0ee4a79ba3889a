"""The two layers of a built target, where they are in the cache, and which of them count as built.

A base is heavy and shared by many targets; an overlay is thin, belongs to one target, and precedes
its base on the import path. The cache holds
    environments/<base>/    requirements.in, requirements.lock, venv/, stand_ins/, state.json
    overlays/<overlay>/     base (the label of its base), site/, state.json
    homes/<overlay>/        HOME and caches of the processes that run in the target
    lists/<key>.json        which lists of targets need which layers (notes.py)
    locks/<label>.lock      held while one process builds or removes a layer
    logs/<label>.log        all that uv, compilers and the worker printed the last time
    suites/<key>.txt        the cases of suites (cases/suite_cache.py)
where a label ends in a hash of the layer's definition.

A layer counts as built only with its state file, which is written last and under a temporary name. A
base is reused while its interpreter exists and the packages on disk are those of the state file; an
overlay while its own packages are, and its base is the very build on which its worker was checked.
Anything else is incomplete or broken, and built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import msgspec
from filelock import FileLock, Timeout
from packaging.utils import canonicalize_name

from harness.errors import EXIT_INCOMPLETE, Cancelled, HarnessError
from harness.files import replace_text
from harness.records import BuiltEnvironment, Target
from harness.targets.requirements import parse_requirement

OnStep: TypeAlias = Callable[[str], None]
"""A function that shows the user one line about the current step."""

SCHEMA: Final = 2
"""The version of layers; raised when those of earlier harnesses must not be reused."""

BASES: Final = "environments"
OVERLAYS: Final = "overlays"
HOMES: Final = "homes"
LOCKS: Final = "locks"
LOGS: Final = "logs"

_KEY_LENGTH: Final = 12
LABEL: Final = re.compile(rf".+-[0-9a-f]{{{_KEY_LENGTH}}}")
"""The pattern of the labels of layers, of this harness and of earlier ones."""

_LOCK_POLL_S: Final = 0.2


class BaseState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record of a built base.

    `build` identifies this build. `installed` names the distributions as their folders on disk do, and
    `stub_libraries` the files of the stub libraries. `num_bytes` is the size of the layer when it was built.
    """

    schema: int
    key: str
    build: str
    python: str
    requires: tuple[str, ...]
    installed: tuple[str, ...]
    stub_libraries: tuple[str, ...] = msgspec.field(name="stand_ins")
    num_bytes: int


class OverlayState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record of a built overlay: on which build of its base, and the worker's fingerprint in it."""

    schema: int
    key: str
    base_build: str
    target: str
    requires: tuple[str, ...]
    installed: tuple[str, ...]
    num_bytes: int
    fingerprint: dict[str, str]


class _Size(msgspec.Struct, frozen=True):
    """The size, common to the state files of both layers and read often."""

    schema: int
    key: str
    num_bytes: int


_State = TypeVar("_State", BaseState, OverlayState, _Size)


@dataclass(frozen=True, slots=True)
class EnvironmentLayer:
    """A folder that is built under a lock and counts as built with its state file."""

    cache: Path
    kind: str
    label: str
    key: str

    @property
    def folder(self) -> Path:
        """The layer's folder."""
        return self.cache / self.kind / self.label

    @property
    def state_file(self) -> Path:
        """The file that makes the layer count as built."""
        return self.folder / "state.json"

    @property
    def log(self) -> Path:
        """The output of building it."""
        return self.cache / LOGS / f"{self.label}.log"


@dataclass(frozen=True, slots=True)
class Base(EnvironmentLayer):
    """A heavy environment, and what defines it."""

    built: BuiltEnvironment

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.folder / "venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        place = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        return self.venv.joinpath(*place)

    @property
    def stub_folder(self) -> Path:
        """The folder of the system libraries that the harness makes."""
        return self.folder / "stand_ins"


@dataclass(frozen=True, slots=True)
class Overlay(EnvironmentLayer):
    """The layer before the base; without requirements, only the record that the target was checked."""

    requires: tuple[str, ...]

    @property
    def site(self) -> Path:
        """Its packages."""
        return self.folder / "site"

    @property
    def base_note(self) -> Path:
        """The file that names the base; written first, so that nobody removes the base meanwhile."""
        return self.folder / "base"


@dataclass(frozen=True, slots=True)
class EnvironmentLayout:
    """The layers of a target, and its private folder. A checkout has no overlay."""

    target: Target
    base: Base
    overlay: Overlay | None
    home: Path

    @property
    def site(self) -> Path | None:
        """The overlay's packages, where it has any."""
        return self.overlay.site if self.overlay is not None and self.overlay.requires else None

    @property
    def libraries(self) -> Path | None:
        """The folder of stub libraries, where the base has any."""
        return self.base.stub_folder if self.base.built.stub_libraries else None


def lay_out_environment(target: Target, cache: Path) -> EnvironmentLayout | None:
    """Return the layers of a target; None where it needs none."""
    built, cache = target.built, cache.absolute()
    if built is None:
        return None
    base_key = _hash_identity(
        SCHEMA, built.python, built.requires, built.stub_libraries, built.as_of, sysconfig.get_platform()
    )
    package = canonicalize_name(parse_requirement(built.requires[0]).name)
    base = Base(cache, BASES, f"{package}-{base_key}", base_key, built)
    if target.realisation is not built:
        return EnvironmentLayout(target, base, None, cache / HOMES / target.name)
    key = _hash_identity(base_key, built.overlay, target.api, target.version, target.backend)
    label = f"{target.api}{target.version}-{target.backend}-{key}"
    overlay = Overlay(cache, OVERLAYS, label, key, built.overlay)
    return EnvironmentLayout(target, base, overlay, cache / HOMES / label)


def read_intact_base(base: Base) -> BaseState | None:
    """Return the state of an intact base; None where it is missing, incomplete or broken."""
    state = _read_state(base, BaseState)
    if state is None or not base.python.exists():
        return None
    has_stubs = all((base.stub_folder / name).exists() for name in state.stub_libraries)
    return state if has_stubs and state.installed == list_base_distributions(base) else None


def read_intact_overlay(layout: EnvironmentLayout) -> OverlayState | None:
    """Return the state of an intact overlay that was checked on the present base; otherwise None."""
    if layout.overlay is None:
        return None
    state, base = _read_state(layout.overlay, OverlayState), read_intact_base(layout.base)
    if state is None or base is None or state.base_build != base.build:
        return None
    return state if state.installed == list_overlay_distributions(layout.overlay) else None


def is_intact(layout: EnvironmentLayout) -> bool:
    """Return whether all layers of a target are intact."""
    if layout.overlay is None:
        return read_intact_base(layout.base) is not None
    return read_intact_overlay(layout) is not None


def list_base_distributions(base: Base) -> tuple[str, ...]:
    """Return the distributions in a base, as `name-version`."""
    return _list_distributions(
        [*base.venv.glob("lib/python*/site-packages"), *base.venv.glob("Lib/site-packages")]
    )


def list_overlay_distributions(overlay: Overlay) -> tuple[str, ...]:
    """Return the distributions in an overlay, as `name-version`."""
    return _list_distributions([overlay.site])


def count_bytes(folder: Path) -> int:
    """Return the size of the files in a folder, in bytes."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def write_state(layer: EnvironmentLayer, state: BaseState | OverlayState) -> None:
    """Write a layer's state file in one step; from then on it counts as built."""
    replace_text(layer.state_file, msgspec.json.format(msgspec.json.encode(state), indent=1).decode() + "\n")


def read_num_bytes(layer: EnvironmentLayer) -> int:
    """Return the size of a layer when it was built; 0 where it is not built."""
    size = _read_state(layer, _Size)
    return size.num_bytes if size is not None else 0


@contextmanager
def explain_cache_errors(subject: str, cache: Path) -> Iterator[None]:
    """Turn an error of the file system into one that names the subject, the cache and the remedy."""
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"{subject}: {error}\n  the cache is {cache}; "
            "KERAS_HARNESS_CACHE moves it to a folder that can be written, on a disk with space",
            EXIT_INCOMPLETE,
        ) from error


@contextmanager
def lock_layer(
    layer: EnvironmentLayer, subject: str, on_step: OnStep, stop: threading.Event
) -> Iterator[None]:
    """Lock a layer for this thread of this process, so that no other changes it.

    To lock a base and an overlay, lock the overlay first.

    Raises:
        Cancelled: `stop` was set while another held the lock.
    """
    for folder in (BASES, OVERLAYS, HOMES, LOCKS, LOGS):
        (layer.cache / folder).mkdir(parents=True, exist_ok=True)
    lock = FileLock(layer.cache / LOCKS / f"{layer.label}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        on_step(f"{subject}: waiting for another process that builds it")
        _wait_for(lock, stop)
    try:
        yield
    finally:
        lock.release()


def _wait_for(lock: FileLock, stop: threading.Event) -> None:
    try:
        lock.acquire(poll_interval=_LOCK_POLL_S, cancel_check=stop.is_set)
    except Timeout:
        raise Cancelled from None


def _hash_identity(*identity: object) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:_KEY_LENGTH]


def _read_state(layer: EnvironmentLayer, kind: type[_State]) -> _State | None:
    try:
        state = msgspec.json.decode(layer.state_file.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
    return state if (state.schema, state.key) == (SCHEMA, layer.key) else None


def _list_distributions(folders: Iterable[Path]) -> tuple[str, ...]:
    names = {
        path.name.removesuffix(".dist-info") for folder in folders for path in folder.glob("*.dist-info")
    }
    return tuple(sorted(names))
