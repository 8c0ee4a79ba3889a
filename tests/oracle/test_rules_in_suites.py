"""Which wrong rules the suites of cases reveal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from harness.cases.suites import expand_suites, load_library
from harness.data.case_data import make_case_data
from harness.oracle import KERAS, WRONG_RULES, Rule
from harness.oracle.plan import Computation, plan_computation
from harness.oracle.refusal import decide_refusal, parse_padding
from harness.oracle.values import compute_values
from harness.records import Case, Refusal
from harness.resources import find_cases_folder


def suite(name: str) -> Sequence[Case]:
    return list(expand_suites(load_library([find_cases_folder()]), [name]))


data_of = lru_cache(maxsize=2)(make_case_data)


@lru_cache(maxsize=256)
def answer_of(case: Case, plan: Computation) -> tuple[tuple[int, ...], bytes]:
    """Return shape and values of a computation, to be compared for equality."""
    values = compute_values(case, plan, data_of(case))
    return values.shape, (values + 0.0).tobytes()


def answer(case: Case, rule: Rule) -> tuple[tuple[int, ...], bytes] | None:
    """Return the answer under the rule, None where there is none; equal computations share one."""
    padding = parse_padding(case)
    if padding is None or decide_refusal(case).refusal is Refusal.REQUIRED:
        return None
    return answer_of(case, plan_computation(case, padding, rule))


def test_smoke_tells_every_wrong_rule_from_keras() -> None:
    alike = set(WRONG_RULES)
    for case in suite("smoke"):
        right = answer(case, KERAS)
        alike = {name for name in alike if answer(case, WRONG_RULES[name]) == right}
    assert not alike


def test_core_holds_smoke_and_tells_the_wrong_rules_from_one_another() -> None:
    smoke, core = suite("smoke"), suite("core")
    assert set(smoke) <= set(core)
    together = [list(WRONG_RULES)]
    for case in (*smoke, *core):
        together = [part for names in together for part in told_apart(case, names)]
        if not together:
            break
    assert not together


def told_apart(case: Case, names: Sequence[str]) -> list[list[str]]:
    """Group the names by their answer to the case, without groups of one."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name in names:
        groups[answer(case, WRONG_RULES[name])].append(name)
    return [group for group in groups.values() if len(group) > 1]
