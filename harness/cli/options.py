"""The arguments and options that several commands share. Imports nothing slow: see `harness.cli.commands`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """The format of a listing."""

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
FormatOption = Annotated[Format, typer.Option("--format", help="how to write it")]
