from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from harness.history.changes import Change, ChangeKind, Changes
from harness.history.versions import group_into_blocks
from harness.judge.error_notes import extract_first_words
from harness.oracle import KERAS, WRONG_RULES
from harness.oracle.rules import Amount, Orientation, Placement
from harness.records import Case, Divergence, Observation, Outcome, Stage
from tests.history.lines import Doing, follows, info_of, judged_one, judged_run, not_run, raises, target
from tests.judge.made import MUST_BE_REFUSED, PLAIN

OTHER = replace(PLAIN, input=(7, 6))
GOOD, BAD = follows(), follows(WRONG_RULES["all-padding-before"])
LOUD = raises("no")
HALF_FLIPPED = replace(
    KERAS,
    amount=Amount.KERNEL_MINUS_ONE,
    placement=Placement.ODD_BEFORE,
    orientation=Orientation.FLIPPED,
)


def changes_of(
    line: Sequence[Doing],
    cases: Sequence[Case] = (PLAIN,),
    other: Mapping[tuple[str, str], Doing] | None = None,
) -> tuple[Change, ...]:
    """Find the changes over versions 1.0, 2.0, ... that do this; `other` by version and case id."""
    targets = [target(f"{number}.0") for number in range(1, len(line) + 1)]
    named = {(f"made{version}.0-1.0", case_id): do for (version, case_id), do in (other or {}).items()}
    doing = {one.name: do for one, do in zip(targets, line, strict=True)}
    changes = Changes(group_into_blocks(info_of(targets, len(cases))))
    for one in judged_run(cases, doing, named):
        changes.add(one)
    return changes.find_changes()


def spans(changes: Sequence[Change]) -> list[tuple[str, str, str, str]]:
    """Return the version before, the first and the last bad one, the first good one; `-` for none."""
    return [
        (
            "-" if change.before is None else change.before.version,
            change.first_bad.version,
            change.last_bad.version,
            "-" if change.first_good is None else change.first_good.version,
        )
        for change in changes
        if change.kind is ChangeKind.DIVERGES
    ]


def test_a_divergence_comes_with_a_version_and_goes_with_another() -> None:
    (change,) = changes_of([GOOD, BAD, BAD, GOOD])
    assert spans([change]) == [("1.0", "2.0", "3.0", "4.0")]
    assert (change.family, change.pattern.divergence) == ("made", Divergence.VALUE)
    assert change.pattern.cause == "all-padding-before"
    assert (change.cases, change.num_otherwise, change.example) == (1, 0, PLAIN.id)


def test_one_that_was_always_there_is_still_in_the_newest() -> None:
    assert spans(changes_of([BAD, BAD])) == [("-", "1.0", "2.0", "-")]


def test_targets_that_conform_change_nothing() -> None:
    assert changes_of([GOOD, GOOD, not_run], [PLAIN, MUST_BE_REFUSED]) == ()


def test_a_divergence_that_comes_and_goes_has_two_spans() -> None:
    assert spans(changes_of([BAD, GOOD, BAD, GOOD])) == [
        ("-", "1.0", "1.0", "2.0"),
        ("2.0", "3.0", "3.0", "4.0"),
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ([GOOD, BAD, not_run, BAD, GOOD], ("1.0", "2.0", "4.0", "5.0")),
        ([GOOD, not_run, BAD, not_run, GOOD], ("1.0", "3.0", "3.0", "5.0")),
        ([not_run, BAD, not_run], ("-", "2.0", "2.0", "-")),
    ],
)
def test_a_target_that_was_not_observed_neither_starts_nor_ends_a_span(
    line: Sequence[Doing], found: tuple[str, str, str, str]
) -> None:
    assert spans(changes_of(line)) == [found]


def test_a_target_that_was_observed_in_other_cases_alone_does_not_end_a_span() -> None:
    missing = {("2", PLAIN.id): not_run}
    rules = {(str(number), OTHER.id): GOOD for number in (1, 2, 3)}
    assert spans(changes_of([BAD, GOOD, BAD], [PLAIN, OTHER], missing | rules)) == [("-", "1.0", "3.0", "-")]


def test_cases_are_counted_in_the_span_and_at_its_ends() -> None:
    (change,) = changes_of([BAD, BAD, GOOD], [PLAIN, OTHER], {("1", OTHER.id): GOOD})
    assert (change.cases_first, change.cases_last, change.cases) == (1, 2, 2)


def test_a_divergence_that_loses_its_sign_is_a_change() -> None:
    turned = [change for change in changes_of([LOUD, BAD]) if change.kind is not ChangeKind.DIVERGES]
    (change,) = turned
    assert change.kind is ChangeKind.TURNS_SILENT
    assert change.previous is not None
    assert str(change.previous) == "unexpected-error: ValueError: no"
    assert str(change.pattern) == "value: all-padding-before"
    assert (change.before, change.first_bad.version, change.cases) == (change.before, "2.0", 1)
    assert change.before is not None
    assert change.before.version == "1.0"


def test_one_that_gains_a_sign_is_too_even_over_a_version_that_was_not_observed() -> None:
    kinds = [change.kind for change in changes_of([BAD, not_run, LOUD])]
    assert kinds == [ChangeKind.DIVERGES, ChangeKind.DIVERGES, ChangeKind.TURNS_LOUD]


def test_one_that_was_good_in_between_does_not_turn() -> None:
    assert {change.kind for change in changes_of([LOUD, GOOD, BAD])} == {ChangeKind.DIVERGES}


def test_cases_that_diverge_otherwise_where_a_way_ends_are_counted() -> None:
    ended = next(change for change in changes_of([LOUD, BAD], [PLAIN, OTHER], {("2", OTHER.id): GOOD}))
    assert (ended.pattern.note, ended.cases_last, ended.num_otherwise) == ("ValueError: no", 2, 1)


def test_errors_that_differ_in_numbers_are_one_way() -> None:
    line = [raises(f"no window of {number} cells at 0x7f{number}00deadbeef fits") for number in (3, 4)]
    (change,) = changes_of(line)
    assert change.pattern.note == "ValueError: no window of # cells at # fits"


def test_errors_that_differ_in_words_are_two() -> None:
    assert [change.pattern.note for change in changes_of([raises("red"), raises("blue")])] == [
        "ValueError: red",
        "ValueError: blue",
    ]


def test_the_wrapping_of_a_framework_does_not_tell_errors_apart() -> None:
    wrapped = (
        "Exception encountered when calling layer 'conv2d_221' (type Conv2D).\n\n\x1b[1m{{function_node"
        " __wrapped__Conv2D_device_/job:localhost/task:0}} no NCHW\x1b[0m [Op:Conv2D]"
    )
    finding = judged_one("made", PLAIN, raises(f"{wrapped} (defined at venv/keras.py:5)")).finding
    assert extract_first_words(finding) == "ValueError: no NCHW"


@pytest.mark.parametrize(
    "stack",
    [
        'File "a/b.py", line 5, in <module>\n\n  File "c.py", line 117, in extract_stack\n\n',
        'File "b.py", line 5, in <module>\n  call(x)\n  File "c.py", line 1, in call\n  op(\nNode: \'m/c\'\n',
        'File "a/b.py", line 5, in <module> call(x) File "c.py", line 1, in call op( Node: \'m/c\' ',
    ],
)
def test_the_trace_of_a_graph_does_not_tell_errors_apart(stack: str) -> None:
    graph = f"Graph execution error:\n\nDetected at node m/c defined at (most recent call last):\n{stack}"
    finding = judged_one("made", PLAIN, raises(f"{graph}no NCHW\n\t [[{{node m/c}}]] [Op:__f_1]")).finding
    assert extract_first_words(finding) == "ValueError: no NCHW"


def test_the_name_of_the_padding_does_not_tell_errors_apart() -> None:
    def refuses(name: str, case: Case) -> Observation:
        return raises(f"Invalid border mode: '{case.padding}'")(name, case)

    (change,) = changes_of(
        [refuses], [PLAIN, replace(PLAIN, padding="Same"), replace(PLAIN, padding="valid")]
    )
    assert (change.pattern.note, change.cases) == ("ValueError: Invalid border mode: '#'", 3)


def test_a_long_error_is_cut() -> None:
    finding = judged_one("made", PLAIN, raises("word " * 20)).finding
    assert extract_first_words(finding).split() == ["ValueError:", *["word"] * 11, "..."]
    assert len(extract_first_words(judged_one("made", PLAIN, raises("x" * 500)).finding)) < 130


def test_a_refusal_that_is_missing_is_told_by_its_argument() -> None:
    def returns(name: str, case: Case) -> Observation:
        return replace(GOOD(name, PLAIN), case_id=case.id)

    unknown = replace(MUST_BE_REFUSED, padding="full")
    (change,) = changes_of([returns], [MUST_BE_REFUSED, unknown])
    assert (str(change.pattern), change.cases) == ("missing-error: must be refused: padding", 2)


def test_one_pair_of_rules_explains_cases_that_show_only_one_of_them() -> None:
    # A flip shows where padding is the same in both rules; only both together explain every case.
    symmetric = replace(PLAIN, kernel=(3, 3), strides=(1, 1))
    cases = [PLAIN, OTHER, symmetric, replace(PLAIN, input=(8, 9), kernel=(4, 4), strides=(3, 3))]
    (change,) = changes_of([follows(HALF_FLIPPED)], cases)
    assert change.pattern.cause == "stride-ignored-in-padding-odd-cell-before and kernel-flipped"
    assert change.cases == 4


def test_two_causes_stay_two() -> None:
    changes = changes_of([BAD], [PLAIN, OTHER], {("1", OTHER.id): follows(WRONG_RULES["bias-omitted"])})
    assert {change.pattern.cause for change in changes} == {"all-padding-before", "bias-omitted"}


def test_a_crash_is_loud() -> None:
    def crashes(name: str, case: Case) -> Observation:
        return Observation(name, case.id, Outcome.CRASHED, Stage.CALL, reason="killed by SIGSEGV")

    (change,) = changes_of([crashes])
    assert (change.pattern.divergence, change.pattern.note) == (Divergence.CRASH, "killed by SIGSEGV")


def test_the_order_is_by_version_then_silent_first_then_the_larger_first() -> None:
    third = replace(PLAIN, input=(9, 6))
    other = {("2", OTHER.id): LOUD, ("2", third.id): LOUD}
    found = [
        (change.first_bad.version, change.pattern.divergence.is_silent, change.cases)
        for change in changes_of([GOOD, BAD, LOUD], [PLAIN, OTHER, third], other)
        if change.kind is ChangeKind.DIVERGES
    ]
    assert found == [("2.0", True, 1), ("2.0", False, 3)]
