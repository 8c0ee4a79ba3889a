"""`cases`: list the cases of suites."""

from __future__ import annotations

import sys

from harness.cli.options import CasesFolders, Format, FormatOption, Suites


def command(
    suites: Suites = None,
    cases: CasesFolders = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the cases of suites, count them, and show the coverage by facet."""
    from harness.cases.suites import count_cases
    from harness.cli import inputs, listing
    from harness.facets import count_facets

    if not suites and form is Format.TABLE:
        library = inputs.read_library(cases)
        own_suites = [
            name for name in library.suites if library.files[f"suite {name}"].parents[1] in (cases or ())
        ]
        listing.print_suites(library, count_cases(library, own_suites) if own_suites else {})
        return
    selected = inputs.read_cases(cases, suites or tuple(inputs.read_library(cases).suites))
    match form:
        case Format.TABLE:
            listing.print_cases(selected)
            listing.print_coverage(count_facets(selected))
        case Format.CSV:
            listing.write_csv(map(listing.make_case_row, selected), sys.stdout)
        case Format.JSON:
            listing.write_json(map(listing.make_case_row, selected), sys.stdout)
