from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.environments.interpreters import find_interpreter
from harness.environments.uv import Installer, make_uv_environment
from harness.errors import EXIT_INCOMPLETE, HarnessError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stands in for interpreters with shell scripts")


def write_interpreter(file: Path, version: str) -> Path:
    """Write a script that answers as an interpreter of this version does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\necho "CPython {version}"\necho "{file}"\n')
    file.chmod(0o755)
    return file


def write_stub(file: Path) -> Path:
    """Write what a version manager leaves on PATH for a version that is not chosen."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def installer(tmp_path: Path, host: dict[str, str], fake_uv: Path) -> Installer:
    return Installer(fake_uv, make_uv_environment(host), tmp_path, tmp_path / "log.txt")


def find(version: str, host: dict[str, str], installer: Installer) -> Path:
    return find_interpreter(version, host, installer, "keras2.0.0-theano")


def test_a_stub_on_path_that_fails_is_passed_over(
    tmp_path: Path, host: dict[str, str], installer: Installer
) -> None:
    broken = write_stub(tmp_path / "shims" / "python3.6")
    real = write_interpreter(tmp_path / "bin" / "python3.6", "3.6")
    assert find("3.6", host | {"PATH": f"{broken.parent}{os.pathsep}{real.parent}"}, installer) == real


def test_an_interpreter_of_another_version_is_passed_over(
    tmp_path: Path, host: dict[str, str], installer: Installer
) -> None:
    wrong = write_interpreter(tmp_path / "bin" / "python3.6", "3.7")
    right = write_interpreter(tmp_path / "pyenv" / "versions" / "3.6.15" / "bin" / "python3.6", "3.6")
    environ = host | {"PATH": str(wrong.parent), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert find("3.6", environ, installer) == right


def test_the_newest_patch_of_pyenv_comes_first(host: dict[str, str], installer: Installer) -> None:
    versions = Path(host["HOME"]) / ".pyenv" / "versions"
    older, newer, _other = (
        write_interpreter(versions / name / "bin" / "python3.6", "3.6")
        for name in ("3.6.9", "3.6.15", "3.60.1")
    )
    assert find("3.6", host, installer) == newer
    newer.unlink()
    assert find("3.6", host, installer) == older


def test_an_interpreter_that_uv_knows_is_found(tmp_path: Path, host: dict[str, str], fake_uv: Path) -> None:
    known = write_interpreter(tmp_path / "store" / "python3.6", "3.6")
    environ = host | {"FAKE_UV_PYTHON": str(known)}
    assert find("3.6", environ, Installer(fake_uv, environ, tmp_path, tmp_path / "log.txt")) == known


def test_the_running_interpreter_is_found(host: dict[str, str], installer: Installer) -> None:
    assert find("{}.{}".format(*sys.version_info[:2]), host, installer) == Path(sys.executable)


def test_a_missing_interpreter_is_told_with_the_places_and_the_remedy(
    tmp_path: Path, host: dict[str, str], installer: Installer
) -> None:
    with pytest.raises(HarnessError) as caught:
        find("3.2", host, installer)
    message = str(caught.value)
    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert "there is no working Python 3.2" in message
    assert str(Path(host["HOME"]) / ".pyenv" / "versions") in message
    assert "dns error" in message
    assert f"full log: {installer.log}" in message
    assert "`uv python install 3.2`" in message
    assert (tmp_path / "calls.txt").read_text().splitlines() == ["python find", "python install"]
