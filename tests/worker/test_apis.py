"""Which Keras is imported for which API, what counts as its version, and the worker's fingerprint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from harness.resources import WORKER
from harness.runner import wire
from harness.worker.adapters import apis
from harness.worker.adapters.apis import Api
from harness.worker.adapters.fingerprint import FLAGS, take_fingerprint
from harness.worker.adapters.keras1 import Keras1
from harness.worker.adapters.keras2 import Keras2
from harness.worker.adapters.keras3 import Keras3
from tests.worker import standin2, standins

PACKAGES = {
    "keras": "2.3.1",
    "tf_keras": "2.21.0",
    "tensorflow": "1.15.0",
    "theano": "1.0.5",
    "plaidml": "0.7.0",
}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """What can be imported, instead of the real packages."""
    made = {name: ModuleType(name) for name in (*PACKAGES, "tensorflow.keras", "plaidml.keras")}
    for name, module in made.items():
        module.__file__ = str(tmp_path / name / "__init__.py")
        if name in PACKAGES:
            module.__dict__["__version__"] = PACKAGES[name]
        monkeypatch.setitem(sys.modules, name, module)
    inside = made["tensorflow.keras"].__dict__
    inside["__version__"] = "2.2.4-tf"
    made["tensorflow"].__dict__["keras"] = made["tensorflow.keras"]
    return made


@pytest.mark.parametrize(
    ("name", "module", "keras_version", "version"),
    [
        ("keras", "keras", "2.3.1", "2.3.1"),
        ("tf_keras", "tf_keras", "2.21.0", "2.21.0"),
        ("tf.keras", "tensorflow.keras", "2.2.4-tf", "1.15.0"),
    ],
)
def test_an_api_counts_its_own_versions(
    packages: dict[str, ModuleType], name: str, module: str, keras_version: str, version: str
) -> None:
    assert apis.load(name) == Api(name, packages[module], keras_version, version)


@pytest.mark.parametrize("package", ["keras.src.engine", "tensorflow.python.keras._impl.keras.engine"])
def test_a_keras_in_tensorflow_that_hides_its_version_is_asked_for_it(
    packages: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    inside = packages["tensorflow.keras"].__dict__
    del inside["__version__"]
    layer = type("Layer", (), {"__module__": package})
    inside["layers"] = type("layers", (), {"Layer": layer})
    within = ModuleType("tensorflow.python.keras")
    within.__dict__["__version__"] = "2.1.5-tf"
    monkeypatch.setitem(sys.modules, "tensorflow.python", ModuleType("tensorflow.python"))
    monkeypatch.setitem(sys.modules, "tensorflow.python.keras", within)
    said = {"keras.src.engine": "2.3.1"}.get(package, "2.1.5-tf")
    assert apis.load("tf.keras").keras_version == said


def test_plaidml_is_installed_before_keras_is_imported(
    packages: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    def install() -> None:
        monkeypatch.setitem(sys.modules, "keras", packages["tf_keras"])

    packages["plaidml.keras"].__dict__["install_backend"] = install
    assert apis.load("plaidml-keras") == Api("plaidml-keras", packages["tf_keras"], "2.21.0", "0.7.0")


@pytest.mark.parametrize(
    ("folder", "version"),
    [
        ("keras_mxnet-2.1.6.1.dist-info", "2.1.6.1"),
        ("keras_mxnet-2.1.6.1-py3.7.egg-info", "2.1.6.1"),
        ("Keras-2.2.4.dist-info", "2.3.1"),
    ],
)
def test_keras_mxnet_is_counted_by_its_distribution(
    packages: dict[str, ModuleType], tmp_path: Path, folder: str, version: str
) -> None:
    (tmp_path / folder).mkdir()
    assert apis.load("keras-mxnet") == Api("keras-mxnet", packages["keras"], "2.3.1", version)


@pytest.mark.parametrize(
    ("version", "generation"),
    [("1.0.8", Keras1), ("2.0.8-tf", Keras2), ("2.15.0", Keras2), ("3.15.1", Keras3)],
)
def test_the_generation_is_that_of_the_major_version(version: str, generation: type) -> None:
    made = apis.make_generation(Api("keras", standin2.make_keras2(), version, version))
    assert type(made) is generation
    assert made.version == version


@pytest.mark.parametrize("version", ["0.3.3", "4.0", "unknown"])
def test_another_major_version_is_told(version: str) -> None:
    with pytest.raises(ImportError, match=f"keras {version} at .*: the harness has adapters for Keras 1, 2"):
        apis.make_generation(Api("keras", ModuleType("keras"), version, version))


def test_the_fingerprint_tells_what_answers(
    packages: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    keras: Any = packages["keras"]
    keras.backend = standins.Backend("theano")
    theano: Any = packages["theano"]
    theano.config = type("config", (), {"device": "cuda0"})
    monkeypatch.setenv("THEANO_FLAGS", "floatX=float32")
    facts = take_fingerprint(Api("keras", keras, "2.3.1", "2.3.1.1"))
    said = {
        "api": "keras",
        "version": "2.3.1.1",
        "keras": "2.3.1",
        "keras_path": str(Path(keras.__file__).parent),
        "backend": "theano",
        "backend_version": "1.0.5",
        "device": "cuda0",
        "numpy": np.__version__,
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "THEANO_FLAGS": "floatX=float32",
    }
    assert {name: facts[name] for name in said} == said
    assert set(FLAGS) <= set(facts)
    assert {type(fact) for fact in facts.values()} == {str}


def test_a_backend_that_is_not_known_is_told_without_a_version(packages: dict[str, ModuleType]) -> None:
    keras: Any = packages["keras"]
    keras.backend = standins.Backend("loops")
    facts = take_fingerprint(Api("keras", keras, "2.3.1", "2.3.1"))
    assert (facts["backend"], facts["device"]) == ("loops", "cpu")
    assert "backend_version" not in facts


def start_worker(*arguments: str, packages: Path) -> wire.Message:
    """Return the first message of a worker started with these arguments."""
    done = subprocess.run(
        [sys.executable, "-s", str(WORKER), *arguments],
        input=wire.encode_hello() + wire.encode_bye(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(packages)},
    )
    return wire.parse_message(done.stdout.splitlines()[0])


FAKE = """
class backend:
    backend = staticmethod(lambda: "fake")
"""


@pytest.mark.parametrize(
    ("arguments", "api", "keras"),
    [((), "keras", "3.1"), (("keras",), "keras", "3.1"), (("tf_keras",), "tf_keras", "3.2")],
)
def test_the_argument_says_which_keras_is_imported(
    tmp_path: Path, arguments: tuple[str, ...], api: str, keras: str
) -> None:
    (tmp_path / "keras.py").write_text(f"{FAKE}\n__version__ = '3.1'")
    (tmp_path / "tf_keras.py").write_text(f"{FAKE}\n__version__ = '3.2'")
    hello = start_worker(*arguments, packages=tmp_path)
    assert isinstance(hello, wire.Hello), hello
    assert (hello.fingerprint["api"], hello.fingerprint["keras"]) == (api, keras)


@pytest.mark.parametrize("arguments", [("tensorflow.keras",), ("keras", "tf_keras")])
def test_an_api_that_is_none_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    failed = start_worker(*arguments, packages=tmp_path)
    assert isinstance(failed, wire.Failed)
    assert failed.error.type == "LookupError"
    said = json.dumps(" ".join(arguments)).replace('"', "'")
    assert failed.error.message == (
        f"there is no API {said}; the worker can be started for"
        " keras, keras-mxnet, plaidml-keras, tf.keras, tf_keras"
    )
