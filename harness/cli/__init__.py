"""The command line: wiring only, each command a short list of steps.

A `HarnessError` ends a command with its message and its exit code, without a traceback; anything
else is a defect of the harness, ends with code 4 and shows the traceback.
"""

from __future__ import annotations

import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

from harness.cli import (  # noqa: F401  (each adds its commands to the application)
    commands,
    environments,
    strength,
    tables,
)
from harness.cli.options import app
from harness.cli.terminal import err
from harness.errors import EXIT_INTERNAL, HarnessError


def main() -> NoReturn:
    """Run the command that `sys.argv` names."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except HarnessError as error:
        err.print(f"keras-harness: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        sys.exit(EXIT_INTERNAL)
    raise AssertionError("a command ends by exiting")


def _interrupt(_signum: int, _frame: FrameType | None) -> NoReturn:
    """A request to terminate ends a run as Ctrl-C does: readable, with a footer."""
    raise KeyboardInterrupt
