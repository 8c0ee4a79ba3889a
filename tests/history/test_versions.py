from __future__ import annotations

from dataclasses import replace

from harness.history.versions import UNPLACED, format_span, group_into_blocks
from harness.records import RunInfo, TargetRun
from tests.history.lines import info_of, target


def heads(*targets: TargetRun) -> list[str]:
    (block,) = group_into_blocks(info_of(targets))
    return [column.head for column in block.columns]


def test_columns_stand_in_the_order_of_versions() -> None:
    assert heads(*(target(version) for version in ("3.10.0", "3.9.2", "2.15.0", "3.0.0rc1", "3.0.0"))) == [
        "2.15.0",
        "3.0.0rc1",
        "3.0.0",
        "3.9.2",
        "3.10.0",
    ]


def test_a_version_that_occurs_twice_names_its_backend() -> None:
    found = heads(
        target("3.0.5", backend_version="2.21.0"),
        target("3.0.5", backend_version="2.16.2"),
        target("3.1.1", backend_version="2.21.0"),
    )
    assert found == ["3.0.5 on 2.16.2", "3.0.5 on 2.21.0", "3.1.1"]


def test_a_long_version_of_a_backend_is_cut_to_its_numbers() -> None:
    found = heads(
        target("3.0.5", backend_version="2026.4.1-22982-e213a147257-releases/2026/4"),
        target("3.0.5", backend_version="2.13.0+cpu"),
    )
    assert found == ["3.0.5 on 2.13.0", "3.0.5 on 2026.4.1"]


def test_a_variant_is_a_line_of_its_own_after_the_plain_targets() -> None:
    versions = [target(number, variant=variant) for variant in ("xla", "") for number in ("3.1.1", "3.0.5")]
    blocks = group_into_blocks(info_of([*versions, target("1.0", "jax")]))
    assert [block.family for block in blocks] == ["jax", "made", "made+xla"]
    assert [[column.head for column in block.columns] for block in blocks] == [
        ["1.0"],
        ["3.0.5", "3.1.1"],
        ["3.0.5", "3.1.1"],
    ]


def test_columns_that_read_alike_are_named_by_their_targets() -> None:
    twin = replace(target("3.0.5"), name="made3.0.5-again")
    assert heads(target("3.0.5"), twin) == ["made3.0.5-1.0", "made3.0.5-again"]


def test_a_version_that_is_none_comes_last() -> None:
    assert heads(target("trunk"), target("3.0.5")) == ["3.0.5", "trunk"]


def test_a_target_without_a_version_shows_the_measured_one() -> None:
    here = replace(target("3.0.5"), version="", name="here")
    assert heads(here, target("2.0.0")) == ["2.0.0", "3.0.5"]


def test_families_come_in_their_order_and_unknown_ones_by_name() -> None:
    targets = [target("1.0", family) for family in ("zeta", "theano", "tf.keras", "alpha", "tensorflow")]
    found = [block.family for block in group_into_blocks(info_of(targets))]
    assert found == ["tensorflow", "tf.keras", "theano", "alpha", "zeta"]


def test_without_a_footer_every_target_is_unplaced_and_none_is_lost() -> None:
    info = RunInfo(info_of([target("1.0"), target("2.0")]).header, None)
    (block,) = group_into_blocks(info)
    assert block.family == UNPLACED
    assert [(column.target, column.run) for column in block.columns] == [
        ("made1.0-1.0", None),
        ("made2.0-1.0", None),
    ]


def test_a_span_of_one_is_its_head() -> None:
    assert format_span(["3.0.5"]) == "3.0.5"
    assert format_span(["3.0.5", "3.1.1", "3.2.1"]) == "3.0.5–3.2.1"
