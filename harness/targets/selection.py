"""Turns what a person writes after `-t` into targets. Knows the catalog and folders, nothing of environments.

A selector is one of
    a name                  `keras3.15.1-jax`
    a glob over names       `keras3.15*`
    a specifier             `keras==3.15.1`, `keras>=3.13,<3.16 backend=torch`, `backend=jax`
    `newest`                the newest Keras on TensorFlow
    `here`                  the Python that runs the command
    `path:DIR`              a Keras checkout; `path:DIR backend=torch` chooses the backend
    `exec:COMMAND`          any program that speaks the worker protocol
"""

from __future__ import annotations

import difflib
import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from harness.errors import HarnessError
from harness.records import Built, Checkout, Command, Here, Target
from harness.targets.catalog import Catalog

NEWEST: Final = "newest"
"""The selector to use where a person gave none."""

_DEFAULT_BACKEND: Final = "tensorflow"
_LIST_ALL: Final = "`keras-harness targets` lists them all"
_NUM_NEAR_MISSES: Final = 5
_CHECKOUT: Final = re.compile(r"path:(?P<directory>.*?)(?:\s+backend=(?P<backend>\S*))?", re.DOTALL)
_FILTER: Final = re.compile(r"(?P<key>[A-Za-z_]+)=(?P<value>[^<>=!~].*)?")
_API_AND_VERSIONS: Final = re.compile(r"(?P<api>[A-Za-z][A-Za-z_.-]*)?(?P<versions>[<>=!~].*)?")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Specifier:
    """Which API, versions and backend are wanted; an empty word means any."""

    api: str
    versions: SpecifierSet
    backend: str

    def accepts(self, target: Target) -> bool:
        return (
            self.api in ("", target.api)
            and self.backend in ("", target.backend)
            and self.versions.contains(Version(target.version), prereleases=True)
        )


def select(
    selectors: Sequence[str], catalog: Catalog, environ: Mapping[str, str], directory: Path
) -> tuple[Target, ...]:
    """The targets that the selectors name, each once, in the order of the selectors and of the catalog.

    `environ` tells the backend of `here` and the default one of `path:` (`KERAS_BACKEND`); relative
    paths start at `directory`.

    Raises:
        HarnessError: a selector is malformed or matches nothing.
    """
    chosen: list[Target] = []
    for selector in selectors:
        chosen.extend(
            target
            for target in _resolve(selector.strip(), catalog, environ, directory)
            if target not in chosen
        )
    return _told_apart(chosen)


def _resolve(text: str, catalog: Catalog, environ: Mapping[str, str], directory: Path) -> tuple[Target, ...]:
    if text == "here":
        return (_here(catalog, environ),)
    if text == NEWEST:
        return (_newest(_DEFAULT_BACKEND, catalog, text),)
    if text.startswith("path:"):
        return (_checkout(text, catalog, environ, directory),)
    if text.startswith("exec:"):
        return (_command(text),)
    named = tuple(target for target in catalog if target.name == text)
    if named:
        return named
    specifier = _parse_specifier(text)
    if specifier is not None:
        matched = tuple(filter(specifier.accepts, catalog))
    else:
        matched = tuple(target for target in catalog if fnmatchcase(target.name, text))
    if not matched:
        raise _unmatched(text, specifier, catalog)
    return matched


def _parse_specifier(text: str) -> _Specifier | None:
    """The text as a specifier, or None where it is none (a name or a glob)."""
    words = text.split()
    filters = [match for match in map(_FILTER.fullmatch, words) if match is not None]
    rest = "".join(word for word in words if _FILTER.fullmatch(word) is None)
    match = _API_AND_VERSIONS.fullmatch(rest)
    if match is None or not words:
        return None
    backend = ""
    for each in filters:
        if each["key"] != "backend" or not each["value"] or backend:
            raise HarnessError(
                f"target {text!r}: {each[0]!r} is no filter; write one `backend=NAME`, "
                "and versions with two equals signs: 'keras==3.15.1 backend=torch'"
            )
        backend = each["value"]
    try:
        versions = SpecifierSet(match["versions"] or "")
    except InvalidSpecifier as error:
        raise HarnessError(
            f"target {text!r}: {match['versions']!r} is no version specifier; "
            "write it like 'keras==3.15.1' or 'keras>=3.13,<3.16'"
        ) from error
    return _Specifier(match["api"] or "", versions, backend)


def _unmatched(text: str, specifier: _Specifier | None, catalog: Catalog) -> HarnessError:
    """What to say of a selector that matches nothing: the nearest names, or the known words."""
    if specifier is not None and specifier.backend:
        known = _unique(target.backend for target in catalog)
        if specifier.backend not in known:
            return HarnessError(
                f"no target has backend {specifier.backend!r} (in {text!r}); known: {', '.join(known)}"
            )
    names = [target.name for target in catalog]
    near = difflib.get_close_matches(text, names, n=_NUM_NEAR_MISSES, cutoff=0.5)
    hint = f"near misses: {', '.join(near)}; " if near else ""
    return HarnessError(f"no target matches {text!r}; {hint}{_LIST_ALL}")


def _newest(backend: str, catalog: Catalog, text: str) -> Target:
    """The newest Keras of a backend; the error names the selector `text` that asked for it."""
    candidates = [target for target in catalog if target.api == "keras" and target.backend == backend]
    if not candidates:
        known = _unique(target.backend for target in catalog if target.api == "keras")
        raise HarnessError(
            f"target {text!r}: no Keras with backend {backend!r} is listed; "
            f"set `backend=` or KERAS_BACKEND to one of {', '.join(known)}"
        )
    return max(candidates, key=lambda target: Version(target.version))


def _here(catalog: Catalog, environ: Mapping[str, str]) -> Target:
    """The running Python, with the variables that listed targets of its backend have."""
    backend = environ.get("KERAS_BACKEND", _DEFAULT_BACKEND)
    kin = next((target for target in catalog if target.backend == backend), None)
    return Target(
        name="here",
        api="keras",
        version="",
        backend=backend,
        lineage=kin.lineage if kin else backend,
        realisation=Here(),
        variables={**(kin.variables if kin else {}), "KERAS_BACKEND": backend},
    )


def _checkout(text: str, catalog: Catalog, environ: Mapping[str, str], directory: Path) -> Target:
    match = _CHECKOUT.fullmatch(text)
    assert match is not None, text
    folder = (directory / Path(match["directory"].strip()).expanduser()).resolve()
    if not (folder / "keras" / "__init__.py").is_file():
        inside = folder.name == "keras" and (folder / "__init__.py").is_file()
        hint = f"write path:{folder.parent}" if inside else "give the folder that holds the `keras` package"
        raise HarnessError(f"target {text!r}: {folder} has no keras/__init__.py; {hint}")
    backend = match["backend"] or environ.get("KERAS_BACKEND", _DEFAULT_BACKEND)
    base = _newest(backend, catalog, text)
    assert isinstance(base.realisation, Built), base
    return Target(
        name=f"path-{_safe(folder.name)}-{backend}",
        api=base.api,
        version="",
        backend=backend,
        lineage=base.lineage,
        realisation=Checkout(directory=folder, base=base.realisation),
        variables=base.variables,
    )


def _command(text: str) -> Target:
    try:
        argv = tuple(shlex.split(text.removeprefix("exec:")))
    except ValueError as error:
        raise HarnessError(
            f"target {text!r}: the command cannot be read ({error}); check the quotes"
        ) from error
    if not argv:
        raise HarnessError(f"target {text!r}: no command; write exec:COMMAND, e.g. 'exec:node worker.js'")
    name = _safe("-".join(("exec", *(PurePath(word).name for word in argv))))
    return Target(name=name, api="keras", version="", backend="", lineage=name, realisation=Command(argv))


def _told_apart(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets, with a short hash behind each name that several checkouts or commands share."""
    counts = Counter(target.name.casefold() for target in targets)
    return tuple(_with_hash(target) if counts[target.name.casefold()] > 1 else target for target in targets)


def _with_hash(target: Target) -> Target:
    match target.realisation:
        case Checkout(directory=directory):
            identity = str(directory)
        case Command(argv=argv):
            identity = shlex.join(argv)
        case Built() | Here():
            return target
    name = f"{target.name}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    return replace(target, name=name, lineage=name if target.lineage == target.name else target.lineage)


def _safe(text: str) -> str:
    """The text as part of a file's name, at most 60 characters."""
    return _UNSAFE.sub("_", text)[:60]


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
