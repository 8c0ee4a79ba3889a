"""The one exception for a user's mistakes: shown without a traceback, with what to do next."""

from __future__ import annotations

from typing import Final

EXIT_OK: Final = 0
EXIT_UNEXPECTED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INCOMPLETE: Final = 3
EXIT_INTERNAL: Final = 4
EXIT_EMPTY: Final = 5
EXIT_INTERRUPTED: Final = 130


class HarnessError(Exception):
    """A mistake that the user can correct.

    The message names the place (file, key, target, case) and the remedy.
    `exit_code` is the exit code of the command line.
    """

    def __init__(self, message: str, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Cancelled(HarnessError):
    """Work abandoned because a run or command is ending."""

    def __init__(self) -> None:
        super().__init__("stopped before it was done", EXIT_INTERRUPTED)
