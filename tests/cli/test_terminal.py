"""Tables: no cell is truncated, however narrow the terminal and wherever they are piped."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from harness.cli.terminal import build_closing_table, show
from harness.records import RunHeader, RunInfo
from harness.report.tally import Tally

LONG = "keras3.15.1-tensorflow+onednn=0+ONEDNN_MAX_CPU_ISA=AVX2"


def printed(table: Table, width: int, *, is_terminal: bool = True) -> str:
    stream = io.StringIO()
    show(table, Console(file=stream, width=width, force_terminal=is_terminal, color_system=None))
    return stream.getvalue()


def tally(targets: dict[str, Tally], silent: int) -> Tally:
    return Tally(
        planned=14_702,
        judged=14_702,
        conforming=9_871,
        refused=1_234,
        silent=silent,
        loud=530,
        unsupported=3_698,
        inconclusive=0,
        unstable=0,
        new=silent + 530,
        targets=targets,
        due=14_702,
    )


def closing(name: str) -> Table:
    header = RunHeader(
        schema=1,
        harness="tests",
        signals=1,
        suites=("core",),
        targets=(name,),
        cases=14_702,
        planned=14_702,
        started="",
    )
    return build_closing_table(RunInfo(header, None), tally({name: tally({}, 603)}, 603))


@pytest.mark.parametrize("width", range(40, 81, 4))
@pytest.mark.parametrize("name", ["keras3.15.1-jax", LONG])
def test_the_closing_table_drops_no_column_and_no_digit(width: int, name: str) -> None:
    text = printed(closing(name), width)
    for word in (name, "9871/14702", "1234", "603", "530", "3698"):
        assert word in text.split(), text
    for column in ("conforming", "refused", "silent", "loud", "unsupported", "inconclusive"):
        assert column in text.replace(":", " ").split(), text
    assert "…" not in text


@pytest.mark.parametrize("width", [40, 120])
def test_what_is_piped_is_as_wide_as_it_needs(width: int) -> None:
    text = printed(closing(LONG), width, is_terminal=False)
    (row,) = (line for line in text.splitlines() if LONG in line)
    assert row.split() == [LONG, "9871/14702", "1234", "603", "530", "3698", "0"]


def test_a_wide_terminal_shows_a_table_and_a_narrow_one_a_block_for_each_row() -> None:
    assert printed(closing(LONG), 160).splitlines()[-1].split() == []
    assert f"{LONG}\n  conforming: 9871/14702\n  refused: 1234\n" in printed(closing(LONG), 40)


def test_words_may_wrap_where_numbers_may_not() -> None:
    table = Table()
    table.add_column("suite", no_wrap=True)
    table.add_column("cases", no_wrap=True)
    table.add_column("what it holds")
    table.add_row(
        "exhaustive", "260,342", "every point of a bounded lattice, each axis with each of the others"
    )
    text = printed(table, 48)
    assert "260,342" in text
    assert max(map(len, text.splitlines())) <= 48
    assert "others" in text
