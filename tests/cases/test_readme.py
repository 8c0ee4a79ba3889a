"""`cases/README.md` states what the files contain."""

from __future__ import annotations

import re
import tomllib

import msgspec

from harness.cases.expansion import expand_grid
from harness.cases.grids import DEFAULT_ATTRIBUTES, Attributes, Cover, Grid, Lattice, Product
from harness.cases.suites import Suite, SuitePart, load_library
from harness.judge.documented_limits import DocumentedLimit
from harness.resources import find_cases_folder

README = find_cases_folder().joinpath("README.md").read_text(encoding="utf-8")
LIBRARY = load_library([find_cases_folder()])


def test_the_table_of_suites_holds_every_suite_and_its_size() -> None:
    stated = {name: int(count) for name, count in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", README, re.M)}
    assert stated == {name: suite.count for name, suite in LIBRARY.suites.items()}


def test_the_table_of_files_names_every_file_of_grids() -> None:
    stated = set(re.findall(r"`grids/([a-z0-9]+)\.toml`", README))
    assert stated == {path.stem for path in find_cases_folder().glob("grids/*.toml")}


def test_every_key_is_described() -> None:
    words = set(re.findall(r"[a-z_]+", README))
    for struct in (Grid, Lattice, Product, Cover, Attributes, Suite, SuitePart, DocumentedLimit):
        for field in msgspec.structs.fields(struct):
            assert field.name in words, field.name


def test_every_default_is_stated() -> None:
    for key, value in DEFAULT_ATTRIBUTES.items():
        stated = str(value).lower() if isinstance(value, bool) else str(value)
        assert re.search(rf"`{key}`\s\(`?{stated}\b", README), key


def test_the_examples_of_grids_expand_to_their_counts() -> None:
    examples = re.findall(r"```toml\n(\[\[grid\]\].*?)```", README, re.S)
    tables = [table for example in examples for table in tomllib.loads(example)["grid"]]
    grids = [msgspec.convert(table, Grid) for table in tables]
    assert [grid.count for grid in grids if grid.count is not None] == [
        len(list(expand_grid(grid, "README"))) for grid in grids if grid.count is not None
    ]
    assert len(grids) == 4


def test_the_example_of_a_lattice_is_the_one_of_core() -> None:
    example = re.search(r"```toml\n\[grid.lattice\](.*?)```", README, re.S)
    assert example is not None
    assert (
        msgspec.convert(tomllib.loads(example.group(1)), Lattice) == LIBRARY.grids["conv2d-lattice"].lattice
    )
