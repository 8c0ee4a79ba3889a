"""Makes the system libraries that a base links to and no package registry holds.

They are compiled from the C sources beside this module: by the host's C compiler or, where there is
none, by the one of the package `ziglang`, which uv fetches. Only the source and the compiler
are needed, no header and no library.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.environments.subprocesses import run_child
from harness.environments.uv import Installer, append_log, explain_failure, run_uv, take_last_lines
from harness.records import StubLibrary

HOST_COMPILERS: Final = ("cc", "gcc", "clang")
"""The compilers to look for on PATH, in this order."""

_FETCHED: Final = "ziglang==0.15.1"
"""The package of a compiler for uv to fetch (90 MB)."""

_OPTIONS: Final = ("-shared", "-fPIC", "-O2", "-nostdlib")
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class _Library:
    """A source beside this module, and the file names under which programs look for its library."""

    source: str
    names: tuple[str, ...]


_LIBRARIES: Final[Mapping[StubLibrary, _Library]] = MappingProxyType(
    {StubLibrary.MPI: _Library("mpi.c", ("libmpi.so.12", "libmpi_cxx.so.1"))}
)


def make_stub_libraries(
    stubs: Sequence[StubLibrary],
    folder: Path,
    environ: Mapping[str, str],
    installer: Installer,
    target_name: str,
) -> None:
    """Compile the libraries into the folder.

    Raises:
        HarnessError: this is not Linux, or neither the host's compiler nor a fetched one can compile them.
    """
    folder.mkdir(exist_ok=True)
    for stub in stubs:
        if sys.platform != "linux":
            raise explain_failure(
                target_name,
                f"it needs a stand-in for {stub.upper()}, which the harness makes on Linux only",
                "",
                installer.log,
                "choose another target, or run the harness on Linux",
            )
        library = _LIBRARIES[stub]
        source = Path(__file__).with_name(library.source)
        for name in library.names:
            words = (*_OPTIONS, f"-Wl,-soname,{name}", "-o", str(folder / name), str(source))
            _compile(words, environ, installer, target_name)


def _compile(
    words: Sequence[str], environ: Mapping[str, str], installer: Installer, target_name: str
) -> None:
    failures: list[str] = []
    for compiler in HOST_COMPILERS:
        program = shutil.which(compiler, path=environ.get("PATH", ""))
        if program is not None:
            errors = _run_compiler([program, *words], environ, installer)
            if errors is None:
                return
            failures.append(f"{program}: {errors}")
    running = ("run", "--isolated", "--no-project", "--python", sys.executable, "--with", _FETCHED)
    fetched = run_uv(installer, (*running, "-m", "ziglang", "cc", *words))
    if fetched.exit_status == 0:
        return
    failures.append(f"ziglang: {take_last_lines(fetched.errors)}")
    raise explain_failure(
        target_name,
        f"it needs a C compiler: {', '.join(HOST_COMPILERS)} on PATH, or the package ziglang, failed",
        "\n".join(failures),
        installer.log,
        "install a C compiler such as gcc with the system's package manager, or let uv reach the registry",
    )


def _run_compiler(argv: Sequence[str], environ: Mapping[str, str], installer: Installer) -> str | None:
    """Run a compiler; return its message where it failed, and None where it succeeded."""
    try:
        ended = run_child(argv, environ, installer.directory, _TIMEOUT_S, installer.stop)
        status, output = ended.exit_status, ended.output + ended.errors
    except OSError as error:
        status, output = -1, str(error)
    append_log(installer.log, f"$ {' '.join(argv)}\n{output}exit status {status}\n\n")
    return None if status == 0 else take_last_lines(output) or f"exit status {status}"
