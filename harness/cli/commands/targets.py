"""`targets`: list targets."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from harness.cli.options import Format, FormatOption, NewestPerMinor, TargetsFiles


def command(
    *,
    selectors: Annotated[list[str] | None, typer.Argument(metavar="[SELECTOR ...]")] = None,
    targets_file: TargetsFiles = None,
    newest_only: NewestPerMinor = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """List targets, and which are built here."""
    from harness.cli import inputs, listing
    from harness.environments.cache import find_cache_directory

    selected = inputs.select_targets(selectors or ["*"], targets_file, newest_only=newest_only)
    rows = listing.make_target_rows(selected, find_cache_directory(os.environ))
    match form:
        case Format.TABLE:
            listing.print_targets(rows)
            listing.print_variants(inputs.read_targets(targets_file).variants)
        case Format.CSV:
            listing.write_csv(rows, sys.stdout)
        case Format.JSON:
            listing.write_json(rows, sys.stdout)
