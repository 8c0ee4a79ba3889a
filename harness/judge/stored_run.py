"""Judges a stored run: every observation by itself, so many at once as there are processors.

Before that, answers are held against each other (`consistency`); which findings say so is known beforehand.
What all targets say of a case is judged together, so that its expectation is computed once; what is read
afterwards comes target by target, and waits on disk meanwhile.
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
"""Cases that a process judges at once."""

_IN_MEMORY: Final = 2**26
"""Bytes of findings that wait in memory; more wait in a temporary file."""

_MIN_PARALLEL_FINDINGS: Final = 2000
"""From so many findings on, other processes are worth their start."""

_Result: TypeAlias = tuple[Judgement, RecheckCandidate | None]


@dataclass(frozen=True, slots=True)
class _TargetShare:
    """What a target did with the cases of a share: the lines of the first look, and of the second."""

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
    note: Callable[[RecheckCandidate], None] = lambda _doubt: None,
) -> Iterator[Judgement]:
    """Every planned (case, target), sorted by target and case id; what was not observed is `not-run`.

    What a second look did not show again is `unstable`. `note` is told each divergence that an observation
    shows by itself, in their order; what is `inconsistent` is of several.

    Raises:
        HarnessError: the run was made with other signals than this version's, or is damaged, or the disk
            is full.
    """
    if info.header.signals != CASE_DATA_VERSION:
        raise HarnessError(
            f"{directory}: observed with signals {info.header.signals}, this version makes"
            f" {CASE_DATA_VERSION}; judge it with the version that made it, or run again"
        )
    known = _select_limits_by_target(info, limits)
    found = find_disagreements(directory, info.header.targets, known)
    shares = _iterate_shares(directory, info, known, read_case_ids(directory), found)
    many = info.header.planned >= _MIN_PARALLEL_FINDINGS
    parts = map_in_processes(_judge_share, shares) if many else map(_judge_share, shares)
    for one, doubt in _arrange_by_target(parts):
        if doubt is not None:
            note(doubt)
        yield one


def _arrange_by_target(parts: Iterable[Mapping[str, bytes]]) -> Iterator[_Result]:
    """Put what was judged case by case in the order of targets. All but the first target's waits on disk."""
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
    doubts: Iterable[RecheckCandidate],
    chosen: Mapping[str, ChosenCases],
) -> tuple[RecheckCandidate, ...]:
    """The same divergences after the chosen ones were asked again."""
    known = _select_limits_by_target(info, limits)
    news: dict[tuple[str, str], RecheckCandidate] = {}
    for target, own in chosen.items():
        case_ids = (case.id for case in (*own.cases, *own.deadly_cases))
        for share in _iterate_shares(directory, info, {target: known[target]}, case_ids, {}):
            results: list[_Result] = pickle.loads(_judge_share(share)[target])
            news.update({(target, doubt.case_id): doubt for _, doubt in results if doubt is not None})
    return tuple(news.get((doubt.target, doubt.case_id), doubt) for doubt in doubts)


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
    found: Disagreements,
) -> Iterator[_Share]:
    """Share the cases out, with what the targets of `limits` did with them, sorted by name."""
    names = sorted(limits)
    stored = {(name, look): index_lines(directory, name, look) for name in names for look in Look}
    ids = iter(case_ids)
    while some := tuple(islice(ids, _SHARE_SIZE)):
        targets = (
            _TargetShare(
                name,
                limits[name],
                _explain_missing(info, name),
                {case_id: found[name, case_id] for case_id in some if (name, case_id) in found},
                *(tuple(stored[name, look].read(some)) for look in Look),
            )
            for name in names
        )
        yield _Share(directory, some, tuple(targets))


def _explain_missing(info: RunInfo, target: str) -> str:
    """Why something of a target was not observed."""
    run = info.target_runs.get(target)
    return "the run ended early" if run is None or not run.failure else run.failure


def _judge_share(share: _Share) -> dict[str, bytes]:
    """Judge what every target did with the cases of a share: by target a pickled list, sorted by case."""
    results: dict[str, list[_Result]] = {one.name: [] for one in share.targets}
    for place, case_id in enumerate(share.case_ids):
        case = parse_case_id(case_id)
        expectation = expect(case, make_case_data(case))
        for one in share.targets:
            results[one.name].append(_judge_case(share.directory, one, case, expectation, place))
    return {target: pickle.dumps(own, pickle.HIGHEST_PROTOCOL) for target, own in results.items()}


def _judge_case(
    directory: Path, target: _TargetShare, case: Case, expectation: Expectation, place: int
) -> _Result:
    """What the first look showed, with its cause; where the second one showed something else, both."""
    line, again = target.first[place], target.again[place]
    if line is None:
        observation = Observation(target.name, case.id, Outcome.NOT_RUN, Stage.START, reason=target.missing)
    else:
        observation = decode_observation(directory, target.name, line)
    came_again: bool | None = None
    if again is not None:
        first = judge_observation(case, expectation, observation, target.limits, with_cause=False)
        other = decode_observation(directory, target.name, again, Look.SECOND)
        second = judge_observation(case, expectation, other, target.limits, with_cause=False)
        came_again = is_reproduced(first, second)
        if first.verdict is Verdict.DIVERGES and not came_again:
            seen = Judgement(first, expectation, observation)
            unseen = RecheckCandidate(
                target.name, case.id, make_divergence_signature(seen), digest_divergence(seen), came_again
            )
            return replace(seen, finding=mark_unstable(first, second)), unseen
    finding = judge_observation(case, expectation, observation, target.limits)
    one = Judgement(finding, expectation, observation)
    doubt = None
    if finding.verdict is Verdict.DIVERGES:
        doubt = RecheckCandidate(
            target.name, case.id, make_divergence_signature(one), digest_divergence(one), came_again
        )
    disagreement = target.disagreements.get(case.id)
    if disagreement is not None:
        one = replace(one, finding=mark_inconsistent(finding, disagreement))
    return one, doubt
