from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.environments.cache import (
    find_cache_directory,
    find_stale,
    is_built,
    measure_cache,
    read_disk_use,
    remove_environment,
    remove_stale,
)
from harness.environments.notes import note_use
from harness.errors import EXIT_INCOMPLETE, HarnessError
from harness.records import Checkout, HostPython, Target
from tests.environments.conftest import Workshop, make_target

NOW = "2026-01-02T03:04:05+00:00"
LIST = """
format = 2
[[base]]
name = "one"
python = "3.11"
requires = ["one==1"]
[[family]]
name = "one"
target = "one{version}"
api = "keras"
backend = "one"
lineage = "one"
base = "one"
versions = ["1.0.0"]
"""


def test_the_cache_is_where_the_variable_says(tmp_path: Path) -> None:
    assert find_cache_directory({"KERAS_HARNESS_CACHE": str(tmp_path)}) == tmp_path.resolve()
    assert find_cache_directory({}).name == "keras-harness"


def test_a_removed_target_is_gone_with_its_home_and_its_base(target: Target, workshop: Workshop) -> None:
    environment = workshop.build(target)
    assert read_disk_use(target, workshop.cache) > 0
    assert remove_environment(target, workshop.cache)
    assert not is_built(target, workshop.cache)
    for kind in ("environments", "overlays", "homes"):
        assert list((workshop.cache / kind).iterdir()) == []
    assert not environment.home.exists()
    assert read_disk_use(target, workshop.cache) == 0
    assert not remove_environment(target, workshop.cache)


def test_a_base_stays_while_another_overlay_lies_on_it(target: Target, workshop: Workshop) -> None:
    other = make_target("3.14.1")
    workshop.build(target)
    workshop.build(other)
    assert remove_environment(target, workshop.cache)
    assert not is_built(target, workshop.cache)
    assert is_built(other, workshop.cache)
    assert remove_environment(other, workshop.cache)
    assert not workshop.base(target).folder.exists()


def test_a_base_stays_for_an_overlay_that_is_being_built(target: Target, workshop: Workshop) -> None:
    workshop.build(target)
    other = workshop.overlay(make_target("3.14.1"))
    other.folder.mkdir()
    other.base_note.write_text(f"{workshop.base(target).label}\n")
    assert remove_environment(target, workshop.cache)
    assert workshop.base(target).folder.exists()


def test_the_home_of_a_checkout_is_removed_and_a_base_in_use_stays(
    target: Target, workshop: Workshop, tmp_path: Path
) -> None:
    assert target.built is not None
    checkout = replace(target, name="path-x", realisation=Checkout(tmp_path, target.built))
    workshop.build(target)
    assert workshop.build(checkout).home.is_dir()
    assert remove_environment(checkout, workshop.cache)
    assert is_built(target, workshop.cache)
    assert not remove_environment(checkout, workshop.cache)


def test_what_has_no_layer_takes_nothing(target: Target, workshop: Workshop) -> None:
    here = replace(target, name="here", realisation=HostPython())
    assert read_disk_use(here, workshop.cache) == 0
    assert not remove_environment(here, workshop.cache)


def test_a_file_system_that_refuses_is_told(
    target: Target, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    workshop.build(target)
    monkeypatch.setattr("shutil.rmtree", refusing)
    with pytest.raises(HarnessError, match=r"cannot be removed: .*Permission denied") as caught:
        remove_environment(target, workshop.cache)
    assert caught.value.exit_code == EXIT_INCOMPLETE
    assert not is_built(target, workshop.cache)


def test_the_use_of_a_target_is_that_of_both_layers(target: Target, workshop: Workshop) -> None:
    environment = workshop.build(target)
    assert environment.site is not None
    files = [workshop.base(target).folder / "requirements.in", environment.site / "keras" / "__init__.py"]
    assert read_disk_use(target, workshop.cache) >= sum(file.stat().st_size for file in files)


def test_a_file_counts_once_however_many_names_it_has(tmp_path: Path) -> None:
    cache, uv_cache = tmp_path / "cache", tmp_path / "uv-cache"
    for folder in (cache / "environments" / "a", cache / "environments" / "b", uv_cache):
        folder.mkdir(parents=True)
    before = measure_cache(cache)
    shared, own = cache / "environments" / "a" / "shared", cache / "environments" / "a" / "own"
    (uv_cache / "shared").write_bytes(b"x" * 100_000)
    shared.hardlink_to(uv_cache / "shared")
    (cache / "environments" / "b" / "shared").hardlink_to(shared)
    own.write_bytes(b"y" * 50_000)
    (cache / "environments" / "b" / "own").hardlink_to(own)
    use = measure_cache(cache)
    assert use.shared_bytes == shared.stat().st_blocks * 512 >= 100_000
    assert use.own_bytes - before.own_bytes == own.stat().st_blocks * 512 >= 50_000


def test_a_file_that_uv_forgot_is_our_own(tmp_path: Path) -> None:
    (tmp_path / "uv").write_bytes(b"x" * 100_000)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").hardlink_to(tmp_path / "uv")
    assert measure_cache(tmp_path / "cache").shared_bytes >= 100_000
    (tmp_path / "uv").unlink()
    assert measure_cache(tmp_path / "cache").shared_bytes == 0


def test_a_cache_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    use = measure_cache(tmp_path / "nowhere")
    assert (use.own_bytes, use.shared_bytes) == (0, 0)


def test_layers_of_other_pins_and_of_earlier_harnesses_are_stale(target: Target, workshop: Workshop) -> None:
    old = make_target("3.14.1", base=("numpy==2.0.2",))
    workshop.build(target)
    workshop.build(old)
    earlier = workshop.cache / "environments" / "torch-0123456789ab"
    for folder in (earlier, workshop.cache / "homes" / earlier.name, workshop.cache / "homes" / "here"):
        folder.mkdir()
    assert set(find_stale([], [target, old], workshop.cache)) == {earlier}
    expected = {earlier, workshop.base(old).folder, workshop.overlay(old).folder}
    assert set(find_stale([], [target], workshop.cache)) == expected
    assert set(remove_stale([], [target], workshop.cache)) == expected
    assert is_built(target, workshop.cache)
    assert not any(folder.exists() for folder in expected)
    kept = {workshop.plan(target).home.name, "here"}
    assert {folder.name for folder in (workshop.cache / "homes").iterdir()} == kept
    assert len(list((workshop.cache / "logs").iterdir())) == 2
    assert find_stale([], [target], workshop.cache) == ()


@pytest.fixture
def lists(tmp_path: Path) -> tuple[Path, Path]:
    """The lists of two checkouts."""
    files = (tmp_path / "one" / "targets.toml", tmp_path / "two" / "targets.toml")
    for file in files:
        file.parent.mkdir()
        file.touch()
    return files


def test_what_another_list_uses_is_never_stale(
    target: Target, workshop: Workshop, lists: tuple[Path, Path]
) -> None:
    mine, others = lists
    old = make_target("3.14.1", base=("numpy==2.0.2",))
    note_use([mine], [target], workshop.cache, NOW)
    note_use([others], [target, old], workshop.cache, NOW)
    workshop.build(target)
    workshop.build(old)
    assert find_stale([mine], [target], workshop.cache) == ()
    assert remove_stale([mine], [target], workshop.cache) == ()
    assert is_built(old, workshop.cache)
    assert workshop.plan(old).home.is_dir()
    others.unlink()
    layers = {workshop.base(old).folder, workshop.overlay(old).folder}
    assert set(remove_stale([mine], [target], workshop.cache)) == layers
    assert len(list((workshop.cache / "lists").iterdir())) == 1


def test_a_list_that_needs_a_layer_no_longer_does_not_keep_it(
    target: Target, workshop: Workshop, lists: tuple[Path, Path]
) -> None:
    mine, others = lists
    old = make_target("3.14.1", base=("numpy==2.0.2",))
    for file in lists:
        note_use([file], [target, old], workshop.cache, NOW)
    workshop.build(old)
    assert find_stale([mine], [target], workshop.cache) == ()
    note_use([others], [target], workshop.cache, NOW)
    assert set(find_stale([mine], [target], workshop.cache)) == {
        workshop.base(old).folder,
        workshop.overlay(old).folder,
    }


def test_a_list_that_begins_with_the_same_file_is_read_again(
    target: Target, workshop: Workshop, lists: tuple[Path, Path]
) -> None:
    mine, own = lists
    note_use([mine, own], [target], workshop.cache, NOW)
    workshop.build(target)
    assert find_stale([mine], [], workshop.cache) == ()
    mine.write_text(LIST, encoding="utf-8")
    own.write_text(LIST.replace("one", "two"), encoding="utf-8")
    assert set(find_stale([mine], [], workshop.cache)) == {
        workshop.base(target).folder,
        workshop.overlay(target).folder,
    }


def test_a_layer_that_a_list_notes_meanwhile_stays(
    target: Target, workshop: Workshop, lists: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, others = lists
    workshop.build(target)

    @contextmanager
    def waiting(*_: object) -> Iterator[None]:
        note_use([others], [target], workshop.cache, NOW)
        yield

    monkeypatch.setattr("harness.environments.cache.lock_layer", waiting)
    assert remove_stale([mine], [], workshop.cache) == ()
    assert is_built(target, workshop.cache)


def test_a_note_that_cannot_be_read_stops_the_removing(
    target: Target, workshop: Workshop, lists: tuple[Path, Path]
) -> None:
    workshop.build(target)
    note = workshop.cache / "lists" / "0.json"
    note.parent.mkdir()
    note.write_text('{"format": 9}', encoding="utf-8")
    with pytest.raises(HarnessError, match=rf"{note}: says which environments another list uses"):
        remove_stale([lists[0]], [], workshop.cache)
    assert is_built(target, workshop.cache)


def test_a_cache_that_is_not_there_has_nothing_stale(target: Target, workshop: Workshop) -> None:
    assert remove_stale([], [target], workshop.cache) == ()
    assert not workshop.cache.exists()
