"""What is here and what is missing: environments, and whether the comparison catches what it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version
from rich.table import Table

from harness.cli.listing import use_line
from harness.cli.terminal import show
from harness.environments.cache import find_stale, is_built, measure_cache
from harness.environments.interpreters import explain_how_to_get, locate_interpreter
from harness.environments.uv import Installer, find_uv, make_uv_environment
from harness.errors import EXIT_INCOMPLETE, EXIT_OK
from harness.judge.canaries import failing_canaries
from harness.records import Case, Target
from harness.worker.adapters.processor import describe_processor


def examine(
    files: Sequence[Path],
    targets: Sequence[Target],
    cache: Path,
    environ: Mapping[str, str],
    cases: Iterable[Case],
) -> int:
    """Print a table of checks; the exit code is 3 when an interpreter is missing or a canary fails.

    An environment that is not built is no fault: a run builds it.
    """
    table = Table("check", "result", title=f"cache: {cache}")
    faults = 0
    machine = describe_processor()
    table.add_row(
        "processor", f"{machine['processor']}: {machine['processor_isa'] or 'unknown instructions'}"
    )
    needs = Counter(target.built.python for target in targets if target.built is not None)
    for version, found in _interpreters(needs, environ):
        faults += found is None
        missing = f"[red]missing, and {needs[version]} targets need it: {explain_how_to_get(version)}"
        table.add_row(f"Python {version}", missing if found is None else str(found))
    listed = Counter(target.family for target in targets)
    built = Counter(target.family for target in targets if is_built(target, cache))
    for family, number in listed.items():
        table.add_row(f"family {family}", f"{built[family]} of {number} built; a run builds the others")
    old = find_stale(files, targets, cache)
    if old:
        table.add_row(
            "stale", f"{len(old)} environments that no list of targets needs; `prepare --remove-stale`"
        )
    table.add_row("disk", use_line(cache, measure_cache(cache)))
    failures = failing_canaries(cases)
    faults += len(failures)
    table.add_row("canaries", "[red]" + "; ".join(failures) if failures else "every wrong rule is caught")
    show(table)
    return EXIT_INCOMPLETE if faults else EXIT_OK


def _interpreters(versions: Iterable[str], environ: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    """The Python versions that targets need, oldest first, and where each was found."""
    with TemporaryDirectory(prefix="keras-harness-") as folder:
        installer = Installer(find_uv(), make_uv_environment(environ), Path(folder), Path(folder, "uv.log"))
        for version in sorted(versions, key=Version):
            yield version, locate_interpreter(version, environ, installer)
