"""Variants: the same target under other flags, which can change the answer. Knows records and pins only.

One name may stand for other flags on another backend, or on another version of it: `isa=avx2` is a cap on
oneDNN here and on XLA there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from packaging.requirements import Requirement

from harness.errors import HarnessError
from harness.records import Target
from harness.targets.requirements import parse_requirement

MARK: Final = "+"
"""The separator between the name of a target and that of its variant."""

_SETTING: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)", re.DOTALL)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._=+-]+")


@dataclass(frozen=True, slots=True)
class Variant:
    """Flags for targets of some backends: `keras3.15.1-tensorflow+onednn=0`.

    `needs` are requirements that no pin of the target may contradict: the versions that know the flags.
    """

    name: str
    about: str
    backends: tuple[str, ...]
    variables: Mapping[str, str]
    needs: tuple[str, ...] = ()

    def can_apply_to(self, target: Target) -> bool:
        """Return whether the target knows the flags; one without pins is assumed to."""
        return target.backend in self.backends and not any(
            _is_contradiction(pin, need)
            for pin in map(parse_requirement, _list_pins(target))
            for need in map(parse_requirement, self.needs)
        )


def _list_pins(target: Target) -> tuple[str, ...]:
    return () if target.built is None else (*target.built.requires, *target.built.overlay)


def _is_contradiction(pin: Requirement, need: Requirement) -> bool:
    versions = (clause.version for clause in pin.specifier if clause.operator == "==")
    return pin.name == need.name and any(version not in need.specifier for version in versions)


def find_variant(target: Target, name: str, variants: Sequence[Variant]) -> Variant | None:
    """Return the first listed variant of that name that applies to the target."""
    return next(
        (variant for variant in variants if variant.name == name and variant.can_apply_to(target)), None
    )


def apply_variant(target: Target, variant: Variant) -> Target:
    """Return the target with the variant's flags, and the variant's name appended to its own."""
    return _set_flags(target, variant.name, variant.variables)


def apply_settings(
    targets: Sequence[Target], settings: Sequence[str], variants: Sequence[Variant]
) -> tuple[Target, ...]:
    """Return the targets under flags given as `NAME=VALUE`, unchanged where there are none.

    Flags that are those of a listed variant get its name.

    Raises:
        HarnessError: a setting is not `NAME=VALUE`, or a name is set twice.
    """
    variables: dict[str, str] = {}
    for setting in settings:
        match = _SETTING.fullmatch(setting)
        if match is None:
            raise HarnessError(f"--set {setting!r}: write NAME=VALUE, as in TF_ENABLE_ONEDNN_OPTS=0")
        if match["name"] in variables:
            raise HarnessError(f"--set {setting!r}: {match['name']} is set twice; give it once")
        variables[match["name"]] = match["value"]
    if not variables:
        return tuple(targets)
    return tuple(
        _set_flags(target, _choose_variant_name(target, variables, variants), variables) for target in targets
    )


def _set_flags(target: Target, name: str, variables: Mapping[str, str]) -> Target:
    return replace(
        target,
        name=f"{target.name}{MARK}{name}",
        variant=MARK.join(filter(None, (target.variant, name))),
        variables={**target.variables, **variables},
    )


def _choose_variant_name(target: Target, variables: Mapping[str, str], variants: Sequence[Variant]) -> str:
    for variant in variants:
        if dict(variant.variables) == dict(variables) and variant.can_apply_to(target):
            return variant.name
    return MARK.join(_UNSAFE.sub("_", f"{name}={value}") for name, value in sorted(variables.items()))
