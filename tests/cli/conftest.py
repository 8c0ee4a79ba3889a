from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli import main


@dataclass(frozen=True)
class Ended:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ended]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """Run `keras-harness ARGUMENTS` in the empty folder `tmp_path`, which is also the user's home."""
    monkeypatch.chdir(tmp_path)
    for variable, value in (
        ("HOME", str(tmp_path)),
        ("KERAS_HARNESS_CACHE", str(tmp_path / "cache")),
        ("COLUMNS", "200"),
        ("UV_OFFLINE", "1"),
    ):
        monkeypatch.setenv(variable, value)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["keras-harness", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        assert isinstance(caught.value.code, int)
        return Ended(caught.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def refused(cli: Cli) -> Callable[..., str]:
    """Return the message of a command that ends with a usage error, without a traceback."""

    def run(*arguments: str) -> str:
        ended = cli(*arguments)
        assert ended.code == 2, ended
        assert ended.err
        assert "Traceback" not in ended.out + ended.err
        return ended.err

    return run
