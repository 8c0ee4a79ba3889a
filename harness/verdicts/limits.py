"""Limits that a version documents: counted as unsupported, with their reason, and not as divergences."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from harness.errors import HarnessError
from harness.records import Case, DataFormat, Fingerprint


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One documented limit: on which backend, under which parameters, how it shows, and why.

    It shows as an error whose text has a match of the regular expression `error`, or as a result of
    the dtype `returns`. `data_format` and `dtype` narrow the cases.
    """

    backend: str
    reason: str
    link: str
    error: str | None = None
    returns: str | None = None
    data_format: DataFormat | None = None
    dtype: str | None = None

    def __post_init__(self) -> None:
        if (self.error is None) == (self.returns is None):
            raise ValueError("a limit shows either as an `error` or in what it `returns`")
        if self.error is not None:
            re.compile(self.error)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: tuple[Limit, ...]


def load_limits(path: Path) -> tuple[Limit, ...]:
    """Read `limits.toml`.

    Raises:
        HarnessError: the file is missing or malformed, or an expression does not compile.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File).limit
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, re.error) as error:
        raise HarnessError(f"{path}: {error}; see cases/README.md for the keys") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error


def limits_of(limits: Sequence[Limit], fingerprint: Fingerprint) -> tuple[Limit, ...]:
    """The limits of a target's backend."""
    return tuple(limit for limit in limits if limit.backend == fingerprint.get("backend"))


def limit_on_error(limits: Sequence[Limit], case: Case, error: str) -> Limit | None:
    """The first limit that explains the error of the case."""
    shown = (limit for limit in limits if limit.error is not None and re.search(limit.error, error))
    return next(_narrowed(shown, case), None)


def limit_on_dtype(limits: Sequence[Limit], case: Case, dtype: str) -> Limit | None:
    """The first limit that explains why the case returned this dtype."""
    return next(_narrowed((limit for limit in limits if limit.returns == dtype), case), None)


def _narrowed(limits: Iterable[Limit], case: Case) -> Iterator[Limit]:
    return (
        limit
        for limit in limits
        if limit.data_format in {None, case.data_format} and limit.dtype in {None, case.dtype}
    )
