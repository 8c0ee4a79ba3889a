from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import EXIT_EMPTY, EXIT_USAGE, HarnessError
from harness.generator.library import Library, cases_of, load_library
from harness.shipped import cases_folder

GRID = """
[[grid]]
name = "made"
about = "Made for a test"
layer = "Conv2D"
count = 4
product = { input = [[5, 5], [4, 6]], kernel = [[2, 2]] }
"""
SUITE = """
[[suite]]
name = "all"
about = "Made for a test"
count = 4
take = [{ grid = "made" }]
"""


def write(folder: Path, grid: str = GRID, suite: str = SUITE) -> Path:
    """A folder of cases with one file of each kind."""
    for kind, text in (("grids", grid), ("suites", suite)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / "made.toml").write_text(text, encoding="utf-8")
    return folder


def selected(folders: Sequence[Path], *suites: str) -> list[str]:
    return [case.id for case in cases_of(load_library(folders), suites)]


def complaint(folders: Sequence[Path], *suites: str) -> HarnessError:
    with pytest.raises(HarnessError) as raised:
        selected(folders, *suites)
    return raised.value


def test_a_suite_gives_the_cases_of_its_grids_in_their_order(tmp_path: Path) -> None:
    assert selected([write(tmp_path)], "all") == [
        "conv2d-eager-i5x5-k2x2-s1x1-d1x1-same-last-b2-c2-f3-g1-bias-float32",
        "conv2d-eager-i4x6-k2x2-s1x1-d1x1-same-last-b2-c2-f3-g1-bias-float32",
        "conv2d-eager-i5x5-k2x2-s1x1-d1x1-valid-last-b2-c2-f3-g1-bias-float32",
        "conv2d-eager-i4x6-k2x2-s1x1-d1x1-valid-last-b2-c2-f3-g1-bias-float32",
    ]


def test_every_nth_begins_with_the_first(tmp_path: Path) -> None:
    suite = SUITE.replace("count = 4", "count = 2").replace('"made"', '"made", every = 3')
    every = selected([write(tmp_path, suite=suite)], "all")
    assert every == [selected([write(tmp_path)], "all")[place] for place in (0, 3)]


def test_a_case_that_two_suites_share_comes_once(tmp_path: Path) -> None:
    write(tmp_path, suite=SUITE + SUITE.replace('"all"', '"again"'))
    assert selected([tmp_path], "all", "again") == selected([tmp_path], "all")
    assert selected([tmp_path], "all", "all") == selected([tmp_path], "all")


def test_a_case_that_two_grids_of_a_suite_share_comes_once(tmp_path: Path) -> None:
    grid = GRID + GRID.replace('"made"', '"other"').replace("[4, 6]", "[7, 7]")
    suite = SUITE.replace("count = 4", "count = 6").replace(
        '{ grid = "made" }', '{ grid = "made" }, { grid = "other" }'
    )
    ids = selected([write(tmp_path, grid=grid, suite=suite)], "all")
    assert len(set(ids)) == len(ids) == 6


def test_a_grid_that_gives_a_case_twice_is_refused(tmp_path: Path) -> None:
    grid = GRID + "each = { batch = [2, 2] }"
    error = complaint([write(tmp_path, grid=grid)], "all")
    assert str(error) == (
        f"{tmp_path / 'grids' / 'made.toml'}: grid 'made': the case"
        " conv2d-eager-i5x5-k2x2-s1x1-d1x1-same-last-b2-c2-f3-g1-bias-float32 comes twice; drop one"
    )


def test_a_suite_of_hundreds_of_thousands_streams_in_little_memory() -> None:
    library = load_library([cases_folder()])
    tracemalloc.start()
    try:
        number = sum(1 for _ in itertools.islice(cases_of(library, ["exhaustive"]), 30_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == 30_000
    assert peak / number < 300


def test_a_second_folder_adds_to_the_first(tmp_path: Path) -> None:
    first = write(tmp_path / "one")
    second = write(
        tmp_path / "two",
        GRID.replace("made", "more").replace("2, 2", "3, 1"),
        SUITE.replace('"all"', '"own"'),
    )
    assert len(selected([first, second], "own")) == 4
    library = load_library([first, second])
    assert library.files["grid more"] == second / "grids" / "made.toml"


def test_a_regression_file_holds_grids_with_their_provenance(tmp_path: Path) -> None:
    write(tmp_path, suite=SUITE.replace('"made"', '"found"'))
    (tmp_path / "regressions").mkdir()
    text = (
        'found = "2026-01-02"\ntarget = "a"\nwhat = "b"\nwhy = "c"\nreproduction = "d"\nupstream = []\n'
        + GRID.replace('"made"', '"found"')
    )
    path = tmp_path / "regressions" / "one.toml"
    path.write_text(text, encoding="utf-8")
    assert len(selected([tmp_path], "all")) == 4
    path.write_text(text.replace('why = "c"\n', ""), encoding="utf-8")
    assert str(complaint([tmp_path], "all")).startswith(f"{path}: Object missing required field `why`")


GRID_ERRORS = {
    "unknown key": (GRID.replace("about", "abuot"), "unknown field `abuot` - at `$.grid[0]`"),
    "unknown axis": (
        GRID.replace("kernel =", "kernels ="),
        "unknown field `kernels` - at `$.grid[0].product`",
    ),
    "unknown attribute": (
        GRID + "turn = { chanels = [1] }",
        "unknown field `chanels` - at `$.grid[0].turn`",
    ),
    "unknown layer": (GRID.replace("Conv2D", "Conv9D"), "Invalid enum value 'Conv9D' - at `$.grid[0].layer`"),
    "unknown mode": (GRID + 'mode = "lazy"', "Invalid enum value 'lazy' - at `$.grid[0].mode`"),
    "unknown format": (
        GRID + 'turn = { data_format = ["NCHW"] }',
        "Invalid enum value 'NCHW' - at `$.grid[0].turn.data_format[0]`",
    ),
    "missing key": (GRID.replace("count = 4\n", ""), "missing required field `count` - at `$.grid[0]`"),
    "count of nothing": (
        GRID.replace("count = 4", "count = 0"),
        "Expected `int` >= 1 - at `$.grid[0].count`",
    ),
    "wrong type": (GRID.replace("[[2, 2]]", "[[2, true]]"), "Expected `int`, got `bool`"),
    "lattice of lists": (
        GRID.replace("product = { input = [[5, 5], [4, 6]], kernel = [[2, 2]] }", "")
        + "lattice = { input = [[5, 5]], kernel = [2], strides = [1] }",
        "Expected `int`, got `array` - at `$.grid[0].lattice.input[0]`",
    ),
    "lattice below 0": (
        GRID + "lattice = { input = [-1], kernel = [2], strides = [1] }",
        "Expected `int` >= 0 - at `$.grid[0].lattice.input[0]`",
    ),
    "lattice below 1": (
        GRID + "lattice = { input = [5], kernel = [0], strides = [1] }",
        "Expected `int` >= 1 - at `$.grid[0].lattice.kernel[0]`",
    ),
    "some rounds": (
        GRID + 'lattice = { input = [5], kernel = [2], rounds = "some" }',
        "Invalid enum value 'some' - at `$.grid[0].lattice.rounds`",
    ),
    "strength of 4": (
        GRID + "cover = { input = [5], kernel = [2], strength = 4 }",
        "Invalid enum value 4 - at `$.grid[0].cover.strength`",
    ),
    "unknown form": (
        GRID + 'each = { form = ["set"] }',
        "Invalid enum value 'set' - at `$.grid[0].each.form[0]`",
    ),
    "a word for a length": (
        GRID.replace("[[2, 2]]", '["none"]'),
        "Expected `int | array`, got `str` - at `$.grid[0].product.kernel[0]`",
    ),
    "another word than none": (
        GRID.replace("[[2, 2]] }", '[[2, 2]], output_padding = ["all"] }'),
        "Invalid enum value 'all' - at `$.grid[0].product.output_padding[0]`",
    ),
    "no layer": (GRID.replace('layer = "Conv2D"', ""), "give exactly one of `layer` and `layers`"),
    "padding with a blank": (
        GRID + 'each = { padding = ["sa me"] }',
        "at `$.grid[0].each.padding[0]`",
    ),
    "name with a blank": (GRID.replace('"made"', '"ma de"'), "at `$.grid[0].name`"),
    "no grid": ("grids = 1", "unknown field `grids`"),
    "malformed": ("[[grid]\nname =", "malformed TOML: "),
    "not text": ("[[grid]]\nname = \x00", "malformed TOML: "),
    "two designs": (
        GRID + "lattice = { input = [5], kernel = [2], strides = [1] }",
        "grid 'made': give exactly one of `lattice`, `product` and `cover`",
    ),
    "count mismatch": (
        GRID.replace("count = 4", "count = 5"),
        "grid 'made': `count` says 5, the axes give 4; correct whichever is wrong",
    ),
    "ties of a convolution": (
        GRID + 'turn = { data = ["exact", "ties"] }',
        "grid 'made': `data` has ties, which is for pooling; give Conv2D a grid of its own",
    ),
    "gradients of nonfinite data": (
        GRID.replace("Conv2D", "MaxPooling2D") + 'mode = "gradient"\nturn = { data = ["nonfinite"] }',
        "grid 'made': `data` has nonfinite, of which there are no gradients; give them a grid of their own",
    ),
    "named twice": (GRID + GRID, "grid 'made' is already defined in "),
}


@pytest.mark.parametrize("name", GRID_ERRORS)
def test_a_bad_grid_names_the_file_and_the_key(name: str, tmp_path: Path) -> None:
    text, message = GRID_ERRORS[name]
    error = complaint([write(tmp_path, grid=text)], "all")
    assert str(error).startswith(f"{tmp_path / 'grids' / 'made.toml'}: ")
    assert message in str(error)
    assert error.exit_code == EXIT_USAGE


def test_a_wrong_key_points_to_the_description_of_the_keys(tmp_path: Path) -> None:
    error = complaint([write(tmp_path, grid=GRID.replace("about", "abuot"))], "all")
    assert str(error).endswith("; see cases/README.md for the keys")


SUITE_ERRORS = {
    "unknown key": (SUITE + "every = 2", "unknown field `every` - at `$.suite[0]`"),
    "unknown grid": (
        SUITE.replace('"made"', '"mdae"'),
        "suite 'all': `take`: no grid 'mdae'; did you mean made?",
    ),
    "nowhere near": (
        SUITE.replace('"made"', '"zzz"'),
        "suite 'all': `take`: no grid 'zzz'; there are made",
    ),
    "every 0th": (SUITE.replace('"made"', '"made", every = 0'), "Expected `int` >= 1"),
    "count mismatch": (
        SUITE.replace("count = 4", "count = 3"),
        "suite 'all': `count` says 3, the grids give 4; correct whichever is wrong",
    ),
    "a grid twice": (
        SUITE.replace('{ grid = "made" }', '{ grid = "made" }, { grid = "made", every = 2 }'),
        "suite 'all': `take`: grid 'made' twice; drop one",
    ),
    "named twice": (SUITE + SUITE, "suite 'all' is already defined in "),
    "nothing taken": (SUITE.replace('{ grid = "made" }', ""), "`count` says 4, the grids give 0"),
}


@pytest.mark.parametrize("name", SUITE_ERRORS)
def test_a_bad_suite_names_the_file_and_the_remedy(name: str, tmp_path: Path) -> None:
    text, message = SUITE_ERRORS[name]
    error = complaint([write(tmp_path, suite=text)], "all")
    assert str(error).startswith(f"{tmp_path / 'suites' / 'made.toml'}: ")
    assert message in str(error)


def test_a_name_used_in_two_folders_names_both_files(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one"), write(tmp_path / "two")
    error = complaint([one, two], "all")
    assert str(error) == (
        f"{two / 'grids' / 'made.toml'}: grid 'made' is already defined in"
        f" {one / 'grids' / 'made.toml'}; rename one"
    )


def test_an_unknown_suite_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert str(complaint([write(tmp_path)], "al")) == "no suite 'al'; did you mean all?"
    assert str(complaint([write(tmp_path)], "zzz")) == "no suite 'zzz'; there are all"


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    assert str(complaint([tmp_path / "nowhere"], "all")).endswith("; is this a folder of cases?")


def test_nothing_selected_has_its_own_exit_code(tmp_path: Path) -> None:
    error = complaint([write(tmp_path)])
    assert error.exit_code == EXIT_EMPTY
    assert str(error) == "no case was selected; name at least one suite"


def test_bytes_that_are_no_text_are_malformed(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "grids" / "made.toml"
    path.write_bytes(b'[[grid]]\nname = "\xff"')
    assert str(complaint([tmp_path], "all")).startswith(f"{path}: malformed TOML: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "grids" / "folder.toml").mkdir()
    assert str(complaint([tmp_path], "all")).startswith(
        f"{tmp_path / 'grids' / 'folder.toml'}: cannot be read: "
    )


def test_cases_stream(tmp_path: Path) -> None:
    library: Library = load_library([write(tmp_path, suite=SUITE.replace("count = 4", "count = 9"))])
    cases = cases_of(library, ["all"])
    assert [next(cases).padding for _ in range(4)] == ["same", "same", "valid", "valid"]
    with pytest.raises(HarnessError, match="`count` says 9, the grids give 4"):
        next(cases)
