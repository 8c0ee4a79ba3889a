"""What a user asks of the cache: where it is, what is built, its size; and deleting it."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from harness.environments.layout import (
    BASES,
    HOMES,
    LABEL,
    LOGS,
    OVERLAYS,
    Base,
    EnvironmentLayer,
    explain_cache_errors,
    is_intact,
    lay_out_environment,
    lock_layer,
    read_num_bytes,
)
from harness.environments.notes import delete_gone_notes, find_labels_in_use, list_labels
from harness.records import Target

_BLOCK: Final = 512
"""The unit of `st_blocks` in bytes, on every file system; du uses it too."""


@dataclass(frozen=True, slots=True)
class CacheUse:
    """The disk space of the cache: of its own, and in files that uv's cache holds as well."""

    own_bytes: int
    shared_bytes: int


def find_cache_directory(environ: Mapping[str, str]) -> Path:
    """Return the folder of environments: `KERAS_HARNESS_CACHE`, or one in the user's cache folder."""
    chosen = environ.get("KERAS_HARNESS_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return platformdirs.user_cache_path("keras-harness")


def is_built(target: Target, cache: Path) -> bool:
    """Return whether the target can start without anything being built."""
    layout = lay_out_environment(target, cache)
    return layout is None or is_intact(layout)


def read_disk_use(target: Target, cache: Path) -> int:
    """Return the bytes of the target's layers when built, including those shared with others and uv."""
    layout = lay_out_environment(target, cache)
    if layout is None:
        return 0
    return read_num_bytes(layout.base) + (read_num_bytes(layout.overlay) if layout.overlay is not None else 0)


def remove_environment(target: Target, cache: Path) -> bool:
    """Remove the target's overlay and home, and its base where no other overlay uses it.

    Returns False where there was nothing.

    Raises:
        HarnessError: the file system refuses.
    """
    layout = lay_out_environment(target, cache)
    if layout is None:
        return False
    with explain_cache_errors(f"{target.name} cannot be removed", cache):
        is_removed = layout.overlay is not None and _remove_layer(layout.overlay)
        if layout.home.exists():
            shutil.rmtree(layout.home)
            is_removed = True
        return _remove_base_unless_needed(layout.base) or is_removed


def measure_cache(cache: Path) -> CacheUse:
    """Measure the disk space of the cache, each file once however many names it has.

    A file is shared where it has more names than the cache holds: uv makes hard links from its own cache.
    """
    unshared = shared = 0
    names: Counter[tuple[int, int]] = Counter()
    linked: dict[tuple[int, int], os.stat_result] = {}
    for status in _scan_statuses(cache):
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            file = (status.st_dev, status.st_ino)
            names[file] += 1
            linked[file] = status
        else:
            unshared += _count_bytes_on_disk(status)
    for file, status in linked.items():
        if status.st_nlink > names[file]:
            shared += _count_bytes_on_disk(status)
        else:
            unshared += _count_bytes_on_disk(status)
    return CacheUse(unshared, shared)


def find_stale(files: Sequence[Path], targets: Iterable[Target], cache: Path) -> tuple[Path, ...]:
    """Return the folders of layers that no list needs: of other pins, or of earlier harnesses.

    `targets` are all those of the list in `files`. What any other list has noted is not stale while
    its files exist (see `notes.py`).

    Raises:
        HarnessError: another list's note cannot be read.
    """
    needed = list_labels(targets, cache) | find_labels_in_use(files, cache)
    return tuple(
        folder
        for kind in (OVERLAYS, BASES)
        for folder in _list_entries(cache / kind)
        if folder.name not in needed
    )


def remove_stale(files: Sequence[Path], targets: Sequence[Target], cache: Path) -> tuple[Path, ...]:
    """Remove the folders of `find_stale`, with their homes and logs; return the folders.

    Raises:
        HarnessError: the file system refuses, or another list's note cannot be read.
    """
    stale = find_stale(files, targets, cache)
    own_labels = list_labels(targets, cache)
    removed: list[Path] = []
    with explain_cache_errors("stale environments cannot be removed", cache):
        for folder in stale:
            layer = EnvironmentLayer(cache.absolute(), folder.parent.name, folder.name, "")
            with lock_layer(layer, layer.label, lambda _line: None, threading.Event()):
                # Whoever is building it now has noted so before.
                if layer.label not in find_labels_in_use(files, cache):
                    _remove_folder(layer)
                    removed.append(folder)
        needed = own_labels | find_labels_in_use(files, cache)
        for entry in (*_list_entries(cache / HOMES), *_list_entries(cache / LOGS)):
            label = entry.name.removesuffix(".log")
            if LABEL.fullmatch(label) and label not in needed:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        delete_gone_notes(cache)
    return tuple(removed)


def _remove_layer(layer: EnvironmentLayer) -> bool:
    """Remove a layer once nobody builds it; return whether there was one."""
    if not layer.folder.exists():
        return False
    with lock_layer(layer, layer.label, lambda _line: None, threading.Event()):
        _remove_folder(layer)
    return True


def _remove_base_unless_needed(base: Base) -> bool:
    """Remove a base that no overlay uses; return whether it was removed."""
    if not base.folder.exists():
        return False
    with lock_layer(base, base.label, lambda _line: None, threading.Event()):
        # An overlay being built notes its base before it requests it, so it is seen here.
        if any(_read_base_label(overlay) == base.label for overlay in _list_entries(base.cache / OVERLAYS)):
            return False
        _remove_folder(base)
    return True


def _remove_folder(layer: EnvironmentLayer) -> None:
    """Remove a folder, its state file first, so that a partly removed layer does not count as built."""
    if layer.folder.exists():
        layer.state_file.unlink(missing_ok=True)
        shutil.rmtree(layer.folder)


def _read_base_label(overlay: Path) -> str:
    try:
        return (overlay / "base").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _list_entries(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.iterdir())) if folder.is_dir() else ()


def _scan_statuses(cache: Path) -> Iterator[os.stat_result]:
    """Yield the status of everything in a folder, recursively; what vanishes meanwhile is left out."""
    folders = [str(cache)]
    while folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                with contextlib.suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False)


def _count_bytes_on_disk(status: os.stat_result) -> int:
    blocks = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else blocks * _BLOCK
