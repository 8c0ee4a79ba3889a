"""The commands. Each reads its arguments, calls the rooms in the order of the flow, and prints."""

from __future__ import annotations

import datetime
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from harness import __version__
from harness.cases.suites import cases_of, check, counted, kept_cases
from harness.cli import listing
from harness.cli.explaining import Asked, case_named, case_of, spread_lengths
from harness.cli.options import (
    CasesFolders,
    Format,
    Jobs,
    NewestPerMinor,
    Output,
    RunFolder,
    Settings,
    Suites,
    Targets,
    TargetsFiles,
    Timeout,
    app,
    chosen_targets,
    library_of,
    note_list,
    shipped_limits,
)
from harness.cli.terminal import Bars, bars, closing_table, err, logs_of, out, show
from harness.environments.cache import find_cache_directory
from harness.environments.launch import prepare_worker_command
from harness.errors import (
    EXIT_INCOMPLETE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNEXPECTED,
    HarnessError,
)
from harness.explain.explanation import explanation
from harness.explain.svg import svg_picture
from harness.facets import coverage
from harness.files import explain_disk_errors, replace_text
from harness.judge.second_look import ROUNDS, Doubt, worth_asking
from harness.judge.stored_run import judged, looked_at
from harness.records import Case, Data, DataFormat, Form, Layer, Mode, RunInfo, Target, WorkerCommand
from harness.report.phrases import headline, nothing_computed
from harness.report.tally import Tally, tally_of
from harness.report.write import copy_tables, write_reports
from harness.resources import WORKER
from harness.runner.run import INTERRUPTED, RunPlan, run
from harness.runner.second_look import ask_again
from harness.runner.work import DEFAULT_TIMEOUTS, Timeouts
from harness.store import LOGS, read_info
from harness.targets.selection import NEWEST


def _say_version(*, is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"keras-harness {__version__}")
        raise typer.Exit


@app.callback()
def whole_application(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="say the version")
    ] = False,
) -> None:
    """Does every Keras pad as the formulas say?"""


@app.command("run")
def run_command(
    suites: Suites = None,
    target: Targets = None,
    output: Output = None,
    jobs: Jobs = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in DIR")] = False,
    timeout: Timeout = DEFAULT_TIMEOUTS.case_s,
    cases: CasesFolders = None,
    targets_file: TargetsFiles = None,
    newest_only: NewestPerMinor = False,
    settings: Settings = None,
) -> None:
    """Observe, judge, explain, report. Without arguments: suite core, the newest Keras on TensorFlow."""
    names = tuple(suites or ("core",))
    library = library_of(cases)
    chosen = chosen_targets(target or [NEWEST], targets_file, settings, newest_only=newest_only)
    if resume and output is None:
        raise HarnessError("--resume needs -o DIR, the folder of the run to go on with")
    if resume and output is not None:
        read_info(output)
    directory = output or Path("reports", "runs", f"{time.strftime('%Y%m%d-%H%M%S')}-{'-'.join(names)}")
    num_jobs = jobs or os.cpu_count() or 1
    plan_of = partial(
        _plan, directory, names, kept_cases(library, names), chosen, targets_file, num_jobs, timeout
    )
    info = _observe(plan_of, directory, resume=resume)
    doubts: list[Doubt] = []
    tally = _report(directory, info, doubts.append)
    looked = _look_again(plan_of, directory, info, doubts)
    if looked.has_news:
        info = looked.info
        tally = _report(directory, info)
    raise typer.Exit(_close(directory, info, tally))


@app.command("judge")
def judge_command(run_folder: RunFolder) -> None:
    """Judge a stored run again, without Keras, and write its reports."""
    info = read_info(run_folder)
    raise typer.Exit(_close(run_folder, info, _report(run_folder, info)))


@app.command("report")
def report_command(
    run_folder: RunFolder,
    tables: Annotated[
        Path | None, typer.Option("--tables", metavar="DIR", help="where to put the tables, to be committed")
    ] = None,
) -> None:
    """Write the reports of a stored run again."""
    _report(run_folder, read_info(run_folder))
    if tables is not None:
        copy_tables(run_folder, tables)
    out.print(f"{run_folder / 'index.html'}", markup=False, soft_wrap=True)


@app.command("cases")
def cases_command(
    suites: Suites = None,
    cases: CasesFolders = None,
    form: Annotated[Format, typer.Option("--format", help="how to write it")] = Format.TABLE,
) -> None:
    """List the cases of suites, count them, and show the coverage by facet."""
    library = library_of(cases)
    if not suites and form is Format.TABLE:
        own = [name for name in library.suites if library.files[f"suite {name}"].parents[1] in (cases or ())]
        listing.print_suites(library, counted(library, own) if own else {})
        return
    names = tuple(suites or library.suites)
    match form:
        case Format.TABLE:
            # Whatever is wrong with the suites is said before anything is listed.
            counts = coverage(cases_of(library, names))
            listing.print_cases(cases_of(library, names))
            listing.print_coverage(counts)
        case Format.CSV:
            check(library, names)
            listing.write_csv(map(listing.case_row, cases_of(library, names)), sys.stdout)
        case Format.JSON:
            listing.write_json(map(listing.case_row, cases_of(library, names)), sys.stdout)


@app.command("explain")
def explain_command(
    case_id: Annotated[
        str | None,
        typer.Argument(metavar="[CASE]", help="the id of a case, instead of the options that describe one"),
    ] = None,
    input_size: Annotated[str | None, typer.Option("--input", metavar="5x5", help="input lengths")] = None,
    kernel: Annotated[
        str | None, typer.Option("--kernel", metavar="2", help="lengths of the kernel, or of the window")
    ] = None,
    layer: Annotated[
        Layer | None,
        typer.Option(
            "--layer", case_sensitive=False, help="a layer, or an operation of keras.ops; by default Conv2D"
        ),
    ] = None,
    mode: Annotated[Mode | None, typer.Option("--mode", help="how it is called")] = None,
    strides: Annotated[
        str | None, typer.Option("--strides", metavar="2", help="by default 1, in pooling the window")
    ] = None,
    padding: Annotated[str | None, typer.Option("--padding", metavar="same", help="by default valid")] = None,
    output_padding: Annotated[str | None, typer.Option("--output-padding", metavar="1")] = None,
    dilation: Annotated[str | None, typer.Option("--dilation", metavar="1")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="by default 1")] = None,
    channels: Annotated[int | None, typer.Option("--channels", min=1, help="by default 1")] = None,
    filters: Annotated[int | None, typer.Option("--filters", help="by default 24")] = None,
    multiplier: Annotated[int | None, typer.Option("--depth-multiplier", help="by default 1")] = None,
    groups: Annotated[int | None, typer.Option("--groups", help="by default 1")] = None,
    data_format: Annotated[
        DataFormat | None, typer.Option("--data-format", help="by default channels_last")
    ] = None,
    bias: Annotated[bool | None, typer.Option("--bias/--no-bias")] = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", metavar="float64", help="by default float32")
    ] = None,
    form: Annotated[Form | None, typer.Option("--form", help="how the arguments are written")] = None,
    data: Annotated[Data | None, typer.Option("--data", help="what the input and the weights are")] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="write the picture as SVG")
    ] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="draw with ASCII only")] = False,
    target: Targets = None,
    targets_file: TargetsFiles = None,
    settings: Settings = None,
    timeout: Timeout = DEFAULT_TIMEOUTS.case_s,
) -> None:
    """Show the formula step by step, the picture, and what a real target does."""
    asked = Asked(
        layer=layer,
        mode=mode,
        input=input_size,
        kernel=kernel,
        strides=strides,
        dilation=dilation,
        padding=padding,
        output_padding=output_padding,
        data_format=data_format,
        batch=batch,
        channels=channels,
        filters=filters,
        multiplier=multiplier,
        groups=groups,
        bias=bias,
        dtype=dtype,
        form=form,
        data=data,
    )
    case = case_of(asked) if case_id is None else case_named(case_id, asked)
    chosen = chosen_targets(target, targets_file, settings) if target else ()
    if note := spread_lengths(asked, case.ndim):
        sys.stdout.write(note + "\n\n")
    text = str(explanation(case, ascii_only=ascii_only or not _can_draw(sys.stdout.encoding)))
    sys.stdout.write(text + "\n")
    if svg is not None:
        _write(svg, svg_picture(case))
    if not chosen:
        return
    with TemporaryDirectory(prefix="keras-harness-") as folder:
        directory = Path(folder, "run")
        plan_of = partial(
            _plan, directory, ("explain",), lambda: (case,), chosen, targets_file, len(chosen), timeout
        )
        info = _observe(plan_of, directory, resume=False, keeps=False)
        doubts: list[Doubt] = []
        findings = [one.finding for one in judged(directory, info, shipped_limits(), doubts.append)]
        looked = _look_again(plan_of, directory, info, doubts, keeps=False)
        if looked.has_news:
            info = looked.info
            findings = [one.finding for one in judged(directory, info, shipped_limits())]
    listing.print_answers(findings)
    raise typer.Exit(_exit_code(info, tally_of(info, findings)))


def _plan(
    directory: Path,
    suites: tuple[str, ...],
    cases: Callable[[], Iterable[Case]],
    targets: tuple[Target, ...],
    targets_files: Sequence[Path] | None,
    jobs: int,
    timeout: float,
    progress: Bars,
) -> RunPlan:
    stop = threading.Event()
    note = cache(lambda: note_list(targets_files))

    def start(target: Target) -> WorkerCommand:
        if target.built is not None:
            note()
        return prepare_worker_command(
            target, find_cache_directory(os.environ), WORKER, os.environ, progress.building, stop
        )

    return RunPlan(
        directory=directory,
        suites=suites,
        cases=cases,
        targets=targets,
        jobs=jobs,
        timeouts=Timeouts(case_s=timeout),
        harness=__version__,
        prepare_worker=start,
        stop=stop,
        clock=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        timer=time.monotonic,
    )


def _observe(
    plan_of: Callable[[Bars], RunPlan], directory: Path, *, resume: bool, keeps: bool = True
) -> RunInfo:
    """Run the cases on the targets, with progress shown; the folder stays behind if it `keeps`."""
    with bars(directory / LOGS, keeps_logs=keeps) as progress:
        return run(plan_of(progress), progress, resume=resume)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A run after its second look; it has news where a finding is to be judged otherwise, or the run is."""

    info: RunInfo
    has_news: bool


def _look_again(
    plan_of: Callable[[Bars], RunPlan],
    directory: Path,
    info: RunInfo,
    found: Sequence[Doubt],
    *,
    keeps: bool = True,
) -> _Looked:
    """Ask some of what diverges again, with progress shown."""
    doubts, has_news = tuple(found), False
    lineages = {name: run_of.lineage for name, run_of in info.target_runs.items()}
    for _ in range(ROUNDS):
        chosen = {} if _is_interrupted(info) else worth_asking(doubts, lineages)
        if not chosen:
            break
        with bars(directory / LOGS, keeps_logs=keeps) as progress:
            plan = plan_of(progress)
            progress.asking_again(sum(map(len, chosen.values())))
            info = ask_again(plan, info, chosen, progress)
        doubts = looked_at(plan.directory, info, shipped_limits(), doubts, chosen)
        has_news = _is_interrupted(info) or any(doubt.came_again is False for doubt in doubts)
    return _Looked(info, has_news)


def _is_interrupted(info: RunInfo) -> bool:
    return info.footer is not None and info.footer.state == INTERRUPTED


def _report(directory: Path, info: RunInfo, note: Callable[[Doubt], None] = lambda _doubt: None) -> Tally:
    """Judge a stored run and write its reports into its folder; `note` is told each divergence."""
    return write_reports(directory, info, judged(directory, info, shipped_limits(), note))


def _close(directory: Path, info: RunInfo, tally: Tally) -> int:
    """Print what came of a run, and give the exit code."""
    show(closing_table(info, tally))
    if info.footer is not None:
        for run_of in info.footer.targets:
            if run_of.failure:
                logs = logs_of(run_of.name, directory / LOGS)
                place = f"; its log is {logs[-1]}" if logs else ""
                err.print(
                    f"{run_of.name}: {run_of.failure}{place}", style="red", markup=False, soft_wrap=True
                )
    if len(tally.targets) > 1:
        for name, counts in tally.targets.items():
            if counts.has_computed_nothing:
                err.print(f"{name}: {nothing_computed(counts)}", style="yellow", markup=False, soft_wrap=True)
    if _is_interrupted(info):
        err.print(
            f"interrupted; the same command with --resume -o {directory} goes on",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(headline(tally), markup=False, soft_wrap=True)
    out.print(f"{directory / 'index.html'}", markup=False, soft_wrap=True)
    return _exit_code(info, tally)


def _exit_code(info: RunInfo, tally: Tally) -> int:
    """130 interrupted, 3 incomplete, inconclusive or unstable, 1 something unexpected, 0 nothing."""
    if _is_interrupted(info):
        return EXIT_INTERRUPTED
    if not info.is_complete or tally.inconclusive or tally.unstable or tally.has_computed_nothing:
        return EXIT_INCOMPLETE
    return EXIT_UNEXPECTED if tally.new or tally.changed or tally.fixed else EXIT_OK


def _write(path: Path, text: str) -> None:
    if not path.name or "\0" in str(path):
        raise HarnessError(f"{path}: cannot be written: no name of a file; choose another name")
    with explain_disk_errors(path, "choose another name"):
        replace_text(path, text)


def _can_draw(encoding: str) -> bool:
    """Whether a terminal of this encoding can show the picture's signs."""
    try:
        "┌░■".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
