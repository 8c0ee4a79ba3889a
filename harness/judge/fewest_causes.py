"""Reduces the causes of many findings to the fewest: an answer often matches more than one wrong rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from harness.judge.diagnose import AND, is_equivalent_cause
from harness.oracle.wrong_rules import WRONG_RULES
from harness.records import Case

_MAX_PAIRS: Final = 12
"""The number of pairs tried on cases that a single rule explains too."""


def choose_fewest_causes(
    counts: Mapping[tuple[Case, tuple[str, ...]], int],
) -> Mapping[tuple[str, tuple[str, ...]], str]:
    """Choose a cause for each (case, matching causes), so that few causes explain all findings.

    The cause that explains most findings is chosen first, then the one that explains most of the rest. A pair
    of rules that some case needs is also tried where one of the two suffices: a target that does both shows
    both only where each makes a difference. `counts` holds the number of findings with these causes.

    Returns:
        By case id and causes, the name of the chosen cause.
    """
    needed = _find_needed_pairs(counts)
    matching = {
        (case.id, names): (
            *names,
            *(pair for pair in needed if pair not in names and is_equivalent_cause(pair, case, names[0])),
        )
        for case, names in counts
    }
    weights = {(case.id, names): count for (case, names), count in counts.items()}
    chosen: dict[tuple[str, tuple[str, ...]], str] = {}
    while len(chosen) < len(matching):
        gains = Counter[str]()
        for key, names in matching.items():
            if key not in chosen:
                for name in names:
                    gains[name] += weights[key]
        best = min(gains, key=lambda name: (-gains[name], AND in name, _rank_cause(name), name))
        chosen.update({key: best for key, names in matching.items() if key not in chosen and best in names})
    return chosen


def _find_needed_pairs(counts: Mapping[tuple[Case, tuple[str, ...]], int]) -> tuple[str, ...]:
    """Return the pairs that explain most of what no single rule explains."""
    num_findings = Counter[str]()
    for (_, names), count in counts.items():
        for name in names:
            if AND in name:
                num_findings[name] += count
    return tuple(sorted(num_findings, key=lambda name: (-num_findings[name], name))[:_MAX_PAIRS])


def _rank_cause(name: str) -> int:
    """Return the index of a cause in the list of wrong rules; pairs and other causes come after them."""
    return list(WRONG_RULES).index(name) if name in WRONG_RULES else len(WRONG_RULES)
