"""The oldest Python that targets run on, where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest


def require_python_3_6() -> str:
    """Return a Python 3.6 on PATH or in pyenv. Skips the test where none answers.

    `feature_version` checks the syntax everywhere; a real 3.6 also sees what its compiler alone refuses.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for candidate in (shutil.which("python3.6"), *root.glob("versions/3.6.*/bin/python3.6")):
        program = [str(candidate), "-I", "-c", "import sys; print(sys.version_info[:2])"]
        with contextlib.suppress(OSError):
            done = subprocess.run(program, capture_output=True, text=True, check=False)
            if done.stdout.strip() == "(3, 6)":
                return str(candidate)
    pytest.skip("no python3.6 on PATH, and none below versions/ of PYENV_ROOT or ~/.pyenv")


def compile_with(python: str, sources: Iterable[Path]) -> str:
    """Return a Python's message where it cannot compile the files; "" where it can."""
    program = (
        "import sys\nfor name in sys.argv[1:]: compile(open(name, encoding='utf-8').read(), name, 'exec')"
    )
    argv = [python, "-I", "-c", program, *map(str, sources)]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stderr
