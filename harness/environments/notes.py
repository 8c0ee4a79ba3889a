"""Who uses the layers of a cache: each list of targets notes its own, so that nobody else removes them.

A cache is a person's, and lists are many: a checkout each, a person's own. The cache holds
    lists/<key>.json        the files of a list, the labels of the layers that it needs, and when it said so
A note counts while its files exist. What it says is not worked out anew, for another checkout may name its
layers otherwise than this one; only a list that begins with the same file is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from harness.environments.layout import explain_cache_errors, plan_for
from harness.errors import HarnessError
from harness.files import replace_text
from harness.records import Target
from harness.targets.catalog import read_catalog

LISTS: Final = "lists"
_KEY_LENGTH: Final = 12


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list of targets, by its files, and the layers that it needs, by their labels."""

    files: tuple[str, ...]
    labels: tuple[str, ...]
    noted: str


def labels_of(targets: Iterable[Target], cache: Path) -> frozenset[str]:
    """The labels of the layers of the targets."""
    plans = [plan for target in targets if (plan := plan_for(target, cache)) is not None]
    overlays = (plan.overlay.label for plan in plans if plan.overlay is not None)
    return frozenset((*overlays, *(plan.base.label for plan in plans)))


def note_use(files: Sequence[Path], targets: Iterable[Target], cache: Path, now: str) -> None:
    """Notes that the list of these files needs the layers of all its targets; before they are built.

    Raises:
        HarnessError: the file system refuses.
    """
    note = Note(_names(files), tuple(sorted(labels_of(targets, cache))), now)
    file = _file(note.files, cache)
    with explain_cache_errors("what uses the environments cannot be noted", cache):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_text(file, msgspec.json.format(msgspec.json.encode(note), indent=1).decode() + "\n")


def labels_in_use(files: Sequence[Path], cache: Path) -> frozenset[str]:
    """The labels of the layers that other lists than the one of these files need."""
    own = _names(files)
    notes = (note for _, note in _notes(cache) if note.files != own and _is_there(note))
    return frozenset(label for note in notes for label in _labels_now(note, own, cache))


def forget_gone(cache: Path) -> None:
    """Removes the notes of lists that are no longer there."""
    for file, note in _notes(cache):
        if not _is_there(note):
            file.unlink(missing_ok=True)


def _labels_now(note: Note, own: tuple[str, ...], cache: Path) -> Iterable[str]:
    if note.files[:1] != own[:1]:
        return note.labels
    try:
        return labels_of(read_catalog([Path(file) for file in note.files]).targets, cache)
    except HarnessError:
        return note.labels


def _notes(cache: Path) -> Iterator[tuple[Path, Note]]:
    for file in sorted((cache / LISTS).glob("*.json")):
        try:
            yield file, msgspec.json.decode(file.read_bytes(), type=Note)
        except FileNotFoundError:
            continue
        except (OSError, msgspec.MsgspecError) as error:
            raise HarnessError(
                f"{file}: says which environments another list uses and cannot be read ({error}); "
                "use that list again with the harness that wrote it, or remove the file"
            ) from error


def _is_there(note: Note) -> bool:
    """Whether all its files exist; those that cannot be looked at do."""
    try:
        return all(Path(file).exists() for file in note.files)
    except OSError:
        return True


def _file(names: tuple[str, ...], cache: Path) -> Path:
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:_KEY_LENGTH]
    return cache / LISTS / f"{key}.json"


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(str(file.resolve()) for file in files)
