"""Explain a case in text: the formula with its numbers, `valid` beside `same`, the summary, the picture.

Pure: records in, strings out; the command line prints them. Formulas are those of
`harness.oracle.geometry`, spelled out, with the results computed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from harness.explain.call_code import format_call
from harness.explain.picture import (
    FORWARD_WORDS,
    MAX_WINDOWS,
    compute_taps,
    describe_padding,
    draw_text_picture,
    is_padding,
    join_axis_names,
    name_axes,
)
from harness.oracle.expectation import compute_output_shape, count_parameters
from harness.oracle.geometry import AxisGeometry
from harness.oracle.plan import compute_axis_geometries
from harness.oracle.refusal import decide_refusal, parse_padding
from harness.oracle.rules import Padding
from harness.records import Case, LayerKind, Refusal, Shape, format_lengths, name_layer
from harness.text import format_count, format_shape

SUMMARY_WIDTH: Final = 65
_SUMMARY_COLUMNS: Final = (29, 55)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it, without a trailing newline."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of a case. One that must be refused has no formula, summary or picture."""

    case: Case
    sections: tuple[Section, ...]

    def __str__(self) -> str:
        return "\n\n".join(
            f"{section.title}\n{'-' * len(section.title)}\n{section.text}" for section in self.sections
        )


def explain_case(case: Case, *, ascii_only: bool = False) -> Explanation:
    """Explain what Keras documents for a case. `ascii_only` draws the picture without Unicode."""
    refusal = decide_refusal(case)
    padding = parse_padding(case)
    sections = [Section("Call", format_call(case))]
    if refusal.refusal is Refusal.REQUIRED or padding is None:
        sections.append(Section("Refusal", f"Keras must refuse this: {refusal.reason}."))
        return Explanation(case, tuple(sections))
    geometries = compute_axis_geometries(case, padding)
    sections.append(Section("Formula", _format_formula(case, padding, geometries)))
    if values := _describe_values(case, geometries):
        sections.append(Section("Values", values))
    if refusal.refusal is Refusal.ALLOWED:
        sections.append(Section("Refusal", f"Keras may refuse this: {refusal.reason}."))
    sections.append(Section("valid and same", compare_valid_and_same(case)))
    if all(geometry.out for geometry in geometries) and not case.layer.is_operation:
        sections.append(Section("Summary", format_model_summary(case)))
    sections.append(Section("Picture", draw_text_picture(case, ascii_only=ascii_only)))
    return Explanation(case, tuple(sections))


def _format_formula(case: Case, padding: Padding, geometries: Sequence[AxisGeometry]) -> str:
    lines = []
    if case.padding != padding:
        lines.append(f"Keras reads padding={case.padding!r} as {padding.value!r}.")
    names = name_axes(case.ndim)
    steps = [
        format_transposed_formula(geometry, padding, output_padding)
        if geometry.is_transposed
        else format_axis_formula(geometry, padding)
        for geometry, output_padding in zip(
            geometries, case.output_padding or (None,) * case.ndim, strict=True
        )
    ]
    if len(steps) > 1 and len(set(steps)) == 1:
        names, steps = (join_axis_names(names),), steps[:1]
    for name, axis_steps in zip(names, steps, strict=True):
        lines.append(f"{name}:")
        lines.extend(f"  {line}" for line in axis_steps)
    lines.append(f"output shape: {format_shape(compute_output_shape(case))}")
    return "\n".join(lines)


def format_axis_formula(geometry: AxisGeometry, padding: Padding) -> tuple[str, ...]:
    """Format the formula of one axis of a forward layer with its numbers, a line per step."""
    g = geometry
    steps = list(_format_parameters(g))
    effective = g.effective_kernel
    word = "e" if g.dilation > 1 else "k"
    match padding:
        case Padding.SAME:
            total = (g.out - 1) * g.stride + g.effective_kernel - g.length
            steps.append(f"out = ceil(n / s) = ceil({g.length} / {g.stride}) = {g.out}")
            steps.append(
                f"total = max((out-1)*s + {word} - n, 0)"
                f" = max(({g.out}-1)*{g.stride} + {effective} - {g.length}, 0) = max({total}, 0) = {g.total}"
            )
            steps.append(
                f"before = total // 2 = {g.total} // 2 = {g.before};"
                f" after = total - before = {g.total} - {g.before} = {g.after}"
            )
        case Padding.CAUSAL:
            steps.append(f"out = ceil(n / s) = ceil({g.length} / {g.stride}) = {g.out}")
            steps.append(
                f"before = {word} - 1 = {effective} - 1 = {g.before}; after = 0:"
                " no output reads what comes later"
            )
        case Padding.VALID if g.length >= g.effective_kernel:
            steps.append(
                f"out = floor((n - {word}) / s) + 1"
                f" = floor(({g.length} - {effective}) / {g.stride}) + 1 = {g.out}; no padding"
            )
        case Padding.VALID:
            steps.append(f"no full window fits: {word} = {effective} is more than n = {g.length}; out = 0")
        case _:
            assert_never(padding)
    if g.out and (last := count_trailing_unread(g)):
        steps.append("the last cell is never read" if last == 1 else f"the last {last} cells are never read")
    if g.out > 1 and g.stride > g.effective_kernel:
        steps.append(f"s > {word}: cells between two windows are never read")
    return tuple(steps)


def format_transposed_formula(
    geometry: AxisGeometry, padding: Padding, output_padding: int | None
) -> tuple[str, ...]:
    """Format the formula of one axis of a transposed layer with its numbers, a line per step.

    Raises:
        ValueError: the padding is `causal`, which no transposed layer supports.
    """
    g, p = geometry, output_padding
    n, s, e = g.length, g.stride, g.effective_kernel
    word = "e" if g.dilation > 1 else "k"
    full = (n - 1) * s + e
    steps = [
        *_format_parameters(g, p),
        f"full = (n-1)*s + {word} = ({n}-1)*{s} + {e} = {full}: input cell i writes from cell i*s on",
    ]
    match padding:
        case Padding.VALID if p is None:
            steps.append(f"out = (n-1)*s + max({word}, s) = ({n}-1)*{s} + max({e}, {s}) = {g.out}")
        case Padding.VALID:
            steps.append(f"out = full + p = {full} + {p} = {g.out}")
        case Padding.SAME if p is None:
            steps.append(f"out = n*s = {n}*{s} = {g.out}")
        case Padding.SAME:
            steps.append(f"out = full + p - 2*({word} // 2) = {full} + {p} - 2*({e} // 2) = {g.out}")
        case Padding.CAUSAL:
            raise ValueError("no transposed layer pads causally")
        case _:
            assert_never(padding)
    if padding is Padding.SAME:
        steps.append(
            f"before = max(full - out, 0) // 2 = max({full - g.out}, 0) // 2 = {g.before} cells are cut off;"
            f" after = full - out - before = {full} - {g.out} - {g.before} = {g.after}"
        )
    else:
        steps.append(f"nothing is cut off before; after = full - out = {full} - {g.out} = {g.after}")
    if g.after < 0:
        last = "cell is" if g.after == -1 else f"{-g.after} cells are"
        steps.append(f"the last {last} written by no input cell: zero, before the bias")
    if n > 1 and s > e:
        steps.append(f"s > {word}: cells between are written by no input cell: zero, before the bias")
    return tuple(steps)


def _format_parameters(g: AxisGeometry, output_padding: int | None = None) -> Iterator[str]:
    suffix = "" if output_padding is None else f", p = {output_padding} (output_padding)"
    yield f"n = {g.length} cells, k = {g.kernel}, s = {g.stride}, d = {g.dilation}{suffix}"
    if g.dilation > 1:
        effective = f"({g.kernel}-1)*{g.dilation} + 1 = {g.effective_kernel}"
        yield f"e = (k-1)*d + 1 = {effective}, the effective kernel"


def _describe_values(case: Case, geometries: Sequence[AxisGeometry]) -> str:
    """Describe what the layer computes from its windows; empty for a plain convolution."""
    match case.kind:
        case LayerKind.CONVOLUTION:
            if case.groups == 1:
                return ""
            channels, filters = case.channels // case.groups, case.filters // case.groups
            return (
                f"{case.groups} groups: each block of {format_count(filters, 'filter')} reads"
                f" its own block of {format_count(channels, 'channel')}."
            )
        case LayerKind.DEPTHWISE:
            return f"Each channel by itself: output channel c*{case.multiplier} + j is channel c by filter j."
        case LayerKind.SEPARABLE:
            return (
                f"Each channel by itself with {format_count(case.multiplier, 'filter')}; then a convolution"
                f" with kernel length 1 from {format_count(case.channels * case.multiplier, 'channel')} to"
                f" {format_count(case.filters, 'filter')}."
            )
        case LayerKind.TRANSPOSE:
            return "Each output cell is the sum of what input cells write there, and zero where none does."
        case LayerKind.MAX_POOLING:
            return "The largest of the real cells in each window; padding counts for nothing."
        case LayerKind.AVERAGE_POOLING:
            text = "The sum of the real cells in each window, divided by their number, not by the window's."
            return "\n".join((text, *_describe_divisors(geometries)))
        case _:
            assert_never(case.kind)


def _describe_divisors(geometries: Sequence[AxisGeometry]) -> Iterator[str]:
    """Yield the number of real cells in each window along each axis; the divisor is their product."""
    for name, g in zip(name_axes(len(geometries)), geometries, strict=True):
        real = [sum(not is_padding(g, tap) for tap in compute_taps(g, window)) for window in range(g.out)]
        if len(set(real)) > 1:
            shown = ", ".join(map(str, real[:MAX_WINDOWS]))
            more = f" and {len(real) - MAX_WINDOWS} more" if len(real) > MAX_WINDOWS else ""
            yield f"real cells along {name}: {shown}{more}"


def count_trailing_unread(geometry: AxisGeometry) -> int:
    """Count the real cells after the last window of an axis that has windows."""
    return max(geometry.length - (geometry.starts[-1] + geometry.effective_kernel), 0)


def compare_valid_and_same(case: Case) -> str:
    """Describe what `valid` and `same` give for the lengths of a case, and where they differ."""
    valid = compute_axis_geometries(case, Padding.VALID)
    same = compute_axis_geometries(case, Padding.SAME)
    if case.kind.traits.is_transposed:
        return "\n".join(_describe_cuts(valid, same))
    if not any(geometry.total for geometry in same):
        return (
            "valid and same agree here: no padding is needed. "
            f"Both give an output of {format_lengths(tuple(geometry.out for geometry in same))}."
        )
    return "\n".join(_describe_difference(valid, same))


def _describe_cuts(valid: Sequence[AxisGeometry], same: Sequence[AxisGeometry]) -> Iterator[str]:
    """Yield what `same` and `valid` of a transposed layer keep of the full result."""
    for name, geometries in (("same", same), ("valid", valid)):
        cuts = []
        for axis, g in zip(name_axes(len(geometries)), geometries, strict=True):
            after = f"{-g.after} added after" if g.after < 0 else f"{g.after} after"
            cuts.append(f"{axis}: {g.before} cut off before, {after}")
        out = format_lengths(tuple(geometry.out for geometry in geometries))
        yield f"{name} gives an output of {out} ({'; '.join(cuts)})."


def _describe_difference(valid: Sequence[AxisGeometry], same: Sequence[AxisGeometry]) -> Iterator[str]:
    names = name_axes(len(same))
    same_out, valid_out = (format_lengths(tuple(g.out for g in geometries)) for geometries in (same, valid))
    pads = "; ".join(
        f"{name}: {describe_padding(geometry, FORWARD_WORDS)}"
        for name, geometry in zip(names, same, strict=True)
    )
    yield f"same gives an output of {same_out} ({pads})."
    if not all(geometry.out for geometry in valid):
        yield "valid fits no full window: its output is empty."
        return
    unread = [
        f"the last {f'{last} ' if last > 1 else ''}of {geometry.length} {name}"
        for name, geometry in zip(names, valid, strict=True)
        if (last := count_trailing_unread(geometry))
    ]
    rest = f", and never reads {' and '.join(unread)}" if unread else ""
    yield f"valid gives an output of {valid_out}, without padding{rest}."


def format_model_summary(case: Case) -> str:
    """Format the `model.summary()` of a model of this one layer in the layout of Keras 2.

    Raises:
        ValueError: the case must be refused.
    """
    shape: Shape = (None, *compute_output_shape(case)[1:])
    parameters = count_parameters(case)
    rule, double_rule = "_" * SUMMARY_WIDTH, "=" * SUMMARY_WIDTH
    return "\n".join(
        (
            'Model: "sequential"',
            rule,
            _format_summary_line("Layer (type)", "Output Shape", "Param #"),
            double_rule,
            _format_summary_line(
                f"{name_layer(case.layer)} ({case.layer})", format_shape(shape), str(parameters)
            ),
            double_rule,
            f"Total params: {parameters:,}",
            f"Trainable params: {parameters:,}",
            "Non-trainable params: 0",
            rule,
        )
    )


def _format_summary_line(layer: str, shape: str, parameters: str) -> str:
    """Format a line of the summary; text that is too long for its column is cut, as in Keras 2."""
    first, second = _SUMMARY_COLUMNS
    columns = f"{layer[: first - 1]:<{first - 1}} {shape}"
    return f"{columns[: second - 1]:<{second - 1}} {parameters}"
