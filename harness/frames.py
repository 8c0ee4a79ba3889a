"""Findings as pandas DataFrames, for further analysis in Python. Nothing else imports this module."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import pandas as pd

from harness.errors import HarnessError


def load(run: str | PathLike[str]) -> pd.DataFrame:
    """Load the findings of a run: a row for each case and target, under the columns of `findings.csv`.

    `silent` is boolean, `max_abs_error` a float; all others are strings, empty where absent.

    Raises:
        HarnessError: the folder holds no `findings.csv`.
    """
    path = Path(run, "findings.csv")
    try:
        with path.open(encoding="utf-8") as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}; `keras-harness judge {run}` writes it") from error
    table["silent"] = table["silent"] == "true"
    table["max_abs_error"] = pd.to_numeric(table["max_abs_error"])
    return table
