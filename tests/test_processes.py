"""Real processes, and that nothing is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.processes import end_process, start_process
from tests.runner.watching import is_running

pytestmark = pytest.mark.skipif(os.name == "nt", reason="groups and signals of POSIX")

TELL = "import os, signal, sys, time\ntell = lambda: os.write(1, b'%d\\n' % os.getpid())\n"
STAYS = "tell()\ntime.sleep(600)"
CHILD = f"if os.fork() == 0:\n    {{}}\n    {STAYS.replace(chr(10), chr(10) + '    ')}\n"
PLAIN, DEAF, IN_A_SESSION = (
    CHILD.format(does) for does in ("pass", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "os.setsid()")
)
FORKS_ON = """\
if os.fork() == 0:
    os.setsid()
    while True:
        if os.fork() == 0:
            open({folder!r} + f"/{os.getpid()}", "x").close()
            time.sleep(60)
        time.sleep(0.05)
"""


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start Python on a text; whatever happens, nothing of it outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(text: str) -> subprocess.Popen[bytes]:
        started.append(start_process([sys.executable, "-c", TELL + text], os.environ))
        return started[-1]

    yield run
    for process in started:
        with process:
            end_process(process)


def read_numbers(process: subprocess.Popen[bytes], how_many: int) -> list[int]:
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in range(how_many)]


def assert_ended(numbers: list[int]) -> None:
    until = time.monotonic() + 5
    while any(map(is_running, numbers)):
        assert time.monotonic() < until, [number for number in numbers if is_running(number)]
        time.sleep(0.01)


def test_a_program_leads_a_group_of_its_own(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    process = start("tell()\nsys.stdin.read()")
    read_numbers(process, 1)
    assert os.getpgid(process.pid) == process.pid != os.getpgid(0)


def test_a_program_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start_process([str(tmp_path / "nothing")], {})


@pytest.mark.parametrize("child", [PLAIN, DEAF, IN_A_SESSION])
def test_what_a_process_started_ends_with_it(
    child: str, start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    process = start(child + STAYS)
    numbers = read_numbers(process, 2)
    end_process(process)
    assert process.returncode == -signal.SIGKILL
    assert_ended(numbers)


@pytest.mark.parametrize("child", [PLAIN, DEAF, IN_A_SESSION])
def test_what_a_process_started_does_not_outlive_one_that_leaves_by_itself(
    child: str, start: Callable[[str], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(child + "tell()\nsys.stdin.readline()\nsys.exit(3)")
    numbers = read_numbers(process, 2)
    wait = process.wait

    def wait_for_exit(timeout: float | None = None) -> int:
        """Let the process leave only now: what left its group is not found once its parent is gone."""
        assert process.stdin is not None
        if process.returncode is None:
            process.stdin.write(b"\n")
            process.stdin.flush()
        return wait(timeout)

    monkeypatch.setattr(process, "wait", wait_for_exit)
    end_process(process, grace_s=20.0)
    assert process.returncode == 3
    assert_ended(numbers)


def test_a_process_that_does_not_leave_in_time_is_ended(
    start: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    process = start(IN_A_SESSION + STAYS)
    numbers = read_numbers(process, 2)
    end_process(process, grace_s=0.05)
    assert process.returncode == -signal.SIGKILL
    assert_ended(numbers)


def test_children_in_the_group_of_a_process_that_has_ended_are_ended(
    start: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    process = start(PLAIN + "tell()\nos.kill(os.getpid(), signal.SIGSEGV)")
    numbers = read_numbers(process, 2)
    assert process.wait() == -signal.SIGSEGV
    end_process(process)
    assert process.returncode == -signal.SIGSEGV
    assert_ended(numbers)


def test_what_is_started_while_a_process_is_ended_ends_too(
    start: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = psutil.Process.kill

    def kill_late(process: psutil.Process) -> None:
        time.sleep(0.1)
        kill(process)

    monkeypatch.setattr(psutil.Process, "kill", kill_late)
    process = start(FORKS_ON.replace("{folder!r}", repr(str(tmp_path))) + STAYS)
    while len(list(tmp_path.iterdir())) < 5:
        time.sleep(0.01)
    end_process(process)
    assert_ended([int(file.name) for file in tmp_path.iterdir()])


def test_ending_a_process_twice_or_beside_another_harms_nobody(
    start: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    process, other = start(STAYS), start(STAYS)
    read_numbers(process, 1)
    read_numbers(other, 1)
    end_process(process)
    end_process(process, grace_s=1.0)
    assert other.poll() is None
