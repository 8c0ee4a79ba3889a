"""Asks every mutant many cases, by as many processes as there are processors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import partial
from typing import Final

from harness.mutation.kills import Kills, kills_of
from harness.mutation.library import every_mutant
from harness.parallel import in_processes
from harness.records import Case, parse_case_id

_CHUNK: Final = 64
"""Cases that a process is asked at once."""


def kills_of_suite(suite: str, cases: Iterable[Case]) -> Kills:
    """Ask every mutant of the library every case of a suite."""
    kills = Kills(suite)
    ids = (case.id for case in cases)
    chunks = iter(lambda: tuple(itertools.islice(ids, _CHUNK)), ())
    for part in in_processes(partial(_kills_of, suite), chunks):
        kills.merge(part)
    return kills


def _kills_of(suite: str, case_ids: tuple[str, ...]) -> Kills:
    """In a process of its own: what is sent there and back are ids and counts."""
    return kills_of(suite, map(parse_case_id, case_ids), every_mutant())
