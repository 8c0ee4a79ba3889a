"""Compares answers with each other, where the formula allows more than one.

A case may be refused or computed; cells of an answer may be undocumented. Each such answer conforms by
itself. But calls that differ only in their mode should get the same answer from a target, and undocumented
cells should be equal on every target. Where they are not, one finding of the group is inconsistent, one that
conforms by itself if there is one. Unsupported and missing observations are not compared, nor are diverging
ones, except for the undocumented cells of an array of which other cells are wrong.
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
"""The divergences of arrays whose shape and dtype are right."""

_MAX_NAMES: Final = 4
"""The number of targets named for one answer; of the others only the number is given."""

_GROUPS_AT_ONCE: Final = 256
"""The number of groups whose answers are held in memory at once."""

_MODE_ORDER: Final = {mode: place for place, mode in enumerate(Mode)}

AnswerContent: TypeAlias = tuple[str, ...]
"""What is compared of an answer: its outcome in a word, or the value of each undocumented cell."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The cause and the note of the finding that represents an inconsistent group of answers."""

    cause: str
    note: str


@dataclass(frozen=True, slots=True)
class _ModeGroup:
    """Cases that are equal but for their mode, in the order of modes.

    With `has_undocumented_cells` their answer may have cells about which nothing is documented.
    """

    cases: tuple[Case, ...]
    has_undocumented_cells: bool


@dataclass(frozen=True, slots=True)
class _JudgedAnswer:
    """The compared content of an answer, and whether its finding conforms by itself."""

    content: AnswerContent
    conforms: bool


Disagreements: TypeAlias = Mapping[tuple[str, str], Disagreement]
"""The disagreements by target and case id."""


def find_disagreements(
    directory: Path, targets: Sequence[str], limits_of_target: Mapping[str, Sequence[DocumentedLimit]]
) -> Disagreements:
    """Find the findings of a run that represent an inconsistent group; one per group of modes of a target.

    Where targets disagree, it is a finding whose answer is not the most frequent one: of those that conform
    by themselves, or else of all, the first by target name.

    Raises:
        HarnessError: the run is damaged.
    """
    disagreements: dict[tuple[str, str], Disagreement] = {}
    names = sorted(targets)
    stored = {name: index_lines(directory, name) for name in names}
    groups = _find_mode_groups(read_case_ids(directory), num_targets=len(names))
    while batch := tuple(itertools.islice(groups, _GROUPS_AT_ONCE)):
        members = [_pair_with_expectation(case) for group in batch for case in group.cases]
        answers = {
            name: dict(_read_answers(directory, name, stored[name], members, limits_of_target[name]))
            for name in names
        }
        for group in batch:
            _add_mode_disagreements(disagreements, group, answers)
            _add_target_disagreement(disagreements, group, answers)
    return disagreements


def _add_mode_disagreements(
    disagreements: dict[tuple[str, str], Disagreement],
    group: _ModeGroup,
    answers: Mapping[str, Mapping[str, _JudgedAnswer]],
) -> None:
    """Add a disagreement for each target whose modes disagree."""
    for target, of_target in answers.items():
        by_case = {case: of_target[case.id] for case in group.cases if case.id in of_target}
        odd = _choose_odd_case(by_case)
        if odd is not None:
            note = _describe_answers(
                group, {str(case.mode): answer.content for case, answer in by_case.items()}
            )
            disagreements[target, odd.id] = Disagreement(MODES_DISAGREE, note)


def mark_inconsistent(finding: Finding, disagreement: Disagreement) -> Finding:
    """Mark a finding as inconsistent; if it diverges by itself, only add the note."""
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
    """Yield the groups for which several answers conform.

    Ids must be sorted, so that those of a layer are adjacent.
    """
    for _, of_layer in itertools.groupby(case_ids, key=lambda case_id: case_id.split("-", 1)[0]):
        by_rest: defaultdict[str, list[str]] = defaultdict(list)
        for case_id in of_layer:
            by_rest[case_id.split("-", 2)[2]].append(case_id)
        for group_ids in by_rest.values():
            if len(group_ids) == 1 and (num_targets == 1 or not group_ids[0].endswith(DataKind.NONFINITE)):
                continue
            cases = tuple(sorted(map(parse_case_id, group_ids), key=lambda case: _MODE_ORDER[case.mode]))
            has_undocumented_cells = (
                cases[0].data is DataKind.NONFINITE and cases[0].kind.traits.reduction.selects_cell
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
    """Yield the target's answer to each case where it can be compared with others."""
    lines = stored.read(case.id for case, _ in members)
    for (case, expectation), line in zip(members, lines, strict=True):
        if line is None:
            continue
        observation = decode_observation(directory, target, line)
        finding = judge_observation(case, expectation, observation, limits, with_cause=False)
        conforms = finding.verdict is Verdict.CONFORMS
        if conforms or finding.divergence in _VALUE_DIVERGENCES:
            content = _extract_content(case, expectation, observation, limits)
            if content is not None and (conforms or content not in _OUTCOME_WORDS):
                yield case.id, _JudgedAnswer(content, conforms)


def _extract_content(
    case: Case, expectation: Expectation, observation: Observation, limits: Sequence[DocumentedLimit]
) -> AnswerContent | None:
    """Return what is compared with other answers, None for an error that the backend documents."""
    if observation.outcome is Outcome.RAISED:
        return None if find_limit_on_error(limits, case, str(observation.error)) is not None else _REFUSED
    output = expectation.output
    if output is None or output.bound is None or observation.values is None:
        return _COMPUTED
    undocumented = observation.values[np.isinf(output.bound)].astype(np.float64)
    # Zeros of both signs are equal.
    return tuple(str(float(value)) for value in undocumented + 0.0) or _COMPUTED


def _choose_odd_case(answers: Mapping[Case, _JudgedAnswer]) -> Case | None:
    """Choose the case that represents answers that differ, None if they do not or none conforms.

    It is the first that conforms and differs from the first answer, or else the first that conforms.
    """
    if len({answer.content for answer in answers.values()}) < 2:
        return None
    usual = next(iter(answers.values())).content
    conforming = {case: answer.content for case, answer in answers.items() if answer.conforms}
    others = (case for case, content in conforming.items() if content != usual)
    return next(others, next(iter(conforming), None))


def _add_target_disagreement(
    disagreements: dict[tuple[str, str], Disagreement],
    group: _ModeGroup,
    answers: Mapping[str, Mapping[str, _JudgedAnswer]],
) -> None:
    """Add a disagreement where targets disagree on undocumented cells.

    It belongs to the first mode in which several of them answered.
    """
    if not group.has_undocumented_cells:
        return
    by_case = {
        case: {target: of_target[case.id] for target, of_target in answers.items() if case.id in of_target}
        for case in group.cases
    }
    case, of_case = next(
        ((case, of_case) for case, of_case in by_case.items() if len(of_case) > 1), (None, {})
    )
    if case is None:
        return
    contents = {target: answer.content for target, answer in of_case.items()}
    (usual, _), *others = Counter(contents.values()).most_common()
    if not others:
        return
    odd = min(
        (target for target in of_case if contents[target] != usual),
        key=lambda target: (not of_case[target].conforms, target),
    )
    note = f"in {case.mode}, {_describe_answers(group, contents)}"
    before = disagreements.get((odd, case.id))
    if before is not None:
        disagreements[odd, case.id] = replace(before, note=f"{before.note} · {note}")
    else:
        disagreements[odd, case.id] = Disagreement(TARGETS_DISAGREE, note)


def _describe_answers(group: _ModeGroup, answers: Mapping[str, AnswerContent]) -> str:
    """Describe who gave which answer; for undocumented cells, the first that differs."""
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
    """Return the index of the `place`-th undocumented cell."""
    output = expect(case, make_case_data(case)).output
    assert output is not None
    assert output.bound is not None
    return tuple(int(axis) for axis in np.argwhere(np.isinf(output.bound))[place])


def _format_names(names: Sequence[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
