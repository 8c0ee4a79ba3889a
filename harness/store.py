"""A run on disk: a header, the ids of the planned cases, observations appended and flushed, a footer.

    run.json                     header, footer (null until the run ends)
    cases.txt                    the id of every planned case, one a line, sorted
    observations/TARGET.jsonl    one observation a line, in the order they were made
    again/TARGET.jsonl           likewise, of the second look
    logs/TARGET-N.log            what the workers wrote to stderr

A run without a footer is incomplete. A planned case without an observation is `not-run`; that is derived
when the run is read, never stored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import msgspec

from harness.encoding import ArrayError, convert_observation, encode_line, gather_fields
from harness.errors import HarnessError
from harness.files import explain_disk_errors, replace_text
from harness.records import Observation, RunHeader, RunInfo

SCHEMA: Final = 3


class Look(StrEnum):
    """The first observation of a case, or the second; the name of the folder that holds it."""

    FIRST = "observations"
    SECOND = "again"


LOGS: Final = "logs"
"""The folder in a run for what workers write to stderr."""

_RESUME: Final = "make room, then --resume"
"""The remedy when the disk is full in the middle of a run."""


class _CaseOnly(msgspec.Struct, frozen=True):
    case: str


class _HeaderOnly(msgspec.Struct, frozen=True):
    schema: int


class _SchemaOnly(msgspec.Struct, frozen=True):
    header: _HeaderOnly


class ObservationLog:
    """An append-only file of observations per target, each line flushed. A context manager."""

    def __init__(self, directory: Path, look: Look = Look.FIRST) -> None:
        self._folder = directory / look
        self._files: dict[str, BinaryIO] = {}

    def append(self, observation: Observation) -> None:
        """Write one observation and flush it.

        Raises:
            HarnessError: the disk refused it.
        """
        line = encode_line({"case": observation.case_id, **gather_fields(observation)})
        with explain_disk_errors(self._folder, if_full=_RESUME):
            file = self._files.get(observation.target)
            if file is None:
                file = self._files[observation.target] = _open_log(self._folder, observation.target)
            file.write(line)
            file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()


def create_run(directory: Path, header: RunHeader, case_ids: Iterable[str]) -> None:
    """Begin a run: the folder, its header and its plan.

    Raises:
        HarnessError: the folder holds a run already, or cannot be written.
    """
    if (directory / "run.json").exists():
        raise HarnessError(
            f"{directory}: already holds a run; add --resume, or choose another folder with -o"
        )
    with explain_disk_errors(directory, if_full=_RESUME):
        for folder in (directory, directory / Look.FIRST, directory / LOGS):
            folder.mkdir(parents=True, exist_ok=True)
        replace_text(directory / "cases.txt", "".join(f"{case_id}\n" for case_id in sorted(case_ids)))
    write_info(directory, RunInfo(header, None))


def write_info(directory: Path, info: RunInfo) -> None:
    """Replace `run.json` in one step.

    Raises:
        HarnessError: the disk refused it.
    """
    text = msgspec.json.format(msgspec.json.encode(info), indent=2).decode()
    with explain_disk_errors(directory, if_full=_RESUME):
        replace_text(directory / "run.json", text + "\n")


def read_info(directory: Path) -> RunInfo:
    """Read the header and footer of a run.

    Raises:
        HarnessError: no run there, a run of another schema, or a damaged `run.json`.
    """
    path = directory / "run.json"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{directory}: no run here ({error.strerror}: run.json)") from error
    try:
        schema = msgspec.json.decode(text, type=_SchemaOnly).header.schema
        if schema != SCHEMA:
            advice = "upgrade keras-harness" if schema > SCHEMA else "run again"
            raise HarnessError(f"{path}: schema {schema}, this version reads {SCHEMA}; {advice}")
        return msgspec.json.decode(text, type=RunInfo)
    except msgspec.DecodeError as error:
        raise HarnessError(f"{path}: damaged: {error}; run again into another folder") from error


def read_case_ids(directory: Path) -> Iterator[str]:
    """Yield the ids of the planned cases, sorted.

    Raises:
        HarnessError: the plan is missing.
    """
    path = directory / "cases.txt"
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield line.rstrip("\n")
    except OSError as error:
        raise HarnessError(
            f"{path}: cannot be read: {error.strerror}; run again into another folder"
        ) from error


def open_second_look(directory: Path, targets: Iterable[str]) -> None:
    """Open a log that appends second observations to those already stored.

    Raises:
        HarnessError: the disk refused it.
    """
    with explain_disk_errors(directory, if_full=_RESUME):
        (directory / Look.SECOND).mkdir(exist_ok=True)
    for target in targets:
        truncate_partial_line(directory, target, Look.SECOND)


def read_observed_ids(directory: Path, target: str) -> frozenset[str]:
    """Return the ids of the cases that a target has answered."""
    return frozenset(_index_lines(_place_log(directory, target)))


@dataclass(frozen=True, slots=True)
class StoredLines:
    """The lines of a target's observations, by their offsets in the file."""

    path: Path
    offsets: Mapping[str, int]

    def read(self, case_ids: Iterable[str]) -> Iterator[bytes | None]:
        """Yield the line of each id in turn, None where nothing was observed."""
        if not self.offsets:
            yield from (None for _ in case_ids)
            return
        with self.path.open("rb") as file:
            for case_id in case_ids:
                offset = self.offsets.get(case_id)
                if offset is None:
                    yield None
                    continue
                file.seek(offset)
                yield file.readline()


def index_lines(directory: Path, target: str, look: Look = Look.FIRST) -> StoredLines:
    """Index the lines of a target's observations.

    Raises:
        HarnessError: a damaged line, or a case observed twice.
    """
    path = _place_log(directory, target, look)
    return StoredLines(path, _index_lines(path))


def decode_observation(directory: Path, target: str, line: bytes, look: Look = Look.FIRST) -> Observation:
    """Return the observation on a line of `StoredLines.read`.

    Raises:
        HarnessError: it is damaged.
    """
    try:
        held = msgspec.json.decode(line, type=dict[str, Any])
        return convert_observation(target, msgspec.convert(held, _CaseOnly).case, held)
    except (msgspec.DecodeError, UnicodeDecodeError, ArrayError) as error:
        path = _place_log(directory, target, look)
        raise HarnessError(f"{path}: damaged: {error}; remove the line and --resume") from error


def truncate_partial_line(directory: Path, target: str, look: Look = Look.FIRST) -> None:
    """Delete what follows the last whole line: an interrupted write, before a run is resumed."""
    path = _place_log(directory, target, look)
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        while size:
            step = min(size, 65536)
            file.seek(size - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                file.truncate(size - step + newline + 1)
                return
            size -= step
        file.truncate(0)


def _place_log(directory: Path, target: str, look: Look = Look.FIRST) -> Path:
    return directory / look / f"{target}.jsonl"


def _open_log(folder: Path, target: str) -> BinaryIO:
    return (folder / f"{target}.jsonl").open("ab")


def _index_lines(path: Path) -> Mapping[str, int]:
    """Return the offset of each case's line. A last line that was cut off while writing does not count."""
    index: dict[str, int] = {}
    decoder = msgspec.json.Decoder(_CaseOnly)
    try:
        with path.open("rb") as file:
            offset = 0
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    case_id = decoder.decode(line).case
                except msgspec.DecodeError as error:
                    raise HarnessError(
                        f"{path}:{number}: damaged: {error}; remove the line and --resume"
                    ) from error
                if case_id in index:
                    raise HarnessError(f"{path}:{number}: {case_id} was observed before; remove one line")
                index[case_id] = offset
                offset += len(line)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error
    return index
