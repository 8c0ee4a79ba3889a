from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.judge.fewest_causes import choose_fewest_causes
from harness.records import Case
from tests.judge.made import PLAIN

OTHER = replace(PLAIN, padding="valid")
THIRD = replace(PLAIN, batch=3)

Counts = dict[tuple[Case, tuple[str, ...]], int]


def chosen(counts: Mapping[tuple[Case, tuple[str, ...]], int]) -> dict[str, str]:
    return {case_id: cause for (case_id, _), cause in choose_fewest_causes(counts).items()}


def test_the_cause_that_explains_most_findings_is_taken_for_all_that_it_explains() -> None:
    counts = {
        (PLAIN, ("all-padding-before", "odd-cell-before")): 1,
        (OTHER, ("odd-cell-before",)): 5,
        (THIRD, ("all-padding-before",)): 2,
    }
    assert chosen(counts) == {
        PLAIN.id: "odd-cell-before",
        OTHER.id: "odd-cell-before",
        THIRD.id: "all-padding-before",
    }


def test_a_single_rule_is_taken_before_a_pair_that_explains_as_much() -> None:
    pair = "bias-omitted and kernel-flipped"
    counts: Counts = {(PLAIN, (pair, "kernel-flipped")): 3}
    assert chosen(counts) == {PLAIN.id: "kernel-flipped"}


def test_of_rules_that_explain_as_much_the_first_of_the_list_is_taken() -> None:
    counts: Counts = {(PLAIN, ("kernel-flipped", "odd-cell-before")): 3}
    assert chosen(counts) == {PLAIN.id: "odd-cell-before"}


def test_without_findings_nothing_is_chosen() -> None:
    assert choose_fewest_causes({}) == {}
