"""Format a finding as a row of text: the columns, and the text of each cell.

Text from a target is untrusted and differs between runs (escape sequences, addresses, counters in names);
`format_one_line` makes it one printable, repeatable line.
"""

from __future__ import annotations

from typing import Final

from harness.records import Judgement, format_lengths
from harness.text import format_one_line, format_shape

COLUMNS: Final = (
    "target",
    "case",
    "layer",
    "mode",
    "input",
    "kernel",
    "strides",
    "dilation",
    "padding",
    "data_format",
    "groups",
    "filters",
    "outcome",
    "stage",
    "verdict",
    "divergence",
    "silent",
    "expected_shape",
    "observed_shape",
    "inferred_shape",
    "max_abs_error",
    "first_index",
    "cause",
    "standing",
    "error",
    "batch",
    "channels",
    "bias",
    "dtype",
    "multiplier",
    "output_padding",
    "form",
    "data",
    "symbolic_shape",
)
"""Stable, since users read `findings.csv` by these names. A new column comes last."""


def format_row(judgement: Judgement) -> tuple[str, ...]:
    """Return the cells of a finding in the order of `COLUMNS`; an absent value is empty."""
    finding = judgement.finding
    case = finding.case
    return (
        finding.target,
        case.id,
        case.layer,
        case.mode,
        format_lengths(case.input),
        format_lengths(case.kernel),
        format_lengths(case.strides),
        format_lengths(case.dilation),
        case.padding,
        case.data_format,
        str(case.groups),
        str(case.filters),
        finding.outcome,
        finding.stage,
        finding.verdict,
        finding.divergence or "",
        "true" if finding.is_silent else "false",
        format_shape(finding.expected_shape),
        format_shape(finding.observed_shape),
        format_shape(finding.inferred_shape),
        "" if finding.max_abs_error is None else repr(float(finding.max_abs_error)),
        format_shape(finding.first_index),
        finding.cause,
        finding.standing,
        format_one_line(finding.error),
        str(case.batch),
        str(case.channels),
        "true" if case.bias else "false",
        case.dtype,
        str(case.multiplier),
        "" if case.output_padding is None else format_lengths(case.output_padding),
        case.form,
        case.data,
        format_shape(judgement.observation.symbolic_shape),
    )
