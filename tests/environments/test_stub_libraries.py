from __future__ import annotations

import ctypes
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.environments.cache import is_built
from harness.environments.launch import prepare_worker_command
from harness.environments.stub_libraries import HOST_COMPILERS, make_stub_libraries
from harness.environments.uv import Installer
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import BuiltEnvironment, StubLibrary, Target
from tests.environments.conftest import RUNNING_PYTHON, WORKER, Workshop

needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or not any(map(shutil.which, HOST_COMPILERS)),
    reason="compiles a library for Linux",
)
CNTK_LINKS = (
    *("MPI_Init_thread", "MPI_Initialized", "MPI_Finalize", "MPI_Comm_size", "MPI_Comm_rank", "MPI_Abort"),
    *("MPI_Allreduce", "MPI_Iallgather", "MPI_Waitany", "MPI_Get_processor_name", "MPI_Error_string"),
    *("MPI_Type_create_darray", "MPI_Win_unlock", "MPI_Info_get_valuelen", "MPI_Cartdim_get"),
    *("ompi_mpi_comm_world", "ompi_mpi_comm_null", "ompi_mpi_op_sum", "ompi_mpi_long_long_int"),
    *("_ZN3MPI4CommC2Ev", "_ZN3MPI8Datatype4FreeEv", "_ZN3MPI3Win4FreeEv", "ompi_op_set_cxx_callback"),
)
"""Some of the symbols that CNTK 2.7 needs."""


@pytest.fixture
def installer(tmp_path: Path, host: dict[str, str], fake_uv: Path) -> Installer:
    return Installer(fake_uv, host, tmp_path, tmp_path / "log.txt")


def make_libraries(installer: Installer, folder: Path, path: str) -> Path:
    make_stub_libraries((StubLibrary.MPI,), folder, {"PATH": path}, installer, "keras2.3.1-cntk")
    return folder


@needs_compiler
def test_both_libraries_are_made_and_export_what_cntk_links(installer: Installer, tmp_path: Path) -> None:
    folder = make_libraries(installer, tmp_path / "libraries", os.environ["PATH"])
    assert sorted(file.name for file in folder.iterdir()) == ["libmpi.so.12", "libmpi_cxx.so.1"]
    for file in folder.iterdir():
        library = ctypes.CDLL(str(file))
        assert [name for name in CNTK_LINKS if not hasattr(library, name)] == []


@needs_compiler
def test_the_stand_in_is_a_world_of_one_process(installer: Installer, tmp_path: Path) -> None:
    library = ctypes.CDLL(str(make_libraries(installer, tmp_path / "l", os.environ["PATH"]) / "libmpi.so.12"))
    number, text = ctypes.c_int(-1), ctypes.create_string_buffer(256)
    at = ctypes.byref(number)
    assert (library.MPI_Initialized(at), number.value) == (0, 0)
    assert (library.MPI_Init_thread(None, None, 3, at), number.value) == (0, 3)
    assert (library.MPI_Initialized(at), number.value) == (0, 1)
    assert (library.MPI_Comm_size(None, at), number.value) == (0, 1)
    assert (library.MPI_Comm_rank(None, at), number.value) == (0, 0)
    assert (library.MPI_Get_processor_name(text, at), text.value) == (0, b"localhost")
    assert number.value == len(b"localhost")


@needs_compiler
def test_what_needs_other_processes_is_refused(installer: Installer, tmp_path: Path) -> None:
    library = ctypes.CDLL(str(make_libraries(installer, tmp_path / "l", os.environ["PATH"]) / "libmpi.so.12"))
    assert {library.MPI_Send(), library.MPI_Allreduce(), library.MPI_Comm_spawn()} == {16}


@needs_compiler
def test_they_lie_in_the_base_and_reach_the_process(target: Target, workshop: Workshop) -> None:
    built = BuiltEnvironment(RUNNING_PYTHON, ("numpy==2.4.6",), ("keras==3.15.1",), (StubLibrary.MPI,))
    linked = replace(target, realisation=built)
    workshop.host["PATH"] = os.environ["PATH"]
    environment = workshop.build(linked)
    start = prepare_worker_command(linked, workshop.cache, WORKER, workshop.host, pytest.fail)
    assert environment.libraries is not None
    assert start.environment["LD_LIBRARY_PATH"] == str(environment.libraries)
    assert environment.libraries.is_relative_to(workshop.base(linked).folder)
    (environment.libraries / "libmpi.so.12").unlink()
    assert not is_built(linked, workshop.cache)


@pytest.mark.skipif(
    sys.platform != "linux", reason="stand-ins are refused on other systems before a compiler is looked for"
)
def test_without_any_compiler_the_remedy_is_told(installer: Installer, tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        make_libraries(installer, tmp_path / "libraries", str(tmp_path))
    message = str(caught.value)
    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert "it needs a C compiler: cc, gcc, clang on PATH, or the package ziglang" in message
    assert "ziglang: error: Failed to fetch" in message
    assert "install a C compiler such as gcc" in message


@pytest.mark.skipif(
    sys.platform != "linux", reason="stand-ins are refused on other systems before a compiler is looked for"
)
def test_uv_fetches_a_compiler_where_there_is_none(
    host: dict[str, str], fake_uv: Path, tmp_path: Path
) -> None:
    fetching = Installer(fake_uv, host | {"FAKE_UV": "compiler"}, tmp_path, tmp_path / "log.txt")
    library = make_libraries(fetching, tmp_path / "libraries", str(tmp_path)) / "libmpi.so.12"
    assert f"--python {sys.executable} --with ziglang==" in library.read_text()


@needs_compiler
def test_a_compiler_that_fails_is_followed_by_the_next(installer: Installer, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "cc"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'no target' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(HarnessError, match="cc: no target"):
        make_libraries(installer, tmp_path / "none", str(broken.parent))
    real = next(found for found in map(shutil.which, HOST_COMPILERS) if found is not None)
    (broken.parent / "gcc").symlink_to(real)
    path = f"{broken.parent}{os.pathsep}{os.environ['PATH']}"
    assert len(list(make_libraries(installer, tmp_path / "libraries", path).iterdir())) == 2
    assert "no target" in installer.log.read_text()


def test_another_system_is_told(
    installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(HarnessError, match="stand-in for MPI, which the harness makes on Linux only"):
        make_libraries(installer, tmp_path / "libraries", "")
