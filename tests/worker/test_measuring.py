"""What the worker measures of its processor, and of what libraries derive from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.worker.adapters import measuring
from harness.worker.adapters.measuring import (
    MEASURES,
    ask_onednn,
    measure,
    read_convolution,
    read_isa,
    read_threads,
)
from harness.worker.adapters.processor import CHOSEN_BY, describe_processor, read_cpuinfo

SAID = [
    "onednn_verbose,v1,info,oneDNN v3.7.3 (commit N/A)",
    "onednn_verbose,v1,info,cpu,runtime:threadpool,nthr:1",
    "onednn_verbose,v1,info,cpu,isa:Intel AVX2",
    "onednn_verbose,v1,primitive,exec,cpu,convolution,x64:gemm:jit,forward_training,src:f32::blocked:acdb::f0",
]
OLD = [
    "mkldnn_verbose,info,Intel MKL-DNN v1.2 (Git Hash 123) (Detected ISA) Intel(R) AVX-512",
    "mkldnn_verbose,exec,convolution,jit:avx512_common,forward",
]


def test_onednn_names_its_instruction_set_and_its_threads() -> None:
    assert (read_isa(SAID), read_threads(SAID), read_convolution(SAID)) == ("Intel AVX2", "1", "x64:gemm:jit")


def test_the_oldest_versions_name_it_in_other_words() -> None:
    assert (read_isa(OLD), read_convolution(OLD)) == ("Intel(R) AVX-512", "jit:avx512_common")


def test_a_library_that_says_nothing_names_nothing() -> None:
    assert (read_isa([]), read_threads([]), read_convolution(SAID[:3])) == ("", "", "")


def test_a_fact_that_cannot_be_measured_is_told_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise ValueError("no such call")

    monkeypatch.setitem(MEASURES, "mine", {"isa": fail, "threads": lambda: "2"})
    assert measure("mine") == {"isa": "not measured (ValueError: no such call)", "threads": "2"}


def test_of_a_backend_that_is_not_known_nothing_is_measured() -> None:
    assert measure("loops") == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="asks a child of its own, and cannot fork here")
class TestAChildIsAsked:
    def test_what_the_child_prints_is_heard_and_the_worker_stays_silent(self) -> None:
        def call() -> None:
            os.write(1, ("isa:" + os.environ["ONEDNN_VERBOSE"] + "\n").encode())

        assert read_isa(ask_onednn(call)) == "1"
        assert "ONEDNN_VERBOSE" not in os.environ

    def test_a_child_that_raises_is_heard_to_its_end(self) -> None:
        def call() -> None:
            os.write(1, b"isa:before\n")
            raise ValueError("after")

        assert read_isa(ask_onednn(call)) == "before"

    def test_a_child_that_hangs_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(measuring, "CHILD_S", 0.2)

        def call() -> None:
            os.read(os.pipe()[0], 1)

        assert ask_onednn(call) == []


def test_linux_names_the_model_and_the_instruction_sets(tmp_path: Path) -> None:
    described = tmp_path / "cpuinfo"
    described.write_text(
        "processor\t: 0\nmodel name\t: AMD EPYC 7B12\nflags\t\t: fpu sse4_2 avx avx2 fma\n\n"
        "processor\t: 1\nmodel name\t: another\nflags\t\t: avx512f\n"
    )
    words = read_cpuinfo(str(described))
    assert (words["model name"], words["flags"]) == ("AMD EPYC 7B12", "fpu sse4_2 avx avx2 fma")


def test_a_system_that_tells_nothing_has_no_instruction_sets(tmp_path: Path) -> None:
    assert read_cpuinfo(str(tmp_path / "missing")) == {}


def test_this_processor_is_described_in_the_words_that_are_known() -> None:
    facts = describe_processor()
    assert facts["processor"]
    assert set(facts["processor_isa"].split()) <= set(CHOSEN_BY)
