"""The committed tables: complete, small, of listed targets, and as the README quotes them."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from harness.cases.suites import read_regression
from harness.mutation.library import list_all_mutants
from harness.resources import find_cases_folder
from harness.targets.catalog import read_catalog

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports"
TABLES = REPORTS / "tables"
HISTORY = TABLES / "history"
MAX_BYTES = 8_000_000
MIN_TARGETS = 140


def rows(name: str) -> list[dict[str, str]]:
    with (HISTORY / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_history_holds_listed_targets_observed_whole() -> None:
    """Targets that were listed later are missing until the tables are written again."""
    listed = {target.name for target in read_catalog([find_cases_folder() / "targets.toml"]).targets}
    observed = {row["target"]: row for row in rows("targets.csv")}
    assert len(observed) >= MIN_TARGETS
    assert {name.partition("+")[0] for name in observed} <= listed
    assert {row["not_run"] for row in observed.values()} == {"0"}


def test_every_cell_of_the_history_was_judged() -> None:
    assert {row["inconclusive"] for row in rows("history.csv")} == {"0"}


DO_NOT_HOLD = {("tf.keras1.4.0", 1), ("tf.keras1.5.0", 1), ("tf_keras2.20.1+onednn=0", 1)}
"""The number of divergences by target that do not hold by hand; the README of the reports says why."""


def test_the_divergences_of_the_history_were_called_by_hand_and_all_but_three_hold() -> None:
    cases: Counter[str] = Counter()
    for row in rows("confirmed.csv"):
        cases[row["result"]] += int(row["cases"])
        if row["result"] == "not-called":
            assert row["cause"] == "targets of the run disagree" or row["why"].startswith("it is unstable")
    assert cases.keys() <= {"holds", "does-not-hold", "not-called"}
    found = {
        (row["target"], int(row["cases"]))
        for row in rows("confirmed.csv")
        if row["result"] == "does-not-hold"
    }
    assert found == DO_NOT_HOLD
    counts = ("silent", "loud", "unstable")
    diverging = sum(int(row[count]) for row in rows("history.csv") for count in counts)
    assert cases.total() == diverging


def test_the_readme_quotes_the_history() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    quoted = re.search(r"<!-- history -->\n(.*)<!-- /history -->", readme, re.DOTALL)
    assert quoted is not None
    lines = quoted[1].strip().splitlines()
    assert len(lines) > 10
    table = (HISTORY / "history.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line not in table] == []


def test_what_is_committed_stays_small_and_names_no_folder_of_a_machine() -> None:
    files = [file for file in TABLES.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < MAX_BYTES
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|work)/", text), file


def test_every_divergence_of_the_newest_keras_is_listed_with_its_file() -> None:
    listed = (ROOT / "reports" / "README.md").read_text(encoding="utf-8")
    found = [
        file.name
        for file in sorted((ROOT / "cases" / "regressions").glob("*.toml"))
        if "3.15" in tomllib.loads(file.read_text(encoding="utf-8"))["target"]
    ]
    assert len(found) > 30
    assert [name for name in found if f"(../cases/regressions/{name})" not in listed] == []


@pytest.mark.parametrize(
    "path", sorted((find_cases_folder() / "regressions").glob("*.toml")), ids=lambda path: path.stem
)
def test_a_divergence_that_needs_an_instruction_set_says_so_where_it_is_listed(path: Path) -> None:
    regression = read_regression(path)
    spoken = (regression.target + regression.what).lower()
    if "avx512" in spoken or "a processor with avx-512" in spoken:
        assert regression.instruction_set is not None
    if regression.instruction_set is not None:
        rows = [line for line in (REPORTS / "README.md").read_text().splitlines() if path.name in line]
        assert rows
        assert all(regression.instruction_set in row for row in rows)


@pytest.mark.parametrize("file", sorted((TABLES / "strength").glob("*.csv")), ids=lambda path: path.stem)
def test_the_kill_matrix_names_every_mutant(file: Path) -> None:
    with file.open(encoding="utf-8", newline="") as lines:
        told = [row["mutant"] for row in csv.DictReader(lines)]
    known = [mutant.name for mutant in list_all_mutants()]
    assert told == known, (
        "make the matrix again: keras-harness strength smoke core -o reports/tables/strength"
    )
