"""Turns what a user writes after `-t` into targets. Knows the catalog and folders, nothing of environments.

A selector is one of
    a name                  `keras3.15.1-jax`
    a glob over names       `keras3.15*`
    a specifier             `keras>=3.13,<3.16 backend=torch`, `tf.keras<2.10`, `family=theano`
    one with a variant      `keras3.15.1-tensorflow+onednn=0`, `keras>=3 variant=onednn=0`; several: `+a+b`
    `newest`                the newest Keras on TensorFlow
    `here`                  the Python that runs the command
    `path:DIR`              a Keras checkout; `path:DIR backend=torch` chooses the backend
    `exec:COMMAND`          any program that speaks the worker protocol

In a specifier `keras` stands for every line of Keras (`tf.keras`, `keras-mxnet` and the others too), and
versions are those of Keras (2.2.4 for `plaidml-keras` 0.7.0); `api=keras` selects only the package of that
name.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from harness.errors import HarnessError
from harness.records import (
    EXEC_PREFIX,
    HERE,
    PATH_PREFIX,
    Api,
    BuiltEnvironment,
    Checkout,
    Command,
    HostPython,
    Target,
    TargetRun,
)
from harness.suggestions import find_nearest
from harness.targets.catalog import Catalog
from harness.targets.host_python import DEFAULT_BACKEND
from harness.targets.requirements import parse_requirement
from harness.targets.variants import MARK, Variant, apply_variant, find_variant

NEWEST: Final = "newest"
"""The default selector."""

_LIST_ALL: Final = "`keras-harness targets` lists them all"
_NUM_NEAR_MISSES: Final = 5
_CHECKOUT: Final = re.compile(r"path:(?P<directory>.*?)(?:\s+backend=(?P<backend>\S*))?", re.DOTALL)
_FILTER: Final = re.compile(r"(?P<key>[A-Za-z_]+)=(?P<value>[^<>=!~].*)?", re.DOTALL)
_API_AND_VERSIONS: Final = re.compile(r"(?P<api>[A-Za-z][A-Za-z_.-]*)?(?P<versions>[<>=!~].*)?")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


_ALL_OF_KERAS: Final = "keras"
"""The word for every API in a specifier."""

_FILTERS: Final = ("api", "backend", "family", "lineage")
"""The properties of a target that a specifier may require, as `key=value`."""

_VARIANT: Final = "variant"

_OTHER_VERSION_APIS: Final = frozenset({Api.PLAIDML_KERAS})
"""The APIs whose versions are not those of Keras."""


@dataclass(frozen=True, slots=True)
class _Specifier:
    """The required versions and properties; a property that is not named may have any value."""

    versions: SpecifierSet
    properties: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""

    def is_met_by(self, target: Target) -> bool:
        version = target.version if "api" in self.properties else _find_keras_version(target)
        return self.has_properties(target) and self.versions.contains(Version(version), prereleases=True)

    def has_properties(self, target: Target) -> bool:
        return all(getattr(target, key) == value for key, value in self.properties.items())


def select_from_catalog(
    selectors: Sequence[str], catalog: Catalog, environ: Mapping[str, str], directory: Path
) -> tuple[Target, ...]:
    """Return the targets that the selectors name, each once, in the order of selectors and catalog.

    `environ` gives the backend of `here` and the default one of `path:` (`KERAS_BACKEND`); relative
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
    return _distinguish_names(chosen)


def _resolve(text: str, catalog: Catalog, environ: Mapping[str, str], directory: Path) -> tuple[Target, ...]:
    if text == HERE:
        return (_make_host_target(catalog, environ),)
    if text == NEWEST:
        return (_find_newest(DEFAULT_BACKEND, catalog, text),)
    if text.startswith(PATH_PREFIX):
        return (_make_checkout_target(text, catalog, environ, directory),)
    if text.startswith(EXEC_PREFIX):
        return (_make_command_target(text),)
    specifier = _parse_specifier(text)
    if specifier is not None:
        matched = tuple(filter(specifier.is_met_by, catalog.targets))
        name, variant = text, specifier.variant
    else:
        name, _, variant = text.partition(MARK)
        matched = tuple(target for target in catalog.targets if fnmatchcase(target.name, name))
    if not matched:
        raise _make_no_match_error(name, specifier, catalog)
    for variant_name in filter(None, variant.split(MARK)):
        matched = _apply_listed_variant(matched, variant_name, catalog, text)
    return matched


def reselect_target(run: TargetRun, catalog: Catalog, environ: Mapping[str, str], directory: Path) -> Target:
    """Return the target of a stored run, under the flags that it was observed under.

    Raises:
        HarnessError: it is not listed, or its folder is gone.
    """
    backend_environ = {**environ, "KERAS_BACKEND": run.backend}
    (target,) = select_from_catalog([run.selector or run.name], catalog, backend_environ, directory)
    return replace(target, name=run.name, variant=run.variant, variables=run.variables)


def select_newest_per_minor(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return, of each family, minor version and variant, the targets of its newest version.

    Targets without a version (`here`, a checkout, a command) stay.
    """
    newest: dict[tuple[str, ...], Version] = {}
    for target in targets:
        key = _make_minor_key(target)
        newest[key] = max(Version(target.version or "0"), newest.get(key, Version("0")))
    return tuple(
        target for target in targets if Version(target.version or "0") == newest[_make_minor_key(target)]
    )


def _find_keras_version(target: Target) -> str:
    """Return the version of Keras in a target: its own, except for APIs with versions of their own."""
    if target.built is None or target.api not in _OTHER_VERSION_APIS:
        return target.version
    requirements = map(parse_requirement, (*target.built.requires, *target.built.overlay))
    pins = (
        pin for requirement in requirements if requirement.name == Api.KERAS for pin in requirement.specifier
    )
    return next((pin.version for pin in pins if pin.operator == "=="), target.version)


def _make_minor_key(target: Target) -> tuple[str, ...]:
    line = ".".join(target.version.split(".")[:2])
    return (target.family, line, target.variant) if line else (target.name,)


def _apply_listed_variant(
    matched: Sequence[Target], name: str, catalog: Catalog, text: str
) -> tuple[Target, ...]:
    """Return those of the matched targets that a listed variant applies to, under its flags."""
    listed = [candidate for candidate in catalog.variants if candidate.name == name]
    if not listed:
        raise HarnessError(
            f"target {text!r}: no variant {name!r} is listed; {_describe_known_variants(catalog.variants)}; "
            "--set NAME=VALUE sets any other flag"
        )
    pairs = ((target, find_variant(target, name, listed)) for target in matched)
    fitting = tuple(apply_variant(target, variant) for target, variant in pairs if variant is not None)
    if not fitting:
        backends = _list_unique(backend for candidate in listed for backend in candidate.backends)
        needs = " (" + ", ".join(_list_unique(need for candidate in listed for need in candidate.needs)) + ")"
        raise HarnessError(
            f"target {text!r}: variant {name!r} is for {', '.join(backends)}{needs.removesuffix(' ()')}, "
            f"not for {', '.join(target.name for target in matched[:_NUM_NEAR_MISSES])}"
        )
    return fitting


def _describe_known_variants(variants: Sequence[Variant]) -> str:
    backends: dict[str, list[str]] = {}
    for variant in variants:
        backends.setdefault(variant.name, []).extend(variant.backends)
    listed = ", ".join(f"{name} ({', '.join(_list_unique(names))})" for name, names in backends.items())
    return f"known: {listed or 'none'}"


def _parse_specifier(text: str) -> _Specifier | None:
    """Return the text as a specifier, or None where it is none (a name or a glob).

    Raises:
        HarnessError: it looks like a specifier and has an invalid filter or version.
    """
    words = text.split()
    filters = [match for match in map(_FILTER.fullmatch, words) if match is not None]
    rest = "".join(word for word in words if _FILTER.fullmatch(word) is None)
    match = _API_AND_VERSIONS.fullmatch(rest)
    if match is None or not words:
        return None
    properties: dict[str, str] = {}
    for option in filters:
        if option["key"] not in (*_FILTERS, _VARIANT) or not option["value"] or option["key"] in properties:
            raise HarnessError(
                f"target {text!r}: {option[0]!r} is no filter; write each of "
                f"{', '.join((*_FILTERS, _VARIANT))} at most once, as in `backend=torch`, "
                "and versions with two equals signs: 'keras==3.15.1 backend=torch'"
            )
        properties[option["key"]] = option["value"]
    variant = properties.pop(_VARIANT, "")
    api = match["api"] or ""
    if api not in ("", _ALL_OF_KERAS):
        if api not in set(Api) and not (match["versions"] or filters):
            return None
        _check_api(text, api)
        if properties.setdefault("api", api) != api:
            raise HarnessError(f"target {text!r}: asks for {api} and for api={properties['api']}; leave one")
    try:
        versions = SpecifierSet(match["versions"] or "")
    except InvalidSpecifier as error:
        raise HarnessError(
            f"target {text!r}: {match['versions']!r} is no version specifier; "
            "write it like 'keras==3.15.1' or 'keras>=3.13,<3.16'"
        ) from error
    return _Specifier(versions, properties, variant)


def _check_api(text: str, api: str) -> None:
    if api not in set(Api):
        near = find_nearest(api, Api, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise HarnessError(f"target {text!r}: there is no {api!r}; {hint}known: {', '.join(Api)}")


def _make_no_match_error(text: str, specifier: _Specifier | None, catalog: Catalog) -> HarnessError:
    """Return the error of a selector that matches nothing: the known words, versions or nearest names."""
    if specifier is not None:
        for key, value in specifier.properties.items():
            known = _list_unique(getattr(target, key) for target in catalog.targets)
            if value not in known:
                return HarnessError(f"no target has {key} {value!r} (in {text!r}); known: {', '.join(known)}")
        rest = [target for target in catalog.targets if specifier.has_properties(target)]
        near = find_nearest(text, (target.name for target in rest), _NUM_NEAR_MISSES, cutoff=0.0)
    else:
        near = find_nearest(text, (target.name for target in catalog.targets), _NUM_NEAR_MISSES, cutoff=0.5)
    hint = f"near misses: {', '.join(near)}; " if near else ""
    return HarnessError(f"no target matches {text!r}; {hint}{_LIST_ALL}")


def _find_newest(backend: str, catalog: Catalog, text: str) -> Target:
    """Return the newest Keras of a backend; the error names the selector `text` that asked for it."""
    listed = [target for target in catalog.targets if target.api is Api.KERAS]
    candidates = [target for target in listed if target.backend == backend]
    if not candidates:
        known = _list_unique(target.backend for target in listed)
        raise HarnessError(
            f"target {text!r}: no Keras with backend {backend!r} is listed; "
            f"set `backend=` or KERAS_BACKEND to one of {', '.join(known)}"
        )
    return max(candidates, key=lambda target: Version(target.version))


def _make_host_target(catalog: Catalog, environ: Mapping[str, str]) -> Target:
    """Return the running Python as a target, with the variables of listed targets of its backend."""
    backend = environ.get("KERAS_BACKEND", DEFAULT_BACKEND)
    kin = next(
        (target for target in catalog.targets if target.api is Api.KERAS and target.backend == backend), None
    )
    return Target(
        name=HERE,
        api=Api.KERAS,
        version="",
        backend=backend,
        lineage=kin.lineage if kin else backend,
        realisation=HostPython(),
        variables={**(kin.variables if kin else {}), "KERAS_BACKEND": backend},
    )


def _make_checkout_target(text: str, catalog: Catalog, environ: Mapping[str, str], directory: Path) -> Target:
    match = _CHECKOUT.fullmatch(text)
    assert match is not None, text
    folder = (directory / Path(match["directory"].strip()).expanduser()).resolve()
    if not (folder / "keras" / "__init__.py").is_file():
        inside = folder.name == "keras" and (folder / "__init__.py").is_file()
        hint = f"write path:{folder.parent}" if inside else "give the folder that holds the `keras` package"
        raise HarnessError(f"target {text!r}: {folder} has no keras/__init__.py; {hint}")
    backend = match["backend"] or environ.get("KERAS_BACKEND", DEFAULT_BACKEND)
    base = _find_newest(backend, catalog, text)
    assert isinstance(base.realisation, BuiltEnvironment), base
    return Target(
        name=f"path-{_make_safe_name(folder.name)}-{backend}",
        api=base.api,
        version="",
        backend=backend,
        lineage=base.lineage,
        realisation=Checkout(directory=folder, base=replace(base.realisation, overlay=())),
        variables=base.variables,
    )


def _make_command_target(text: str) -> Target:
    try:
        argv = tuple(shlex.split(text.removeprefix(EXEC_PREFIX)))
    except ValueError as error:
        raise HarnessError(
            f"target {text!r}: the command cannot be read ({error}); check the quotes"
        ) from error
    if not argv:
        raise HarnessError(f"target {text!r}: no command; write exec:COMMAND, e.g. 'exec:node worker.js'")
    name = _make_safe_name("-".join(("exec", *(PurePath(word).name for word in argv))))
    return Target(name=name, api=Api.KERAS, version="", backend="", lineage=name, realisation=Command(argv))


def _distinguish_names(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return the targets, with a short hash behind each name that several checkouts or commands share."""
    counts = Counter(target.name.casefold() for target in targets)
    return tuple(_append_hash(target) if counts[target.name.casefold()] > 1 else target for target in targets)


def _append_hash(target: Target) -> Target:
    match target.realisation:
        case Checkout(directory=directory):
            identity = str(directory)
        case Command(argv=argv):
            identity = shlex.join(argv)
        case BuiltEnvironment() | HostPython():
            return target
    name = f"{target.name}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    return replace(target, name=name, lineage=name if target.lineage == target.name else target.lineage)


def _make_safe_name(text: str) -> str:
    """Return the text as part of a file name, at most 60 characters."""
    return _UNSAFE.sub("_", text)[:60]


def _list_unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
