"""A case explained in text: the formula with its numbers, `valid` beside `same`, the summary, the picture.

Pure: records in, strings out; the command line prints them. Formulas are those of
`harness.oracle.geometry`, spelled out, and their results are taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from harness.oracle.convolution import axis_geometries
from harness.oracle.expectation import num_parameters, output_shape
from harness.oracle.geometry import AxisGeometry
from harness.oracle.refusal import padding_of, refusal_of
from harness.oracle.rules import Padding
from harness.records import Case, Refusal, Shape, by
from harness.report.cells import shape_text
from harness.report.picture import axis_names, padding_text, text_picture
from harness.report.wording import call_line

SUMMARY_WIDTH: Final = 65
_SUMMARY_COLUMNS: Final = (29, 55)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it, without a line break at its end."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A case explained. One that must be refused has no formula, summary or picture."""

    case: Case
    sections: tuple[Section, ...]

    def __str__(self) -> str:
        return "\n\n".join(
            f"{section.title}\n{'-' * len(section.title)}\n{section.text}" for section in self.sections
        )


def explanation(case: Case, *, ascii_only: bool = False) -> Explanation:
    """Explain what Keras documents for a case. `ascii_only` draws the picture without Unicode."""
    refusal = refusal_of(case)
    padding = padding_of(case)
    sections = [Section("Call", call_line(case))]
    if refusal.refusal is Refusal.REQUIRED or padding is None:
        sections.append(Section("Refusal", f"Keras must refuse this: {refusal.reason}."))
        return Explanation(case, tuple(sections))
    geometries = axis_geometries(case, padding)
    sections.append(Section("Formula", _formula_text(case, padding, geometries)))
    if refusal.refusal is Refusal.ALLOWED:
        sections.append(Section("Refusal", f"Keras may refuse this: {refusal.reason}."))
    sections.append(Section("valid and same", comparison(case)))
    if all(geometry.out for geometry in geometries):
        sections.append(Section("Summary", summary_table(case)))
    sections.append(Section("Picture", text_picture(case, ascii_only=ascii_only)))
    return Explanation(case, tuple(sections))


def _formula_text(case: Case, padding: Padding, geometries: Sequence[AxisGeometry]) -> str:
    lines = []
    if case.padding != padding:
        lines.append(f"Keras reads padding={case.padding!r} as {padding.value!r}.")
    names = axis_names(case.ndim)
    if len(geometries) > 1 and len(set(geometries)) == 1:
        lines.append(f"{' and '.join(names)}, each:")
        lines.extend(f"  {line}" for line in axis_formula(geometries[0], padding))
    else:
        for name, geometry in zip(names, geometries, strict=True):
            lines.append(f"{name}:")
            lines.extend(f"  {line}" for line in axis_formula(geometry, padding))
    lines.append(f"output shape: {shape_text(output_shape(case))}")
    return "\n".join(lines)


def axis_formula(geometry: AxisGeometry, padding: Padding) -> tuple[str, ...]:
    """The formula of one axis with its numbers filled in, a line per step."""
    g = geometry
    steps = [f"n = {g.length} cells, k = {g.kernel}, s = {g.stride}, d = {g.dilation}"]
    effective = g.effective_kernel
    word = "e" if g.dilation > 1 else "k"
    if g.dilation > 1:
        steps.append(
            f"e = (k-1)*d + 1 = ({g.kernel}-1)*{g.dilation} + 1 = {g.effective_kernel}, the effective kernel"
        )
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
        case Padding.VALID if g.length >= g.effective_kernel:
            steps.append(
                f"out = floor((n - {word}) / s) + 1"
                f" = floor(({g.length} - {effective}) / {g.stride}) + 1 = {g.out}; no padding"
            )
        case Padding.VALID:
            steps.append(f"no full window fits: {word} = {effective} is more than n = {g.length}; out = 0")
        case _:
            assert_never(padding)
    if g.out and (last := trailing_unread(g)):
        steps.append("the last cell is never read" if last == 1 else f"the last {last} cells are never read")
    if g.out > 1 and g.stride > g.effective_kernel:
        steps.append(f"s > {word}: cells between two windows are never read")
    return tuple(steps)


def trailing_unread(geometry: AxisGeometry) -> int:
    """Real cells after the last window of an axis that has windows."""
    return max(geometry.length - (geometry.starts[-1] + geometry.effective_kernel), 0)


def comparison(case: Case) -> str:
    """What `valid` and `same` give for the lengths of a case, and where they part."""
    valid = axis_geometries(case, Padding.VALID)
    same = axis_geometries(case, Padding.SAME)
    if not any(geometry.total for geometry in same):
        return (
            "valid and same agree here: no padding is needed. "
            f"Both give an output of {by(tuple(geometry.out for geometry in same))}."
        )
    return "\n".join(_parting(valid, same))


def _parting(valid: Sequence[AxisGeometry], same: Sequence[AxisGeometry]) -> Iterator[str]:
    names = axis_names(len(same))
    same_out, valid_out = (by(tuple(g.out for g in geometries)) for geometries in (same, valid))
    pads = "; ".join(f"{name}: {padding_text(geometry)}" for name, geometry in zip(names, same, strict=True))
    yield f"same gives an output of {same_out} ({pads})."
    if not all(geometry.out for geometry in valid):
        yield "valid fits no full window: its output is empty."
        return
    unread = [
        f"the last {f'{last} ' if last > 1 else ''}of {geometry.length} {name}"
        for name, geometry in zip(names, valid, strict=True)
        if (last := trailing_unread(geometry))
    ]
    rest = f", and never reads {' and '.join(unread)}" if unread else ""
    yield f"valid gives an output of {valid_out}, without padding{rest}."


def summary_table(case: Case) -> str:
    """What `model.summary()` says of a model of this one layer, laid out as Keras 2 lays it out.

    Raises:
        ValueError: the case must be refused.
    """
    shape: Shape = (None, *output_shape(case)[1:])
    parameters = num_parameters(case)
    rule, double_rule = "_" * SUMMARY_WIDTH, "=" * SUMMARY_WIDTH
    return "\n".join(
        (
            'Model: "sequential"',
            rule,
            _summary_line("Layer (type)", "Output Shape", "Param #"),
            double_rule,
            _summary_line(f"{case.layer.lower()} ({case.layer})", shape_text(shape), str(parameters)),
            double_rule,
            f"Total params: {parameters:,}",
            f"Trainable params: {parameters:,}",
            "Non-trainable params: 0",
            rule,
        )
    )


def _summary_line(layer: str, shape: str, parameters: str) -> str:
    first, second = _SUMMARY_COLUMNS
    return f"{f'{layer:<{first - 1}} {shape}':<{second - 1}} {parameters}"
