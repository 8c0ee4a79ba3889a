"""The application, and the arguments and options that several commands share."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cases.suites import Library, load_library
from harness.cli.terminal import err
from harness.environments.cache import find_cache_directory
from harness.environments.notes import note_use
from harness.judge.documented_limits import Limit, load_limits
from harness.records import HostPython, Target
from harness.resources import cases_folder
from harness.targets.catalog import Catalog, read_catalog
from harness.targets.host_python import backend_note, is_installed
from harness.targets.selection import newest_per_minor, select
from harness.targets.variants import with_settings

app = typer.Typer(
    name="keras-harness",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How a listing is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


Suites = Annotated[list[str] | None, typer.Argument(metavar="[SUITE ...]", help="suites to take cases from")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t", "--target", metavar="TARGET", help="a name, glob, specifier, here, path:DIR or exec:COMMAND"
    ),
]
CasesFolders = Annotated[
    list[Path] | None, typer.Option("--cases", metavar="DIR", help="a folder of your own cases")
]
TargetsFiles = Annotated[
    list[Path] | None, typer.Option("--targets-file", metavar="FILE", help="a list of your own targets")
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", min=1, help="workers at once; one a processor unless given"),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="where the run goes")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="seconds a case may take")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="the folder of a run")]


Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="an environment variable of every target"),
]
NewestPerMinor = Annotated[
    bool, typer.Option("--newest-per-minor", help="of each minor version only the newest")
]


def library_of(folders: Sequence[Path] | None) -> Library:
    """The shipped cases and the person's own."""
    return load_library([cases_folder(), *(folders or ())])


def list_files(files: Sequence[Path] | None) -> tuple[Path, ...]:
    """The files of the shipped list of targets and of the person's own."""
    return (cases_folder() / "targets.toml", *(files or ()))


def catalog_of(files: Sequence[Path] | None) -> Catalog:
    """The shipped list of targets and the person's own."""
    return read_catalog(list_files(files))


def note_list(files: Sequence[Path] | None) -> None:
    """Keep others from removing what the list needs, before any of it is built or started."""
    catalog = catalog_of(files)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    note_use(list_files(files), catalog.targets, find_cache_directory(os.environ), now)


def chosen_targets(
    selectors: Sequence[str],
    files: Sequence[Path] | None,
    settings: Sequence[str] | None = None,
    *,
    newest_only: bool = False,
) -> tuple[Target, ...]:
    """The targets that a person asked for."""
    catalog = catalog_of(files)
    targets = select(selectors, catalog, os.environ, Path.cwd())
    is_here = any(isinstance(target.realisation, HostPython) for target in targets)
    if is_here and (note := backend_note(os.environ, is_installed)):
        err.print(note, style="dim", markup=False, soft_wrap=True)
    if newest_only:
        targets = newest_per_minor(targets)
    return with_settings(targets, settings or (), catalog.variants)


def shipped_limits() -> tuple[Limit, ...]:
    """What backends document that they do not do."""
    return load_limits(cases_folder() / "limits.toml")
