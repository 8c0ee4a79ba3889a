"""The sentences that more than one report says: the headline, what is missing, a call as code."""

from __future__ import annotations

from harness.records import Case, DataFormat, Mode, RunInfo
from harness.report.tally import Tally


def headline(tally: Tally) -> str:
    """The verdict of a run in words."""
    if tally.judged == 0:
        return "Nothing was judged"
    if tally.inconclusive == tally.judged:
        return "Nothing could be judged"
    if tally.diverging == 0 and tally.inconclusive:
        return f"Nothing diverges, but {count(tally.inconclusive, 'finding')} could not be judged"
    if tally.diverging == 0:
        return "Nothing diverges"
    parts = []
    if tally.silent:
        parts.append(count(tally.silent, "silent divergence"))
    if tally.loud:
        parts.append(count(tally.loud, "loud divergence"))
    return " and ".join(parts)


def count(number: int, noun: str) -> str:
    """A number with its noun, `1 case` and `1,536 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortfall(info: RunInfo, tally: Tally) -> tuple[str, ...]:
    """Why a run is not whole, a sentence each; empty for a complete run."""
    if info.is_complete and tally.judged == tally.planned:
        return ()
    footer = info.footer
    state = "has no footer: it was cut off" if footer is None else f"ended {footer.state}"
    sentences = [f"The run {state}."]
    if tally.judged != tally.planned:
        sentences.append(f"{tally.planned:,} findings were planned, {tally.judged:,} are here.")
    for target in () if footer is None else footer.targets:
        if target.failure or target.not_run:
            reason = f": {target.failure}" if target.failure else ""
            sentences.append(f"{target.name}: {count(target.not_run, 'case')} not run{reason}")
    return tuple(sentences)


def call_line(case: Case) -> str:
    """The call that the case makes, as Python to copy. Arguments at their default are left out."""
    arguments = [
        f"filters={case.filters}",
        f"kernel_size={case.kernel}",
        f"strides={case.strides}",
        f"padding={case.padding!r}",
    ]
    if case.data_format is not DataFormat.CHANNELS_LAST:
        arguments.append(f"data_format={case.data_format.value!r}")
    if set(case.dilation) != {1}:
        arguments.append(f"dilation_rate={case.dilation}")
    if case.groups != 1:
        arguments.append(f"groups={case.groups}")
    if not case.bias:
        arguments.append("use_bias=False")
    if case.dtype != "float32":
        arguments.append(f"dtype={case.dtype!r}")
    layer = f"{case.layer}({', '.join(arguments)})"
    if case.mode is Mode.SEQUENTIAL:
        layer = f"Sequential([Input({case.input_shape[1:]}), {layer}])"
    return f"{layer}(x)  # x: {case.dtype} {case.input_shape}"
