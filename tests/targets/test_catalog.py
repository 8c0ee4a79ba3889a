from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.errors import EXIT_USAGE, HarnessError
from harness.records import Built
from harness.targets import read_catalog

SHIPPED = Path(__file__).parents[2] / "cases" / "targets.toml"
FAMILY = """\
format = 1
[[family]]
name = "keras{version}-jax"
api = "keras"
backend = "jax"
lineage = "jax"
python = "3.11"
versions = ["3.15.1", "3.14.1"]
requires = ["keras=={version}", "jax==0.10.2; sys_platform != 'win32'"]
variables = { KERAS_BACKEND = "jax" }
"""
PLATFORMS = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "targets.toml"
    path.write_text(FAMILY)
    return path


def pins(requires: tuple[str, ...], platform: str, machine: str) -> dict[str, str]:
    environment = {"sys_platform": platform, "platform_machine": machine}
    requirements = map(Requirement, requires)
    return {
        each.name: str(each.specifier)
        for each in requirements
        if each.marker is None or each.marker.evaluate(environment)
    }


def test_a_family_gives_one_target_per_version(file: Path) -> None:
    newer, older = read_catalog([file])
    assert (newer.name, older.name) == ("keras3.15.1-jax", "keras3.14.1-jax")
    assert (older.api, older.version, older.backend, older.lineage) == ("keras", "3.14.1", "jax", "jax")
    assert older.realisation == Built("3.11", ("keras==3.14.1", "jax==0.10.2; sys_platform != 'win32'"))
    assert older.variables == {"KERAS_BACKEND": "jax"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("lineage", "linage", "family[0]: unknown key `linage`; did you mean `lineage`?"),
        ("format = 1", "format = 1\ncolour = 'red'", "unknown key `colour`; Known keys: format, family"),
        ("format = 1", "format = 2", "format: Invalid enum value 2"),
        ('lineage = "jax"\n', "", "family[0]: Object missing required field `lineage`"),
        ('"3.15.1", "3.14.1"', "3.15", "family[0].versions[0]: Expected `str`, got `float`"),
        ('"3.15.1", "3.14.1"', "", "family[0].versions: Expected `array` of length >= 1"),
        ('"3.15.1"', '"newest"', "family[0].versions: 'newest' is no version; write it like '3.15.1'"),
        ('"3.15.1"', '"3.14.1"', "target 'keras3.14.1-jax' is already defined"),
        ("keras{version}-jax", "keras-jax", "target 'keras-jax' is already defined"),
        ("keras{version}-jax", "keras {version}", "family[0].name: 'keras 3.15.1' cannot name a target"),
        ("keras{version}-jax", "here", "family[0].name: 'here' cannot name a target"),
        ('api = "keras"', 'api = "tf.keras"', "family[0].api: unknown API 'tf.keras'; known: keras"),
        ('backend = "jax"', 'backend = "../x"', "family[0].backend: '../x' is no name"),
        ('"3.11"', '"3"', "family[0].python: '3' is no Python version; write it like '3.11'"),
        ("jax==0.10.2", "jax=0.10.2", "family[0].requires[1]: \"jax=0.10.2; sys_platform != 'win32'\""),
        ("KERAS_BACKEND", '"KERAS BACKEND"', "family[0].variables: 'KERAS BACKEND' is no name"),
        ("[[family]]", "[[family]", "not valid TOML: Expected"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_remedy(file: Path, old: str, new: str, complaint: str) -> None:
    assert old in FAMILY
    file.write_text(FAMILY.replace(old, new, 1))
    with pytest.raises(HarnessError) as caught:
        read_catalog([file])
    assert str(caught.value).startswith(f"{file}: {complaint}")
    assert caught.value.exit_code == EXIT_USAGE


def test_a_name_may_stand_in_one_file_only(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(FAMILY)
    with pytest.raises(HarnessError, match=r"own\.toml: target 'keras3\.15\.1-jax' is already defined in"):
        read_catalog([file, own])


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"missing\.toml: the list of targets cannot be read"):
        read_catalog([tmp_path / "missing.toml"])


def test_the_shipped_list_holds_the_newest_keras_on_five_backends() -> None:
    assert [target.name for target in read_catalog([SHIPPED])] == [
        f"keras3.15.1-{backend}" for backend in ("tensorflow", "jax", "torch", "openvino", "numpy")
    ]


@pytest.mark.parametrize(("platform", "machine"), PLATFORMS)
def test_every_shipped_requirement_is_pinned_once_per_platform(platform: str, machine: str) -> None:
    for target in read_catalog([SHIPPED]):
        assert isinstance(target.realisation, Built)
        chosen = pins(target.realisation.requires, platform, machine)
        assert all(pin.startswith("==") and "*" not in pin for pin in chosen.values()), chosen
        assert chosen["keras"] == f"=={target.version}"
        assert target.variables["KERAS_BACKEND"] == target.backend
        if target.backend == "tensorflow":
            assert len(chosen.keys() & {"tensorflow", "tensorflow-cpu"}) == 1, chosen
        if target.backend == "torch":
            assert chosen["torch"] == ("==2.13.0" if platform == "darwin" else "==2.13.0+cpu")
