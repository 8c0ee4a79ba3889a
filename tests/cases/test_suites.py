from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.cases.suites import Library, expand_suites, load_library
from harness.errors import EXIT_EMPTY, EXIT_USAGE, HarnessError
from harness.resources import find_cases_folder

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
    """Write a folder of cases with one file of each kind."""
    for kind, text in (("grids", grid), ("suites", suite)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / "made.toml").write_text(text, encoding="utf-8")
    return folder


def selected(folders: Sequence[Path], *suites: str) -> list[str]:
    return [case.id for case in expand_suites(load_library(folders), suites)]


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
    library = load_library([find_cases_folder()])
    tracemalloc.start()
    try:
        number = sum(1 for _ in itertools.islice(expand_suites(library, ["exhaustive"]), 30_000))
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
    "unknown key": (
        GRID.replace("about", "abuot"),
        "grid 'made': unknown key `abuot`; did you mean `about`? Known: ",
    ),
    "unknown axis": (
        GRID.replace("kernel =", "kernels ="),
        "grid 'made': product: unknown key `kernels`; did you mean `kernel`? Known: input, kernel, ",
    ),
    "unknown attribute": (
        GRID + "turn = { chanels = [1] }",
        "grid 'made': turn: unknown key `chanels`; did you mean `channels`? Known: mode, padding, ",
    ),
    "unknown layer": (
        GRID.replace("Conv2D", "Conv2d"),
        "grid 'made': layer: unknown word 'Conv2d'; did you mean `Conv2D`? Known: Conv1D, Conv2D, ",
    ),
    "unknown mode": (
        GRID + 'mode = "lazy"',
        "grid 'made': mode: unknown word 'lazy'; Known: eager, ",
    ),
    "unknown format": (
        GRID + 'turn = { data_format = ["channels_last", "channel_first"] }',
        "grid 'made': turn.data_format[1]: unknown word 'channel_first'; did you mean `channels_first`?"
        " Known: channels_last, channels_first; see cases/README.md",
    ),
    "missing key": (
        GRID.replace('about = "Made for a test"\n', ""),
        "grid 'made': Object missing required field `about`",
    ),
    "unknown dtype": (
        GRID + 'each = { dtype = ["float32", "flaot64"] }',
        "grid 'made': each.dtype[1]: unknown word 'flaot64'; did you mean `float64`?"
        " Known: bfloat16, float16, float32, float64; see",
    ),
    "count of nothing": (
        GRID.replace("count = 4", "count = 0"),
        "grid 'made': count: Expected `int` >= 1",
    ),
    "wrong type": (GRID.replace("[[2, 2]]", "[[2, true]]"), "Expected `int`, got `bool`"),
    "lattice of lists": (
        GRID.replace("product = { input = [[5, 5], [4, 6]], kernel = [[2, 2]] }", "")
        + "lattice = { input = [[5, 5]], kernel = [2], strides = [1] }",
        "grid 'made': lattice.input[0]: Expected `int`, got `array`",
    ),
    "lattice below 0": (
        GRID + "lattice = { input = [-1], kernel = [2], strides = [1] }",
        "grid 'made': lattice.input[0]: Expected `int` >= 0",
    ),
    "lattice below 1": (
        GRID + "lattice = { input = [5], kernel = [0], strides = [1] }",
        "grid 'made': lattice.kernel[0]: Expected `int` >= 1",
    ),
    "some rounds": (
        GRID + 'lattice = { input = [5], kernel = [2], rounds = "some" }',
        "grid 'made': lattice.rounds: unknown word 'some'; Known: all",
    ),
    "strength of 4": (
        GRID + "cover = { input = [5], kernel = [2], strength = 4 }",
        "grid 'made': cover.strength: unknown word 4; Known: 2, 3",
    ),
    "unknown form": (
        GRID + 'each = { form = ["set"] }',
        "grid 'made': each.form[0]: unknown word 'set'; Known: tuple, list, int, defaults",
    ),
    "a word for a length": (
        GRID.replace("[[2, 2]]", '["none"]'),
        "grid 'made': product.kernel[0]: Expected `int | array`, got `str`",
    ),
    "another word than none": (
        GRID.replace("[[2, 2]] }", '[[2, 2]], output_padding = ["all"] }'),
        "grid 'made': product.output_padding[0]: unknown word 'all'; Known: none",
    ),
    "no layer": (GRID.replace('layer = "Conv2D"', ""), "give exactly one of `layer` and `layers`"),
    "padding with a blank": (
        GRID + 'each = { padding = ["sa me"] }',
        "grid 'made': each.padding[0]: Expected `str` matching regex",
    ),
    "name with a blank": (
        GRID.replace('"made"', '"ma de"'),
        "grid 'ma de': name: Expected `str` matching",
    ),
    "no grid": ("grids = 1", "unknown key `grids`; did you mean `grid`? Known: grid"),
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


def test_a_misspelled_padding_is_an_error_that_names_grid_word_and_words(tmp_path: Path) -> None:
    grid = GRID + 'each = { padding = ["same", "vaild"] }'
    error = complaint([write(tmp_path, grid=grid)], "all")
    assert str(error) == (
        f"{tmp_path / 'grids' / 'made.toml'}: grid 'made': `padding` has 'vaild', which Conv2D must refuse;"
        " did you mean `valid`? Known: valid, same. A grid of refusals says `refusal = true`"
    )
    assert error.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("groups = [3]", "-g3-bias-float32: groups does not divide the channels. A grid of refusals says"),
        ("filters = [0]", "-f0-g1-bias-float32: filters is below 1. A grid of refusals says"),
        ('padding = ["causal"]', "`padding` has 'causal', which Conv2D must refuse; Known: valid, same."),
    ],
)
def test_what_must_be_refused_is_an_error_in_a_grid_that_is_not_one_of_refusals(
    tmp_path: Path, attributes: str, said: str
) -> None:
    error = complaint([write(tmp_path, grid=f"{GRID}each = {{ {attributes} }}")], "all")
    assert said in str(error)
    refusals = GRID.replace("count = 4", "refusal = true") + f"each = {{ {attributes} }}"
    assert len(selected([write(tmp_path, refusals, SUITE.replace("count = 4\n", ""))], "all")) == 2


def test_a_grid_of_refusals_lists_what_need_not_be_refused(tmp_path: Path) -> None:
    grid = GRID + 'refusal = true\neach = { padding = ["same", "vaild"] }'
    case_id = "conv2d-eager-i{}-k2x2-s1x1-d1x1-same-last-b2-c2-f3-g1-bias-float32"
    assert str(complaint([write(tmp_path, grid=grid)], "all")) == (
        f"{tmp_path / 'grids' / 'made.toml'}: grid 'made': `refusal = true`, and 2 of its 4 cases need not be"
        f" refused: {case_id.format('5x5')}, {case_id.format('4x6')}; put them into a grid without it"
    )


def test_a_count_may_be_left_out(tmp_path: Path) -> None:
    write(tmp_path, GRID.replace("count = 4\n", ""), SUITE.replace("count = 4\n", ""))
    assert len(selected([tmp_path], "all")) == 4


def test_all_wrong_counts_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    grid = GRID.replace("count = 4", "count = 5")
    other = GRID.replace('"made"', '"other"').replace("2, 2", "3, 1").replace("count = 4", "count = 6")
    suite = SUITE.replace('{ grid = "made" }', '{ grid = "made" }, { grid = "other" }')
    write(tmp_path, grid, suite)
    (tmp_path / "grids" / "other.toml").write_text(other, encoding="utf-8")
    made, more = tmp_path / "grids" / "made.toml", tmp_path / "grids" / "other.toml"
    assert str(complaint([tmp_path], "all")).splitlines() == [
        f"{made}: grid 'made': `count` says 5, the axes give 4; correct whichever is wrong",
        f"{more}: grid 'other': `count` says 6, the axes give 4; correct whichever is wrong",
        f"{tmp_path / 'suites' / 'made.toml'}: suite 'all': `count` says 4, the grids give 8;"
        " correct whichever is wrong",
    ]


def test_a_grid_that_nothing_is_like_costs_a_few_names_and_not_all(tmp_path: Path) -> None:
    write(tmp_path, suite=SUITE.replace('"made"', '"zzz"'))
    complained = str(complaint([find_cases_folder(), tmp_path], "all"))
    assert "no grid 'zzz'; there are " in complained
    assert f" more; {find_cases_folder() / 'grids'}/*.toml, " in complained
    assert complained.endswith(f"{tmp_path / 'grids'}/*.toml define them")
    assert len(complained) < 800


def test_a_wrong_key_points_to_the_description_of_the_keys(tmp_path: Path) -> None:
    error = complaint([write(tmp_path, grid=GRID.replace("about", "abuot"))], "all")
    assert str(error).endswith("; see cases/README.md for the keys")


SUITE_ERRORS = {
    "unknown key": (SUITE + "every = 2", "suite 'all': unknown key `every`; Known: name, about, take, count"),
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
    cases = expand_suites(library, ["all"])
    assert [next(cases).padding for _ in range(4)] == ["same", "same", "valid", "valid"]
    with pytest.raises(HarnessError, match="`count` says 9, the grids give 4"):
        next(cases)
