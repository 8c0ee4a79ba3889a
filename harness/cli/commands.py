"""The commands. Each reads its arguments, calls the rooms in the order of the flow, and prints."""

from __future__ import annotations

import datetime
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from harness import __version__
from harness.cli import listing
from harness.cli.doctor import examine
from harness.cli.terminal import bars, closing_table, err, out
from harness.errors import (
    EXIT_INCOMPLETE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNEXPECTED,
    HarnessError,
)
from harness.generator.coverage import coverage
from harness.generator.design import NDIM
from harness.generator.library import Library, cases_of, load_library
from harness.records import Case, DataFormat, Launch, Layer, Mode, RunInfo, Target, parse_lengths
from harness.report import Tally, copy_tables, explanation, svg_picture, write_reports
from harness.report.tally import tally_of
from harness.report.wording import headline
from harness.runner.run import INTERRUPTED, Plan, run
from harness.runner.work import DEFAULT_LIMITS, Limits
from harness.shipped import WORKER, cases_folder
from harness.store import read_info, replace_text
from harness.targets.building import prepare as prepare_environment
from harness.targets.catalog import read_catalog
from harness.targets.environments import cache_directory
from harness.targets.launching import launch
from harness.targets.selection import NEWEST, select
from harness.verdicts.judge import judged
from harness.verdicts.limits import Limit, load_limits

LONGEST: Final = 10_000
"""Beyond this length an explanation has no reader, and its values no end."""

app = typer.Typer(
    name="keras-harness",
    help="Does every Keras pad as the formulas say?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How a listing is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


Suites = Annotated[list[str] | None, typer.Argument(metavar="[SUITE ...]", help="suites to take cases from")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t", "--target", metavar="TARGET", help="a name, glob, specifier, here, path:DIR or exec:COMMAND"
    ),
]
CasesFolders = Annotated[
    list[Path] | None, typer.Option("--cases", metavar="DIR", help="a folder of your own cases")
]
TargetsFiles = Annotated[
    list[Path] | None, typer.Option("--targets-file", metavar="FILE", help="a list of your own targets")
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", min=1, help="workers at once; one a processor unless given"),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="where the run goes")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="seconds a case may take")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="the folder of a run")]


@app.command("run")
def run_command(
    suites: Suites = None,
    target: Targets = None,
    output: Output = None,
    jobs: Jobs = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in DIR")] = False,
    timeout: Timeout = DEFAULT_LIMITS.case_s,
    cases: CasesFolders = None,
    targets_file: TargetsFiles = None,
) -> None:
    """Observe, judge, explain, report. Without arguments: suite core, the newest Keras on TensorFlow."""
    names = tuple(suites or ("core",))
    library = _library(cases)
    chosen = _targets(target or [NEWEST], targets_file)
    if resume and output is None:
        raise HarnessError("--resume needs -o DIR, the folder of the run to go on with")
    if resume and output is not None:
        read_info(output)
    directory = output or Path("reports", "runs", f"{time.strftime('%Y%m%d-%H%M%S')}-{'-'.join(names)}")
    info = _observe(
        directory,
        names,
        lambda: cases_of(library, names),
        chosen,
        jobs or os.cpu_count() or 1,
        timeout,
        resume=resume,
    )
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
    library = _library(cases)
    if not suites and form is Format.TABLE:
        listing.print_suites(library)
        return
    names = tuple(suites or library.suites)
    match form:
        case Format.TABLE:
            listing.print_cases(cases_of(library, names))
            listing.print_coverage(coverage(cases_of(library, names)))
        case Format.CSV:
            listing.write_csv(map(listing.case_row, cases_of(library, names)), sys.stdout)
        case Format.JSON:
            listing.write_json(map(listing.case_row, cases_of(library, names)), sys.stdout)


@app.command("targets")
def targets_command(
    selectors: Annotated[list[str] | None, typer.Argument(metavar="[SELECTOR ...]")] = None,
    targets_file: TargetsFiles = None,
    form: Annotated[Format, typer.Option("--format", help="how to write it")] = Format.TABLE,
) -> None:
    """List targets, and which are built here."""
    rows = listing.target_rows(_targets(selectors or ["*"], targets_file), cache_directory(os.environ))
    match form:
        case Format.TABLE:
            listing.print_targets(rows)
        case Format.CSV:
            listing.write_csv(rows, sys.stdout)
        case Format.JSON:
            listing.write_json(rows, sys.stdout)


@app.command("prepare")
def prepare_command(target: Targets = None, targets_file: TargetsFiles = None) -> None:
    """Build environments ahead of a run."""
    failed = 0
    for one in _targets(target or [NEWEST], targets_file):
        try:
            environment = prepare_environment(one, cache_directory(os.environ), os.environ, _say)
        except HarnessError as error:
            failed += 1
            err.print(f"{one.name}: {error}", style="red", markup=False, soft_wrap=True)
        else:
            where = "nothing to build" if environment is None else environment.folder
            out.print(f"{one.name}: {where}", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_INCOMPLETE if failed else EXIT_OK)


@app.command("doctor")
def doctor_command(targets_file: TargetsFiles = None) -> None:
    """Say which interpreters and environments are here, and run the canaries."""
    cases = cases_of(_library(None), ("smoke",))
    raise typer.Exit(examine(_targets(["*"], targets_file), cache_directory(os.environ), os.environ, cases))


@app.command("explain")
def explain_command(
    input_size: Annotated[str, typer.Option("--input", metavar="5x5", help="input lengths")],
    kernel: Annotated[str, typer.Option("--kernel", metavar="2", help="kernel lengths")],
    strides: Annotated[str, typer.Option("--strides", metavar="2")] = "1",
    padding: Annotated[str, typer.Option("--padding", metavar="same")] = "valid",
    dilation: Annotated[str, typer.Option("--dilation", metavar="1")] = "1",
    batch: Annotated[int, typer.Option("--batch", min=1)] = 1,
    channels: Annotated[int, typer.Option("--channels", min=1)] = 1,
    filters: Annotated[int, typer.Option("--filters")] = 24,
    groups: Annotated[int, typer.Option("--groups")] = 1,
    data_format: Annotated[DataFormat, typer.Option("--data-format")] = DataFormat.CHANNELS_LAST,
    bias: Annotated[bool, typer.Option("--bias/--no-bias")] = True,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="write the picture as SVG")
    ] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="draw with ASCII only")] = False,
    target: Targets = None,
    targets_file: TargetsFiles = None,
    timeout: Timeout = DEFAULT_LIMITS.case_s,
) -> None:
    """Show the formula step by step, the picture, and what a real target does."""
    if not (padding.replace("_", "").isalpha() and padding.isascii()):
        raise HarnessError(f"--padding {padding!r}: a name of letters, as in same or valid")
    ndim = NDIM[Layer.CONV2D]
    case = Case(
        layer=Layer.CONV2D,
        mode=Mode.SEQUENTIAL,
        input=_lengths(input_size, "--input", ndim),
        kernel=_lengths(kernel, "--kernel", ndim),
        strides=_lengths(strides, "--strides", ndim),
        dilation=_lengths(dilation, "--dilation", ndim),
        padding=padding,
        data_format=data_format,
        batch=batch,
        channels=channels,
        filters=filters,
        groups=groups,
        bias=bias,
        dtype="float32",
    )
    if min(case.input) < 0:
        raise HarnessError(f"--input {input_size}: a length below 0")
    chosen = _targets(target, targets_file) if target else ()
    text = str(explanation(case, ascii_only=ascii_only or not _can_draw(sys.stdout.encoding)))
    sys.stdout.write(text + "\n")
    if svg is not None:
        _write(svg, svg_picture(case))
    if not chosen:
        return
    with TemporaryDirectory(prefix="keras-harness-") as folder:
        directory = Path(folder, "run")
        info = _observe(directory, ("explain",), lambda: (case,), chosen, len(chosen), timeout, resume=False)
        findings = [one.finding for one in judged(directory, info, _limits())]
    listing.print_answers(findings)
    raise typer.Exit(_exit_code(info, tally_of(info, findings)))


def _observe(
    directory: Path,
    suites: tuple[str, ...],
    cases: Callable[[], Iterable[Case]],
    targets: tuple[Target, ...],
    jobs: int,
    timeout: float,
    *,
    resume: bool,
) -> RunInfo:
    """Run the cases on the targets, with progress shown."""
    with bars() as progress:

        def start(target: Target) -> Launch:
            return launch(target, cache_directory(os.environ), WORKER, os.environ, progress.building)

        plan = Plan(
            directory=directory,
            suites=suites,
            cases=cases,
            targets=targets,
            jobs=jobs,
            limits=Limits(case_s=timeout),
            harness=__version__,
            launch=start,
            clock=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            timer=time.monotonic,
        )
        return run(plan, progress, resume=resume)


def _report(directory: Path, info: RunInfo) -> Tally:
    """Judge a stored run and write its reports into its folder."""
    return write_reports(directory, info, judged(directory, info, _limits()))


def _close(directory: Path, info: RunInfo, tally: Tally) -> int:
    """Print what came of a run, and give the exit code."""
    out.print(closing_table(info, tally))
    if info.footer is not None:
        for run_of in info.footer.targets:
            if run_of.failure:
                err.print(f"{run_of.name}: {run_of.failure}", style="red", markup=False, soft_wrap=True)
    if info.footer is not None and info.footer.state == INTERRUPTED:
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
    """130 interrupted, 3 incomplete or inconclusive, 1 something unexpected, 0 nothing."""
    if info.footer is not None and info.footer.state == INTERRUPTED:
        return EXIT_INTERRUPTED
    if not info.is_complete or tally.inconclusive:
        return EXIT_INCOMPLETE
    return EXIT_UNEXPECTED if tally.new or tally.changed or tally.fixed else EXIT_OK


def _library(folders: Sequence[Path] | None) -> Library:
    return load_library([cases_folder(), *(folders or ())])


def _targets(selectors: Sequence[str], files: Sequence[Path] | None) -> tuple[Target, ...]:
    catalog = read_catalog([cases_folder() / "targets.toml", *(files or ())])
    return select(selectors, catalog, os.environ, Path.cwd())


def _limits() -> tuple[Limit, ...]:
    return load_limits(cases_folder() / "limits.toml")


def _lengths(text: str, option: str, ndim: int) -> tuple[int, ...]:
    """`5x5`, or one length for every axis."""
    try:
        lengths = parse_lengths(text.strip().lower())
    except ValueError as error:
        raise HarnessError(f"{option} {text!r}: integers joined by x, as in 5x5") from error
    if max(map(abs, lengths)) > LONGEST:
        raise HarnessError(f"{option} {text!r}: explain takes lengths up to {LONGEST:,}")
    if len(lengths) == 1:
        return lengths * ndim
    if len(lengths) != ndim:
        raise HarnessError(f"{option} {text!r}: {len(lengths)} lengths; give {ndim}, or one for all")
    return lengths


def _write(path: Path, text: str) -> None:
    try:
        replace_text(path, text)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "no name of a file"
        raise HarnessError(f"{path}: cannot be written: {reason}; choose another name") from error


def _can_draw(encoding: str) -> bool:
    """Whether a terminal of this encoding can show the picture's signs."""
    try:
        "┌░■".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _say(message: str) -> None:
    err.print(message, style="dim", markup=False, soft_wrap=True)
