"""The processor decides no target: what a library derives from it is set, measured and named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.records import parse_case_id
from tests.live.conftest import Ended, keras_harness

pytestmark = pytest.mark.live

TENSORFLOW = "keras3.15.1-tensorflow"
CAPPED = "keras3.15.1-tensorflow+isa=avx2"
NEEDS_AVX512 = "memory-never-written"
"""The cause of cases/regressions/one-channel-one-column.toml, which alone needs an instruction set here."""


def explain(*words: str, target: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "explain", *words, "-t", target],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_holds_in_a_worker_is_measured_and_not_read_from_variables(smoke: Ended) -> None:
    facts = {target["name"]: target["fingerprint"] for target in smoke.run()["footer"]["targets"]}
    assert (facts[TENSORFLOW]["onednn"], facts[TENSORFLOW]["subnormals"]) == ("on", "flushed to zero")
    assert facts["keras3.15.1-torch"]["subnormals"] == "kept"
    assert facts["keras3.15.1-torch"]["threads"] == "1"
    for fingerprint in facts.values():
        assert fingerprint["processor"]
        assert "not measured" not in " ".join(fingerprint.values())
        assert fingerprint["isa"].split()[0] in {"oneDNN", "ATen", "XLA"}


def test_a_processor_with_avx2_differs_only_where_avx512_is_needed(smoke: Ended, tmp_path: Path) -> None:
    capped = keras_harness("run", "smoke", "-t", CAPPED, directory=tmp_path / "capped")
    (target,) = capped.run()["footer"]["targets"]
    assert "AVX2" in target["fingerprint"]["isa"]
    columns = ["case", "verdict", "divergence", "cause", "observed_shape", "error"]
    ours = smoke.findings(TENSORFLOW)[columns].set_index("case")
    theirs = capped.findings()[columns].set_index("case")
    ours = ours.loc[theirs.index]
    # TensorFlow asks the processor, not the cap, whether oneDNN computes bfloat16: cases/limits.toml.
    is_asked = ~theirs["cause"].str.startswith("TensorFlow asks the processor and not the cap")
    is_other = (ours[["verdict", "divergence"]] != theirs[["verdict", "divergence"]]).any(axis=1)
    different = ours[is_asked & is_other]
    assert {parse_case_id(case).channels for case in different.index} <= {1}
    assert set(different["cause"]) <= {NEEDS_AVX512}
    assert (theirs["verdict"] == "diverges").sum() > 20


def test_tensorflow_without_onednn_clamps_no_same_on_three_axes() -> None:
    words = (
        "--layer",
        "MaxPooling3D",
        "--input",
        "8x1x1",
        "--kernel",
        "1",
        "--strides",
        "4",
        "--padding",
        "same",
    )
    code, said = explain(*words, target=f"{TENSORFLOW}+onednn=0")
    assert code == 1, said
    assert "DIFFERS (value" in said
    assert "padding-not-clamped" in said
    assert explain(*words, target=TENSORFLOW)[0] == 0


def test_a_call_that_needs_onednn_says_so_without_it() -> None:
    words = [
        "--layer",
        "conv2dtranspose",
        "--input",
        "9x9",
        "--kernel",
        "3",
        "--strides",
        "2",
        "--padding",
        "same",
        "--filters",
        "4",
    ]
    words += ["--data-format", "channels_first"]
    _, said = explain(*words, target=f"{TENSORFLOW}+onednn=0")
    assert "unsupported" in said
    assert "where TF_ENABLE_ONEDNN_OPTS is 1" in said
    code, said = explain(*words, target=TENSORFLOW)
    assert code == 0, said
