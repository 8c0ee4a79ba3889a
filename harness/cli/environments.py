"""The commands about targets and their environments: list, build ahead, remove, examine."""

from __future__ import annotations

import os
import sys
import threading
from typing import Annotated

import typer

from harness.cases.suites import cases_of
from harness.cli import listing
from harness.cli.doctor import examine
from harness.cli.options import (
    Format,
    Jobs,
    NewestPerMinor,
    Targets,
    TargetsFiles,
    app,
    catalog_of,
    chosen_targets,
    library_of,
    list_files,
    note_list,
)
from harness.cli.terminal import err, out
from harness.environments.cache import find_cache_directory, measure_cache, remove_environment, remove_stale
from harness.environments.prepare_many import prepare_all
from harness.errors import EXIT_INCOMPLETE, EXIT_OK
from harness.resources import WORKER
from harness.targets.selection import NEWEST


@app.command("targets")
def targets_command(
    selectors: Annotated[list[str] | None, typer.Argument(metavar="[SELECTOR ...]")] = None,
    targets_file: TargetsFiles = None,
    newest_only: NewestPerMinor = False,
    form: Annotated[Format, typer.Option("--format", help="how to write it")] = Format.TABLE,
) -> None:
    """List targets, and which are built here."""
    chosen = chosen_targets(selectors or ["*"], targets_file, newest_only=newest_only)
    rows = listing.target_rows(chosen, find_cache_directory(os.environ))
    match form:
        case Format.TABLE:
            listing.print_targets(rows)
            listing.print_variants(catalog_of(targets_file).variants)
        case Format.CSV:
            listing.write_csv(rows, sys.stdout)
        case Format.JSON:
            listing.write_json(rows, sys.stdout)


@app.command("prepare")
def prepare_command(
    target: Targets = None,
    jobs: Jobs = None,
    targets_file: TargetsFiles = None,
    newest_only: NewestPerMinor = False,
    removing: Annotated[
        bool, typer.Option("--remove", help="remove the environments of these targets instead")
    ] = False,
    removing_stale: Annotated[
        bool, typer.Option("--remove-stale", help="remove environments that no list of targets needs")
    ] = False,
) -> None:
    """Build environments ahead of a run, or remove them."""
    cache = find_cache_directory(os.environ)
    if removing_stale:
        folders = remove_stale(list_files(targets_file), catalog_of(targets_file).targets, cache)
        out.print(f"{len(folders)} stale environments removed")
        _print_use()
        raise typer.Exit(EXIT_OK)
    chosen = chosen_targets(target or [NEWEST], targets_file, newest_only=newest_only)
    if removing:
        for one in chosen:
            done = "removed" if remove_environment(one, cache) else "was not built"
            out.print(f"{one.name}: {done}", markup=False, soft_wrap=True)
        _print_use()
        raise typer.Exit(EXIT_OK)
    note_list(targets_file)
    stop = threading.Event()
    try:
        failures = prepare_all(chosen, cache, WORKER, os.environ, _say, jobs or os.cpu_count() or 1, stop)
    finally:
        stop.set()
    for failure in failures:
        err.print(f"{failure.target.name}: {failure.error}", style="red", markup=False, soft_wrap=True)
    out.print(f"{len(chosen) - len(failures)} of {len(chosen)} targets are ready, {len(failures)} failed")
    _print_use()
    raise typer.Exit(EXIT_INCOMPLETE if failures else EXIT_OK)


@app.command("doctor")
def doctor_command(targets_file: TargetsFiles = None) -> None:
    """Say which interpreters and environments are here, and run the canaries."""
    cases = cases_of(library_of(None), ("smoke",))
    catalog = catalog_of(targets_file)
    raise typer.Exit(
        examine(
            list_files(targets_file), catalog.targets, find_cache_directory(os.environ), os.environ, cases
        )
    )


def _print_use() -> None:
    """How much disk the cache takes."""
    cache = find_cache_directory(os.environ)
    out.print(listing.use_line(cache, measure_cache(cache)), markup=False, soft_wrap=True)


def _say(message: str) -> None:
    err.print(message, style="dim", markup=False, soft_wrap=True)
