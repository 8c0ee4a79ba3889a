"""`strength`: measure suites by the mutants that they catch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from harness.cli.options import CasesFolders, Suites
from harness.errors import EXIT_UNEXPECTED

if TYPE_CHECKING:
    from harness.mutation.kills import Survivor

_MAX_SHOWN: Final = 20
"""The most survivors that are printed; the files have them all."""


def command(
    suites: Suites = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="where the kill matrix goes")
    ] = None,
    cases: CasesFolders = None,
) -> None:
    """Measure suites by the mutants that they catch; one that the last suite leaves alive is a failure."""
    from harness.cli import inputs
    from harness.cli.terminal import err, out
    from harness.mutation.kill_matrix import count_kills_of_suite
    from harness.mutation.library import list_all_mutants
    from harness.mutation.tables import write_strength

    mutants = list_all_mutants()
    kills_by_suite = [
        count_kills_of_suite(suite, inputs.read_cases(cases, [suite])) for suite in suites or ("core",)
    ]
    if output is not None:
        write_strength(output, kills_by_suite, mutants)
        out.print(str(output / "strength.md"), markup=False, soft_wrap=True)
    alive: tuple[Survivor, ...] = ()
    for kills in kills_by_suite:
        alive = kills.find_survivors(mutants)
        out.print(f"{kills.suite}: {kills.cases:,} cases, {len(mutants)} mutants, {len(alive)} alive")
    for survivor in alive[:_MAX_SHOWN]:
        err.print(str(survivor), style="red", markup=False, soft_wrap=True)
    if len(alive) > _MAX_SHOWN:
        err.print(f"and {len(alive) - _MAX_SHOWN:,} more; -o DIR writes them all", style="red")
    if alive:
        raise typer.Exit(EXIT_UNEXPECTED)
