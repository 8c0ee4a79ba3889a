"""What Kerases of every generation do, and that the harness sees it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.live.conftest import OLD_TARGETS, Ended, command

pytestmark = pytest.mark.live

HALF = "stride-ignored-in-padding-odd-cell-before"
THEANO = ("keras1.2.2-theano", "keras2.3.1-theano")


def test_every_planned_case_is_observed_in_every_generation(generations: Ended) -> None:
    run = generations.run()
    assert run["footer"]["state"] == "complete", generations.output
    assert run["footer"]["observed"] == run["header"]["planned"] == len(generations.findings())
    assert set(generations.findings()["target"]) == set(OLD_TARGETS)


def test_every_target_is_the_version_that_its_name_says(generations: Ended) -> None:
    for target in generations.run()["footer"]["targets"]:
        fingerprint = target["fingerprint"]
        assert (fingerprint["api"], fingerprint["version"]) == (target["api"], target["version"])
        assert fingerprint["backend"] == target["backend"]
        assert target["name"].startswith(f"{target['api']}{target['version']}")


def test_theano_flips_the_kernel_and_pads_by_half_a_kernel(generations: Ended) -> None:
    for name in THEANO:
        diverging = generations.divergences(name)
        values = diverging[diverging["divergence"] == "value"]
        assert len(values) > 100
        assert values["cause"].str.contains("kernel-flipped").mean() > 0.9
        assert values["cause"].str.contains(HALF).any()
        assert set(values["silent"]) == {"true"}


def test_what_keras_1_cannot_express_is_unsupported_and_says_why(generations: Ended) -> None:
    old = generations.findings("keras1.2.2-theano")
    grouped = old[(old["groups"] == "2") & (old["filters"] != "5")]
    assert set(grouped["verdict"]) == {"unsupported"}
    assert set(grouped["error"].str.contains("groups")) == {True}


def test_the_oldest_keras_3_on_torch_cuts_cells_off(generations: Ended) -> None:
    diverging = generations.divergences("keras3.0.5-torch")
    assert diverging["cause"].str.contains("padding-not-clamped").sum() > 5
    assert diverging["error"].str.contains("negative padding is not supported").any()


@pytest.mark.parametrize("name", ["keras2.2.5-tensorflow", "tf.keras1.15.0", "keras3.0.5-jax"])
def test_the_values_of_these_are_right(generations: Ended, name: str) -> None:
    diverging = generations.divergences(name)
    assert set(diverging["divergence"]) <= {"missing-error", "unexpected-error", "crash"}
    computed = generations.findings(name)
    assert (computed["verdict"] == "conforms").sum() > 100


def test_every_divergence_holds_when_called_by_hand(generations: Ended) -> None:
    done = command("confirm", str(generations.directory), directory=generations.directory)
    with (generations.directory / "confirmed.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row for row in rows if row["result"] != "holds"] == []
    assert len(rows) == len(generations.divergences())
    assert done.exit_code == 0, done.output


def test_the_history_names_the_rule_of_each_family(generations: Ended, tmp_path: Path) -> None:
    done = command("history", str(generations.directory), "-o", str(tmp_path), directory=tmp_path)
    lines = {line.split("|")[1].strip(): line for line in done.output.splitlines() if line.startswith("| ")}
    assert "before = e // 2, cut to ceil(n/s); kernel flipped" in lines["theano"]
    assert "cutting cells off" in lines["torch"]
    for family in ("tensorflow", "tf.keras", "tf_keras", "jax"):
        assert "Keras's rule" in lines[family]
