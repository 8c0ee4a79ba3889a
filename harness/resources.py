"""The locations of the cases and the worker that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent
"""The folder of the package."""

WORKER: Final = PACKAGE / "worker" / "__main__.py"
"""The program that runs in a target's environment."""


def find_cases_folder() -> Path:
    """Return the shipped `cases/`: beside the package in a checkout, inside it when installed."""
    installed = PACKAGE / "_cases"
    return installed if installed.is_dir() else PACKAGE.parent / "cases"
