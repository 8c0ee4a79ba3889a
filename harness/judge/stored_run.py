"""Judges a stored run: every observation by itself, so many at once as there are processors.

Before that, answers are held against each other (`consistency`); which findings say so is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Final

from harness.data.case_data import SIGNALS_VERSION, signals_of
from harness.errors import HarnessError
from harness.judge.compare import judge
from harness.judge.consistency import Disagreement, Disagreements, disagreements, inconsistent
from harness.judge.documented_limits import Limit, limits_of
from harness.judge.second_look import Doubt, comes_again, shown, signature_of, unstable
from harness.oracle import expect
from harness.parallel import in_processes
from harness.records import (
    Judged,
    Observation,
    Outcome,
    RunInfo,
    Stage,
    Verdict,
    parse_case_id,
)
from harness.runner.second_look import ChosenCases
from harness.store import Look, decode_observation, read_case_ids, read_lines

_SHARE: Final = 256
_MANY: Final = 2000
"""From so many findings on, other processes are worth their start."""


@dataclass(frozen=True, slots=True)
class _Share:
    """Some cases of a target, with the lines of what was observed at first and when asked again."""

    directory: Path
    target: str
    limits: tuple[Limit, ...]
    missing: str
    disagreements: Mapping[str, Disagreement]
    lines: tuple[tuple[str, bytes | None, bytes | None], ...]


def judged(
    directory: Path,
    info: RunInfo,
    limits: Sequence[Limit],
    note: Callable[[Doubt], None] = lambda _doubt: None,
) -> Iterator[Judged]:
    """Every planned (case, target), sorted by target and case id; what was not observed is `not-run`.

    What a second look did not show again is `unstable`. `note` is told each divergence that an observation
    shows by itself, in their order; what is `inconsistent` is of several.

    Raises:
        HarnessError: the run was made with other signals than this version's, or is damaged.
    """
    if info.header.signals != SIGNALS_VERSION:
        raise HarnessError(
            f"{directory}: observed with signals {info.header.signals}, this version makes {SIGNALS_VERSION};"
            " judge it with the version that made it, or run again"
        )
    known = _limits_by_target(info, limits)
    found = disagreements(directory, info.header.targets, known)
    shares = _shares(directory, info, known, lambda _: read_case_ids(directory), found)
    many = info.header.planned >= _MANY
    for part in in_processes(_judged, shares) if many else map(_judged, shares):
        for one, doubt in part:
            if doubt is not None:
                note(doubt)
            yield one


def looked_at(
    directory: Path,
    info: RunInfo,
    limits: Sequence[Limit],
    doubts: Iterable[Doubt],
    chosen: Mapping[str, ChosenCases],
) -> tuple[Doubt, ...]:
    """The same divergences after the chosen ones were asked again."""
    asked = {target: [case.id for case in (*own.cases, *own.deadly)] for target, own in chosen.items()}
    shares = _shares(
        directory, info, _limits_by_target(info, limits), lambda target: asked.get(target, ()), {}
    )
    found = (doubt for _, doubt in chain.from_iterable(map(_judged, shares)) if doubt is not None)
    news = {(doubt.target, doubt.case_id): doubt for doubt in found}
    return tuple(news.get((doubt.target, doubt.case_id), doubt) for doubt in doubts)


def _limits_by_target(info: RunInfo, limits: Sequence[Limit]) -> Mapping[str, tuple[Limit, ...]]:
    runs = info.target_runs
    return {
        target: limits_of(limits, runs[target].fingerprint if target in runs else {})
        for target in info.header.targets
    }


def _shares(
    directory: Path,
    info: RunInfo,
    limits: Mapping[str, tuple[Limit, ...]],
    case_ids_of: Callable[[str], Iterable[str]],
    found: Disagreements,
) -> Iterator[_Share]:
    """The planned cases of each target that `case_ids_of` gives at each call."""
    runs = info.target_runs
    for target in sorted(info.header.targets):
        run = runs.get(target)
        missing = "the run ended early" if run is None or not run.failure else run.failure
        looks = (read_lines(directory, target, case_ids_of(target), look) for look in Look)
        lines = zip(case_ids_of(target), *looks, strict=True)
        while share := tuple(islice(lines, _SHARE)):
            told = {case_id: found[target, case_id] for case_id, *_ in share if (target, case_id) in found}
            yield _Share(directory, target, limits[target], missing, told, share)


def _judged(share: _Share) -> list[tuple[Judged, Doubt | None]]:
    return [_judge(share, *lines) for lines in share.lines]


def _judge(
    share: _Share, case_id: str, line: bytes | None, again: bytes | None
) -> tuple[Judged, Doubt | None]:
    """What the first look showed, with its cause; where the second one showed something else, both."""
    came_again = None
    if again is not None:
        first = _first(share, case_id, line, with_cause=False)
        second = _second(share, first, again)
        came_again = comes_again(first.finding, second.finding)
        if first.finding.verdict is Verdict.DIVERGES and not came_again:
            one = replace(first, finding=unstable(first.finding, second.finding))
            return one, Doubt(share.target, case_id, signature_of(first), shown(first), came_again)
    one = _first(share, case_id, line, with_cause=True)
    doubt = None
    if one.finding.verdict is Verdict.DIVERGES:
        doubt = Doubt(share.target, case_id, signature_of(one), shown(one), came_again)
    disagreement = share.disagreements.get(case_id)
    if disagreement is not None:
        one = replace(one, finding=inconsistent(one.finding, disagreement))
    return one, doubt


def _first(share: _Share, case_id: str, line: bytes | None, *, with_cause: bool) -> Judged:
    case = parse_case_id(case_id)
    if line is None:
        observation = Observation(share.target, case_id, Outcome.NOT_RUN, Stage.START, reason=share.missing)
    else:
        observation = decode_observation(share.directory, share.target, line)
    expectation = expect(case, signals_of(case))
    finding = judge(case, expectation, observation, share.limits, with_cause=with_cause)
    return Judged(finding, expectation, observation)


def _second(share: _Share, first: Judged, line: bytes) -> Judged:
    observation = decode_observation(share.directory, share.target, line, Look.SECOND)
    finding = judge(first.finding.case, first.expectation, observation, share.limits, with_cause=False)
    return replace(first, finding=finding, observation=observation)
