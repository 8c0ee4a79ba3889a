from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import EXIT_USAGE, HarnessError
from harness.records import Api, BuiltEnvironment, Checkout, Command, HostPython, Target, TargetRun
from harness.targets.catalog import Catalog
from harness.targets.host_python import describe_backend_choice
from harness.targets.selection import NEWEST, reselect_target, select_from_catalog, select_newest_per_minor
from harness.targets.variants import Variant, apply_settings


def make_listed_target(version: str, backend: str, api: Api = Api.KERAS, behind: str = "") -> Target:
    return Target(
        name=f"{api}{version}-{backend}{behind}",
        api=api,
        version=version,
        backend=backend,
        family=backend if api is Api.KERAS else str(api),
        lineage="jax" if backend == "numpy" else backend,
        realisation=BuiltEnvironment("3.11", (f"{backend}==1",), (f"{api}=={version}",)),
        variables={"KERAS_BACKEND": backend, "QUIET": "1"},
    )


ONEDNN = Variant("onednn=0", "without oneDNN", ("tensorflow",), {"TF_ENABLE_ONEDNN_OPTS": "0"})
PLAIDML = replace(
    make_listed_target("0.7.0", "plaidml", Api.PLAIDML_KERAS),
    name="plaidml-keras0.7.0",
    realisation=BuiltEnvironment("3.7", ("plaidml-keras==0.7.0", "keras==2.2.4")),
)
CATALOG = Catalog(
    (
        make_listed_target("3.9.2", "tensorflow"),
        make_listed_target("3.15.1", "tensorflow"),
        make_listed_target("3.15.1", "jax"),
        make_listed_target("3.14.1", "jax"),
        make_listed_target("3.13.2", "torch"),
        make_listed_target("3.13.2", "numpy"),
        make_listed_target("2.21.0", "tensorflow", Api.TF_KERAS_PACKAGE),
        PLAIDML,
    ),
    (ONEDNN,),
)


def list_names(*selectors: str) -> list[str]:
    return [target.name for target in select_from_catalog(selectors, CATALOG, {}, Path())]


def catch_message(selector: str, environ: dict[str, str] | None = None, directory: Path | None = None) -> str:
    with pytest.raises(HarnessError) as caught:
        select_from_catalog([selector], CATALOG, environ or {}, directory or Path())
    assert caught.value.exit_code == EXIT_USAGE
    return str(caught.value)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "my keras")


def make_checkout(folder: Path) -> Path:
    (folder / "keras").mkdir(parents=True)
    (folder / "keras" / "__init__.py").touch()
    return folder


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("keras3.15.1-jax", ["keras3.15.1-jax"]),
        ("keras3.15*", ["keras3.15.1-tensorflow", "keras3.15.1-jax"]),
        ("*-torch", ["keras3.13.2-torch"]),
        ("keras==3.15.1", ["keras3.15.1-tensorflow", "keras3.15.1-jax"]),
        ("keras==3.15.*", ["keras3.15.1-tensorflow", "keras3.15.1-jax"]),
        ("keras>=3.13,<3.15", ["keras3.14.1-jax", "keras3.13.2-torch", "keras3.13.2-numpy"]),
        ("keras >= 3.13, < 3.15 backend=jax", ["keras3.14.1-jax"]),
        ("backend=jax keras<3.15", ["keras3.14.1-jax"]),
        ("backend=jax", ["keras3.15.1-jax", "keras3.14.1-jax"]),
        (
            "keras backend=tensorflow",
            ["keras3.9.2-tensorflow", "keras3.15.1-tensorflow", "tf_keras2.21.0-tensorflow"],
        ),
        ("api=keras backend=tensorflow", ["keras3.9.2-tensorflow", "keras3.15.1-tensorflow"]),
        ("keras<3.10", ["keras3.9.2-tensorflow", "tf_keras2.21.0-tensorflow", "plaidml-keras0.7.0"]),
        ("keras==2.2.4", ["plaidml-keras0.7.0"]),
        ("plaidml-keras<1", ["plaidml-keras0.7.0"]),
        ("tf_keras", ["tf_keras2.21.0-tensorflow"]),
        ("tf_keras>=2.10", ["tf_keras2.21.0-tensorflow"]),
        ("family=torch", ["keras3.13.2-torch"]),
        ("lineage=jax", ["keras3.15.1-jax", "keras3.14.1-jax", "keras3.13.2-numpy"]),
        ("keras3.15.1-tensorflow+onednn=0", ["keras3.15.1-tensorflow+onednn=0"]),
        ("keras3.15*+onednn=0", ["keras3.15.1-tensorflow+onednn=0"]),
        ("keras>=3.15 variant=onednn=0", ["keras3.15.1-tensorflow+onednn=0"]),
        (">=3.15", ["keras3.15.1-tensorflow", "keras3.15.1-jax"]),
        (NEWEST, ["keras3.15.1-tensorflow"]),
    ],
)
def test_a_selector_gives_its_targets(selector: str, expected: list[str]) -> None:
    assert list_names(selector) == expected


def test_overlapping_selectors_give_each_target_once_in_the_order_of_the_selectors() -> None:
    assert list_names("keras3.14.1-jax", "keras>=3.14", "*jax") == [
        "keras3.14.1-jax",
        "keras3.15.1-tensorflow",
        "keras3.15.1-jax",
    ]


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("keras3.15.1-jaxx", "near misses: keras3.15.1-jax, "),
        (
            "keras==3.15.2 backend=jax",
            "no target matches 'keras==3.15.2 backend=jax'; near misses: keras3.15.1-jax",
        ),
        ("keras<1", "no target matches 'keras<1'; near misses: "),
        ("zzz*", "no target matches 'zzz*'; `keras-harness targets` lists them all"),
        ("", "no target matches ''"),
        ("backend=jaxs", "no target has backend 'jaxs' (in 'backend=jaxs'); known: tensorflow, jax, torch"),
        (
            "keras=3.15.1",
            "'keras=3.15.1' is no filter; write each of api, backend, family, lineage, variant at most once",
        ),
        ("backend=jax backend=torch", "'backend=torch' is no filter"),
        ("family=jaxs", "no target has family 'jaxs'"),
        ("keras==9.*", "near misses: keras3"),
        ("tf.keras==2.1", "no target has api 'tf.keras' (in 'tf.keras==2.1'); known: keras, tf_keras"),
        ("tfkeras<2", "there is no 'tfkeras'; did you mean tf_keras? known: keras, tf.keras, tf_keras, "),
        ("tf_keras<3 api=keras", "asks for tf_keras and for api=keras; leave one"),
        ("keras3.15.1-tensorflow+onednn", "no variant 'onednn' is listed; known: onednn=0 (tensorflow)"),
        ("keras3.15.1-jax+onednn=0", "variant 'onednn=0' is for tensorflow, not for keras3.15.1-jax"),
        ("keras=>3", "'=>3' is no"),
        ("keras==three", "'==three' is no version specifier; write it like 'keras==3.15.1'"),
        ("backend=", "'backend=' is no filter"),
        ("path:/nowhere", "has no keras/__init__.py; give the folder that holds the `keras` package"),
        ("exec:", "no command; write exec:COMMAND"),
        ("exec:python 'worker.py", "the command cannot be read (No closing quotation); check the quotes"),
    ],
)
def test_a_selector_that_gives_nothing_is_an_error_with_a_remedy(selector: str, said: str) -> None:
    assert said in catch_message(selector)


@pytest.mark.parametrize(("environ", "backend"), [({}, "tensorflow"), ({"KERAS_BACKEND": "jax"}, "jax")])
def test_here_is_the_running_python_with_the_backend_of_the_host(
    environ: dict[str, str], backend: str
) -> None:
    (target,) = select_from_catalog(["here"], CATALOG, environ, Path())
    assert target == Target(
        "here", Api.KERAS, "", backend, backend, HostPython(), {"KERAS_BACKEND": backend, "QUIET": "1"}
    )


def has(*packages: str) -> Callable[[str], bool]:
    return lambda package: package in packages


def test_here_without_a_backend_says_which_are_installed_and_how_to_choose() -> None:
    note = describe_backend_choice({}, has("keras", "tensorflow", "jax", "numpy"))
    assert note == (
        f"here: KERAS_BACKEND is not set, so Keras computes on tensorflow; {sys.executable} has"
        " tensorflow, jax, numpy; to choose another: KERAS_BACKEND=jax keras-harness ... -t here"
    )
    assert describe_backend_choice({"KERAS_BACKEND": "jax"}, has("keras", "jax", "numpy")) == ""
    assert describe_backend_choice({"KERAS_BACKEND": "theano"}, has("keras", "numpy")) == ""


@pytest.mark.parametrize(
    ("environ", "packages", "said"),
    [
        (
            {},
            ("keras", "torch", "numpy"),
            "KERAS_BACKEND is not set, and Keras's default is tensorflow, which is not installed; "
            f"{sys.executable} has torch, numpy; choose: KERAS_BACKEND=torch keras-harness ... -t here",
        ),
        (
            {"KERAS_BACKEND": "jax"},
            ("keras", "torch"),
            f"KERAS_BACKEND is jax, which is not installed; {sys.executable} has torch; choose: KERAS_",
        ),
        ({}, ("torch",), f"{sys.executable} has no Keras; install one into it, or name a listed target"),
        ({}, ("keras",), "has none of tensorflow, jax, torch, openvino, numpy; choose: install one"),
    ],
)
def test_here_without_what_it_needs_is_told(
    environ: dict[str, str], packages: tuple[str, ...], said: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        describe_backend_choice(environ, has(*packages))
    assert str(caught.value).startswith("target 'here': ")
    assert said in str(caught.value)


def test_here_may_have_a_backend_that_is_not_listed() -> None:
    (target,) = select_from_catalog(["here"], CATALOG, {"KERAS_BACKEND": "mine"}, Path())
    assert (target.backend, target.lineage, target.variables) == ("mine", "mine", {"KERAS_BACKEND": "mine"})


def test_a_checkout_lies_before_the_newest_listed_environment_of_its_backend(checkout: Path) -> None:
    (target,) = select_from_catalog(
        [f"path:{checkout} backend=jax"], CATALOG, {"KERAS_BACKEND": "torch"}, Path()
    )
    assert target.name == "path-my_keras-jax"
    assert (target.version, target.backend, target.variables["KERAS_BACKEND"]) == ("", "jax", "jax")
    assert target.realisation == Checkout(checkout.resolve(), BuiltEnvironment("3.11", ("jax==1",)))


def test_a_checkout_without_a_backend_takes_that_of_the_host(checkout: Path) -> None:
    (target,) = select_from_catalog(
        [f"path:{checkout.name}"], CATALOG, {"KERAS_BACKEND": "torch"}, checkout.parent
    )
    assert target.backend == "torch"


def test_the_package_itself_is_no_checkout_but_its_parent_is(checkout: Path) -> None:
    assert f"write path:{checkout.resolve()}" in catch_message(f"path:{checkout / 'keras'}")


def test_a_checkout_needs_a_listed_backend(checkout: Path) -> None:
    said = catch_message(f"path:{checkout} backend=mxnet")
    assert "no Keras with backend 'mxnet' is listed" in said
    assert "tensorflow, jax, torch" in said


def test_checkouts_with_one_name_are_told_apart_whatever_their_order(tmp_path: Path) -> None:
    first, second = (make_checkout(tmp_path / branch / "keras-main") for branch in ("a", "b"))
    one, other = select_from_catalog([f"path:{first}", f"path:{second}"], CATALOG, {}, Path())
    assert one.name != other.name
    assert one.name.startswith("path-keras-main-tensorflow-")
    assert select_from_catalog(
        [f"path:{second}", f"path:{first}", f"path:{first}/"], CATALOG, {}, Path()
    ) == (other, one)
    (alone,) = select_from_catalog([f"path:{first}"], CATALOG, {}, Path())
    assert alone.name == "path-keras-main-tensorflow"


def test_a_command_is_split_as_a_shell_does() -> None:
    (target,) = select_from_catalog(["exec:node 'my worker.js' --fast"], CATALOG, {}, Path())
    assert target.realisation == Command(("node", "my worker.js", "--fast"))
    assert target.name == target.lineage == "exec-node-my_worker.js---fast"


def test_commands_with_one_name_are_told_apart() -> None:
    first, second = list_names("exec:python a/worker.py", "exec:python b/worker.py")
    assert first != second
    assert first.startswith("exec-python-worker.py-")


def test_long_commands_that_differ_at_the_end_are_told_apart() -> None:
    first, second = list_names(f"exec:worker {'x' * 90}1", f"exec:worker {'x' * 90}2")
    assert first != second
    assert len(first) < 80


def test_a_variant_has_its_flags_and_a_name_of_its_own() -> None:
    (target,) = select_from_catalog(["keras3.15.1-tensorflow+onednn=0"], CATALOG, {}, Path())
    assert target.variant == "onednn=0"
    assert target.variables == {
        "KERAS_BACKEND": "tensorflow",
        "QUIET": "1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }


def test_of_each_family_and_minor_version_the_newest_stays() -> None:
    targets = (
        make_listed_target("3.14.0", "jax"),
        make_listed_target("3.14.1", "jax"),
        make_listed_target("3.14.1", "jax", behind="0.4.30"),
        make_listed_target("3.9.2", "jax"),
        make_listed_target("3.14.0", "torch"),
        *select_from_catalog(["keras3.9.2-tensorflow+onednn=0", "exec:worker", "here"], CATALOG, {}, Path()),
    )
    assert select_newest_per_minor(targets) == targets[1:]


def test_several_variants_stand_one_behind_the_other() -> None:
    catalog = replace(CATALOG, variants=(ONEDNN, Variant("wide", "", ("tensorflow",), {"WIDE": "1"})))
    (target,) = select_from_catalog(["keras3.15.1-tensorflow+onednn=0+wide"], catalog, {}, Path())
    assert (target.name, target.variant) == ("keras3.15.1-tensorflow+onednn=0+wide", "onednn=0+wide")
    assert {"TF_ENABLE_ONEDNN_OPTS": "0", "WIDE": "1"}.items() <= target.variables.items()


def test_a_variant_is_of_the_targets_whose_pins_do_not_contradict_what_it_needs() -> None:
    new, old = (replace(ONEDNN, needs=(f"tensorflow{which}",)) for which in (">=1", "<1"))
    listed_twice = replace(CATALOG, variants=(replace(old, variables={"OLD": "1"}), new))
    (target,) = select_from_catalog(["keras3.15.1-tensorflow+onednn=0"], listed_twice, {}, Path())
    assert "OLD" not in target.variables
    with pytest.raises(HarnessError, match=re.escape("is for tensorflow (tensorflow<1), not for keras3.9.2")):
        select_from_catalog(["keras3.*-tensorflow+onednn=0"], replace(CATALOG, variants=(old,)), {}, Path())


def test_settings_that_are_those_of_a_variant_have_its_name() -> None:
    (target,) = apply_settings(CATALOG.targets[:1], ["TF_ENABLE_ONEDNN_OPTS=0"], CATALOG.variants)
    assert (target,) == select_from_catalog([target.name], CATALOG, {}, Path())


def test_other_settings_are_named_by_themselves_in_a_name_fit_for_a_file() -> None:
    (target,) = apply_settings(CATALOG.targets[2:3], ["XLA_FLAGS=--a /b=1", "A=2"], CATALOG.variants)
    assert target.name == "keras3.15.1-jax+A=2+XLA_FLAGS=--a_b=1"
    assert target.variables["XLA_FLAGS"] == "--a /b=1"
    assert apply_settings(CATALOG.targets, [], CATALOG.variants) == CATALOG.targets


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["onednn"], "--set 'onednn': write NAME=VALUE"),
        (["A=1", "A=2"], "A is set twice; give it once"),
        (["1A=1"], "--set '1A=1': write NAME=VALUE"),
    ],
)
def test_a_setting_that_is_none_is_an_error(settings: list[str], said: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(said)):
        apply_settings(CATALOG.targets, settings, ())


def make_run(target: Target, **changes: object) -> TargetRun:
    """Return the target's part in a stored run."""
    run = TargetRun(
        name=target.name,
        api=target.api,
        version=target.version,
        backend=target.backend,
        family=target.family,
        variant=target.variant,
        lineage=target.lineage,
        python="3.11",
        requires=(),
        overlay=(),
        fingerprint={},
        observed=1,
        not_run=0,
        failure="",
        seconds=1.0,
        start_seconds=1.0,
        workers=1,
        variables=target.variables,
        selector=target.selector,
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # generated keyword arguments


@pytest.mark.parametrize("settings", [[], ["TF_ENABLE_ONEDNN_OPTS=0"], ["A=1", "B=a b"]])
def test_what_ran_is_selected_again_under_its_flags(checkout: Path, settings: list[str]) -> None:
    selectors = ("keras3.15.1-tensorflow", "keras3.13.2-torch", "here", f"path:{checkout} backend=jax")
    ran = select_from_catalog([*selectors, "exec:node 'a b.js'"], CATALOG, {"KERAS_BACKEND": "jax"}, Path())
    for target in apply_settings(ran, settings, CATALOG.variants):
        again = reselect_target(make_run(target), CATALOG, {}, Path("elsewhere"))
        assert again == replace(target, lineage=again.lineage)


def test_a_run_that_kept_no_selector_is_found_by_its_names() -> None:
    (target,) = select_from_catalog(["keras3.15.1-tensorflow+onednn=0"], CATALOG, {}, Path())
    assert reselect_target(make_run(target, selector=""), CATALOG, {}, Path()) == target
    with pytest.raises(HarnessError, match="no target matches 'path-keras-jax'"):
        reselect_target(make_run(target, selector="", name="path-keras-jax"), CATALOG, {}, Path())
