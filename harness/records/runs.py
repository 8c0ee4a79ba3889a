"""The header and footer of a run: what was planned, and how far it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.targets import Fingerprint


@dataclass(frozen=True, slots=True)
class TargetRun:
    """One target's part in a run: its identity, and how far it got.

    `requires` are the pins of its base environment, `overlay` those installed before it on the import path,
    `variables` the environment variables set for it; `version` is empty where only the fingerprint tells it.
    `failure` says why the target could not start or was given up, and is empty otherwise. `seconds` is the
    time from the launch of the first worker to the end of the last, of which `start_seconds` passed before
    the first hello; `workers` counts the workers that sent a hello. `selector` selects the target again,
    without its flags; it is empty in runs of versions that did not store it.
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
    """What a run planned. `planned` is the number of cases times targets."""

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
    """How far a run got. `state` is running, complete, incomplete or interrupted.

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
    """The header and, if there is one, the footer of a stored run."""

    header: RunHeader
    footer: RunFooter | None

    @property
    def is_complete(self) -> bool:
        """Whether the footer states that every planned observation was made."""
        return self.footer is not None and self.footer.state == "complete"

    @property
    def target_runs(self) -> Mapping[str, TargetRun]:
        """The part of each target, by target name; empty without a footer."""
        return {} if self.footer is None else {run.name: run for run in self.footer.targets}
