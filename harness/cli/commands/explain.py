"""`explain`: show one case in words and pictures, and what real targets do with it."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from harness.cli.options import Settings, Targets, TargetsFiles, Timeout
from harness.errors import HarnessError
from harness.records import ArgumentStyle, DataFormat, DataKind, Layer, Mode
from harness.runner.timeouts import DEFAULT_TIMEOUTS


def command(
    *,
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
    form: Annotated[
        ArgumentStyle | None, typer.Option("--form", help="how the arguments are written")
    ] = None,
    data: Annotated[
        DataKind | None, typer.Option("--data", help="what the input and the weights are")
    ] = None,
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
    from harness.cli import inputs, listing, results, runs
    from harness.cli.explaining import (
        CaseOptions,
        build_described_case,
        describe_spread_lengths,
        parse_named_case,
    )
    from harness.explain.explanation import explain_case
    from harness.explain.svg import draw_svg_picture
    from harness.report.tally import count_findings

    options = CaseOptions(
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
    case = build_described_case(options) if case_id is None else parse_named_case(case_id, options)
    targets = inputs.select_targets(target, targets_file, settings) if target else ()
    if note := describe_spread_lengths(options, case.ndim):
        sys.stdout.write(note + "\n\n")
    text = str(explain_case(case, ascii_only=ascii_only or not _can_draw(sys.stdout.encoding)))
    sys.stdout.write(text + "\n")
    if svg is not None:
        _write_file(svg, draw_svg_picture(case))
    if not targets:
        return
    with TemporaryDirectory(prefix="keras-harness-") as folder:
        request = runs.Request(
            directory=Path(folder, "run"),
            suites=("explain",),
            cases=(case,),
            targets=targets,
            targets_files=targets_file,
            jobs=len(targets),
            timeout_s=timeout,
            keeps_logs=False,
        )
        info, findings = results.judge_with_second_look(request, runs.observe(request, resume=False))
    listing.print_answers(findings)
    raise typer.Exit(results.choose_exit_code(info, count_findings(info, findings)))


def _write_file(path: Path, text: str) -> None:
    from harness.files import explain_disk_errors, replace_text

    if not path.name or "\0" in str(path):
        raise HarnessError(f"{path}: cannot be written: no name of a file; choose another name")
    with explain_disk_errors(path, "choose another name"):
        replace_text(path, text)


def _can_draw(encoding: str) -> bool:
    """Return whether a terminal of this encoding can show the picture's signs."""
    try:
        "┌░■".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
