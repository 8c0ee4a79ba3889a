"""Process the observations of a run: judge, take a second look at divergences, report and sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli.inputs import read_shipped_limits
from harness.cli.runs import Request, observe_again
from harness.cli.terminal import build_closing_table, err, find_logs, out, show
from harness.errors import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK, EXIT_UNEXPECTED
from harness.judge.second_look import RECHECK_ROUNDS, RecheckCandidate, select_for_recheck
from harness.judge.stored_run import judge_run, update_candidates
from harness.records import Finding, RunInfo
from harness.report.phrases import describe_nothing_computed, format_headline
from harness.report.tally import Tally
from harness.report.write import write_reports
from harness.runner.run import INTERRUPTED
from harness.store import LOGS


@dataclass(frozen=True, slots=True)
class _SecondLook:
    """A run after its second look; `has_news` if a finding or the run has to be judged anew."""

    info: RunInfo
    has_news: bool


def report_with_second_look(request: Request, info: RunInfo) -> tuple[RunInfo, Tally]:
    """Judge what was observed, take a second look at what diverges, and write the reports."""
    candidates: list[RecheckCandidate] = []
    tally = report(request.directory, info, candidates.append)
    second_look = _take_second_look(request, info, candidates)
    return second_look.info, report(request.directory, second_look.info) if second_look.has_news else tally


def judge_with_second_look(request: Request, info: RunInfo) -> tuple[RunInfo, Sequence[Finding]]:
    """Judge what was observed, take a second look at what diverges, and return the findings."""
    candidates: list[RecheckCandidate] = []
    findings = _judge(request.directory, info, candidates.append)
    second_look = _take_second_look(request, info, candidates)
    return second_look.info, _judge(request.directory, second_look.info) if second_look.has_news else findings


def report(
    directory: Path, info: RunInfo, note: Callable[[RecheckCandidate], None] = lambda _candidate: None
) -> Tally:
    """Judge a stored run and write its reports into its folder; `note` is called for each divergence."""
    return write_reports(directory, info, judge_run(directory, info, read_shipped_limits(), note))


def print_summary(directory: Path, info: RunInfo, tally: Tally) -> None:
    """Print the results of a run."""
    show(build_closing_table(info, tally))
    if info.footer is not None:
        for target_run in info.footer.targets:
            if target_run.failure:
                logs = find_logs(target_run.name, directory / LOGS)
                place = f"; its log is {logs[-1]}" if logs else ""
                err.print(
                    f"{target_run.name}: {target_run.failure}{place}",
                    style="red",
                    markup=False,
                    soft_wrap=True,
                )
    if len(tally.targets) > 1:
        for name, counts in tally.targets.items():
            if counts.has_computed_nothing:
                err.print(
                    f"{name}: {describe_nothing_computed(counts)}",
                    style="yellow",
                    markup=False,
                    soft_wrap=True,
                )
    if _is_interrupted(info):
        err.print(
            f"interrupted; the same command with --resume -o {directory} goes on",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(format_headline(tally), markup=False, soft_wrap=True)
    out.print(f"{directory / 'index.html'}", markup=False, soft_wrap=True)


def choose_exit_code(info: RunInfo, tally: Tally) -> int:
    """Return 130 for an interrupted run, 3 for an incomplete, inconclusive or unstable one, else 1 or 0."""
    if _is_interrupted(info):
        return EXIT_INTERRUPTED
    if not info.is_complete or tally.inconclusive or tally.unstable or tally.has_computed_nothing:
        return EXIT_INCOMPLETE
    return EXIT_UNEXPECTED if tally.new else EXIT_OK


def _judge(
    directory: Path, info: RunInfo, note: Callable[[RecheckCandidate], None] = lambda _candidate: None
) -> list[Finding]:
    return [judgement.finding for judgement in judge_run(directory, info, read_shipped_limits(), note)]


def _take_second_look(
    request: Request, info: RunInfo, first_candidates: Sequence[RecheckCandidate]
) -> _SecondLook:
    """Ask some of the divergences again."""
    candidates, has_news = tuple(first_candidates), False
    lineages = {name: target_run.lineage for name, target_run in info.target_runs.items()}
    for _ in range(RECHECK_ROUNDS):
        rechecks = {} if _is_interrupted(info) else select_for_recheck(candidates, lineages)
        if not rechecks:
            break
        info = observe_again(request, info, rechecks)
        candidates = update_candidates(request.directory, info, read_shipped_limits(), candidates, rechecks)
        has_news = _is_interrupted(info) or any(candidate.is_reproduced is False for candidate in candidates)
    return _SecondLook(info, has_news)


def _is_interrupted(info: RunInfo) -> bool:
    return info.footer is not None and info.footer.state == INTERRUPTED
