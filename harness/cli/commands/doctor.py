"""`doctor`: check what is installed, what is missing, and whether the comparison catches every wrong rule."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from harness.cli.options import TargetsFiles
from harness.errors import EXIT_INCOMPLETE

if TYPE_CHECKING:
    from rich.table import Table

    from harness.records import Target


def command(targets_file: TargetsFiles = None) -> None:
    """Say which interpreters and environments are here, and run the canaries."""
    from rich.table import Table

    from harness.cli import inputs
    from harness.cli.terminal import show
    from harness.environments.cache import find_cache_directory
    from harness.judge.canaries import find_failing_canaries
    from harness.worker.adapters.processor import describe_processor

    cache, targets = find_cache_directory(os.environ), inputs.read_targets(targets_file).targets
    table = Table("check", "result", title=f"cache: {cache}")
    machine = describe_processor()
    table.add_row(
        "processor", f"{machine['processor']}: {machine['processor_isa'] or 'unknown instructions'}"
    )
    num_missing = _add_interpreters(table, targets, os.environ)
    _add_environments(table, inputs.list_files(targets_file), targets, cache)
    failures = find_failing_canaries(inputs.read_cases(None, ("smoke",)))
    table.add_row("canaries", "[red]" + "; ".join(failures) if failures else "every wrong rule is caught")
    show(table)
    if num_missing or failures:
        raise typer.Exit(EXIT_INCOMPLETE)


def _add_interpreters(table: Table, targets: Iterable[Target], environ: Mapping[str, str]) -> int:
    """Add a row for each Python that targets need; return how many are missing."""
    from harness.environments.interpreters import explain_how_to_get

    num_missing = 0
    needs = Counter(target.built.python for target in targets if target.built is not None)
    for version, path in _locate_interpreters(needs, environ):
        num_missing += path is None
        missing = f"[red]missing, and {needs[version]} targets need it: {explain_how_to_get(version)}"
        table.add_row(f"Python {version}", missing if path is None else str(path))
    return num_missing


def _locate_interpreters(
    versions: Iterable[str], environ: Mapping[str, str]
) -> Iterator[tuple[str, Path | None]]:
    """Yield each version of Python, oldest first, and its path or None."""
    from packaging.version import Version

    from harness.environments.interpreters import locate_interpreter
    from harness.environments.uv import Installer, find_uv, make_uv_environment

    with TemporaryDirectory(prefix="keras-harness-") as folder:
        installer = Installer(find_uv(), make_uv_environment(environ), Path(folder), Path(folder, "uv.log"))
        for version in sorted(versions, key=Version):
            yield version, locate_interpreter(version, environ, installer)


def _add_environments(table: Table, files: Sequence[Path], targets: Sequence[Target], cache: Path) -> None:
    """Add rows for the environments that are built or stale, and for their size; none has to be built."""
    from harness.cli.listing import describe_disk_use
    from harness.environments.cache import find_stale, is_built, measure_cache

    listed = Counter(target.family for target in targets)
    built = Counter(target.family for target in targets if is_built(target, cache))
    for family, number in listed.items():
        table.add_row(f"family {family}", f"{built[family]} of {number} built; a run builds the others")
    if stale := find_stale(files, targets, cache):
        table.add_row(
            "stale", f"{len(stale)} environments that no list of targets needs; `prepare --remove-stale`"
        )
    table.add_row("disk", describe_disk_use(cache, measure_cache(cache)))
