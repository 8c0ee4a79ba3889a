"""Judges a stored run, one observation at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.generator.signals import SIGNALS_VERSION, signals_of
from harness.oracle import expect
from harness.records import Judged, Observation, Outcome, RunInfo, Stage, parse_case_id
from harness.store import read_case_ids, read_observations
from harness.verdicts.compare import judge
from harness.verdicts.limits import Limit, limits_of


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
    runs = info.target_runs
    for target in sorted(info.header.targets):
        run = runs.get(target)
        own = limits_of(limits, {} if run is None else run.fingerprint)
        reason = "the run ended early" if run is None or not run.failure else run.failure
        observations = read_observations(directory, target, read_case_ids(directory))
        for case_id, observed in zip(read_case_ids(directory), observations, strict=True):
            case = parse_case_id(case_id)
            observation = observed or Observation(
                target, case_id, Outcome.NOT_RUN, Stage.START, reason=reason
            )
            expectation = expect(case, signals_of(case))
            yield Judged(judge(case, expectation, observation, own), expectation, observation)
