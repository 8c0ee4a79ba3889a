"""Judges a stored run: each observation by itself, in as many processes as there are processors.

Before that, answers are compared with each other (`consistency`), so that it is known which findings are
inconsistent. The observations of a case by all targets are judged together, so that its expectation is
computed once; the results are yielded target by target, and wait on disk meanwhile.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import Final, TypeAlias

from harness.data.case_data import CASE_DATA_VERSION, make_case_data
from harness.errors import HarnessError
from harness.files import explain_disk_errors
from harness.judge.compare import judge_observation
from harness.judge.consistency import Disagreement, Disagreements, find_disagreements, mark_inconsistent
from harness.judge.documented_limits import DocumentedLimit, select_limits
from harness.judge.second_look import (
    RecheckCandidate,
    digest_divergence,
    is_reproduced,
    make_divergence_signature,
    mark_unstable,
)
from harness.oracle import expect
from harness.parallel import map_in_processes
from harness.records import (
    Case,
    Expectation,
    Judgement,
    Observation,
    Outcome,
    RunInfo,
    Stage,
    Verdict,
    parse_case_id,
)
from harness.runner.second_look import ChosenCases
from harness.store import Look, decode_observation, index_lines, read_case_ids

_SHARE_SIZE: Final = 256
"""The number of cases that a process judges at once."""

_IN_MEMORY: Final = 2**26
"""The bytes of findings that wait in memory; more of them wait in a temporary file."""

_MIN_PARALLEL_FINDINGS: Final = 2000
"""The number of findings from which starting other processes pays off."""

_Result: TypeAlias = tuple[Judgement, RecheckCandidate | None]


@dataclass(frozen=True, slots=True)
class _TargetShare:
    """What a target did with the cases of a share: the stored lines of the first and of the second look."""

    name: str
    limits: tuple[DocumentedLimit, ...]
    missing: str
    disagreements: Mapping[str, Disagreement]
    first: tuple[bytes | None, ...]
    again: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class _Share:
    """Some cases of a run, with what each target did with them."""

    directory: Path
    case_ids: tuple[str, ...]
    targets: tuple[_TargetShare, ...]


def judge_run(
    directory: Path,
    info: RunInfo,
    limits: Sequence[DocumentedLimit],
    note: Callable[[RecheckCandidate], None] = lambda _candidate: None,
) -> Iterator[Judgement]:
    """Yield the judgement of every planned (case, target), sorted by target and case id.

    What was not observed is `not-run`, and what a second look did not reproduce is `unstable`. `note` is
    called with each divergence of a single observation, in the same order; `inconsistent` findings concern
    several.

    Raises:
        HarnessError: the run has case data of another version or is damaged, or the disk is full.
    """
    if info.header.signals != CASE_DATA_VERSION:
        raise HarnessError(
            f"{directory}: observed with signals {info.header.signals}, this version makes"
            f" {CASE_DATA_VERSION}; judge it with the version that made it, or run again"
        )
    limits_of_target = _select_limits_by_target(info, limits)
    disagreements = find_disagreements(directory, info.header.targets, limits_of_target)
    shares = _iterate_shares(directory, info, limits_of_target, read_case_ids(directory), disagreements)
    many = info.header.planned >= _MIN_PARALLEL_FINDINGS
    parts = map_in_processes(_judge_share, shares) if many else map(_judge_share, shares)
    for judgement, candidate in _arrange_by_target(parts):
        if candidate is not None:
            note(candidate)
        yield judgement


def _arrange_by_target(parts: Iterable[Mapping[str, bytes]]) -> Iterator[_Result]:
    """Reorder results from case by case to target by target. All but the first target's wait on disk."""
    remedy = "set TMPDIR to a folder on a disk with space"
    with explain_disk_errors(gettempdir(), remedy), SpooledTemporaryFile(_IN_MEMORY) as spool:
        waiting: dict[str, list[int]] = {}
        for part in parts:
            first, *others = part.items()
            yield from pickle.loads(first[1])
            for target, results in others:
                waiting.setdefault(target, []).append(spool.tell())
                spool.write(results)
        for places in waiting.values():
            for place in places:
                spool.seek(place)
                yield from pickle.load(spool)


def update_candidates(
    directory: Path,
    info: RunInfo,
    limits: Sequence[DocumentedLimit],
    candidates: Iterable[RecheckCandidate],
    chosen: Mapping[str, ChosenCases],
) -> tuple[RecheckCandidate, ...]:
    """Return the candidates, updated after the chosen cases were run again."""
    limits_of_target = _select_limits_by_target(info, limits)
    updated: dict[tuple[str, str], RecheckCandidate] = {}
    for target, to_recheck in chosen.items():
        case_ids = (case.id for case in (*to_recheck.cases, *to_recheck.deadly_cases))
        for share in _iterate_shares(directory, info, {target: limits_of_target[target]}, case_ids, {}):
            results: list[_Result] = pickle.loads(_judge_share(share)[target])
            updated.update(
                {(target, candidate.case_id): candidate for _, candidate in results if candidate is not None}
            )
    return tuple(updated.get((candidate.target, candidate.case_id), candidate) for candidate in candidates)


def _select_limits_by_target(
    info: RunInfo, limits: Sequence[DocumentedLimit]
) -> Mapping[str, tuple[DocumentedLimit, ...]]:
    runs = info.target_runs
    return {
        target: select_limits(limits, runs[target].fingerprint if target in runs else {})
        for target in info.header.targets
    }


def _iterate_shares(
    directory: Path,
    info: RunInfo,
    limits: Mapping[str, tuple[DocumentedLimit, ...]],
    case_ids: Iterable[str],
    disagreements: Disagreements,
) -> Iterator[_Share]:
    """Yield shares of the cases, with what the targets of `limits`, sorted by name, did with them."""
    names = sorted(limits)
    stored = {(name, look): index_lines(directory, name, look) for name in names for look in Look}
    ids = iter(case_ids)
    while share_ids := tuple(islice(ids, _SHARE_SIZE)):
        targets = (
            _TargetShare(
                name,
                limits[name],
                _explain_missing(info, name),
                {
                    case_id: disagreements[name, case_id]
                    for case_id in share_ids
                    if (name, case_id) in disagreements
                },
                *(tuple(stored[name, look].read(share_ids)) for look in Look),
            )
            for name in names
        )
        yield _Share(directory, share_ids, tuple(targets))


def _explain_missing(info: RunInfo, target: str) -> str:
    """Return why a case of a target was not observed."""
    run = info.target_runs.get(target)
    return "the run ended early" if run is None or not run.failure else run.failure


def _judge_share(share: _Share) -> dict[str, bytes]:
    """Judge what every target did with the cases of a share: by target a pickled list, sorted by case."""
    results: dict[str, list[_Result]] = {target.name: [] for target in share.targets}
    for place, case_id in enumerate(share.case_ids):
        case = parse_case_id(case_id)
        expectation = expect(case, make_case_data(case))
        for target in share.targets:
            results[target.name].append(_judge_case(share.directory, target, case, expectation, place))
    return {name: pickle.dumps(of_target, pickle.HIGHEST_PROTOCOL) for name, of_target in results.items()}


def _judge_case(
    directory: Path, target: _TargetShare, case: Case, expectation: Expectation, place: int
) -> _Result:
    """Judge a case: the first look with its cause, or both looks where the second showed something else."""
    line, again = target.first[place], target.again[place]
    if line is None:
        observation = Observation(target.name, case.id, Outcome.NOT_RUN, Stage.START, reason=target.missing)
    else:
        observation = decode_observation(directory, target.name, line)
    reproduced: bool | None = None
    if again is not None:
        first = judge_observation(case, expectation, observation, target.limits, with_cause=False)
        other = decode_observation(directory, target.name, again, Look.SECOND)
        second = judge_observation(case, expectation, other, target.limits, with_cause=False)
        reproduced = is_reproduced(first, second)
        if first.verdict is Verdict.DIVERGES and not reproduced:
            seen = Judgement(first, expectation, observation)
            unseen = RecheckCandidate(
                target.name, case.id, make_divergence_signature(seen), digest_divergence(seen), reproduced
            )
            return replace(seen, finding=mark_unstable(first, second)), unseen
    finding = judge_observation(case, expectation, observation, target.limits)
    judgement = Judgement(finding, expectation, observation)
    candidate = None
    if finding.verdict is Verdict.DIVERGES:
        candidate = RecheckCandidate(
            target.name,
            case.id,
            make_divergence_signature(judgement),
            digest_divergence(judgement),
            reproduced,
        )
    disagreement = target.disagreements.get(case.id)
    if disagreement is not None:
        judgement = replace(judgement, finding=mark_inconsistent(finding, disagreement))
    return judgement, candidate
