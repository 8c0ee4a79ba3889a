from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness import store
from harness.encoding import DTYPES
from harness.errors import EXIT_USAGE, HarnessError
from harness.records import (
    Array,
    Observation,
    ObservedError,
    Outcome,
    RunFooter,
    RunHeader,
    RunInfo,
    Stage,
    TargetRun,
)

TARGET = "some-target"
HEADER = RunHeader(store.SCHEMA, "0.1.0", 1, ("core",), (TARGET,), 3, 3, "2026-01-02T03:04:05+00:00")
FOOTER = RunFooter(
    state="complete",
    observed=3,
    not_run=0,
    finished="2026-01-02T03:05:05+00:00",
    seconds=60.0,
    targets=(
        TargetRun(
            name=TARGET,
            api="keras",
            version="3.15.1",
            backend="loops",
            family="loops",
            variant="unrolled",
            lineage="loops",
            python="3.11",
            requires=("numpy==2.4.6",),
            overlay=("keras==3.15.1",),
            fingerprint={"keras": "3.15.1"},
            observed=3,
            not_run=0,
            failure="",
            seconds=2.5,
            start_seconds=0.5,
            workers=2,
        ),
    ),
)
CASES = ("a", "b", "c")


def make_observation(case_id: str, values: Array | None = None) -> Observation:
    return Observation(TARGET, case_id, Outcome.RETURNED, Stage.REPLY, 0.25, values)


def make_error(case_id: str) -> Observation:
    return Observation(
        TARGET,
        case_id,
        Outcome.RAISED,
        Stage.CALL,
        error=ObservedError("ValueError", 'a "line"\nand \u2028 another, \N{SNOWMAN}'),
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    store.create_run(tmp_path / "run", HEADER, reversed(CASES))
    return tmp_path / "run"


def append(directory: Path, *observations: Observation) -> Path:
    with store.ObservationLog(directory) as log:
        for one in observations:
            log.append(one)
    return directory / "observations" / f"{TARGET}.jsonl"


def read(directory: Path) -> list[Observation | None]:
    lines = store.index_lines(directory, TARGET).read(store.read_case_ids(directory))
    return [None if line is None else store.decode_observation(directory, TARGET, line) for line in lines]


def catch_message(directory: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        store.read_info(directory)
    assert caught.value.exit_code == EXIT_USAGE
    return str(caught.value)


def edit(directory: Path, changed: Mapping[str, object]) -> None:
    path = directory / "run.json"
    info = json.loads(path.read_text())
    info["header"] |= changed
    path.write_text(json.dumps(info))


def test_a_run_without_a_footer_is_incomplete(directory: Path) -> None:
    assert store.read_info(directory) == RunInfo(HEADER, None)
    assert not store.read_info(directory).is_complete


def test_header_and_footer_come_back_as_they_went(directory: Path) -> None:
    store.write_info(directory, RunInfo(HEADER, FOOTER))
    assert store.read_info(directory) == RunInfo(HEADER, FOOTER)
    assert store.read_info(directory).is_complete


def test_the_plan_is_sorted(directory: Path) -> None:
    assert tuple(store.read_case_ids(directory)) == CASES


def test_what_was_not_observed_is_none_and_the_rest_stands_in_the_order_of_the_plan(directory: Path) -> None:
    append(directory, make_error("c"), make_observation("a"))
    first, second, third = read(directory)
    assert first is not None
    assert third is not None
    assert (first.case_id, second, third.case_id) == ("a", None, "c")
    assert third.error == make_error("c").error
    assert store.read_observed_ids(directory, TARGET) == {"a", "c"}


@given(
    values=arrays.arrays(
        dtype=st.sampled_from(["float16", "float32", "float64", ">f4", "bool", "int8", "uint64"]),
        shape=arrays.array_shapes(min_dims=0, min_side=0),
    )
)
def test_values_come_back_bit_by_bit(values: Array, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("run")
    store.create_run(directory, HEADER, ["a"])
    append(directory, make_observation("a", values))
    (back,) = read(directory)
    assert back is not None
    assert back.values is not None
    assert (back.values.shape, back.values.dtype.name) == (values.shape, values.dtype.name)
    assert back.values.tobytes() == values.astype(values.dtype.newbyteorder("<")).tobytes()


def test_values_in_another_memory_order_come_back_alike(directory: Path) -> None:
    values = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)[::2]
    append(directory, make_observation("a", values))
    back = read(directory)[0]
    assert back is not None
    assert back.values is not None
    np.testing.assert_array_equal(back.values, values, strict=True)


def test_all_fields_come_back(directory: Path) -> None:
    one = Observation(
        target=TARGET,
        case_id="a",
        outcome=Outcome.RETURNED,
        stage=Stage.INFER,
        seconds=1.5,
        values=np.arange(3.0),
        gradients=(np.ones((2, 1), np.float32), np.zeros(2, DTYPES["bfloat16"])),
        inferred_shape=(None, 3),
        symbolic_shape=(None, None),
        inference_error=ObservedError("ValueError", "no shape"),
        summary="Model\n (None, 3)",
        error=ObservedError("TypeError", "no"),
        reason="because",
        weight_shapes=((2, 3), (3,)),
    )
    append(directory, one)
    back = read(directory)[0]
    assert back is not None
    arrays = ("values", "gradients")
    for name in Observation.__dataclass_fields__.keys() - arrays:
        assert getattr(back, name) == getattr(one, name), name
    assert back.values is not None
    assert one.values is not None
    for ours, theirs in zip((one.values, *one.gradients), (back.values, *back.gradients), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_each_observation_is_on_disk_when_append_returns(directory: Path) -> None:
    with store.ObservationLog(directory) as log:
        log.append(make_observation("a"))
        assert store.read_observed_ids(directory, TARGET) == {"a"}


@pytest.mark.parametrize("kept", [0, 1, 20])
def test_a_torn_last_line_does_not_count_and_is_cut_before_resuming(directory: Path, kept: int) -> None:
    file = append(directory, make_observation("a"), make_observation("b", np.zeros(50_000)))
    whole = file.read_bytes()
    length = whole.index(b"\n") + 1
    file.write_bytes(whole[: length + kept])
    assert store.read_observed_ids(directory, TARGET) == {"a"}
    assert [one is not None for one in read(directory)] == [True, False, False]
    store.truncate_partial_line(directory, TARGET)
    assert file.read_bytes() == whole[:length]
    append(directory, make_observation("b"))
    assert store.read_observed_ids(directory, TARGET) == {"a", "b"}


def test_a_file_that_is_one_torn_line_becomes_empty(directory: Path) -> None:
    file = append(directory, make_observation("a", np.zeros(50_000)))
    file.write_bytes(file.read_bytes()[:-1])
    store.truncate_partial_line(directory, TARGET)
    assert file.read_bytes() == b""
    store.truncate_partial_line(directory, "a target without observations")


def test_a_case_observed_twice_is_an_error_that_names_the_line(directory: Path) -> None:
    file = append(directory, make_observation("a"), make_observation("b"), make_observation("a"))
    with pytest.raises(HarnessError, match=f"{file}:3: a was observed before; remove one line"):
        store.read_observed_ids(directory, TARGET)


@pytest.mark.parametrize("line", [b"{}\n", b"not json\n", b'{"case": 3}\n', b"\xff\xfe\n", b"\n"])
def test_a_damaged_line_amid_the_file_is_an_error_that_names_it(directory: Path, line: bytes) -> None:
    file = append(directory, make_observation("a"))
    file.write_bytes(file.read_bytes() + line)
    append(directory, make_observation("b"))
    with pytest.raises(HarnessError, match=f"{file}:2: damaged: .*; remove the line and --resume"):
        store.read_observed_ids(directory, TARGET)


@pytest.mark.parametrize(
    "field",
    [
        {"outcome": "exploded"},
        {"values": {"dtype": "float32", "shape": [3], "data": "AAAA"}},
        {"values": {"dtype": "nosuch", "shape": [], "data": ""}},
        {"values": {"dtype": "float32", "shape": [1], "data": "%"}},
    ],
)
def test_a_line_with_a_wrong_field_is_damaged(directory: Path, field: Mapping[str, object]) -> None:
    file = append(directory, make_observation("a"))
    file.write_text(json.dumps(json.loads(file.read_text()) | field) + "\n")
    with pytest.raises(HarnessError, match=f"{file}: damaged: .*; remove the line and --resume"):
        read(directory)


def test_a_file_of_observations_that_cannot_be_read_is_told(directory: Path) -> None:
    (directory / "observations" / f"{TARGET}.jsonl").mkdir()
    with pytest.raises(HarnessError, match=f"{TARGET}.jsonl: cannot be read"):
        store.read_observed_ids(directory, TARGET)


def test_a_second_look_lies_beside_the_first(directory: Path) -> None:
    append(directory, make_observation("a"))
    store.open_second_look(directory, [TARGET])
    for case_id in ("a", "b"):
        with store.ObservationLog(directory, store.Look.SECOND) as log:
            log.append(make_error(case_id))
    file = directory / "again" / f"{TARGET}.jsonl"
    file.write_bytes(file.read_bytes()[:-1])
    store.open_second_look(directory, [TARGET])
    first, *others = store.index_lines(directory, TARGET, store.Look.SECOND).read(CASES)
    assert others == [None, None]
    assert first is not None
    assert (
        store.decode_observation(directory, TARGET, first, store.Look.SECOND).error == make_error("a").error
    )
    assert store.read_observed_ids(directory, TARGET) == {"a"}


def test_a_folder_that_holds_a_run_is_not_overwritten(directory: Path) -> None:
    with pytest.raises(HarnessError, match="already holds a run; add --resume, or choose another folder"):
        store.create_run(directory, HEADER, CASES)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match=r"file.run: cannot be written: .*; choose another folder with -o"):
        store.create_run(tmp_path / "file" / "run", HEADER, CASES)


def test_an_observation_that_cannot_be_written_is_told(directory: Path) -> None:
    (directory / "observations").rmdir()
    with pytest.raises(HarnessError, match=r"observations: cannot be written: .*; choose another"):
        append(directory, make_observation("a"))


def test_a_footer_that_cannot_be_written_is_told(directory: Path) -> None:
    (directory / "run.json").unlink()
    (directory / "run.json").mkdir()
    with pytest.raises(HarnessError, match="run: cannot be written"):
        store.write_info(directory, RunInfo(HEADER, FOOTER))


def test_a_run_of_a_later_schema_asks_for_an_upgrade_whatever_it_holds(directory: Path) -> None:
    edit(directory, {"schema": store.SCHEMA + 1, "targets": {"by": "name"}, "started": None})
    assert f"schema {store.SCHEMA + 1}, this version reads {store.SCHEMA}; upgrade" in catch_message(
        directory
    )


def test_a_run_of_an_earlier_schema_asks_to_run_again(directory: Path) -> None:
    edit(directory, {"schema": store.SCHEMA - 1})
    assert catch_message(directory).endswith("; run again")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"header": {"schema": 3}}', b"\xff", b"null"])
def test_a_damaged_run_json_is_told(directory: Path, text: bytes) -> None:
    (directory / "run.json").write_bytes(text)
    said = catch_message(directory)
    assert f"{directory / 'run.json'}: damaged: " in said
    assert said.endswith("; run again into another folder")


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_without_a_run_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert catch_message(tmp_path / name).startswith(f"{tmp_path / name}: no run here (")


def test_a_run_without_its_plan_is_told(directory: Path) -> None:
    (directory / "cases.txt").unlink()
    with pytest.raises(HarnessError, match=r"cases.txt: cannot be read: .*; run again"):
        list(store.read_case_ids(directory))
