from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import lru_cache

import numpy as np
import pytest

from harness.generator.library import cases_of, load_library
from harness.generator.signals import signals_of
from harness.oracle import KERAS, WRONG_RULES, Rule, expect, rules
from harness.records import Case
from harness.shipped import cases_folder


@pytest.fixture(scope="module")
def suites() -> Mapping[str, Sequence[Case]]:
    library = load_library([cases_folder()])
    return {name: list(cases_of(library, [name])) for name in ("smoke", "core")}


data_of = lru_cache(maxsize=2)(signals_of)


def answer(case: Case, rule: Rule) -> tuple[tuple[int, ...], bytes] | None:
    """Shape and values under the rule, to be compared for equality; None where there is no answer."""
    values = expect(case, data_of(case), rule).values
    return None if values is None else (values.shape, (values + 0.0).tobytes())


@pytest.mark.parametrize("suite", ["smoke", "core"])
def test_the_suites_tell_every_wrong_rule_from_keras(
    suite: str, suites: Mapping[str, Sequence[Case]]
) -> None:
    alike = set(WRONG_RULES)
    for case in suites[suite]:
        right = answer(case, KERAS)
        alike = {name for name in alike if answer(case, WRONG_RULES[name]) == right}
    assert not alike


def test_core_tells_the_wrong_rules_from_one_another(suites: Mapping[str, Sequence[Case]]) -> None:
    together = [list(WRONG_RULES)]
    for case in suites["core"]:
        together = [part for names in together for part in told_apart(case, names)]
        if not together:
            break
    assert not together


def told_apart(case: Case, names: Sequence[str]) -> list[list[str]]:
    """The names by their answer to the case, without those that stand alone."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name in names:
        groups[answer(case, WRONG_RULES[name])].append(name)
    return [group for group in groups.values() if len(group) > 1]


def test_every_word_of_the_rules_is_used() -> None:
    enums = [word for word in vars(rules).values() if isinstance(word, type) and issubclass(word, StrEnum)]
    used = {getattr(rule, field.name) for rule in (KERAS, *WRONG_RULES.values()) for field in fields(Rule)}
    for words in enums:
        if words not in {StrEnum, rules.Padding}:
            assert set(words) <= used, words


def test_every_respect_of_a_rule_has_a_wrong_value() -> None:
    for field in fields(Rule):
        assert any(
            getattr(rule, field.name) != getattr(KERAS, field.name) for rule in WRONG_RULES.values()
        ), field.name


def test_no_wrong_rule_is_written_twice() -> None:
    assert len(set(WRONG_RULES.values())) == len(WRONG_RULES)
    assert KERAS not in WRONG_RULES.values()


def test_a_wrong_rule_that_moves_padding_alone_keeps_the_shape(suites: Mapping[str, Sequence[Case]]) -> None:
    # The reason why a check of shapes is worthless: these are wrong and never show in one.
    for name in (
        "odd-cell-before",
        "kernel-centred",
        "all-padding-before",
        "all-padding-after",
        "padding-not-clamped",
        "padding-not-clamped-odd-cut-after",
    ):
        for case in suites["smoke"]:
            right, wrong = answer(case, KERAS), answer(case, WRONG_RULES[name])
            assert (right and right[0]) == (wrong and wrong[0]), (name, case.id)


def test_wrong_rules_answer_every_case_that_may_be_computed(suites: Mapping[str, Sequence[Case]]) -> None:
    for case in suites["smoke"]:
        if answer(case, KERAS) is not None:
            for name, rule in WRONG_RULES.items():
                values = expect(case, data_of(case), rule).values
                assert values is not None
                assert not np.isnan(values).any(), name
