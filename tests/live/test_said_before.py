"""What real Kerases say before a call, of weights and of shapes, and that the harness judges it.

These targets are here because each shows what no other does: MXNet keeps kernels in layouts of its own,
TensorFlow 1.8's Keras builds other weights than it is asked for and infers other shapes than it returns,
and TensorFlow without oneDNN cannot make calls whose shapes it tells.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from harness.environments.interpreters import explain_how_to_get, locate_interpreter
from harness.environments.uv import Installer, find_uv, make_uv_environment
from tests.live.conftest import Ended, keras_harness

pytestmark = pytest.mark.live

MXNET = "keras-mxnet2.2.4.3"
TENSORFLOW_1_8 = "tf.keras1.8.0"
WITHOUT_ONEDNN = "keras3.15.1-tensorflow+onednn=0"
PYTHONS = {MXNET: "3.7", TENSORFLOW_1_8: "3.6", WITHOUT_ONEDNN: "3.11"}

CASES = """
[[grid]]
name = "kernels"
about = "Every kernel of two axes in both layouts"
layers = ["Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D"]
mode = "eager"
count = 8
product = { input = [[6, 6]], kernel = [[3, 3]] }
each = { padding = ["valid"], data_format = ["channels_last", "channels_first"] }

[[grid]]
name = "multiplied"
about = "A depth multiplier"
layer = "SeparableConv2D"
mode = "sequential"
count = 1
product = { input = [[5, 5]], kernel = [[3, 3]] }
each = { padding = ["valid"], channels = [4], multiplier = [2] }

[[grid]]
name = "saved"
about = "A model that was never compiled"
layer = "Conv2D"
mode = "reloaded"
count = 1
product = { input = [[5, 5]], kernel = [[3, 3]] }
each = { padding = ["valid"] }

[[grid]]
name = "pooled"
about = "Pooling along the axis after the channels"
layer = "MaxPooling1D"
mode = "eager"
count = 1
product = { input = [[6]], kernel = [[2]] }
each = { padding = ["valid"], data_format = ["channels_first"], channels = [4] }

[[grid]]
name = "transposed"
about = "A layout that TensorFlow transposes by oneDNN only"
layer = "Conv2DTranspose"
mode = "MODE"
count = 1
product = { input = [[9, 9]], kernel = [[3, 3]], strides = [[2, 2]] }
each = { padding = ["same"], data_format = ["channels_first"], filters = [4], batch = [1] }
"""
MODES = ("sequential", "inferred", "compiled", "dynamic", "reloaded", "gradient")


def library(folder: Path) -> Path:
    """A folder of cases with the grids above, and a suite of all of them."""
    shared, marked, one = CASES.partition('[[grid]]\nname = "transposed"')
    own = [
        (marked + one).replace('"transposed"', f'"transposed-{mode}"').replace("MODE", mode) for mode in MODES
    ]
    for name in ("grids", "suites"):
        (folder / name).mkdir(parents=True)
    (folder / "grids" / "said.toml").write_text("\n".join([shared, *own]))
    names = ["kernels", "multiplied", "saved", "pooled", *(f"transposed-{mode}" for mode in MODES)]
    take = ", ".join(f'{{ grid = "{name}" }}' for name in names)
    suite = f'[[suite]]\nname = "said"\nabout = "Said before"\ncount = 17\ntake = [{take}]\n'
    (folder / "suites" / "said.toml").write_text(suite)
    return folder


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The cases on the targets, which need Pythons that not every machine has."""
    folder = tmp_path_factory.mktemp("said")
    installer = Installer(find_uv(), make_uv_environment(os.environ), folder, folder / "uv.log")
    for target, version in PYTHONS.items():
        if locate_interpreter(version, os.environ, installer) is None:
            pytest.skip(f"{target} needs Python {version}: {explain_how_to_get(version)}")
    targets = [word for target in PYTHONS for word in ("-t", target)]
    cases = str(library(folder / "cases"))
    ended = keras_harness("run", "said", "--cases", cases, *targets, directory=folder / "run")
    assert ended.run()["footer"]["state"] == "complete", ended.output
    return ended


def findings(said: Ended, target: str, **cells: str) -> pd.DataFrame:
    table = said.findings(target)
    for column, value in cells.items():
        table = table[table[column] == value]
    assert len(table)
    return table


@pytest.mark.parametrize("layer", ["Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D"])
def test_mxnet_computes_with_kernels_in_its_own_layouts(said: Ended, layer: str) -> None:
    found = findings(said, MXNET, layer=layer, mode="eager")
    assert {"channels_first", "channels_last"} == set(found["data_format"])
    assert set(found["verdict"]) == {"conforms"}


def test_a_depth_multiplier_that_is_ignored_shows_in_the_weights(said: Ended) -> None:
    found = findings(said, TENSORFLOW_1_8, multiplier="2")
    assert list(found["divergence"]) == ["weights"]
    assert list(found["silent"]) == ["true"]
    assert list(found["error"]) == [
        "weights of the shapes (3, 3, 4, 1), (1, 1, 4, 3), (3,), not (3, 3, 4, 2), (1, 1, 8, 3), (3,)"
    ]


def test_a_keras_that_saves_no_missing_optimizer_reloads_a_model(said: Ended) -> None:
    assert list(findings(said, TENSORFLOW_1_8, layer="Conv2D", mode="reloaded")["verdict"]) == ["conforms"]


def test_a_wrong_shape_is_found_where_the_call_cannot_be_made(said: Ended) -> None:
    found = findings(said, TENSORFLOW_1_8, layer="MaxPooling1D")
    assert list(found["outcome"]) == ["raised"]
    assert list(found["divergence"]) == ["inferred-shape"]
    assert list(found["error"]) == ["the inferred shape is (2, 2, 6), not (2, 4, 3)"]


def test_a_call_that_cannot_be_made_has_the_shapes_that_were_said_before(said: Ended) -> None:
    found = findings(said, WITHOUT_ONEDNN, layer="Conv2DTranspose", input="9x9")
    assert set(found["mode"]) == set(MODES)
    assert set(found["verdict"]) == {"unsupported"}
    log = said.directory / "observations" / f"{WITHOUT_ONEDNN}.jsonl"
    lines = {line["case"]: line for line in map(json.loads, log.read_text().splitlines())}
    observed = [lines[case] for case in found["case"]]
    assert {line["outcome"] for line in observed} == {"raised"}
    for line in observed:
        assert line["weight_shapes"] == [[3, 3, 4, 2], [4]]
        shapes = [line[name] for name in ("inferred_shape", "symbolic_shape") if name in line]
        assert shapes
        assert all(shape[1] == 4 for shape in shapes)
