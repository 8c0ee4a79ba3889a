"""Where compiled programs are kept: apart by processor, or for one worker only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.resources import WORKER
from harness.worker.adapters import programs

CODE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from adapters.programs import choose_folders
environ = {"TORCHINDUCTOR_CACHE_DIR": sys.argv[2]}
choose_folders(environ)
own = environ["TORCHINDUCTOR_CACHE_DIR"]
open(os.path.join(own, "half.so"), "w").close()
print(own, flush=True)
if sys.argv[3] == "forks":
    child = os.fork()
    if child == 0:
        sys.exit()
    os.waitpid(child, 0)
    assert os.path.exists(os.path.join(own, "half.so"))
if sys.argv[3] == "killed":
    os.kill(os.getpid(), 9)
"""


def end(folder: Path, how: str) -> Path:
    """Return the folder of a worker that ended in this way."""
    ended = subprocess.run(
        [sys.executable, "-c", CODE, str(WORKER.parent), str(folder), how],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Error" not in ended.stderr
    return Path(ended.stdout.strip())


def test_programs_compiled_for_another_processor_lie_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = set()
    for isa in ("avx avx2", "avx avx2 avx512f"):
        facts = {"processor": "one", "processor_isa": isa}
        monkeypatch.setattr(programs, "describe_processor", lambda facts=facts: facts)
        environ = {programs.JAX: "programs"}
        programs.choose_folders(environ)
        folders.add(environ[programs.JAX])
    assert len(folders) == 2
    assert {str(Path(folder).parent) for folder in folders} == {"programs"}


@pytest.mark.parametrize("how", ["well", *(["forks"] if hasattr(os, "fork") else [])])
def test_what_pytorch_compiles_lasts_as_long_as_its_worker(how: str, tmp_path: Path) -> None:
    own = end(tmp_path / "compiled", how)
    assert own.parent == tmp_path / "compiled"
    assert not own.exists()


@pytest.mark.skipif(os.name != "posix", reason="who is alive is asked by a signal")
def test_nobody_is_given_what_a_killed_worker_left_half_written(tmp_path: Path) -> None:
    left = end(tmp_path, "killed")
    assert (left / "half.so").exists()
    alive = tmp_path / f"worker-{os.getpid()}"
    alive.mkdir()
    assert end(tmp_path, "well") != left
    assert [entry.name for entry in tmp_path.iterdir()] == [alive.name]


def test_without_a_folder_nothing_is_made(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    programs.choose_folders(environ)
    assert environ == {}
    assert list(tmp_path.iterdir()) == []
