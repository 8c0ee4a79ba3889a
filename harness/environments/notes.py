"""Notes of who uses the layers of a cache, one for each list of targets, so that nobody else removes them.

A user has one cache and many lists: one for each checkout, and their own. The cache holds
    lists/<key>.json        the files of a list, the labels of the layers that it needs, and the time
A note counts while its files exist. Its labels are not computed anew, since another checkout may label its
layers differently; only a list that begins with the same file is read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from harness.environments.layout import explain_cache_errors, lay_out_environment
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


def list_labels(targets: Iterable[Target], cache: Path) -> frozenset[str]:
    """Return the labels of the layers of the targets."""
    layouts = [layout for target in targets if (layout := lay_out_environment(target, cache)) is not None]
    overlays = (layout.overlay.label for layout in layouts if layout.overlay is not None)
    return frozenset((*overlays, *(layout.base.label for layout in layouts)))


def note_use(files: Sequence[Path], targets: Iterable[Target], cache: Path, now: str) -> None:
    """Note, before they are built, that the list in these files needs the layers of all its targets.

    Raises:
        HarnessError: the file system refuses.
    """
    note = Note(_name_files(files), tuple(sorted(list_labels(targets, cache))), now)
    file = _place_note(note.files, cache)
    with explain_cache_errors("what uses the environments cannot be noted", cache):
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_text(file, msgspec.json.format(msgspec.json.encode(note), indent=1).decode() + "\n")


def find_labels_in_use(files: Sequence[Path], cache: Path) -> frozenset[str]:
    """Return the labels of the layers that lists other than the one in these files need."""
    own_files = _name_files(files)
    notes = (note for _, note in _read_notes(cache) if note.files != own_files and _is_there(note))
    return frozenset(label for note in notes for label in _find_current_labels(note, own_files, cache))


def delete_gone_notes(cache: Path) -> None:
    """Delete the notes of lists that no longer exist."""
    for file, note in _read_notes(cache):
        if not _is_there(note):
            file.unlink(missing_ok=True)


def _find_current_labels(note: Note, own_files: tuple[str, ...], cache: Path) -> Iterable[str]:
    if note.files[:1] != own_files[:1]:
        return note.labels
    try:
        return list_labels(read_catalog([Path(file) for file in note.files]).targets, cache)
    except HarnessError:
        return note.labels


def _read_notes(cache: Path) -> Iterator[tuple[Path, Note]]:
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
    """Return whether all its files exist; those that cannot be checked count as existing."""
    try:
        return all(Path(file).exists() for file in note.files)
    except OSError:
        return True


def _place_note(names: tuple[str, ...], cache: Path) -> Path:
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:_KEY_LENGTH]
    return cache / LISTS / f"{key}.json"


def _name_files(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(str(file.resolve()) for file in files)
