"""Arrange the targets of a run by version: a block per family and variant, with its columns in order.

A variant has its own block: among the plain targets it would separate neighbouring versions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from packaging.version import InvalidVersion, Version

from harness.records import RunInfo, TargetRun

FAMILIES: Final = (
    "tensorflow",
    "tf.keras",
    "tf_keras",
    "jax",
    "torch",
    "numpy",
    "openvino",
    "theano",
    "cntk",
    "mxnet",
    "plaidml",
)
"""The order of the blocks; other families follow, by name."""

UNPLACED: Final = "unplaced"
"""The family of a target that is missing from the footer of the run."""

_VERSION_NUMBERS = re.compile(r"\d+(\.\d+)*")
_VersionKey: TypeAlias = tuple[bool, Version, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A target in its block. `head` is its version, with the backend's where several share it, or its name.

    `run` is None for a target that is missing from the footer.
    """

    target: str
    version: str
    backend_version: str
    head: str
    run: TargetRun | None


@dataclass(frozen=True, slots=True)
class Block:
    """The targets of a family, ordered by version and measured backend version.

    `family` ends with the variant, as a target's name does: `tensorflow+onednn=0`.
    """

    family: str
    columns: tuple[Column, ...]


def group_into_blocks(info: RunInfo) -> tuple[Block, ...]:
    """Group the targets of the run by family, in the order of `FAMILIES`, each before its variants."""
    runs = info.target_runs
    targets_by_line: dict[tuple[str, str], list[tuple[str, TargetRun | None]]] = {}
    for name in info.header.targets:
        run = runs.get(name)
        family, variant = (UNPLACED, "") if run is None else (run.family or run.backend, run.variant)
        targets_by_line.setdefault((family, variant), []).append((name, run))
    order = sorted(targets_by_line, key=lambda line: (_rank_family(line[0]), *line))
    return tuple(
        Block(f"{family}+{variant}" if variant else family, _make_columns(targets_by_line[family, variant]))
        for family, variant in order
    )


def format_span(heads: Sequence[str]) -> str:
    """Format the heads of neighbouring columns as a range: `3.0.5–3.8.0`."""
    return heads[0] if len(heads) == 1 else f"{heads[0]}–{heads[-1]}"


def _rank_family(family: str) -> int:
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)


def _make_columns(targets: Sequence[tuple[str, TargetRun | None]]) -> tuple[Column, ...]:
    ordered = sorted(targets, key=_make_sort_key)
    versions = Counter(_find_version(run) for _, run in ordered)
    heads = [_format_head(name, run, is_alone=versions[_find_version(run)] == 1) for name, run in ordered]
    num_uses = Counter(heads)
    return tuple(
        Column(
            name, _find_version(run), _find_backend_version(run), head if num_uses[head] == 1 else name, run
        )
        for (name, run), head in zip(ordered, heads, strict=True)
    )


def _format_head(name: str, run: TargetRun | None, *, is_alone: bool) -> str:
    version = _find_version(run)
    if run is None or not version:
        return name
    numbers = _VERSION_NUMBERS.match(_find_backend_version(run))
    backend = "" if is_alone or numbers is None else f" on {numbers[0]}"
    return f"{version}{backend}"


def _make_sort_key(target: tuple[str, TargetRun | None]) -> tuple[_VersionKey, _VersionKey, str]:
    name, run = target
    return (_make_version_key(_find_version(run)), _make_version_key(_find_backend_version(run)), name)


def _find_version(run: TargetRun | None) -> str:
    """Return the version of a target as it was requested, or else as it was measured."""
    return "" if run is None else run.version or run.fingerprint.get("keras", "")


def _find_backend_version(run: TargetRun | None) -> str:
    return "" if run is None else run.fingerprint.get("backend_version", "")


def _make_version_key(version: str) -> _VersionKey:
    """Return a sort key; what is no version sorts by the numbers it begins with, or else last."""
    for text in (version, version if (match := _VERSION_NUMBERS.match(version)) is None else match[0]):
        try:
            return (False, Version(text), version)
        except InvalidVersion:
            continue
    return (True, Version("0"), version)
