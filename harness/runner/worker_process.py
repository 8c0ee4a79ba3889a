"""One worker process: start it, exchange lines, and end it with everything it started."""

from __future__ import annotations

import contextlib
import itertools
import queue
import signal
import subprocess
import threading
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from harness.errors import Cancelled
from harness.processes import end_process, start_process
from harness.records import Fingerprint, WorkerCommand
from harness.runner import wire

_TAIL_LINES: Final = 5
_HELLO_WANTED: Final = "a worker's first line says hello, as in harness/worker/README.md"
_POLL_S: Final = 0.2
_MAX_LINE: Final = 2**28
_GRACE_S: Final = 1.0
"""The seconds that a worker has to exit after `bye`."""


class StartFailure(Exception):
    """A worker that did not start; the message ends with its last output."""


class WorkerGone(Exception):
    """The end of a worker's output."""


class WorkerSilent(Exception):
    """A message that did not come in time."""


def read_log_end(log: Path, start: int) -> str:
    """Return the end of what was written to a log after `start`, introduced, or ""."""
    with contextlib.suppress(OSError), log.open("rb") as written:
        written.seek(start)
        lines = written.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return "; its log ends: " + " | ".join(line.strip() for line in lines[-_TAIL_LINES:])
    return ""


class WorkerProcess:
    """A running worker. A context manager that leaves no process behind.

    `sequence` numbers the cases that it is sent, so that no number is used twice.

    Args:
        command: the program, and its whole environment.
        log: where the worker's stderr is appended.
        stop: set when the run ends.

    Raises:
        StartFailure: the command cannot be executed.
    """

    def __init__(self, command: WorkerCommand, log: Path, stop: threading.Event) -> None:
        self.sequence = itertools.count()
        self._log = log
        self._stop = stop
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._unsent: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        try:
            with log.open("ab") as stderr:
                self._log_start = stderr.tell()
                self._process = start_process(command.argv, command.environment, stderr)
        except OSError as error:
            raise StartFailure(f"{command.argv[0]}: {error.strerror}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._threads = (
            threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._write, args=(self._process.stdin,), daemon=True),
        )
        for thread in self._threads:
            thread.start()
        self.send(wire.encode_hello())

    def await_hello(self, timeout_s: float) -> Fingerprint:
        """Wait for the worker's answer to the hello that was sent when it started.

        Raises:
            StartFailure: no hello in time, another protocol, or the worker says it cannot start.
            Cancelled: the run is ending.
        """
        try:
            message = self.receive(timeout_s)
        except WorkerSilent as silence:
            raise StartFailure(
                f"no hello came within {timeout_s:g} s; {_HELLO_WANTED}{self.read_last_words()}"
            ) from silence
        except WorkerGone as gone:
            raise StartFailure(
                f"the worker ended before its hello: {self.describe_death()}{self.read_last_words()}"
            ) from gone
        except wire.WireError as error:
            raise StartFailure(f"instead of a hello {error}; {_HELLO_WANTED}") from error
        match message:
            case wire.Failed(error=reported):
                raise StartFailure(f"{reported}{self.read_last_words()}")
            case wire.Hello(protocol=wire.PROTOCOL, fingerprint=fingerprint):
                return fingerprint
            case wire.Hello(protocol=protocol):
                raise StartFailure(
                    f"the worker speaks protocol {protocol}, the harness {wire.PROTOCOL}; update the worker"
                )
            case _:
                kind = type(message).__name__.removesuffix("Line").lower()
                raise StartFailure(f"it sent {kind!r} where its hello should be; {_HELLO_WANTED}")

    def send(self, line: bytes) -> None:
        """Queue one line, without waiting for the worker to read it."""
        self._unsent.put(line)

    def receive(self, timeout_s: float) -> wire.Message:
        """Return the next message.

        Raises:
            WorkerSilent: none came within `timeout_s`.
            WorkerGone: the worker closed its end, or ended and left it to a child.
            WireError: a line that is no message.
            Cancelled: the run is ending.
        """
        until = time.monotonic() + timeout_s
        has_ended = False
        while not self._stop.is_set():
            remaining_s = until - time.monotonic()
            if remaining_s <= 0:
                raise WorkerSilent
            try:
                line = self._lines.get(timeout=min(remaining_s, _POLL_S))
            except queue.Empty:
                if has_ended:
                    raise WorkerGone from None
                has_ended = self._process.poll() is not None
                continue
            if line is None:
                self._lines.put(None)
                raise WorkerGone
            return wire.parse_message(line)
        raise Cancelled

    def describe_death(self) -> str:
        """Return how the process ended, in words; it has closed its end, so it is ended if need be."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed the protocol and went on"
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def read_last_words(self) -> str:
        """Return the end of what this worker wrote to the log, introduced, or ""."""
        return read_log_end(self._log, self._log_start)

    def kill(self) -> None:
        """End the process and every process it started."""
        end_process(self._process)

    def close(self) -> None:
        """Ask the worker to exit; end it if it does not within a second."""
        self.send(wire.encode_bye())
        self._unsent.put(None)
        end_process(self._process, _GRACE_S)
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.kill()
        self.close()

    def _read(self, stream: IO[bytes]) -> None:
        """Queue lines until the end; runs in a thread of its own, since pipes have no timeout."""
        with contextlib.suppress(OSError, ValueError), stream:
            for line in iter(partial(stream.readline, _MAX_LINE), b""):
                self._lines.put(line)
        self._lines.put(None)

    def _write(self, stream: IO[bytes]) -> None:
        """Write lines until the end; runs in a thread of its own, since a worker may not read them."""
        with contextlib.suppress(OSError), stream:
            while (line := self._unsent.get()) is not None:
                stream.write(line)
                stream.flush()
