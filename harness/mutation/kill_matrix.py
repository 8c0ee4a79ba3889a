"""Count the kills of a suite in as many processes as there are processors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import partial
from typing import Final

from harness.mutation.kills import Kills, count_kills
from harness.mutation.library import list_all_mutants
from harness.parallel import map_in_processes
from harness.records import Case, parse_case_id

_CHUNK_SIZE: Final = 64
"""Cases that a process gets at once."""


def count_kills_of_suite(suite: str, cases: Iterable[Case]) -> Kills:
    """Count which mutants each case of a suite catches."""
    kills = Kills(suite)
    ids = (case.id for case in cases)
    chunks = iter(lambda: tuple(itertools.islice(ids, _CHUNK_SIZE)), ())
    for chunk_kills in map_in_processes(partial(_count_chunk_kills, suite), chunks):
        kills.merge(chunk_kills)
    return kills


def _count_chunk_kills(suite: str, case_ids: tuple[str, ...]) -> Kills:
    """Count the kills of some cases in another process; ids are sent there, and counts back."""
    return count_kills(suite, map(parse_case_id, case_ids), list_all_mutants())
