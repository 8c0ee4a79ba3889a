"""Progress of a run: bars truncate no number, a log gets a line every few seconds."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.progress import MAX_BARS, Bars, LogLines, RunReporter, TargetCounts, make_bars, show_progress
from harness.records import Fingerprint, Observation, Outcome, Stage

LONG = "keras3.15.1-tensorflow+onednn=0+ONEDNN_MAX_CPU_ISA=AVX2"


def observation(target: str, outcome: Outcome = Outcome.RETURNED) -> Observation:
    return Observation(target, "conv2d", outcome, Stage.CALL, reason="SIGSEGV")


def diverges_by_its_name(observation: Observation, fingerprint: Fingerprint) -> bool:
    return fingerprint["backend"] == observation.target


def never(observation: Observation, fingerprint: Fingerprint) -> bool:
    return False


def drawn(width: int, target: str, counts: TargetCounts) -> str:
    """Return the bars as a terminal of some width shows them."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    progress = make_bars(console)
    bars = Bars(progress)
    bars.add(target, counts)
    bars.update(target, counts)
    with console.capture() as capture:
        console.print(progress.get_renderable())
    return capture.get()


@pytest.mark.parametrize("width", range(32, 140, 6))
@pytest.mark.parametrize("target", ["here", LONG])
def test_no_number_is_cut_off(width: int, target: str) -> None:
    counts = TargetCounts(planned=15_397, done=15_301, diverging=1_184, lost=12)
    text = drawn(width, target, counts)
    assert "15301/15397" in text, text
    assert "1,184" in text, text
    assert "12" in text.replace("1,184", ""), text
    assert "…" not in text


def test_of_many_targets_those_are_shown_that_are_observed() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    progress = make_bars(console)
    bars = Bars(progress)
    counts = {f"target-{number:02}": TargetCounts(4) for number in range(MAX_BARS + 1)}
    for target, one in counts.items():
        bars.add(target, one)
    counts["target-03"].done = 2
    bars.update("target-03", counts["target-03"])
    shown = {task.description for task in progress.tasks if task.visible}
    assert shown == {"all targets", "target-03"}


def test_a_line_tells_what_is_done_planned_found_and_left() -> None:
    now = [100.0]
    written: list[str] = []
    lines = LogLines(written.append, lambda: now[0])
    reporter = RunReporter(lines, lambda: diverges_by_its_name, Path("logs"), keeps_logs=False)
    reporter.note_planned("one", 1_000)
    reporter.note_planned("two", 1_000)
    reporter.note_started("one", {"backend": "one"})
    reporter.note_started("two", {"backend": "another"})
    for _ in range(300):
        reporter.note_observed(observation("one"))
        reporter.note_observed(observation("two"))
    now[0] += 15
    lines.tick()
    assert written == ["600 of 2,000 done, 40 cases/s, 300 divergences so far, about 35 s left"]


def test_a_target_that_was_given_up_is_not_waited_for() -> None:
    now = [0.0]
    written: list[str] = []
    lines = LogLines(written.append, lambda: now[0])
    reporter = RunReporter(lines, lambda: never, Path("logs"), keeps_logs=False)
    reporter.note_planned("one", 20)
    reporter.note_planned("two", 1_000)
    reporter.note_failed("two", "could not start")
    for _ in range(10):
        reporter.note_observed(observation("one"))
    now[0] = 10.0
    lines.tick()
    assert written == [
        "two: could not start",
        "10 of 20 done, 1 cases/s, 0 divergences so far, about 10 s left",
    ]


def test_the_first_losses_are_told_one_by_one() -> None:
    written: list[str] = []
    reporter = RunReporter(
        LogLines(written.append, lambda: 0.0), lambda: never, Path("none"), keeps_logs=False
    )
    reporter.note_planned("one", 20)
    for _ in range(5):
        reporter.note_observed(observation("one", Outcome.CRASHED))
    assert len(written) == 4
    assert written[0] == "one: its worker was lost in stage call of conv2d: SIGSEGV"
    assert written[-1] == "one: further losses are in findings.csv"


def test_a_log_without_a_terminal_is_not_silent(tmp_path: Path) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=40)
    with show_progress(
        tmp_path, lambda: never, keeps_logs=False, console=console, interval_s=0.01
    ) as reporter:
        reporter.note_planned(LONG, 15_397)
        deadline = time.monotonic() + 30
        while stream.getvalue().count("\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "0 of 15,397 done, 0 cases/s, 0 divergences so far, time left unknown\n" in stream.getvalue()
