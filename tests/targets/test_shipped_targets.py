"""What `cases/targets.toml` promises, as it is and with the next Keras added to it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.environments.layout import lay_out_environment
from harness.records import Api, StubLibrary, Target
from harness.targets.catalog import Catalog, read_catalog
from harness.targets.selection import select_from_catalog
from harness.targets.variants import find_variant

LIST = Path(__file__).parents[2] / "cases" / "targets.toml"
CATALOG = read_catalog([LIST])
TARGETS = {target.name: target for target in CATALOG.targets}
(NEWEST,) = select_from_catalog(["newest"], CATALOG, {}, Path())
NEXT = "3.9999.0"
"""A Keras that is not out yet."""
PLATFORMS = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64")]
KERAS_3 = [
    "3.0.5",
    "3.1.1",
    "3.2.1",
    "3.3.3",
    "3.4.1",
    "3.5.0",
    "3.6.0",
    "3.7.0",
    "3.8.0",
    "3.9.2",
    "3.10.0",
    "3.11.3",
    "3.12.4",
    "3.13.2",
    "3.14.1",
    "3.15.1",
]
KERAS_1_AND_2 = ["1.0.8", "1.1.2", "1.2.2", "2.0.0", "2.0.9", "2.1.6", "2.2.4", "2.2.5", "2.3.1"]
TF_KERAS = [
    "1.4.0",
    "1.5.0",
    "1.6.0",
    "1.8.0",
    "1.12.3",
    "1.13.2",
    "1.14.0",
    "1.15.0",
    "2.0.4",
    "2.1.4",
    "2.2.3",
    "2.3.4",
    "2.4.4",
    "2.5.3",
    "2.6.5",
    "2.7.4",
    "2.8.4",
    "2.9.3",
    "2.10.1",
    "2.11.1",
    "2.12.0",
    "2.13.1",
    "2.14.1",
    "2.15.1",
]
NAMES = {
    *(f"keras{version}-{kind}" for version in KERAS_3 for kind in ("tensorflow", "jax", "torch", "numpy")),
    *(f"keras{version}-openvino" for version in KERAS_3[-4:]),
    *(f"keras{version}-openvino2025.4.1" for version in KERAS_3[-8:-4]),
    *(f"keras{version}-jax0.4.30" for version in ("3.0.5", "3.3.3")),
    *(f"keras{version}-tensorflow2.16.2" for version in ("3.0.5", "3.3.3")),
    "keras3.6.0-tensorflow2.18.1",
    *(f"tf_keras{version}" for version in ["2.16.0", "2.17.0", "2.18.0", "2.19.0", "2.20.1", "2.21.0"]),
    *(f"tf.keras{version}" for version in TF_KERAS),
    *(f"keras{version}-{kind}" for version in KERAS_1_AND_2 for kind in ("tensorflow", "theano")),
    *(f"keras{version}-tensorflow1.4.0" for version in ("1.2.2", "2.0.9", "2.1.6", "2.2.5")),
    "keras2.2.4-tensorflow1.12.3",
    "keras2.3.1-tensorflow2.0.4",
    "keras2.4.3-tensorflow2.3.4",
    "keras2.15.0-tensorflow2.15.1",
    *(f"keras{version}-cntk" for version in KERAS_1_AND_2[4:]),
    *(f"keras-mxnet{version}" for version in ("2.1.6.1", "2.2.4.2", "2.2.4.3")),
    "keras-mxnet2.2.4.3-mxnet1.6.0",
    "plaidml-keras0.7.0",
}
"""Names that stay listed; the list may hold more."""


@pytest.fixture(scope="module", params=["as it is", "with the next Keras"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The shipped list, and the same with one word more in each of the families of Keras 3."""
    if request.param == "as it is":
        return CATALOG
    newest = re.escape(f'"{NEWEST.version}"')
    text, number = re.subn(rf"({newest})(?=,?\s*\])", rf'\1, "{NEXT}"', LIST.read_text(encoding="utf-8"))
    assert number
    copy = tmp_path_factory.mktemp("list") / "targets.toml"
    copy.write_text(text, encoding="utf-8")
    return read_catalog([copy])


def list_pins(requires: tuple[str, ...], platform: str, machine: str) -> dict[str, str]:
    environment = {"sys_platform": platform, "platform_machine": machine}
    requirements = [Requirement(text) for text in requires]
    chosen = [one for one in requirements if one.marker is None or one.marker.evaluate(environment)]
    assert len({one.name for one in chosen}) == len(chosen), requires
    return {one.name: str(one.specifier) for one in chosen}


def test_every_version_is_there_by_name(catalog: Catalog) -> None:
    names = [target.name for target in catalog.targets]
    assert len(set(names)) == len(names)
    assert set(names) >= NAMES


def test_the_next_keras_is_one_word_in_each_of_its_families(catalog: Catalog) -> None:
    added = {target.name for target in catalog.targets} - TARGETS.keys()
    if catalog is not CATALOG:
        backends = {target.backend for target in CATALOG.targets if target.version == NEWEST.version}
        assert added == {f"keras{NEXT}-{backend}" for backend in backends}
        (newest,) = select_from_catalog(["newest"], catalog, {}, Path())
        assert newest.name == f"keras{NEXT}-tensorflow"


def test_the_families_are_there(catalog: Catalog) -> None:
    families = Counter(target.family for target in catalog.targets)
    least = {
        **{"tensorflow": 36, "jax": 18, "torch": 16, "numpy": 16, "openvino": 8},
        **{"tf_keras": 6, "tf.keras": 24, "theano": 9, "cntk": 5, "mxnet": 4, "plaidml": 1},
    }
    assert families.keys() == least.keys()
    assert families >= Counter(least)


def test_the_numpy_backend_is_of_the_lineage_of_jax_and_the_others_of_their_own(catalog: Catalog) -> None:
    for target in catalog.targets:
        assert target.lineage == ("jax" if target.backend == "numpy" else target.backend)


def test_every_target_has_layers_of_its_own_on_few_bases(catalog: Catalog) -> None:
    plans = [lay_out_environment(target, Path("cache")) for target in catalog.targets]
    overlays = {plan.overlay.label for plan in plans if plan is not None and plan.overlay is not None}
    bases = {plan.base.label for plan in plans if plan is not None}
    assert len(overlays) == len(catalog.targets)
    assert len(bases) < len(overlays) / 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("keras3.0.5-tensorflow", "tf_keras2.21.0"),
        ("keras3.15.1-jax", "keras3.1.1-numpy"),
        ("keras1.2.2-tensorflow", "tf.keras1.15.0"),
        ("keras1.2.2-tensorflow1.4.0", "tf.keras1.4.0"),
        ("keras2.4.3-tensorflow2.3.4", "tf.keras2.3.4"),
        ("keras3.3.3-tensorflow2.16.2", "tf_keras2.16.0"),
        ("keras1.0.8-theano", "keras2.3.1-theano"),
    ],
)
def test_targets_share_a_base(one: str, other: str) -> None:
    first, second = TARGETS[one].built, TARGETS[other].built
    assert first is not None
    assert second is not None
    assert (first.python, first.requires) == (second.python, second.requires)


@pytest.mark.parametrize(("platform", "machine"), PLATFORMS)
def test_every_requirement_is_pinned_once_per_platform(catalog: Catalog, platform: str, machine: str) -> None:
    for target in catalog.targets:
        assert target.built is not None
        base = list_pins(target.built.requires, platform, machine)
        overlay = list_pins(target.built.overlay, platform, machine)
        pinned = [*base.values(), *overlay.values()]
        assert all(pin.startswith("==") and "*" not in pin for pin in pinned), target
        if target.backend == "tensorflow":
            assert len(base.keys() & {"tensorflow", "tensorflow-cpu"}) == 1, target
        if target.backend == "torch":
            assert base["torch"] == ("==2.13.0" if platform == "darwin" else "==2.13.0+cpu")


def test_a_target_is_what_its_name_says(catalog: Catalog) -> None:
    for target in catalog.targets:
        demand_named_as_it_is(target)


def demand_named_as_it_is(target: Target) -> None:
    assert target.name.startswith(f"{target.api}{target.version}")
    assert target.built is not None
    pinned = list_pins(target.built.requires, "linux", "x86_64") | list_pins(
        target.built.overlay, "linux", "x86_64"
    )
    match target.api:
        case Api.TF_KERAS:
            holder = next(name for name in pinned if name in ("tensorflow", "tensorflow-cpu"))
        case Api.KERAS | Api.TF_KERAS_PACKAGE | Api.KERAS_MXNET | Api.PLAIDML_KERAS as package:
            holder = package
    assert pinned[holder] == f"=={target.version}"
    if target.api is Api.KERAS:
        assert target.variables["KERAS_BACKEND"] == target.backend
    behind = target.name.removeprefix(f"{target.api}{target.version}").removeprefix(f"-{target.backend}")
    if behind:
        assert f"=={behind}" in pinned.values()


def test_only_cntk_links_a_system_library(catalog: Catalog) -> None:
    for target in catalog.targets:
        assert target.built is not None
        assert target.built.stub_libraries == ((StubLibrary.MPI,) if target.backend == "cntk" else ())


def test_the_variants_are_there() -> None:
    assert {variant.name for variant in CATALOG.variants} == {"onednn=0", "isa=avx2", "x64=1"}


def test_tensorflow_is_seen_without_onednn_where_it_has_it() -> None:
    without = {
        target.name
        for target in CATALOG.targets
        if find_variant(target, "onednn=0", CATALOG.variants) is not None
    }
    assert {"tf.keras2.5.3", "keras3.15.1-tensorflow", "keras2.15.0-tensorflow2.15.1"} <= without
    assert not without & {"tf.keras2.4.4", "keras2.2.5-tensorflow", "keras3.15.1-jax", "keras1.2.2-theano"}


def test_tensorflow_2_6_runs_without_onednn_since_it_answers_otherwise_at_the_second_call() -> None:
    of_2_6 = [
        target
        for target in CATALOG.targets
        if target.built is not None
        and any(pin.startswith("tensorflow-cpu==2.6.") for pin in target.built.requires)
    ]
    assert {target.name for target in of_2_6} == {"tf.keras2.6.5"}
    assert {target.variables["TF_ENABLE_ONEDNN_OPTS"] for target in of_2_6} == {"0"}
    assert {find_variant(target, "onednn=0", CATALOG.variants) for target in of_2_6} == {None}


def test_the_cap_on_the_instruction_set_is_in_the_words_of_each_library() -> None:
    flags = {
        target.name: variant.variables
        for target in CATALOG.targets
        if (variant := find_variant(target, "isa=avx2", CATALOG.variants)) is not None
    }
    assert flags["keras3.15.1-tensorflow"]["XLA_FLAGS"] == flags["keras3.15.1-jax"]["XLA_FLAGS"]
    # An older XLA ends the process at a flag that it does not know.
    assert "XLA_FLAGS" not in flags["tf.keras2.15.1"]
    assert "keras3.0.5-jax0.4.30" not in flags
    assert flags["keras3.15.1-torch"]["ATEN_CPU_CAPABILITY"] == "avx2"
    assert {"ONEDNN_MAX_CPU_ISA"} == set(flags["keras3.15.1-openvino"])
    assert not {"tf.keras1.15.0", "keras1.2.2-theano"} & set(flags)
