"""What a run set out to do, and how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.targets import Fingerprint


@dataclass(frozen=True, slots=True)
class TargetRun:
    """A target's part in a run: what it was, and how far it came.

    `requires` are the pins of its base, `overlay` those laid before it, `variables` the environment
    variables that are set for it; `version` is empty where only the fingerprint can tell.
    `failure` says why the target could not start or was given up; empty where all went well.
    `seconds` run from the launch of the first worker to the end of the last, `start_seconds` of them
    passed before the first hello; `workers` counts those that said hello. `selector` gets the target again,
    but for its flags; it is empty in runs of versions that did not keep it.
    """

    name: str
    api: str
    version: str
    backend: str
    family: str
    variant: str
    lineage: str
    python: str
    requires: tuple[str, ...]
    overlay: tuple[str, ...]
    fingerprint: Fingerprint
    observed: int
    not_run: int
    failure: str
    seconds: float
    start_seconds: float
    workers: int
    variables: Mapping[str, str] = field(default_factory=dict)
    selector: str = ""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What a run set out to do. `planned` counts cases times targets."""

    schema: int
    harness: str
    signals: int
    suites: tuple[str, ...]
    targets: tuple[str, ...]
    cases: int
    planned: int
    started: str


@dataclass(frozen=True, slots=True)
class RunFooter:
    """How far a run came. `state` is running, complete, incomplete or interrupted.

    A run without a footer, or whose footer still says running, is incomplete.
    """

    state: str
    observed: int
    not_run: int
    finished: str
    seconds: float
    targets: tuple[TargetRun, ...]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A stored run as its reports see it."""

    header: RunHeader
    footer: RunFooter | None

    @property
    def is_complete(self) -> bool:
        """Whether every planned observation was made and the run said so."""
        return self.footer is not None and self.footer.state == "complete"

    @property
    def target_runs(self) -> Mapping[str, TargetRun]:
        """The part of each target by its name; empty without a footer."""
        return {} if self.footer is None else {run.name: run for run in self.footer.targets}
