"""What came of a run: judged, looked at again where it diverges, reported and summed up."""

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
class _Reviewed:
    """A run after its second look; it has news where a finding is to be judged otherwise, or the run is."""

    info: RunInfo
    has_news: bool


def report_reviewed(request: Request, info: RunInfo) -> tuple[RunInfo, Tally]:
    """Judge what was observed, look again at what diverges, and write the reports."""
    doubts: list[RecheckCandidate] = []
    tally = report(request.directory, info, doubts.append)
    reviewed = _look_again(request, info, doubts)
    return reviewed.info, report(request.directory, reviewed.info) if reviewed.has_news else tally


def judge_reviewed(request: Request, info: RunInfo) -> tuple[RunInfo, Sequence[Finding]]:
    """Judge what was observed, look again at what diverges, and return the findings."""
    doubts: list[RecheckCandidate] = []
    findings = _judge(request.directory, info, doubts.append)
    reviewed = _look_again(request, info, doubts)
    return reviewed.info, _judge(request.directory, reviewed.info) if reviewed.has_news else findings


def report(
    directory: Path, info: RunInfo, note: Callable[[RecheckCandidate], None] = lambda _doubt: None
) -> Tally:
    """Judge a stored run and write its reports into its folder; `note` is told each divergence."""
    return write_reports(directory, info, judge_run(directory, info, read_shipped_limits(), note))


def print_summary(directory: Path, info: RunInfo, tally: Tally) -> None:
    """Print what came of a run."""
    show(build_closing_table(info, tally))
    if info.footer is not None:
        for run_of in info.footer.targets:
            if run_of.failure:
                logs = find_logs(run_of.name, directory / LOGS)
                place = f"; its log is {logs[-1]}" if logs else ""
                err.print(
                    f"{run_of.name}: {run_of.failure}{place}", style="red", markup=False, soft_wrap=True
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


def exit_code(info: RunInfo, tally: Tally) -> int:
    """Return 130 where a run was interrupted, 3 where it is incomplete, inconclusive or unstable, 1 or 0."""
    if _is_interrupted(info):
        return EXIT_INTERRUPTED
    if not info.is_complete or tally.inconclusive or tally.unstable or tally.has_computed_nothing:
        return EXIT_INCOMPLETE
    return EXIT_UNEXPECTED if tally.new else EXIT_OK


def _judge(
    directory: Path, info: RunInfo, note: Callable[[RecheckCandidate], None] = lambda _doubt: None
) -> list[Finding]:
    return [one.finding for one in judge_run(directory, info, read_shipped_limits(), note)]


def _look_again(request: Request, info: RunInfo, found: Sequence[RecheckCandidate]) -> _Reviewed:
    """Ask some of what diverges again."""
    doubts, has_news = tuple(found), False
    lineages = {name: run_of.lineage for name, run_of in info.target_runs.items()}
    for _ in range(RECHECK_ROUNDS):
        chosen = {} if _is_interrupted(info) else select_for_recheck(doubts, lineages)
        if not chosen:
            break
        info = observe_again(request, info, chosen)
        doubts = update_candidates(request.directory, info, read_shipped_limits(), doubts, chosen)
        has_news = _is_interrupted(info) or any(doubt.is_reproduced is False for doubt in doubts)
    return _Reviewed(info, has_news)


def _is_interrupted(info: RunInfo) -> bool:
    return info.footer is not None and info.footer.state == INTERRUPTED
