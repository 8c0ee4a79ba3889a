"""Reads the tables of Markdown."""

from __future__ import annotations

import re
from itertools import groupby


def widths_of_tables(text: str) -> list[set[int]]:
    """How many cells the lines of each table have; a table that is whole has one number."""
    return [
        {len(re.findall(r"(?<!\\)\|", line)) - 1 for line in lines}
        for is_table, lines in groupby(text.splitlines(), key=lambda line: line.startswith("|"))
        if is_table
    ]
