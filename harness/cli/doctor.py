"""What is here and what is missing: environments, and whether the comparison catches what it must."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from harness.cli.terminal import out
from harness.errors import EXIT_INCOMPLETE, EXIT_OK
from harness.records import Built, Case, Target
from harness.targets.environments import is_built
from harness.targets.installer import Installer, find_uv, uv_environment
from harness.targets.interpreters import locate_interpreter
from harness.verdicts.canaries import failing_canaries


def examine(targets: Sequence[Target], cache: Path, environ: Mapping[str, str], cases: Iterable[Case]) -> int:
    """Print a table of checks; the exit code is 3 when an interpreter is missing or a canary fails.

    An environment that is not built is no fault: a run builds it.
    """
    table = Table("check", "result", title=f"cache: {cache}")
    faults = 0
    for version, found in _interpreters(targets, environ):
        faults += found is None
        missing = f"[red]missing: install it, put it on PATH, or let `uv python install {version}` fetch one"
        table.add_row(f"Python {version}", missing if found is None else str(found))
    for target in targets:
        table.add_row(target.name, "built" if is_built(target, cache) else "not built; a run builds it")
    failures = failing_canaries(cases)
    faults += len(failures)
    table.add_row("canaries", "[red]" + "; ".join(failures) if failures else "every wrong rule is caught")
    out.print(table)
    return EXIT_INCOMPLETE if faults else EXIT_OK


def _interpreters(targets: Sequence[Target], environ: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    """The Python versions that targets need, and where each was found."""
    pythons = {one.realisation.python for one in targets if isinstance(one.realisation, Built)}
    with TemporaryDirectory(prefix="keras-harness-") as folder:
        installer = Installer(find_uv(), uv_environment(environ), Path(folder), Path(folder, "uv.log"))
        for version in sorted(pythons):
            yield version, locate_interpreter(version, environ, installer)
