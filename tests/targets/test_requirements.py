"""Requirements are parsed in threads, as targets are prepared in threads, and one at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from packaging.requirements import InvalidRequirement, Requirement

from harness.targets import requirements
from harness.targets.requirements import parse_requirement

MARKED = "tensorflow-cpu==2.21.0; sys_platform == 'win32' or sys_platform == 'linux'"


def test_no_two_threads_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reading: list[str] = []

    def read(text: str) -> Requirement:
        reading.append(text)
        time.sleep(0.001)
        assert len(reading) == 1
        reading.clear()
        return Requirement(text)

    monkeypatch.setattr(requirements, "Requirement", read)
    with ThreadPoolExecutor(8) as pool:
        names = {requirement.name for requirement in pool.map(parse_requirement, [MARKED] * 50)}
    assert names == {"tensorflow-cpu"}


def test_the_next_is_read_after_one_that_is_none() -> None:
    with pytest.raises(InvalidRequirement):
        parse_requirement("numpy ==")
    assert parse_requirement("numpy==2.4.6").name == "numpy"
