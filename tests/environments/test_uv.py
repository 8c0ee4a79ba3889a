from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.environments.uv import Installer, find_uv, make_uv_environment, run_uv, run_uv_checked
from harness.errors import EXIT_INCOMPLETE, HarnessError

SAYINGS = [
    (
        "cause: Because there is no version of keras==99.1 and you require keras==99.1, we can conclude",
        "the registry has no such set of pinned packages",
    ),
    (
        "cause: Because nosuch was not found in the package registry and you require nosuch==1",
        "the registry has no such set of pinned packages",
    ),
    (
        "error: No solution found when resolving dependencies\n"
        "cause: Because tensorflow==1.15.0 has no wheels with a matching Python ABI tag (e.g., `cp311`)",
        "a pinned package has no wheel for this platform or Python",
    ),
    (
        "hint: Wheels are available for `jaxlib` (v0.10.2) on the following platforms: `win_amd64`",
        "a pinned package has no wheel for this platform or Python",
    ),
    (
        "error: Failed to fetch: https://registry.invalid/keras/\n  cause: Connection refused (os error 111)",
        "the package registry cannot be reached",
    ),
    (
        "hint: Packages were unavailable because the network was disabled.",
        "uv is told to stay offline",
    ),
    (
        "error: No solution found when resolving dependencies\n"
        "cause: Because tensorflow==2.15.1 has no wheels with a matching Python implementation tag",
        "a pinned package has no wheel for this platform or Python",
    ),
    (
        "error: No solution found when resolving dependencies\n"
        "cause: Because the current Python version (3.6.15) does not satisfy Python>=3.11 and keras==3.15.1",
        "a pinned package is not made for this version of Python",
    ),
    ("error: No interpreter found at path `/gone/bin/python`", "the Python that it stands on is gone"),
    (
        "error: No virtual environment or system Python installation found for path `bin/python`",
        "the Python that it stands on is gone",
    ),
    (
        "error: Failed to install: keras-2.3.1-py2.py3-none-any.whl (keras==2.3.1)\n"
        "cause: failed to open file `/cache/archive-v0/4D3b/Keras-2.3.1.dist-info/METADATA`: No such file",
        "uv's own cache is broken",
    ),
    (
        "error: Failed to initialize cache at `x`\n  cause: failed to create: File exists (os error 17)",
        "uv's own cache is broken",
    ),
    ("cause: No space left on device (os error 28)", "the disk is full"),
    ("cause: Permission denied (os error 13)", "a folder cannot be written"),
    ("error: something else", "uv failed"),
]


def installer(tmp_path: Path, script: str) -> Installer:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Installer(program, {"PATH": os.environ["PATH"]}, tmp_path, tmp_path / "log.txt")


@pytest.mark.parametrize(("said", "meaning"), SAYINGS)
def test_a_failure_is_told_with_its_meaning_last_lines_and_log(
    tmp_path: Path, said: str, meaning: str
) -> None:
    failing = installer(tmp_path, f"cat >&2 <<'END'\n{said}\nEND\nexit 2")
    with pytest.raises(HarnessError) as caught:
        run_uv_checked(failing, "keras3.15.1-jax", ("pip", "compile"))
    message = str(caught.value)
    assert message.startswith("keras3.15.1-jax cannot be prepared: ")
    assert meaning in message.splitlines()[0]
    assert said.splitlines()[-1].strip() in message
    assert f"full log: {failing.log}" in message
    assert said in failing.log.read_text()
    assert caught.value.exit_code == EXIT_INCOMPLETE


def test_calls_are_logged_one_after_the_other(tmp_path: Path) -> None:
    echo = installer(tmp_path, 'echo "called $4"')
    assert run_uv(echo, ("first",)).output == "called first\n"
    assert run_uv_checked(echo, "any", ("second",)) == "called second\n"
    assert echo.log.read_text() == "$ uv first\ncalled first\n\n$ uv second\ncalled second\n\n"


def test_uv_is_not_led_to_another_python() -> None:
    host = {
        "VIRTUAL_ENV": "x",
        "CONDA_PREFIX": "x",
        "PYTHONPATH": "x",
        "PYTHONHOME": "x",
        "UV_FIND_LINKS": "l",
    }
    assert make_uv_environment(host) == {"UV_FIND_LINKS": "l"}


def test_network_and_uv_settings_reach_uv() -> None:
    host = {"HTTPS_PROXY": "p", "SSL_CERT_FILE": "c", "UV_DEFAULT_INDEX": "i", "UV_TORCH_BACKEND": "auto"}
    assert make_uv_environment(host) == host


@pytest.mark.parametrize(
    ("host", "added"),
    [
        ({}, {"UV_TORCH_BACKEND": "cpu"}),
        ({"PIP_FIND_LINKS": "one two"}, {"UV_FIND_LINKS": "one,two"}),
        ({"PIP_FIND_LINKS": " "}, {"UV_TORCH_BACKEND": "cpu"}),
        ({"PIP_FIND_LINKS": "one", "UV_FIND_LINKS": "own"}, {}),
        ({"UV_FIND_LINKS": "own"}, {}),
    ],
)
def test_the_cpu_build_of_torch_is_found(host: dict[str, str], added: dict[str, str]) -> None:
    assert make_uv_environment(host) == host | added


def test_uv_comes_with_the_harness() -> None:
    assert find_uv().is_file()


def test_a_missing_uv_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("no uv here")

    monkeypatch.setattr("uv.find_uv_bin", missing)
    with pytest.raises(HarnessError, match="run `pip install uv`") as caught:
        find_uv()
    assert caught.value.exit_code == EXIT_INCOMPLETE
