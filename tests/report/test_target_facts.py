from __future__ import annotations

from dataclasses import replace

from harness.report.target_facts import list_measured, list_pins
from tests.report.judged import info_of


def test_what_is_measured_are_versions_and_what_is_of_the_processor() -> None:
    fingerprint = {"keras": "3.15.1", "platform": "linux", "threads": "2", "torch": "v2.9.0+cpu", "numpy": ""}
    assert list_measured(fingerprint) == ("keras 3.15.1", "threads 2", "torch v2.9.0+cpu")


def test_the_pins_begin_with_keras() -> None:
    run = replace(next(iter(info_of().target_runs.values())), overlay=("keras==3.15.1",), requires=("jax",))
    assert list_pins(run) == ("keras==3.15.1", "jax")
