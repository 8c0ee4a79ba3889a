from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EXIT_USAGE, HarnessError
from harness.records import Api, BuiltEnvironment, StubLibrary
from harness.targets.catalog import read_catalog
from harness.targets.variants import Variant

LIST = """\
format = 2

[[base]]
name = "jax{minor}"
python = "3.11"
versions = ["0.10.2", "0.4.30"]
requires = ["jax=={version}; sys_platform != 'win32'", "numpy==2.4.6"]

[[base]]
name = "cntk"
python = "3.6"
stand_ins = ["mpi"]
requires = ["cntk==2.7"]

[[family]]
name = "jax"
target = "keras{version}-jax"
api = "keras"
backend = "jax"
lineage = "jax"
base = "jax0.10"
versions = ["3.15.1", "3.14.1"]
overlay = ["keras=={version}"]
variables = { KERAS_BACKEND = "jax" }

[[family]]
name = "jax"
target = "keras{version}-jax0.4.30"
api = "keras"
backend = "jax"
lineage = "jax"
base = "jax0.4"
versions = ["3.0.5"]
overlay = ["keras=={version}"]

[[family]]
name = "cntk"
target = "keras{version}-cntk"
api = "keras"
backend = "cntk"
lineage = "cntk"
base = "cntk"
versions = ["2.3.1"]
variables = { FLAGS = "dir={home}/x" }

[[variant]]
name = "x64=1"
about = "64-bit numbers"
backends = ["jax"]
variables = { JAX_ENABLE_X64 = "1" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "targets.toml"
    path.write_text(LIST)
    return path


def test_a_family_gives_one_target_per_version(file: Path) -> None:
    newer, older, _, _ = read_catalog([file]).targets
    assert (newer.name, older.name) == ("keras3.15.1-jax", "keras3.14.1-jax")
    assert (older.api, older.version, older.backend, older.lineage) == (Api.KERAS, "3.14.1", "jax", "jax")
    assert (older.family, older.variant) == ("jax", "")
    assert older.realisation == BuiltEnvironment(
        "3.11", ("jax==0.10.2; sys_platform != 'win32'", "numpy==2.4.6"), ("keras==3.14.1",)
    )
    assert older.variables == {"KERAS_BACKEND": "jax"}


def test_a_base_with_versions_is_one_for_each(file: Path) -> None:
    _, _, old, _ = read_catalog([file]).targets
    assert old.built is not None
    assert old.built.requires == ("jax==0.4.30; sys_platform != 'win32'", "numpy==2.4.6")


def test_a_base_without_versions_is_one(file: Path) -> None:
    *_, cntk = read_catalog([file]).targets
    assert cntk.realisation == BuiltEnvironment("3.6", ("cntk==2.7",), (), (StubLibrary.MPI,))
    assert cntk.variables == {"FLAGS": "dir={home}/x"}


def test_the_day_of_a_list_is_that_of_its_bases(file: Path) -> None:
    file.write_text(LIST.replace("format = 2\n", "format = 2\nas_of = 2026-11-15\n"))
    assert {one.built.as_of for one in read_catalog([file]).targets if one.built} == {"2026-11-15"}


def test_variants_are_listed(file: Path) -> None:
    expected = Variant("x64=1", "64-bit numbers", ("jax",), {"JAX_ENABLE_X64": "1"})
    assert read_catalog([file]).variants == (expected,)


def test_a_variant_may_be_other_flags_where_the_pins_are_others(file: Path) -> None:
    table = LIST[LIST.index("[[variant]]") :]
    newer = table.replace("JAX_ENABLE_X64", "NEWER")
    file.write_text(LIST + newer + 'needs = ["jax>=0.5"]\n')
    first, second = read_catalog([file]).variants
    assert (first.name, first.needs, second.needs) == (second.name, (), ("jax>=0.5",))


def test_what_a_variant_needs_is_a_requirement(file: Path) -> None:
    file.write_text(LIST + 'needs = ["jax=>1"]\n')
    with pytest.raises(HarnessError, match=r"variant\[0\].needs\[0\]: 'jax=>1' is no requirement"):
        read_catalog([file])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "format = 2\n",
            "format = 2\ncolour = 'red'\n",
            "unknown key `colour`; Known: format, as_of, base, family",
        ),
        ("format = 2\n", "format = 1\n", "format: 1 is that of an earlier harness; write 2, call a family's"),
        ("format = 2\n", "format = 3\n", "format: 3 is not known; this harness reads format 2"),
        ("format = 2\n", "", "Object missing required field `format`; write `format = 2` at the top"),
        ("[[family]]", "[[family]", "malformed TOML: Expected"),
        # Bases.
        ("requires = [", "require = [", "base[0]: unknown key `require`; did you mean `requires`?"),
        ('python = "3.11"\n', "", "base[0]: Object missing required field `python`"),
        ('"3.11"', '"3"', "base[0].python: '3' is no Python version; write it like '3.11'"),
        ('"0.10.2", ', '"newest", ', "base[0].versions: 'newest' is no version; write it like '3.15.1'"),
        ('"0.10.2", ', '"0.10.2", "0.10.3", ', "base 'jax0.10' is already defined in"),
        ('name = "cntk"', 'name = "jax0.10"', "base 'jax0.10' is already defined in"),
        ('name = "cntk"', 'name = "cn tk"', "base[1].name: 'cn tk' cannot name a base"),
        (
            'name = "cntk"',
            'name = "cntk{minor}"',
            "base[1].name: {minor} in 'cntk{minor}' stands for nothing; list the `versions`",
        ),
        (
            "cntk==2.7",
            "cntk=={version}",
            "base[1].requires[0]: {version} in 'cntk=={version}' stands for nothing",
        ),
        ("jax=={version}", "jax={version}", "base[0].requires[0]: \"jax=0.10.2; sys_platform != 'win32'\""),
        ("jax=={version}", "jax=={versoin}", 'base[0].requires[0]: {versoin} in "jax=={versoin}; sys'),
        ('["mpi"]', '["mpy"]', "base[1].stand_ins[0]: unknown word 'mpy'; did you mean `mpi`?"),
        ('["cntk==2.7"]', "[]", "base[1].requires: Expected `array` of length >= 1"),
        # Families.
        ("lineage", "linage", "family[0]: unknown key `linage`; did you mean `lineage`?"),
        ('lineage = "jax"\n', "", "family[0]: Object missing required field `lineage`"),
        ('"3.15.1", "3.14.1"', "3.15", "family[0].versions[0]: Expected `str`, got `float`"),
        ('"3.15.1", "3.14.1"', "", "family[0].versions: Expected `array` of length >= 1"),
        ('"3.15.1"', '"newest"', "family[0].versions: 'newest' is no version; write it like '3.15.1'"),
        ('"3.15.1"', '"3.14.1"', "target 'keras3.14.1-jax' is already defined"),
        ('"keras{version}-jax"', '"keras-jax"', "target 'keras-jax' is already defined"),
        (
            '"keras{version}-jax"',
            '"keras {version}"',
            "family[0].target: 'keras 3.15.1' cannot name a target",
        ),
        ('"keras{version}-jax"', '"keras{version}+jax"', "family[0].target: 'keras3.15.1+jax' cannot name"),
        ('"keras{version}-jax"', '"here"', "family[0].target: 'here' cannot name a target"),
        ('"keras{version}-jax"', '"keras{v}"', "family[0].target: {v} in 'keras{v}' stands for nothing; "),
        (
            'api = "keras"',
            'api = "tf.kera"',
            "family[0].api: unknown word 'tf.kera'; did you mean `tf.keras`?",
        ),
        ('name = "jax"', 'name = "a b"', "family[0].name: 'a b' is no name"),
        ('backend = "jax"', 'backend = "../x"', "family[0].backend: '../x' is no name"),
        ('backend = "cntk"', 'backend = "jax"\nx = 1', "family[2]: unknown key `x`"),
        (
            'name = "cntk"\ntarget',
            'name = "jax"\ntarget',
            "family[2].backend: 'cntk', but another table of family 'jax' has 'jax'; a family is one line",
        ),
        (
            '"jax0.10"',
            '"jax0.1"',
            "family[0].base: base 'jax0.1' is not listed; did you mean `jax0.10`? Known",
        ),
        ('"jax0.4"', '"jax0.10"', "base[0]: no family uses base 'jax0.4'; name it in a family's `base`"),
        ("keras=={version}", "keras={version}", "family[0].overlay[0]: 'keras=3.15.1' is no requirement"),
        ("KERAS_BACKEND", '"KERAS BACKEND"', "family[0].variables: 'KERAS BACKEND' is no name"),
        ("{home}", "{hom}", "family[2].variables.FLAGS: {hom} stands for nothing; only {home} does"),
        # Variants.
        ('"x64=1"', '"x64 on"', "variant[0].name: 'x64 on' cannot name a variant; write it like 'onednn=0'"),
        ('"x64=1"', '"a+b"', "variant[0].name: 'a+b' cannot name a variant"),
        ('"64-bit numbers"', '""', "variant[0].about: Expected `str` of length >= 1"),
        (
            'backends = ["jax"]',
            'backends = ["jx"]',
            "variant[0].backends: no target has backend 'jx'; did",
        ),
        ("JAX_ENABLE_X64", '"JAX X64"', "variant[0].variables: 'JAX X64' is no name"),
        ('JAX_ENABLE_X64 = "1"', "", "variant[0].variables: Expected `object` of length >= 1"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_remedy(file: Path, old: str, new: str, complaint: str) -> None:
    assert old in LIST
    file.write_text(LIST.replace(old, new, 1))
    with pytest.raises(HarnessError) as caught:
        read_catalog([file])
    assert str(caught.value).startswith(f"{file}: {complaint}")
    assert caught.value.exit_code == EXIT_USAGE


def test_a_variant_may_be_listed_once(file: Path) -> None:
    file.write_text(LIST + LIST[LIST.index("[[variant]]") :])
    with pytest.raises(HarnessError, match="variant 'x64=1' is already defined"):
        read_catalog([file])


def test_a_persons_own_list_may_use_the_bases_of_another(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    family = LIST[LIST.index("[[family]]") : LIST.index("[[family]]", LIST.index("[[family]]") + 1)]
    own.write_text("format = 2\n" + family.replace('"3.15.1", "3.14.1"', '"3.16.0"'))
    *_, newest = read_catalog([file, own]).targets
    assert newest.name == "keras3.16.0-jax"
    assert newest.built is not None
    assert newest.built.requires[0].startswith("jax==0.10.2")


def test_a_persons_own_list_may_stand_alone_or_hold_variants_only(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("format = 2\n" + LIST[LIST.index("[[variant]]") :].replace("x64=1", "wide"))
    assert [variant.name for variant in read_catalog([file, own]).variants] == ["x64=1", "wide"]
    with pytest.raises(HarnessError, match="no target has backend 'jax'; Known: none"):
        read_catalog([own])


def test_a_name_may_stand_in_one_file_only(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    renamed = LIST.replace("jax{minor}", "own{minor}").replace('base = "jax', 'base = "own')
    own.write_text(renamed.replace('"cntk"', '"cntk2"'))
    with pytest.raises(HarnessError, match=r"own\.toml: target 'keras3\.15\.1-jax' is already defined in"):
        read_catalog([file, own])
    own.write_text(LIST)
    with pytest.raises(HarnessError, match=r"own\.toml: base 'jax0\.10' is already defined in"):
        read_catalog([file, own])


def test_a_file_that_lists_nothing_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("format = 2\n")
    with pytest.raises(HarnessError, match="it lists nothing; add a"):
        read_catalog([empty])


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"missing\.toml: cannot be read: No such file or directory"):
        read_catalog([tmp_path / "missing.toml"])
