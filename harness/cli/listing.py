"""Print listings: suites, cases, coverage, targets, and single answers."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

import msgspec
from rich.table import Table

from harness.cases.suites import Library
from harness.cli.terminal import out, show
from harness.environments.cache import CacheUse, is_built, read_disk_use
from harness.facets import Facet, find_facets, find_uncovered_facets
from harness.records import Case, Finding, Standing, Target, Verdict, format_lengths
from harness.targets.variants import MARK, Variant

_SHOWN_CASES: Final = 40
_SHOWN_LINES: Final = 3
_SHOWN_WIDTH: Final = 500


def print_suites(library: Library, num_cases: Mapping[str, int]) -> None:
    """Print the suites with their number of cases: as it was counted, or as the suite states."""
    table = Table()
    for name in ("suite", "cases", "what it holds"):
        table.add_column(name, no_wrap=name != "what it holds")
    for suite in library.suites.values():
        table.add_row(suite.name, f"{num_cases.get(suite.name, suite.count):,}", suite.about)
    show(table)


def print_cases(cases: Sequence[Case]) -> None:
    """Print the ids of the first cases, and how many more there are."""
    for case in cases[:_SHOWN_CASES]:
        out.print(case.id, markup=False, highlight=False, soft_wrap=True)
    more = len(cases) - _SHOWN_CASES
    if more > 0:
        out.print(f"... and {more:,} more; --format csv writes them all")


def print_coverage(counts: Mapping[Facet, int]) -> None:
    """Print the number of cases by facet; uncovered facets are highlighted."""
    table = Table(title="coverage")
    for name in ("facet", "cases"):
        table.add_column(name, no_wrap=True)
    for facet, number in counts.items():
        table.add_row(facet, f"{number:,}" if number else "[red]none")
    show(table)
    missing = find_uncovered_facets(counts)
    out.print(f"{len(counts) - len(missing)} of {len(counts)} facets covered")


def make_case_row(case: Case) -> dict[str, object]:
    """Return the columns of a case in a table."""
    return {
        "case": case.id,
        "layer": case.layer.value,
        "mode": case.mode.value,
        "input": format_lengths(case.input),
        "kernel": format_lengths(case.kernel),
        "strides": format_lengths(case.strides),
        "dilation": format_lengths(case.dilation),
        "padding": case.padding,
        "data_format": case.data_format.value,
        "batch": case.batch,
        "channels": case.channels,
        "filters": case.filters,
        "groups": case.groups,
        "bias": case.bias,
        "dtype": case.dtype,
        "multiplier": case.multiplier,
        "output_padding": "" if case.output_padding is None else format_lengths(case.output_padding),
        "form": case.form.value,
        "data": case.data.value,
        "facets": " ".join(sorted(find_facets(case))),
    }


def write_csv(rows: Iterable[Mapping[str, object]], stream: TextIO) -> None:
    """Write rows as CSV, with the columns as the first line."""
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(stream, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)


def write_json(rows: Iterable[Mapping[str, object]], stream: TextIO) -> None:
    """Write rows as a JSON array of objects."""
    stream.write(msgspec.json.format(msgspec.json.encode(list(rows)), indent=2).decode() + "\n")


def make_target_rows(targets: Sequence[Target], cache: Path) -> list[dict[str, object]]:
    """Return a row for each target, by column."""
    return [
        {
            "target": target.name,
            "api": target.api,
            "version": target.version,
            "backend": target.backend,
            "family": target.family,
            "lineage": target.lineage,
            "python": "" if target.built is None else target.built.python,
            "requires": "" if target.built is None else " ".join(target.built.requires),
            "overlay": "" if target.built is None else " ".join(target.built.overlay),
            "built": is_built(target, cache),
            "bytes": read_disk_use(target, cache),
        }
        for target in targets
    ]


def print_targets(rows: Sequence[Mapping[str, object]]) -> None:
    """Print targets, and which of them are built here."""
    table = Table()
    for name in ("target", "family", "computed by", "Python", "built here"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        size = row["bytes"]
        assert isinstance(size, int)
        built = f"yes, {size / 1e6:,.0f} MB" if row["built"] else "no"
        table.add_row(*(str(row[key]) for key in ("target", "family", "lineage", "python")), built)
    show(table)
    num_built = sum(bool(row["built"]) for row in rows)
    out.print(f"{len(rows)} targets, {num_built} built here", highlight=False)


def print_variants(variants: Sequence[Variant]) -> None:
    """Print the variants, with the flags under which targets can also be run."""
    for variant in variants:
        flags = " ".join(f"{name}={value}" for name, value in variant.variables.items())
        line = f"{MARK}{variant.name} ({', '.join(variant.backends)}): {flags}. {variant.about}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def describe_disk_use(cache: Path, use: CacheUse) -> str:
    """Describe the disk use of environments in a sentence."""
    own_gb, shared_gb = use.own_bytes / 1e9, use.shared_bytes / 1e9
    return (
        f"{cache} takes {own_gb + shared_gb:,.1f} GB: {own_gb:,.1f} GB of its own and {shared_gb:,.1f} GB "
        "that it shares with uv's cache by hard links"
    )


def print_answers(findings: Sequence[Finding]) -> None:
    """Print what real targets did with the explained case."""
    for finding in findings:
        error = _shorten(finding.error)
        match finding.verdict:
            case Verdict.CONFORMS:
                answer = "agrees" if not error else f"agrees ({error})"
            case Verdict.DIVERGES if finding.standing is Standing.UNSTABLE:
                answer = f"UNSTABLE: {error}"
            case Verdict.DIVERGES:
                cause = f"; fits {finding.cause}" if finding.cause else ""
                note = f": {error}" if error else ""
                where = f", first at {finding.first_index}" if finding.first_index is not None else ""
                answer = f"DIFFERS ({finding.divergence}{where}{cause}){note}"
            case Verdict.UNSUPPORTED if finding.cause:
                answer = f"{finding.verdict}: {finding.cause}\n  it said: {error}"
            case Verdict.UNSUPPORTED | Verdict.INCONCLUSIVE:
                answer = f"{finding.verdict}: {error}"
        shape = "" if finding.observed_shape is None else f" {finding.observed_shape}"
        out.print(f"{finding.target}{shape}: {answer}", markup=False, highlight=False, soft_wrap=True)


def _shorten(error: str) -> str:
    """Return the first lines of an error, shortened, and how many more there are."""
    lines = [line.rstrip() for line in error.splitlines() if line.strip()]
    shown = [f"{line[:_SHOWN_WIDTH]} ..." if len(line) > _SHOWN_WIDTH else line for line in lines]
    more = len(lines) - _SHOWN_LINES
    if more > 0:
        shown[_SHOWN_LINES:] = [f"... and {more} more lines; a run writes them all to findings.csv"]
    return "\n  ".join(shown)
