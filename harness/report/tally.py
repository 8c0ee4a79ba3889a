"""Count findings: of a run, of a target, of a cell of the conformance table.

Counts verdicts; decides none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from harness.records import Finding, Outcome, Refusal, RunInfo, Standing, Verdict


class FindingCount(StrEnum):
    """The categories of counts; every finding has exactly one."""

    CONFORMING = "conforming"
    SILENT = "silent"
    LOUD = "loud"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"
    UNSTABLE = "unstable"


def classify_finding(finding: Finding) -> FindingCount:
    """Return the category of a finding."""
    if finding.standing is Standing.UNSTABLE:
        return FindingCount.UNSTABLE
    match finding.verdict:
        case Verdict.CONFORMS:
            return FindingCount.CONFORMING
        case Verdict.DIVERGES:
            return FindingCount.SILENT if finding.is_silent else FindingCount.LOUD
        case Verdict.UNSUPPORTED:
            return FindingCount.UNSUPPORTED
        case Verdict.INCONCLUSIVE:
            return FindingCount.INCONCLUSIVE
        case _:
            assert_never(finding.verdict)


def is_refused(finding: Finding) -> bool:
    """Return whether the target refused as it must or may."""
    return finding.verdict is Verdict.CONFORMS and finding.outcome is Outcome.RAISED


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of a run, or of one target of it (`targets` is empty then).

    `judged = conforming + silent + loud + unsupported + inconclusive + unstable`; `refused` counts the
    conforming that raised, `new` those of that standing, `due` the findings of cases that had to be computed.
    """

    planned: int
    judged: int
    conforming: int
    refused: int
    silent: int
    loud: int
    unsupported: int
    inconclusive: int
    new: int
    unstable: int
    due: int
    targets: Mapping[str, Tally] = field(default_factory=dict)

    @property
    def diverging(self) -> int:
        """The number of findings that diverge, silent or loud."""
        return self.silent + self.loud

    @property
    def has_computed_nothing(self) -> bool:
        """Whether everything was unsupported or refused, though something had to be computed."""
        return self.due > 0 and self.judged == self.refused + self.unsupported


class Tallier:
    """A counter of findings, to which they are added one at a time."""

    def __init__(self, info: RunInfo) -> None:
        self._header = info.header
        self._counts: Counter[tuple[str, FindingCount]] = Counter()
        self._refused: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._due: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        """Count one finding."""
        self._counts[finding.target, classify_finding(finding)] += 1
        if finding.standing is Standing.NEW:
            self._new[finding.target] += 1
        if finding.refusal is Refusal.WRONG:
            self._due[finding.target] += 1
        if is_refused(finding):
            self._refused[finding.target] += 1

    def compute_tally(self) -> Tally:
        """Compute the counts so far, of the run and of each of its targets."""
        names = self._header.targets
        targets = {name: self._sum_counts((name,), self._header.cases, {}) for name in names}
        return self._sum_counts(names, self._header.planned, targets)

    def _sum_counts(self, names: tuple[str, ...], planned: int, targets: Mapping[str, Tally]) -> Tally:
        counts = {count: sum(self._counts[name, count] for name in names) for count in FindingCount}
        return Tally(
            planned=planned,
            judged=sum(counts.values()),
            conforming=counts[FindingCount.CONFORMING],
            refused=sum(self._refused[name] for name in names),
            silent=counts[FindingCount.SILENT],
            loud=counts[FindingCount.LOUD],
            unsupported=counts[FindingCount.UNSUPPORTED],
            inconclusive=counts[FindingCount.INCONCLUSIVE],
            new=sum(self._new[name] for name in names),
            unstable=counts[FindingCount.UNSTABLE],
            due=sum(self._due[name] for name in names),
            targets=targets,
        )


def count_findings(info: RunInfo, findings: Iterable[Finding]) -> Tally:
    """Count the given findings."""
    tallier = Tallier(info)
    for finding in findings:
        tallier.add(finding)
    return tallier.compute_tally()
