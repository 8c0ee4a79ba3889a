"""What real Keras does, and that the harness sees it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import uv

from harness.environments.build import prepare_environment
from harness.environments.cache import find_cache_directory
from harness.records import Layer, Mode, parse_case_id
from harness.resources import WORKER, find_cases_folder
from harness.targets.catalog import read_catalog
from tests.live.conftest import TARGETS, Ended, keras_harness

pytestmark = pytest.mark.live

BIAS = "bias-along-last-axis"
ONE_CHANNEL = "memory-never-written"
"""oneDNN with AVX-512, on one channel: cases/regressions/one-channel-one-column.toml."""
EDGE = "padding-repeats-edge"
MINUS_INFINITY = "lowest-number-for-minus-infinity"


def test_every_planned_case_is_observed_on_every_backend(smoke: Ended) -> None:
    run = smoke.run()
    assert run["footer"]["state"] == "complete", smoke.output
    assert run["footer"]["observed"] == run["header"]["planned"] == len(smoke.findings())
    assert set(smoke.findings()["target"]) == set(TARGETS)


def test_fingerprints_name_the_keras_and_the_backend_that_ran(smoke: Ended) -> None:
    run = smoke.run()
    for target in run["footer"]["targets"]:
        fingerprint = target["fingerprint"]
        assert f"keras{fingerprint['keras']}-{fingerprint['backend']}" == target["name"]
        assert fingerprint["python"].startswith("3.11.")


def wrong_values(smoke: Ended, target: str) -> pd.DataFrame:
    """The values that are wrong, but for what `predict` makes of float64: cases/regressions says why."""
    diverging = smoke.divergences(target)
    predicted = (diverging["dtype"] == "float64") & (diverging["mode"] == "sequential")
    return diverging[diverging["divergence"].isin(["value", "nonfinite", "gradient"]) & ~predicted]


def test_no_value_of_jax_is_wrong(smoke: Ended) -> None:
    assert list(wrong_values(smoke, "keras3.15.1-jax")["case"]) == []
    assert (smoke.findings("keras3.15.1-jax")["verdict"] == "conforms").sum() > 600


def test_tensorflow_adds_the_bias_along_the_wrong_axis_and_nothing_says_so(smoke: Ended) -> None:
    wrong = wrong_values(smoke, "keras3.15.1-tensorflow")
    bias = wrong[wrong["cause"].str.contains(BIAS)]
    assert len(bias) >= 5
    assert set(bias["silent"]) == {"true"}
    assert set(bias["data_format"]) == {"channels_first"}
    assert len(set(bias["layer"])) >= 2
    unwritten = (wrong["mode"] == "gradient") & wrong["expected_shape"].str.contains(r"\b0\b")
    assert set(wrong[unwritten]["layer"]) <= {"MaxPooling2D", "ops.max_pool"}
    assert set(wrong[~unwritten]["cause"]) - set(bias["cause"]) <= {ONE_CHANNEL, MINUS_INFINITY}
    assert smoke.exit_code == 1


def test_torch_averages_repeated_edges_and_nothing_says_so(smoke: Ended) -> None:
    wrong = wrong_values(smoke, "keras3.15.1-torch")
    edges = wrong[wrong["cause"].str.contains(EDGE)]
    assert len(edges) >= 3
    assert set(edges["layer"].str.lower().str.contains("average")) == {True}
    assert set(edges["silent"]) == {"true"}
    assert set(wrong["cause"]) - set(edges["cause"]) <= {ONE_CHANNEL}


def test_torch_takes_an_unknown_padding_for_valid(smoke: Ended) -> None:
    diverging = smoke.divergences("keras3.15.1-torch")
    accepted = diverging[diverging["error"].str.contains("must be refused: padding")]
    assert "ops.conv" in set(accepted["layer"])


@pytest.mark.parametrize("target", TARGETS)
def test_every_mode_and_every_layer_is_observed(smoke: Ended, target: str) -> None:
    findings = smoke.findings(target)
    conforming = findings[findings["verdict"] == "conforms"]
    assert set(conforming["mode"]) == set(Mode)
    assert set(conforming["layer"]) == set(Layer)


def test_the_documents_models_have_its_shapes_and_120_parameters(smoke: Ended) -> None:
    for target in TARGETS:
        log = smoke.directory / "observations" / f"{target}.jsonl"
        lines = map(json.loads, log.read_text().splitlines())
        observed = {parse_case_id(line["case"]): line for line in lines}
        seed = {
            case: line for case, line in observed.items() if case.filters == 24 and case.padding.istitle()
        }
        models_of = [case for case in seed if case.mode is Mode.SEQUENTIAL]
        assert {(case.padding, case.input): tuple(seed[case]["inferred_shape"]) for case in models_of} == {
            ("Same", (5, 5)): (None, 3, 3, 24),
            ("Valid", (5, 5)): (None, 2, 2, 24),
            ("Valid", (6, 6)): (None, 3, 3, 24),
        }
        assert all("Total params: 120" in seed[case]["summary"] for case in models_of)
    findings = smoke.findings()
    models = findings[(findings["mode"] == "sequential") & (findings["filters"] == "24")]
    assert len(models) == 3 * len(TARGETS)
    assert set(models["verdict"]) == {"conforms"}


def test_two_runs_write_the_same_bytes(smoke: Ended, tmp_path: Path) -> None:
    again = keras_harness(
        "run", "seed", "smoke", "-t", "keras3.15.1-torch", "-j", "1", directory=tmp_path / "again"
    )
    first = [line for line in _lines(smoke) if line.startswith("keras3.15.1-torch,")]
    assert first == _lines(again)[1:]


def test_a_keras_that_pads_the_other_side_is_caught_and_named(smoke: Ended, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(site_packages("keras3.15.1-torch") / "keras", checkout / "keras")
    source = checkout / "keras" / "src" / "backend" / "torch" / "nn.py"
    right = "    left_padding = total_padding // 2\n"
    text = source.read_text()
    assert text.count(right) == 1
    source.write_text(text.replace(right, "    left_padding = total_padding - total_padding // 2\n"))
    ended = keras_harness("run", "smoke", "-t", f"path:{checkout} backend=torch", directory=tmp_path / "run")
    assert ended.exit_code == 1, ended.output
    diverging = ended.divergences()
    new = diverging[~diverging["case"].isin(smoke.divergences("keras3.15.1-torch")["case"])]
    named = new["cause"].str.contains("odd-cell-before")
    assert named.sum() > 20
    assert named.mean() > 0.9
    assert set(new["padding"].str.lower()) == {"same"}


def test_here_is_the_python_that_runs_the_command(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    project = Path(__file__).parents[2]
    for arguments in (
        ["venv", "--python", sys.executable, str(venv)],
        ["pip", "install", "--python", str(venv), str(project), "keras==3.15.1", "jax==0.10.2"],
    ):
        subprocess.run([uv.find_uv_bin(), *arguments], check=True, capture_output=True)
    python = venv / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    ended = keras_harness(
        "run",
        "seed",
        "-t",
        "here",
        directory=tmp_path / "run",
        variables={"KERAS_BACKEND": "jax"},
        python=str(python),
    )
    assert ended.exit_code == 0, ended.output
    fingerprint = json.loads((ended.directory / "run.json").read_text())["footer"]["targets"][0][
        "fingerprint"
    ]
    assert fingerprint["backend"] == "jax"
    assert Path(fingerprint["keras_path"]).is_relative_to(venv)


def _lines(ended: Ended) -> list[str]:
    return (ended.directory / "findings.csv").read_text().splitlines()


def site_packages(name: str) -> Path:
    """Where the overlay of a target keeps its packages; built where it is not yet."""
    listed = read_catalog([find_cases_folder() / "targets.toml"]).targets
    target = next(one for one in listed if one.name == name)
    environment = prepare_environment(target, find_cache_directory(os.environ), WORKER, os.environ, print)
    assert environment is not None
    assert environment.site is not None
    return environment.site
