"""Judges a stored run: every observation by itself, and so many at once as there are processors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.generator.signals import SIGNALS_VERSION, signals_of
from harness.oracle import expect
from harness.processes import in_processes
from harness.records import Judged, Observation, Outcome, RunInfo, Stage, parse_case_id
from harness.store import read_case_ids, read_lines, unpacked
from harness.verdicts.compare import judge
from harness.verdicts.limits import Limit, limits_of

_SHARE: Final = 256
_MANY: Final = 2000
"""From so many findings on, other processes are worth their start."""


@dataclass(frozen=True, slots=True)
class _Share:
    """Some cases of a target, with the lines of what was observed."""

    directory: Path
    target: str
    limits: tuple[Limit, ...]
    missing: str
    lines: tuple[tuple[str, bytes | None], ...]


def judged(directory: Path, info: RunInfo, limits: Sequence[Limit]) -> Iterator[Judged]:
    """Every planned (case, target), sorted by target and case id; what was not observed is `not-run`.

    Raises:
        HarnessError: the run was made with other signals than this version's, or is damaged.
    """
    if info.header.signals != SIGNALS_VERSION:
        raise HarnessError(
            f"{directory}: observed with signals {info.header.signals}, this version makes {SIGNALS_VERSION};"
            " judge it with the version that made it, or run again"
        )
    shares = _shares(directory, info, limits)
    many = info.header.planned >= _MANY
    for part in in_processes(_judged, shares) if many else map(_judged, shares):
        yield from part


def _shares(directory: Path, info: RunInfo, limits: Sequence[Limit]) -> Iterator[_Share]:
    runs = info.target_runs
    for target in sorted(info.header.targets):
        run = runs.get(target)
        own = tuple(limits_of(limits, {} if run is None else run.fingerprint))
        missing = "the run ended early" if run is None or not run.failure else run.failure
        observed = read_lines(directory, target, read_case_ids(directory))
        lines = zip(read_case_ids(directory), observed, strict=True)
        while share := tuple(itertools.islice(lines, _SHARE)):
            yield _Share(directory, target, own, missing, share)


def _judged(share: _Share) -> list[Judged]:
    return [_judge(share, case_id, line) for case_id, line in share.lines]


def _judge(share: _Share, case_id: str, line: bytes | None) -> Judged:
    case = parse_case_id(case_id)
    if line is None:
        observation = Observation(share.target, case_id, Outcome.NOT_RUN, Stage.START, reason=share.missing)
    else:
        observation = unpacked(share.directory, share.target, line)
    expectation = expect(case, signals_of(case))
    return Judged(judge(case, expectation, observation, share.limits), expectation, observation)
