"""The second look: chosen cases of a run are observed again by fresh workers. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from harness import store
from harness.records import Case, RunInfo
from harness.runner.batches import make_batches
from harness.runner.engines import local
from harness.runner.run import INTERRUPTED, RunListener, RunPlan, make_preparer, tell_start
from harness.runner.timeouts import Timeouts
from harness.runner.work import Work


@dataclass(frozen=True, slots=True)
class ChosenCases:
    """The cases for a target's second look. Its worker died over the `deadly_cases`: asked last, singly."""

    cases: tuple[Case, ...]
    deadly_cases: tuple[Case, ...]

    def __len__(self) -> int:
        return len(self.cases) + len(self.deadly_cases)


def ask_again(
    plan: RunPlan, info: RunInfo, chosen: Mapping[str, ChosenCases], listener: RunListener
) -> RunInfo:
    """Observe cases of a run a second time, and store the result beside the first observations.

    An interrupt (KeyboardInterrupt) ends it early: the run's footer says so, and nothing is raised.

    Args:
        plan: the run's; its `stop` is not set.
        info: the header and footer of the run.
        chosen: by the names of targets of the run.
        listener: receives the progress.

    Raises:
        HarnessError: the disk refuses a write.
    """
    works = []
    for target in plan.targets:
        if again := chosen.get(target.name):
            listener.note_planned(target.name, len(again))
            works.append(
                Work(
                    target=target,
                    source=iter(chain(make_batches(again.cases), ((case,) for case in again.deadly_cases))),
                    planned=len(again),
                    timeouts=_allow_deaths(plan.timeouts, len(again.deadly_cases)),
                    on_slow=partial(listener.note_slow, target.name, timeout_s=plan.timeouts.again_s),
                )
            )
    store.open_second_look(plan.directory, [work.target.name for work in works])
    prepare, logs = make_preparer(plan, listener), plan.directory / store.LOGS
    started_targets: set[str] = set()
    try:
        with store.ObservationLog(plan.directory, store.Look.SECOND) as log:
            for observation in local.observe_targets(works, prepare, plan.jobs, logs, plan.stop):
                log.append(observation)
                if observation.target not in started_targets:
                    started_targets.add(observation.target)
                    tell_start(works, observation.target, listener)
                listener.note_observed(observation)
        for work in works:
            if work.failure and work.command is not None:
                listener.note_failed(work.target.name, f"not all of it was asked again: {work.failure}")
    except KeyboardInterrupt:
        if info.footer is not None:
            info = replace(info, footer=replace(info.footer, state=INTERRUPTED))
            store.write_info(plan.directory, info)
    return info


def _allow_deaths(timeouts: Timeouts, num_deaths: int) -> Timeouts:
    """Return timeouts under which this many deaths do not quarantine a target."""
    return replace(
        timeouts,
        max_deaths_in_a_row=timeouts.max_deaths_in_a_row + num_deaths,
        max_deaths=timeouts.max_deaths + num_deaths,
    )
