from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from harness.cases import suite_cache
from harness.cases.suite_cache import EXPANDING, SUITES, read_or_expand
from harness.cases.suites import Library, expand_suites
from harness.errors import HarnessError
from harness.records import Case
from harness.resources import PACKAGE, find_cases_folder
from tests.cases.test_suites import GRID, SUITE, selected, write

LOADED = """
import sys
import harness.cases.suites
print(*{name.split(".")[1] for name in sys.modules if name.startswith("harness.")})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "cases")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def expansions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Return a list to which each expansion appends."""
    names: list[tuple[str, ...]] = []

    def expanded(library: Library, suites: Iterable[str]) -> Iterator[Case]:
        names.append(tuple(suites))
        return expand_suites(library, names[-1])

    monkeypatch.setattr(suite_cache, "expand_suites", expanded)
    return names


def ids(folder: Path, cache: Path, *suites: str) -> list[str]:
    return [case.id for case in read_or_expand([folder], suites or ["all"], cache)]


def entries(cache: Path) -> list[Path]:
    return sorted((cache / SUITES).iterdir())


def test_what_was_expanded_once_is_read(folder: Path, cache: Path, expansions: list[tuple[str, ...]]) -> None:
    first = read_or_expand([folder], ["all"], cache)
    assert [case.id for case in first] == selected([folder], "all")
    assert read_or_expand([folder], ["all"], cache) == first
    assert expansions == [("all",)]


def test_the_cases_that_are_read_are_those_that_were_expanded(cache: Path) -> None:
    folders, suites = [find_cases_folder()], ("seed", "regressions")
    expanded = read_or_expand(folders, suites, cache)
    assert read_or_expand(folders, suites, cache) == expanded
    assert len(expanded) > 400


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("grids", "[4, 6]", "[4, 7]"),
        ("grids", 'layer = "Conv2D"', 'layer = "DepthwiseConv2D"'),
        (
            "suites",
            'count = 4\ntake = [{ grid = "made" }]',
            'count = 2\ntake = [{ grid = "made", every = 2 }]',
        ),
    ],
)
def test_a_changed_file_has_its_own_cases_in_spite_of_the_cache(
    folder: Path, cache: Path, kind: str, old: str, new: str
) -> None:
    before = ids(folder, cache)
    file = folder / kind / "made.toml"
    text = file.read_text()
    file.write_text(text.replace(old, new))
    changed = ids(folder, cache)
    assert changed != before
    assert changed == selected([folder], "all")
    file.write_text(text)
    assert ids(folder, cache) == before


def test_a_file_more_is_noticed(folder: Path, cache: Path, expansions: list[tuple[str, ...]]) -> None:
    ids(folder, cache)
    (folder / "grids" / "more.toml").write_text(GRID.replace('"made"', '"more"'))
    ids(folder, cache)
    assert len(expansions) == 2


def test_a_changed_source_expands_again(
    folder: Path,
    cache: Path,
    expansions: list[tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in EXPANDING:
        shutil.copytree(PACKAGE / name, tmp_path / "harness" / name)
    monkeypatch.setattr(suite_cache, "PACKAGE", tmp_path / "harness")
    for number, name in enumerate(EXPANDING, start=1):
        with next((tmp_path / "harness" / name).glob("*.py")).open("a") as source:
            source.write("# changed\n")
        for _ in range(2):
            ids(folder, cache)
        assert len(expansions) == number


def test_another_version_of_what_computes_expands_again(
    folder: Path, cache: Path, expansions: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(folder, cache)
    monkeypatch.setattr(suite_cache, "_VERSIONS", ("another",))
    ids(folder, cache)
    assert len(expansions) == 2


def test_the_digest_holds_all_packages_that_expand() -> None:
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    # These two only describe what is wrong with a file, and such a file has no cases.
    assert set(ended.stdout.split()) - {"errors", "suggestions", "toml_files"} == set(EXPANDING)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _text: b"",
        lambda text: text[:-1],
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b"-i4x6-", b"-i4x5-", 1),
        lambda text: b"".join(text.splitlines(keepends=True)[:-1]),
        lambda text: text.partition(b"\n")[2],
        lambda text: text + b"\xff",
    ],
)
def test_a_damaged_entry_is_made_again(
    folder: Path, cache: Path, expansions: list[tuple[str, ...]], damage: Callable[[bytes], bytes]
) -> None:
    expected = ids(folder, cache)
    (entry,) = entries(cache)
    whole = entry.read_bytes()
    assert damage(whole) != whole
    entry.write_bytes(damage(whole))
    assert ids(folder, cache) == expected
    assert len(expansions) == 2
    assert entry.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_no_error(
    folder: Path, cache: Path, expansions: list[tuple[str, ...]]
) -> None:
    cache.touch()
    assert ids(folder, cache) == ids(folder, cache) == selected([folder], "all")
    assert len(expansions) == 2


def test_entries_of_what_has_changed_are_deleted_and_no_others(
    folder: Path, cache: Path, tmp_path: Path
) -> None:
    other = write(tmp_path / "other")
    (folder / "suites" / "more.toml").write_text(SUITE.replace('"all"', '"more"'))
    ids(folder, cache)
    ids(folder, cache, "more")
    old = set(entries(cache))
    ids(other, cache)
    (kept,) = set(entries(cache)) - old
    (folder / "grids" / "made.toml").write_text(GRID.replace("[4, 6]", "[4, 7]"))
    ids(folder, cache)
    assert kept in entries(cache)
    assert len(entries(cache)) == 2
    assert not old & set(entries(cache))


def test_what_is_wrong_is_said_each_time_and_never_kept(folder: Path, cache: Path) -> None:
    write(folder, suite=SUITE.replace("count = 4", "count = 5"))
    for _ in range(2):
        with pytest.raises(HarnessError, match="`count` says 5, the grids give 4"):
            ids(folder, cache)
    assert not cache.exists()


def test_a_file_that_cannot_be_read_is_named(folder: Path, cache: Path) -> None:
    (folder / "grids" / "folder.toml").mkdir()
    with pytest.raises(HarnessError, match=r"folder\.toml: cannot be read: "):
        ids(folder, cache)
