"""The command line: wiring only, each command a short list of steps.

A `HarnessError` ends a command with its message and exit code, without a traceback; any other exception is a
defect of the harness and ends it with code 4 and the traceback.
"""

from __future__ import annotations

import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli.commands import read_commands
from harness.errors import EXIT_INTERNAL, HarnessError


def main() -> NoReturn:
    """Run the command that `sys.argv` names."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        build_application()()
    except HarnessError as error:
        # Rich takes as long to load as everything that `--help` needs, and `--help` does not need Rich.
        from harness.cli.terminal import err  # noqa: PLC0415

        err.print(f"keras-harness: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        sys.exit(EXIT_INTERNAL)
    raise AssertionError("a command ends by exiting")


def build_application() -> typer.Typer:
    """Build the application of all commands."""
    application = typer.Typer(
        name="keras-harness",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    application.callback()(_accept_global_options)
    for name, command in read_commands().items():
        application.command(name)(command)
    return application


def _print_version(*, is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"keras-harness {__version__}")
        raise typer.Exit


def _accept_global_options(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="say the version")
    ] = False,
) -> None:
    """Does every Keras pad as the formulas say?"""


def _interrupt(_signum: int, _frame: FrameType | None) -> NoReturn:
    """Interrupt on a request to terminate, so that a run ends as with Ctrl-C: readable, with a footer."""
    raise KeyboardInterrupt
