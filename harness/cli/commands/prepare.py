"""`prepare`: build environments ahead of a run, or remove them."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import Jobs, NewestPerMinor, Targets, TargetsFiles
from harness.errors import EXIT_INCOMPLETE

if TYPE_CHECKING:
    from harness.environments.prepare_many import Failure
    from harness.records import Target


def command(
    *,
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
    from harness.cli import inputs, listing
    from harness.cli.terminal import out
    from harness.environments.cache import find_cache_directory, measure_cache
    from harness.targets.selection import NEWEST

    cache = find_cache_directory(os.environ)
    failures: Sequence[Failure] = ()
    if removing_stale:
        _remove_stale(targets_file, cache)
    else:
        selected = inputs.select_targets(target or [NEWEST], targets_file, newest_only=newest_only)
        if removing:
            _remove(selected, cache)
        else:
            inputs.note_list(targets_file)
            failures = _build(selected, cache, jobs or os.cpu_count() or 1)
    out.print(listing.describe_disk_use(cache, measure_cache(cache)), markup=False, soft_wrap=True)
    if failures:
        raise typer.Exit(EXIT_INCOMPLETE)


def _remove_stale(targets_files: Sequence[Path] | None, cache: Path) -> None:
    from harness.cli import inputs
    from harness.cli.terminal import out
    from harness.environments.cache import remove_stale

    files = inputs.list_files(targets_files)
    folders = remove_stale(files, inputs.read_targets(targets_files).targets, cache)
    out.print(f"{len(folders)} stale environments removed")


def _remove(targets: Sequence[Target], cache: Path) -> None:
    from harness.cli.terminal import out
    from harness.environments.cache import remove_environment

    for target in targets:
        result = "removed" if remove_environment(target, cache) else "was not built"
        out.print(f"{target.name}: {result}", markup=False, soft_wrap=True)


def _build(targets: Sequence[Target], cache: Path, jobs: int) -> Sequence[Failure]:
    """Build the environments of the targets and print the progress; return the failures."""
    from harness.cli.terminal import err, out
    from harness.environments.prepare_many import prepare_all
    from harness.resources import WORKER

    def print_progress(message: str) -> None:
        err.print(message, style="dim", markup=False, soft_wrap=True)

    stop = threading.Event()
    try:
        failures = prepare_all(targets, cache, WORKER, os.environ, print_progress, jobs, stop)
    finally:
        stop.set()
    for failure in failures:
        err.print(f"{failure.target.name}: {failure.error}", style="red", markup=False, soft_wrap=True)
    out.print(f"{len(targets) - len(failures)} of {len(targets)} targets are ready, {len(failures)} failed")
    return failures
