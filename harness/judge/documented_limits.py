"""Documented limits of a backend or version: counted as unsupported with their reason, not as divergences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.oracle.refusal import decide_refusal
from harness.oracle.rules import Padding
from harness.records import Case, DataFormat, Fingerprint, Refusal
from harness.toml_files import read_toml

_VERSION_NUMBERS: Final = re.compile(r"\d+(\.\d+)*")
"""The numeric start of a version: the Keras of TensorFlow calls itself `2.2.4-tf`."""


class DocumentedLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One documented limit: its targets, the parameters concerned, how it shows, and why.

    It shows as an error that matches the regular expression `error`, as a result of the dtype `returns`, or
    in that the target `computes` what has no formula and must be refused elsewhere. `backend`, `keras` (a
    version specifier) and `flags` (environment variables as in the fingerprint) restrict the targets,
    `data_format`, `dtype` and `padding` the cases.
    """

    reason: str
    link: str
    backend: str | None = None
    keras: str | None = None
    error: str | None = None
    returns: str | None = None
    computes: bool = False
    data_format: DataFormat | None = None
    dtype: str | None = None
    padding: str | None = None
    flags: dict[str, str] = {}

    def __post_init__(self) -> None:
        if [self.error is not None, self.returns is not None, self.computes].count(True) != 1:
            raise ValueError(
                "a limit shows in one way: as an `error`, in what it `returns` or that it `computes`"
            )
        if self.computes and self.padding is None:
            raise ValueError("a limit that `computes` names the `padding` that it computes")
        if self.backend is None and self.keras is None:
            raise ValueError("a limit is of a `backend`, of versions of `keras`, or both")
        if self.error is not None:
            try:
                re.compile(self.error)
            except re.error as error:
                raise ValueError(f"`error` is no regular expression: {error}") from error
        if self.keras is not None:
            try:
                SpecifierSet(self.keras)
            except InvalidSpecifier as error:
                raise ValueError(f"`keras` is no version specifier such as '<2': {error}") from error


class _LimitsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: tuple[DocumentedLimit, ...]


def load_limits(path: Path) -> tuple[DocumentedLimit, ...]:
    """Read `limits.toml`.

    Raises:
        HarnessError: the file is missing or malformed, or an expression does not compile.
    """
    return read_toml(path, _LimitsFile, "cases/README.md").limit


def select_limits(limits: Sequence[DocumentedLimit], fingerprint: Fingerprint) -> tuple[DocumentedLimit, ...]:
    """Return the limits that apply to a target's backend, version of Keras and flags."""
    numbers = _VERSION_NUMBERS.match(fingerprint.get("keras", ""))
    return tuple(
        limit
        for limit in limits
        if limit.backend in {None, fingerprint.get("backend")}
        and all(fingerprint.get(name) == value for name, value in limit.flags.items())
        and (limit.keras is None or (numbers is not None and numbers[0] in SpecifierSet(limit.keras)))
    )


def find_limit_on_error(limits: Sequence[DocumentedLimit], case: Case, error: str) -> DocumentedLimit | None:
    """Return the first limit that explains the error of the case."""
    shown = (limit for limit in limits if limit.error is not None and re.search(limit.error, error))
    return next(_filter_by_case(shown, case), None)


def find_limit_on_dtype(limits: Sequence[DocumentedLimit], case: Case, dtype: str) -> DocumentedLimit | None:
    """Return the first limit that explains why the case returned this dtype."""
    return next(_filter_by_case((limit for limit in limits if limit.returns == dtype), case), None)


def find_limit_on_computing(limits: Sequence[DocumentedLimit], case: Case) -> DocumentedLimit | None:
    """Return the first limit that explains why the case was computed and not refused.

    It excuses the padding only: a case that must be refused with any padding has none.
    """
    if decide_refusal(replace(case, padding=Padding.SAME.value)).refusal is Refusal.REQUIRED:
        return None
    return next(_filter_by_case((limit for limit in limits if limit.computes), case), None)


def _filter_by_case(limits: Iterable[DocumentedLimit], case: Case) -> Iterator[DocumentedLimit]:
    return (
        limit
        for limit in limits
        if limit.data_format in {None, case.data_format}
        and limit.dtype in {None, case.dtype}
        and limit.padding in {None, case.padding}
    )
