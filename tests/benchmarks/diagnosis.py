"""Measures what it costs to judge a target that is wrong everywhere, in CPU milliseconds a finding.

    python tests/benchmarks/diagnosis.py [RULE ...]

Each simulated target answers every case of suite smoke by a wrong rule, or (`noise`) by values that no rule
gives; the observations are judged with their causes, in one process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np

from harness.cases.suites import expand_suites, load_library
from harness.judge.compare import judge_observation
from harness.mutation.simulated_target import SimulatedCase
from harness.oracle import WRONG_RULES
from harness.records import Observation, Verdict
from harness.resources import find_cases_folder

NOISE = "noise"
DEFAULT = ("odd-cell-before", "kernel-flipped", NOISE)


def main(names: tuple[str, ...]) -> None:
    """Print a table, a row a target."""
    cases = list(expand_suites(load_library([find_cases_folder()]), ("smoke",)))
    print("| target | findings | diverging | ms a finding | ms a diverging finding | ms of the slowest |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in names:
        costs: list[float] = []
        diverging: list[float] = []
        for subject, observation in list(answers(name, [SimulatedCase(case) for case in cases])):
            began = time.process_time()
            finding = judge_observation(subject.case, subject.expectation, observation, ())
            costs.append(time.process_time() - began)
            if finding.verdict is Verdict.DIVERGES:
                diverging.append(costs[-1])
        means = (1000 * sum(part) / len(part) for part in (costs, diverging))
        cells = (*(f"{mean:.2f}" for mean in means), f"{1000 * max(costs):.0f}")
        print(f"| {name} | {len(costs):,} | {len(diverging):,} | {' | '.join(cells)} |")


def answers(name: str, subjects: list[SimulatedCase]) -> Iterator[tuple[SimulatedCase, Observation]]:
    """What the target says of each case that the formula answers."""
    for subject in subjects:
        if subject.padding is None:
            continue
        if name == NOISE:
            values = subject.expectation.values
            assert values is not None
            noise = np.random.default_rng(len(subject.case.id)).integers(1, 9, values.shape)
            yield subject, subject.return_values(values + noise)
        else:
            plan = subject.find_other_computation(WRONG_RULES[name])
            yield subject, subject.expected_observation if plan is None else subject.compute(plan)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or DEFAULT)
