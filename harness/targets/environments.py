"""Where the environments of targets are kept, and which of them count as built.

The cache holds, per environment (the label is the backend and a hash of what the environment is):
    environments/<label>/   requirements.in, requirements.lock, venv/, state.json
    locks/<label>.lock      held while one process builds or removes it
    logs/<label>.log        all that uv and the check printed the last time
    homes/<label>/          HOME and caches of the processes that run in it

An environment counts as built only with its state file, which is written last and under a temporary
name, after Keras has been imported; it is reused only while its interpreter exists and the packages
on disk are those of the state file. Everything else is half-built or broken, and built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Built, Checkout, Command, Here, Target

Progress: TypeAlias = Callable[[str], None]
"""Takes one line that tells a person what is being done."""

SCHEMA: Final = 1
"""Rises when environments of earlier harnesses must not be reused."""


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state file: what was built. `installed` names the distributions as their folders on disk do."""

    schema: int
    key: str
    target: str
    python: str
    requires: tuple[str, ...]
    installed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be built, and where."""

    target: Target
    built: Built
    key: str
    cache: Path

    @property
    def label(self) -> str:
        """The name of the folder, the lock, the log and the home."""
        return f"{self.target.backend}-{self.key}"

    @property
    def folder(self) -> Path:
        """The environment itself."""
        return self.cache / "environments" / self.label

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        place = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        return self.folder.joinpath("venv", *place)

    @property
    def state_file(self) -> Path:
        """What makes the environment count as built."""
        return self.folder / "state.json"

    @property
    def log(self) -> Path:
        """What uv and the check printed."""
        return self.cache / "logs" / f"{self.label}.log"

    @property
    def home(self) -> Path:
        """HOME and caches of the processes that run in the environment."""
        return self.cache / "homes" / self.label


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where environments are kept: `KERAS_HARNESS_CACHE`, or the person's cache folder."""
    chosen = environ.get("KERAS_HARNESS_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(platformdirs.user_cache_dir("keras-harness"))


def is_built(target: Target, cache: Path) -> bool:
    """Whether the target can start without anything being built."""
    plan = plan_for(target, cache)
    return plan is None or sound_state(plan) is not None


def remove(target: Target, cache: Path) -> bool:
    """Removes the target's environment; False where there was none."""
    plan = plan_for(target, cache)
    if plan is None or not plan.folder.exists():
        return False
    with disk_errors_told(target, cache), only_builder(plan, lambda _line: None):
        plan.state_file.unlink(missing_ok=True)
        shutil.rmtree(plan.folder)
        shutil.rmtree(plan.home, ignore_errors=True)
    return True


def disk_use(target: Target, cache: Path) -> int:
    """Bytes of the target's environment, counting those that it shares with uv's cache by hard links."""
    plan = plan_for(target, cache)
    if plan is None:
        return 0
    return sum(file.lstat().st_size for file in plan.folder.rglob("*") if not file.is_dir())


def plan_for(target: Target, cache: Path) -> Plan | None:
    """What has to be built for the target; None where nothing has."""
    match target.realisation:
        case Built() as built:
            pass
        case Checkout(base=built):
            pass
        case Here() | Command():
            return None
    identity = json.dumps([SCHEMA, built.python, built.requires, sysconfig.get_platform()])
    key = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return Plan(target, built, key, cache.absolute())


def sound_state(plan: Plan) -> State | None:
    """The state of an environment that is whole; None where it is missing, half-built or broken."""
    try:
        state = msgspec.json.decode(plan.state_file.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None
    is_whole = (
        (state.schema, state.key) == (SCHEMA, plan.key)
        and plan.python.exists()
        and state.installed == installed_distributions(plan.folder)
    )
    return state if is_whole else None


def installed_distributions(folder: Path) -> tuple[str, ...]:
    """The distributions on disk, as `name-version`."""
    found = [*folder.glob("venv/lib/python*/site-packages/*.dist-info")]
    found += folder.glob("venv/Lib/site-packages/*.dist-info")
    return tuple(sorted({path.name.removesuffix(".dist-info") for path in found}))


@contextmanager
def disk_errors_told(target: Target, cache: Path) -> Iterator[None]:
    """Turns an error of the file system into one that names the target, the cache and the remedy."""
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"{target.name} cannot be prepared: {error}\n  the cache is {cache}; "
            "KERAS_HARNESS_CACHE moves it to a folder that can be written, on a disk with space",
            EXIT_INCOMPLETE,
        ) from error


@contextmanager
def only_builder(plan: Plan, progress: Progress) -> Iterator[None]:
    """Makes this process the only one that changes the environment."""
    for folder in ("environments", "locks", "logs", "homes"):
        (plan.cache / folder).mkdir(parents=True, exist_ok=True)
    lock = FileLock(plan.cache / "locks" / f"{plan.label}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{plan.target.name}: waiting for another process that builds it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_state(plan: Plan, state: State) -> None:
    """Makes the environment count as built, in one step."""
    temporary = plan.state_file.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
    temporary.replace(plan.state_file)
