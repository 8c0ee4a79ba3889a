"""The second look: chosen cases of a run are asked again, of fresh workers. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from harness import store
from harness.records import Case, RunInfo
from harness.runner.batches import batches
from harness.runner.engines import local
from harness.runner.limits import Limits
from harness.runner.run import INTERRUPTED, Plan, Progress, preparation, tell_start
from harness.runner.work import Work


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a target is asked again. Its worker died over the `deadly` cases: they come last, one by one."""

    cases: tuple[Case, ...]
    deadly: tuple[Case, ...]

    def __len__(self) -> int:
        return len(self.cases) + len(self.deadly)


def ask_again(plan: Plan, info: RunInfo, chosen: Mapping[str, Chosen], progress: Progress) -> RunInfo:
    """Ask cases of a run a second time, and store what is observed beside what was observed at first.

    An interrupt (KeyboardInterrupt) ends it early: the run's footer says so, and nothing is raised.

    Args:
        plan: the run's; its `stop` is not set.
        info: what the run came to.
        chosen: by the names of targets of the run.
        progress: is told how it comes along.

    Raises:
        HarnessError: the disk refuses a write.
    """
    works = []
    for target in plan.targets:
        if own := chosen.get(target.name):
            progress.planned(target.name, len(own))
            works.append(
                Work(
                    target=target,
                    source=iter(chain(batches(own.cases), ((case,) for case in own.deadly))),
                    planned=len(own),
                    limits=_expecting(plan.limits, len(own.deadly)),
                    tell=partial(progress.slow, target.name, timeout_s=plan.limits.again_s),
                )
            )
    store.open_second_look(plan.directory, [work.target.name for work in works])
    prepare, logs = preparation(plan, progress), plan.directory / store.LOGS
    met: set[str] = set()
    try:
        with store.ObservationLog(plan.directory, store.Look.SECOND) as log:
            for observation in local.observe(works, prepare, plan.jobs, logs, plan.stop):
                log.append(observation)
                if observation.target not in met:
                    met.add(observation.target)
                    tell_start(works, observation.target, progress)
                progress.observed(observation)
        for work in works:
            if work.failure and work.launch is not None:
                progress.failed(work.target.name, f"not all of it was asked again: {work.failure}")
    except KeyboardInterrupt:
        if info.footer is not None:
            info = replace(info, footer=replace(info.footer, state=INTERRUPTED))
            store.write_info(plan.directory, info)
    return info


def _expecting(limits: Limits, num_deaths: int) -> Limits:
    """Limits under which so many deaths are nothing out of the way."""
    return replace(
        limits,
        max_deaths_in_a_row=limits.max_deaths_in_a_row + num_deaths,
        max_deaths=limits.max_deaths + num_deaths,
    )
