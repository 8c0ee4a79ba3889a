"""Made targets of every generation, and the script of a case on one of them."""

from __future__ import annotations

from harness.confirm.script import script
from harness.records import Case, TargetRun
from tests.report.judged import expectation_of


def target(
    version: str = "3.15.1", backend: str = "torch", api: str = "keras", backend_version: str = ""
) -> TargetRun:
    return TargetRun(
        name=f"{api}{version}-{backend}",
        api=api,
        version=version,
        backend=backend,
        family=backend,
        variant="",
        lineage=backend,
        python="3.11",
        requires=(),
        overlay=(),
        fingerprint={"keras": version, "backend_version": backend_version},
        observed=1,
        not_run=0,
        failure="",
        seconds=1.0,
        start_seconds=1.0,
        workers=1,
    )


TF_KERAS = target("2.21.0", "tensorflow", "tf_keras", "2.21.0")
IN_A_GRAPH = target("2.3.1", "theano")
KERAS_1 = target("1.2.2", "theano")


def of(case: Case, run: TargetRun | None = None) -> str:
    """The script of one case."""
    return script(run or target(), [(case, expectation_of(case))])
