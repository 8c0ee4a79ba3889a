from __future__ import annotations

from dataclasses import replace

from harness.records import Judgement, Outcome, Refusal, Standing, Verdict
from harness.report.phrases import describe_nothing_computed, describe_shortfall, format_headline
from harness.report.tally import Tallier, Tally
from tests.report.judged import BAD, CASES, GOOD, SAME, conforming, info_of, loud, mixed, not_run


def tally_of(findings: list[Judgement]) -> Tally:
    tallier = Tallier(info_of())
    for one in findings:
        tallier.add(one.finding)
    return tallier.compute_tally()


def test_every_finding_is_counted_once() -> None:
    tally = tally_of(mixed())
    assert tally.judged == 10 == tally.planned
    counts = (tally.conforming, tally.silent, tally.loud, tally.unsupported, tally.inconclusive)
    assert counts == (6, 3, 1, 0, 0)
    assert sum(counts) == tally.judged
    assert tally.refused == 2


def test_what_diverges_is_new_unless_it_did_not_come_again() -> None:
    assert tally_of(mixed()).new == 4
    assert tally_of([unstable(loud(BAD, SAME)), loud(GOOD, SAME)]).new == 1


def test_the_targets_sum_to_the_run() -> None:
    tally = tally_of(mixed())
    assert tuple(tally.targets) == (GOOD, BAD)
    assert sum(target.judged for target in tally.targets.values()) == tally.judged
    assert sum(target.planned for target in tally.targets.values()) == tally.planned
    assert tally.targets[BAD].diverging == 4


def test_unsupported_is_neither_conforming_nor_diverging() -> None:
    finding = replace(
        conforming(GOOD, SAME).finding, verdict=Verdict.UNSUPPORTED, outcome=Outcome.UNSUPPORTED
    )
    tally = tally_of([replace(conforming(GOOD, SAME), finding=finding)])
    assert (tally.unsupported, tally.conforming, tally.diverging) == (1, 0, 0)


def unstable(one: Judgement) -> Judgement:
    return replace(one, finding=replace(one.finding, standing=Standing.UNSTABLE))


def unsupported(one: Judgement, refusal: Refusal = Refusal.WRONG) -> Judgement:
    finding = replace(one.finding, verdict=Verdict.UNSUPPORTED, outcome=Outcome.UNSUPPORTED, refusal=refusal)
    return replace(one, finding=finding)


def refused(one: Judgement, refusal: Refusal) -> Judgement:
    return replace(one, finding=replace(one.finding, outcome=Outcome.RAISED, refusal=refusal))


def test_what_did_not_come_again_is_counted_apart_and_no_divergence() -> None:
    tally = tally_of([unstable(loud(BAD, SAME)), loud(GOOD, SAME)])
    assert (tally.unstable, tally.loud, tally.diverging, tally.judged) == (1, 1, 1, 2)
    assert format_headline(tally) == "1 loud divergence; 1 divergence did not come again"
    only = tally_of([unstable(loud(BAD, SAME)), conforming(GOOD, SAME)])
    assert format_headline(only) == "Nothing diverges, but 1 divergence did not come again"


def test_a_run_that_computed_nothing_of_what_it_had_to_says_so() -> None:
    tally = tally_of([unsupported(conforming(GOOD, SAME)), refused(conforming(BAD, SAME), Refusal.ALLOWED)])
    assert tally.has_computed_nothing
    assert (tally.due, describe_nothing_computed(tally)) == (
        1,
        "nothing was computed of 1 case that had to be: 1 unsupported, 1 refused",
    )
    assert format_headline(tally) == f"N{describe_nothing_computed(tally)[1:]}"
    assert tally.targets[GOOD].has_computed_nothing
    assert not tally.targets[BAD].has_computed_nothing


def test_nothing_computed_is_no_fault_where_nothing_had_to_be_or_something_else_is_said() -> None:
    may = refused(conforming(GOOD, SAME), Refusal.ALLOWED)
    must = refused(conforming(BAD, SAME), Refusal.REQUIRED)
    assert not tally_of([may, must]).has_computed_nothing
    assert not tally_of([]).has_computed_nothing
    out = unsupported(conforming(GOOD, SAME))
    for other in (conforming(BAD, SAME), loud(BAD, SAME), not_run(BAD, SAME), unstable(loud(BAD, SAME))):
        assert not tally_of([out, other]).has_computed_nothing


def test_the_headline_says_what_happened() -> None:
    assert format_headline(tally_of([])) == "Nothing was judged"
    assert format_headline(tally_of([conforming(GOOD, SAME)])) == "Nothing diverges"
    assert format_headline(tally_of(mixed())) == "3 silent divergences and 1 loud divergence"
    assert format_headline(tally_of([loud(BAD, SAME)])) == "1 loud divergence"
    assert format_headline(tally_of([not_run(BAD, SAME)])) == "Nothing could be judged"
    some = [conforming(GOOD, SAME), not_run(BAD, SAME)]
    assert format_headline(tally_of(some)) == "Nothing diverges, but 1 finding could not be judged"


def test_a_complete_run_has_no_shortfall() -> None:
    assert describe_shortfall(info_of(), tally_of(mixed())) == ()


def test_a_shortfall_says_how_many_and_why() -> None:
    info = info_of(state="interrupted", failure="no interpreter")
    sentences = describe_shortfall(info, tally_of([conforming(GOOD, case) for case in CASES]))
    assert sentences[:2] == ("The run ended interrupted.", "10 findings were planned, 5 are here.")
    assert f"{BAD}: 3 cases not run: no interpreter" in sentences


def test_a_run_without_a_footer_was_cut_off() -> None:
    assert "cut off" in describe_shortfall(replace(info_of(), footer=None), tally_of(mixed()))[0]
