"""Answers against each other, where the formula allows more than one.

A case may be refused or computed; cells of an answer may be documented nowhere. Each such answer conforms by
itself. But calls that differ in nothing but the mode ought to get the same one from a target, and cells of
which nothing is documented ought to be the same on every target. Where they are not, one finding of the
group says so, one that conforms by itself where there is one. What is unsupported or was not observed is no
party, nor what diverges, but for the undocumented cells of an array of which others are wrong.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from harness.data.case_data import make_case_data
from harness.judge.compare import judge_observation
from harness.judge.documented_limits import DocumentedLimit, find_limit_on_error
from harness.oracle import expect
from harness.oracle.refusal import decide_refusal
from harness.records import (
    Case,
    DataKind,
    Divergence,
    Expectation,
    Finding,
    Mode,
    Observation,
    Outcome,
    Reduction,
    Refusal,
    Standing,
    Verdict,
    parse_case_id,
)
from harness.store import StoredLines, decode_observation, index_lines, read_case_ids

MODES_DISAGREE: Final = "modes of the target disagree"
TARGETS_DISAGREE: Final = "targets of the run disagree"

_REFUSED: Final = ("an error",)
_COMPUTED: Final = ("an answer",)
_OUTCOME_WORDS: Final = frozenset({_REFUSED, _COMPUTED})

_VALUE_DIVERGENCES: Final = frozenset({Divergence.VALUE, Divergence.NONFINITE})
"""Divergences of arrays whose shape and dtype are right."""

_MAX_NAMES: Final = 4
"""So many targets are named that gave one answer; of the others it is said how many."""

_GROUPS_AT_ONCE: Final = 256
"""Groups whose answers are held in memory at once."""

_MODE_ORDER: Final = {mode: place for place, mode in enumerate(Mode)}

AnswerContent: TypeAlias = tuple[str, ...]
"""What a target answered, as far as answers may differ: a word, or each cell that is documented nowhere."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What is wrong with a group of answers, told of one that conforms by itself."""

    cause: str
    note: str


@dataclass(frozen=True, slots=True)
class _ModeGroup:
    """Cases that are equal but for their mode, in the order of modes.

    With `has_undocumented_cells` their answer may have cells of which nothing is documented.
    """

    cases: tuple[Case, ...]
    has_undocumented_cells: bool


@dataclass(frozen=True, slots=True)
class _JudgedAnswer:
    """What was said, and whether the finding conforms by itself, so that it may tell of its group."""

    content: AnswerContent
    conforms: bool


Disagreements: TypeAlias = Mapping[tuple[str, str], Disagreement]
"""By target and case id."""


def find_disagreements(
    directory: Path, targets: Sequence[str], limits_of_target: Mapping[str, Sequence[DocumentedLimit]]
) -> Disagreements:
    """The findings of a run that say of their group that it disagrees; one for the modes of a target.

    Where targets disagree, it is a finding whose answer is not the most frequent one: the first by name that
    conforms by itself, or else the first.

    Raises:
        HarnessError: the run is damaged.
    """
    found: dict[tuple[str, str], Disagreement] = {}
    names = sorted(targets)
    stored = {name: index_lines(directory, name) for name in names}
    groups = _find_mode_groups(read_case_ids(directory), num_targets=len(names))
    while some := tuple(itertools.islice(groups, _GROUPS_AT_ONCE)):
        members = [_pair_with_expectation(case) for group in some for case in group.cases]
        answers = {
            name: dict(_read_answers(directory, name, stored[name], members, limits_of_target[name]))
            for name in names
        }
        for group in some:
            _add_of_modes(found, group, answers)
            _add_target_disagreement(found, group, answers)
    return found


def _add_of_modes(
    found: dict[tuple[str, str], Disagreement],
    group: _ModeGroup,
    answers: Mapping[str, Mapping[str, _JudgedAnswer]],
) -> None:
    """Where the modes of a target disagree, one of its findings says so."""
    for target, of_target in answers.items():
        own = {case: of_target[case.id] for case in group.cases if case.id in of_target}
        odd = _choose_odd_case(own)
        if odd is not None:
            note = _describe_answers(group, {str(case.mode): answer.content for case, answer in own.items()})
            found[target, odd.id] = Disagreement(MODES_DISAGREE, note)


def mark_inconsistent(finding: Finding, disagreement: Disagreement) -> Finding:
    """A finding as that of a group that disagrees; if it diverges by itself, it says it besides."""
    if finding.verdict is Verdict.DIVERGES:
        return replace(finding, error=" · ".join(filter(None, (finding.error, disagreement.note))))
    return replace(
        finding,
        verdict=Verdict.DIVERGES,
        divergence=Divergence.INCONSISTENT,
        cause=disagreement.cause,
        standing=Standing.NEW,
        error=f"{disagreement.note} · {finding.error}" if finding.error else disagreement.note,
    )


def _find_mode_groups(case_ids: Iterable[str], *, num_targets: int) -> Iterator[_ModeGroup]:
    """The groups of which several answers conform. The ids are sorted: those of a layer stand together."""
    for _, of_layer in itertools.groupby(case_ids, key=lambda case_id: case_id.split("-", 1)[0]):
        by_rest: defaultdict[str, list[str]] = defaultdict(list)
        for case_id in of_layer:
            by_rest[case_id.split("-", 2)[2]].append(case_id)
        for alike in by_rest.values():
            if len(alike) == 1 and (num_targets == 1 or not alike[0].endswith(DataKind.NONFINITE)):
                continue
            cases = tuple(sorted(map(parse_case_id, alike), key=lambda case: _MODE_ORDER[case.mode]))
            has_undocumented_cells = (
                cases[0].data is DataKind.NONFINITE and cases[0].kind.traits.reduction is Reduction.MAXIMUM
            )
            if has_undocumented_cells or (
                len(cases) > 1 and decide_refusal(cases[0]).refusal is Refusal.ALLOWED
            ):
                yield _ModeGroup(cases, has_undocumented_cells)


def _pair_with_expectation(case: Case) -> tuple[Case, Expectation]:
    return case, expect(case, make_case_data(case))


def _read_answers(
    directory: Path,
    target: str,
    stored: StoredLines,
    members: Sequence[tuple[Case, Expectation]],
    limits: Sequence[DocumentedLimit],
) -> Iterator[tuple[str, _JudgedAnswer]]:
    """What a target answered to each case, where that can be held against other answers."""
    lines = stored.read(case.id for case, _ in members)
    for (case, expectation), line in zip(members, lines, strict=True):
        if line is None:
            continue
        observation = decode_observation(directory, target, line)
        finding = judge_observation(case, expectation, observation, limits, with_cause=False)
        conforms = finding.verdict is Verdict.CONFORMS
        if conforms or finding.divergence in _VALUE_DIVERGENCES:
            said = _extract_content(case, expectation, observation, limits)
            if said is not None and (conforms or said not in _OUTCOME_WORDS):
                yield case.id, _JudgedAnswer(said, conforms)


def _extract_content(
    case: Case, expectation: Expectation, observation: Observation, limits: Sequence[DocumentedLimit]
) -> AnswerContent | None:
    """What is compared with other answers; None for an error that the backend documents."""
    if observation.outcome is Outcome.RAISED:
        return None if find_limit_on_error(limits, case, str(observation.error)) is not None else _REFUSED
    output = expectation.output
    if output is None or output.bound is None or observation.values is None:
        return _COMPUTED
    undocumented = observation.values[np.isinf(output.bound)].astype(np.float64)
    # Zeros of both signs are one number.
    return tuple(str(float(value)) for value in undocumented + 0.0) or _COMPUTED


def _choose_odd_case(answers: Mapping[Case, _JudgedAnswer]) -> Case | None:
    """Of answers that differ, the first that conforms and is not like the first; else one that conforms."""
    if len({answer.content for answer in answers.values()}) < 2:
        return None
    usual = next(iter(answers.values())).content
    conforming = {case: answer.content for case, answer in answers.items() if answer.conforms}
    others = (case for case, said in conforming.items() if said != usual)
    return next(others, next(iter(conforming), None))


def _add_target_disagreement(
    found: dict[tuple[str, str], Disagreement],
    group: _ModeGroup,
    answers: Mapping[str, Mapping[str, _JudgedAnswer]],
) -> None:
    """Where targets disagree over cells that are documented nowhere, a finding says so.

    It is one of the first mode in which several of them answered.
    """
    if not group.has_undocumented_cells:
        return
    by_case = {
        case: {target: own[case.id] for target, own in answers.items() if case.id in own}
        for case in group.cases
    }
    case, of_case = next(((case, own) for case, own in by_case.items() if len(own) > 1), (None, {}))
    if case is None:
        return
    said = {target: answer.content for target, answer in of_case.items()}
    (usual, _), *others = Counter(said.values()).most_common()
    if not others:
        return
    odd = min(
        (target for target in of_case if said[target] != usual),
        key=lambda target: (not of_case[target].conforms, target),
    )
    note = f"in {case.mode}, {_describe_answers(group, said)}"
    before = found.get((odd, case.id))
    if before is not None:
        found[odd, case.id] = replace(before, note=f"{before.note} · {note}")
    else:
        found[odd, case.id] = Disagreement(TARGETS_DISAGREE, note)


def _describe_answers(group: _ModeGroup, answers: Mapping[str, AnswerContent]) -> str:
    """Who gave what, in words: of cells, the first that differs."""
    place = 0
    about = ""
    if not _OUTCOME_WORDS.intersection(answers.values()):
        place = next(n for n, cells in enumerate(zip(*answers.values(), strict=True)) if len(set(cells)) > 1)
        about = f"cell {_find_undocumented_cell(group.cases[0], place)}, of which nothing is documented: "
    by_answer: defaultdict[str, list[str]] = defaultdict(list)
    for name, answer in answers.items():
        by_answer[answer[place]].append(name)
    return about + "; ".join(f"{answer} in {_format_names(names)}" for answer, names in by_answer.items())


def _find_undocumented_cell(case: Case, place: int) -> tuple[int, ...]:
    """Where the cell stands that is the `place`-th of those of which nothing is documented."""
    output = expect(case, make_case_data(case)).output
    assert output is not None
    assert output.bound is not None
    return tuple(int(axis) for axis in np.argwhere(np.isinf(output.bound))[place])


def _format_names(names: Sequence[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
