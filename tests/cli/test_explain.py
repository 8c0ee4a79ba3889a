"""`explain`: the document's example, the picture, and what a target answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness import __version__
from harness.cli.listing import print_answers
from harness.errors import EXIT_INCOMPLETE, EXIT_OK, EXIT_UNEXPECTED, EXIT_USAGE
from harness.records import Finding, Outcome, Stage, Verdict, parse_case_id
from tests.cli.conftest import Cli
from tests.fakes.runs import selector

SEED = ("explain", "--input", "5x5", "--kernel", "2", "--strides", "2", "--padding", "same")


def test_the_example_of_the_document_has_its_numbers(cli: Cli) -> None:
    ended = cli(*SEED)
    assert ended.code == EXIT_OK
    for fact in (
        "out = ceil(n / s) = ceil(5 / 2) = 3",
        "total = max((out-1)*s + k - n, 0) = max((3-1)*2 + 2 - 5, 0) = max(1, 0) = 1",
        "before = total // 2 = 1 // 2 = 0; after = total - before = 1 - 0 = 1",
        "conv2d (Conv2D)",
        "(None, 3, 3, 24)",
        "Total params: 120",
    ):
        assert fact in ended.out, ended.out


def test_valid_and_same_agree_on_6x6(cli: Cli) -> None:
    out = cli("explain", "--input", "6x6", "--kernel", "2", "--strides", "2").out
    assert "valid and same agree here: no padding is needed. Both give an output of 3x3." in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--layer", "Conv1D", "--padding", "causal", "--dilation", "2"],
            ["before = e - 1 = 3 - 1 = 2; after = 0", "Conv1D(filters=24, kernel_size=(2,)"],
        ),
        (
            ["--layer", "conv2dtranspose", "--strides", "2", "--padding", "same", "--output-padding", "1"],
            ["full = (n-1)*s + k = (5-1)*2 + 2 = 10", "output_padding=(1, 1)", "output shape: (1, 9, 9, 24)"],
        ),
        (
            ["--layer", "AveragePooling3D", "--padding", "same"],
            ["real cells along depth: 2, 2, 1", "strides=(2, 2, 2)", "Total params: 0"],
        ),
        (
            ["--layer", "ops.max_pool"],
            ["ops.max_pool(x, pool_size=(2,), strides=(2,), padding='valid')  # x: float32 (1, 5, 1)"],
        ),
        (
            ["--layer", "SeparableConv2D", "--depth-multiplier", "3", "--filters", "2", "--mode", "compiled"],
            ["depth_multiplier=3", "model.compile(jit_compile=False)", "(None, 4, 4, 2)"],
        ),
        (["--layer", "DepthwiseConv2D", "--mode", "gradient"], ["by input, depthwise kernel and bias"]),
    ],
    ids=lambda value: " ".join(value) if value[0] == "--layer" else "",
)
def test_any_layer_is_explained_in_any_mode(cli: Cli, arguments: list[str], said: list[str]) -> None:
    ended = cli("explain", "--input", "5", "--kernel", "2", *arguments)
    assert (ended.code, ended.err) == (EXIT_OK, "")
    assert [fact for fact in said if fact not in ended.out] == []


def test_an_operation_has_as_many_axes_as_its_input(cli: Cli) -> None:
    out = cli("explain", "--input", "5x6x7", "--kernel", "2", "--layer", "ops.conv").out
    assert "# x: float32 (1, 5, 6, 7, 1), kernel (2, 2, 2, 1, 24)" in out
    ended = cli("explain", "--input", "5x6x7", "--kernel", "2", "--layer", "ops.depthwise_conv")
    assert ended.code == EXIT_USAGE
    assert "--input '5x6x7': 3 lengths; ops.depthwise_conv takes 1 or 2" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--layer", "MaxPooling2D", "--dilation", "2"], "--dilation: nothing that MaxPooling2D takes"),
        (["--layer", "MaxPooling2D", "--filters", "2"], "--filters: nothing that MaxPooling2D takes"),
        (["--layer", "DepthwiseConv2D", "--groups", "2"], "--groups: nothing that DepthwiseConv2D takes"),
        (["--layer", "Conv2D", "--depth-multiplier", "2"], "--depth-multiplier: nothing that Conv2D takes"),
        (["--layer", "Conv2D", "--output-padding", "0"], "--output-padding: nothing that Conv2D takes"),
        (["--layer", "ops.conv", "--no-bias"], "--bias/--no-bias: nothing that ops.conv takes"),
        (["--layer", "ops.conv", "--mode", "sequential"], "ops.conv is no layer; use another mode"),
        (["--layer", "Conv9D"], "Invalid value for '--layer'"),
        (["--mode", "eagre"], "Invalid value for '--mode'"),
    ],
    ids=" ".join,
)
def test_what_a_layer_does_not_take_is_refused(
    refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in " ".join(refused("explain", "--input", "5x5", "--kernel", "2", *arguments).split())


CASE = "conv2d-eager-i5x6-k2x2-s2x2-d1x1-same-last-b2-c2-f3-g1-bias-float64-list-real"


def test_the_id_of_a_case_is_explained(cli: Cli) -> None:
    ended = cli("explain", CASE)
    assert (ended.code, ended.err) == (EXIT_OK, "")
    assert (
        "Conv2D(filters=3, kernel_size=[2, 2], strides=[2, 2], padding='same', dtype='float64')" in ended.out
    )
    assert "x: float64 (2, 5, 6, 2)" in ended.out


def test_options_say_the_dtype_the_form_and_the_data(cli: Cli) -> None:
    options = ("--dtype", "float64", "--form", "int", "--data", "real")
    out = cli(*SEED, *options).out
    assert "Conv2D(filters=24, kernel_size=2, strides=2, padding='same', dtype='float64')" in out
    assert "float64" in cli(*SEED, *options, "-t", selector("right")).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((CASE, "--input", "5x5"), "--input: the id of a case says all of it; give the id or the options"),
        ((CASE, "--bias", "--batch", "1"), "--batch, --bias/--no-bias: the id of a case says all of it"),
        ((CASE.removesuffix("-list-real"),), "agrees"),
        (
            (CASE.replace("float64", "float63"),),
            "unknown dtype 'float63'; did you mean `float64`? Known: ",
        ),
        ((CASE.replace("i5x6", "i5x60000"),), "explain takes lengths up to 10,000"),
        (("conv2d-eager",), "'conv2d-eager' is not a case id; `keras-harness cases` lists them"),
        ((), "give --input and --kernel, as in --input 5x5 --kernel 2, or the id of a case"),
        (("--input", "5x5"), "give --input and --kernel"),
        ((*SEED[1:], "--dtype", "flaot64"), "--dtype: unknown dtype 'flaot64'; did you mean `float64`?"),
        ((*SEED[1:], "--form", "int", "--strides", "1x2"), "--form int: one integer stands for all axes"),
    ],
    ids=lambda value: " ".join(value)[-30:] if isinstance(value, tuple) else "",
)
def test_a_case_is_named_or_described(
    cli: Cli, refused: Callable[..., str], arguments: tuple[str, ...], said: str
) -> None:
    if said == "agrees":
        assert cli("explain", *arguments, "-t", selector("right")).code == EXIT_OK
    else:
        assert said in " ".join(refused("explain", *arguments).split())


def test_one_length_for_several_axes_is_stated(cli: Cli) -> None:
    stated = "One length stands for every axis: --input 5 is 5x5, --kernel 2 is 2x2.\n"
    assert cli("explain", "--input", "5", "--kernel", "2").out.startswith(stated)
    assert cli("explain", "--input", "5x6", "--kernel", "2x3").out.startswith("Call\n")
    assert cli("explain", "--input", "5", "--kernel", "2", "--layer", "Conv1D").out.startswith("Call\n")


def test_what_is_unsupported_is_told_with_its_reason_and_little_of_the_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = "\n".join(["UnimplementedError: no kernel", *(f"  frame {number}" for number in range(124))])
    finding = Finding(
        target="keras3.15.1-tensorflow",
        case=parse_case_id(CASE),
        outcome=Outcome.RAISED,
        stage=Stage.CALL,
        verdict=Verdict.UNSUPPORTED,
        cause="this CPU has no kernel for it",
        error=error,
    )
    print_answers([finding, replace(finding, verdict=Verdict.DIVERGES, cause="")])
    first, said, *lines = capsys.readouterr().out.splitlines()
    assert first == "keras3.15.1-tensorflow: unsupported: this CPU has no kernel for it"
    assert said == "  it said: UnimplementedError: no kernel"
    assert lines.count("  ... and 122 more lines; a run writes them all to findings.csv") == 2
    assert len(lines) < 10


def test_the_version_is_told(cli: Cli) -> None:
    ended = cli("--version")
    assert (ended.code, ended.out) == (EXIT_OK, f"keras-harness {__version__}\n")


def test_the_picture_is_written_as_svg(cli: Cli, tmp_path: Path) -> None:
    assert cli(*SEED, "--svg", "picture.svg").code == EXIT_OK
    root = ElementTree.fromstring((tmp_path / "picture.svg").read_text(encoding="utf-8"))
    assert root.tag.endswith("svg")


def test_ascii_only_draws_with_ascii_only(cli: Cli) -> None:
    assert cli(*SEED, "--ascii").out.isascii()
    assert not cli(*SEED).out.isascii()


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("right", EXIT_OK, "(1, 3, 3, 24): agrees"),
        ("odd-cell-before", EXIT_UNEXPECTED, "DIFFERS (value, first at (0, 0, 0, 0); fits odd-cell-before"),
        ("parameters-miscounted", EXIT_UNEXPECTED, "counts 121 parameters, not 120"),
        ("segfaults", EXIT_UNEXPECTED, "DIFFERS (crash): SIGSEGV"),
        ("cannot-import-keras", EXIT_INCOMPLETE, "could not start: ModuleNotFoundError: No module"),
        ("unsupported", EXIT_INCOMPLETE, "unsupported: no layers"),
        ("nan-once", EXIT_INCOMPLETE, "UNSTABLE: at first nonfinite, first at (0, 0, 0, 0); when"),
    ],
)  # fmt: skip
def test_a_target_says_whether_it_agrees(cli: Cli, fault: str, code: int, said: str) -> None:
    ended = cli(*SEED, "-t", selector(fault))
    assert said in ended.out, ended
    assert ended.code == code
    assert "Traceback" not in ended.out + ended.err


def test_a_case_that_must_be_refused_is_explained_and_asked_for(cli: Cli) -> None:
    bogus = (*SEED[:-1], "bogus")
    ended = cli(*bogus, "-t", selector("right"))
    assert "Keras must refuse this: padding 'bogus' is unknown to Conv2D." in ended.out
    assert "agrees (ValueError: padding must be same or valid, not bogus)" in ended.out
    assert ended.code == EXIT_OK
    assert cli(*bogus, "-t", selector("accepts-unknown-padding")).code == EXIT_UNEXPECTED


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kernel", "0"],
        ["--kernel", "-1x2"],
        ["--strides", "0"],
        ["--dilation", "0x1"],
        ["--filters", "0"],
        ["--filters", "-3"],
        ["--groups", "0"],
        ["--groups", "5"],
        ["--kernel", "9", "--padding", "valid"],
        ["--input", "1x1"],
        ["--input", "0x0"],
        ["--input", "0x5", "--padding", "valid"],
        ["--strides", "3", "--dilation", "2"],
        ["--input", "300x2"],
        ["--data-format", "channels_first", "--channels", "4", "--groups", "2"],
        ["--no-bias"],
    ],
    ids=" ".join,
)
def test_whatever_is_asked_is_explained_without_a_traceback(cli: Cli, arguments: list[str]) -> None:
    ended = cli(*SEED, *arguments, "--svg", "picture.svg")
    assert (ended.code, ended.err) == (EXIT_OK, "")
    assert "Call" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input", "5y5"], "--input '5y5': integers joined by x, as in 5x5"),
        (["--input", ""], "--input ''"),
        (["--input", "5x5x5"], "--input '5x5x5': 3 lengths; give 2, or one for all"),
        (["--input", "-5x5"], "--input -5x5: a length below 0"),
        (["--kernel", "2x"], "--kernel '2x'"),
        (["--padding", ""], "--padding ''"),
        (["--padding", "sa me"], "--padding 'sa me': a name of letters"),
        (["--batch", "0"], "Invalid value for '--batch'"),
        (["--data-format", "nhwc"], "Invalid value for '--data-format'"),
        (
            ["--svg", "nowhere/picture.svg"],
            "cannot be written: No such file or directory; choose another name",
        ),
        (["-t", "nosuch"], "no target matches 'nosuch'"),
    ],
)
def test_a_mistake_is_told_with_a_remedy(
    refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in " ".join(refused(*SEED, *arguments).split())


def test_lengths_beyond_reason_are_refused(cli: Cli) -> None:
    for option in ("--input", "--kernel"):
        arguments = {"--input": "5x5", "--kernel": "2", option: "99999999999999999999"}
        ended = cli("explain", *(word for pair in arguments.items() for word in pair))
        assert ended.code == EXIT_USAGE
        assert f"{option} '99999999999999999999': explain takes lengths up to 10,000" in ended.err


def test_a_picture_without_a_file_name_is_refused(cli: Cli) -> None:
    ended = cli("explain", "--input", "5x5", "--kernel", "2", "--svg", "")
    assert ended.code == EXIT_USAGE
    assert "cannot be written" in ended.err


def test_a_wrong_target_is_refused_before_anything_is_explained(cli: Cli) -> None:
    ended = cli("explain", "--input", "5x5", "--kernel", "2", "-t", "nosuch")
    assert ended.code == EXIT_USAGE
    assert ended.out == ""
