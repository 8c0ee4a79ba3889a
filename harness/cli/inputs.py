"""Read what options name: cases, targets and limits, those that are shipped and the user's own."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path

from harness.cases.suite_cache import read_or_expand
from harness.cases.suites import Library, load_library
from harness.cli.terminal import err
from harness.environments.cache import find_cache_directory
from harness.environments.notes import note_use
from harness.judge.documented_limits import DocumentedLimit, load_limits
from harness.records import Case, HostPython, Target
from harness.resources import find_cases_folder
from harness.targets.catalog import Catalog, read_catalog
from harness.targets.host_python import describe_backend_choice, is_installed
from harness.targets.selection import select_from_catalog, select_newest_per_minor
from harness.targets.variants import apply_settings


def read_library(folders: Sequence[Path] | None) -> Library:
    """Read the shipped grids and suites and the user's own."""
    return load_library(_list_case_folders(folders))


def read_cases(folders: Sequence[Path] | None, suites: Sequence[str]) -> tuple[Case, ...]:
    """Return the cases of suites, each once.

    Raises:
        HarnessError: a suite is unknown or invalid.
    """
    return read_or_expand(_list_case_folders(folders), suites, find_cache_directory(os.environ))


def list_files(files: Sequence[Path] | None) -> tuple[Path, ...]:
    """Return the files of the shipped list of targets and of the user's own."""
    return (find_cases_folder() / "targets.toml", *(files or ()))


def read_targets(files: Sequence[Path] | None) -> Catalog:
    """Read the shipped list of targets and the user's own."""
    return read_catalog(list_files(files))


def note_list(files: Sequence[Path] | None) -> None:
    """Record that the list is in use, so that nobody removes what it needs; call this before building."""
    catalog = read_targets(files)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    note_use(list_files(files), catalog.targets, find_cache_directory(os.environ), now)


def select_targets(
    selectors: Sequence[str],
    files: Sequence[Path] | None,
    settings: Sequence[str] | None = None,
    *,
    newest_only: bool = False,
) -> tuple[Target, ...]:
    """Return the targets that the user selects."""
    catalog = read_targets(files)
    targets = select_from_catalog(selectors, catalog, os.environ, Path.cwd())
    uses_host_python = any(isinstance(target.realisation, HostPython) for target in targets)
    if uses_host_python and (note := describe_backend_choice(os.environ, is_installed)):
        err.print(note, style="dim", markup=False, soft_wrap=True)
    if newest_only:
        targets = select_newest_per_minor(targets)
    return apply_settings(targets, settings or (), catalog.variants)


def read_shipped_limits() -> tuple[DocumentedLimit, ...]:
    """Read the documented limits of backends."""
    return load_limits(find_cases_folder() / "limits.toml")


def _list_case_folders(folders: Sequence[Path] | None) -> list[Path]:
    return [find_cases_folder(), *(folders or ())]
