"""Targets: what realises them, and how their workers start."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias, assert_never

EXEC_PREFIX: Final = "exec:"
"""What a selector of a command begins with."""

PATH_PREFIX: Final = "path:"
"""What a selector of a checkout begins with."""

HOME_PLACEHOLDER: Final = "{home}"
"""Stands for the private folder of the target in the values of its variables."""

HERE: Final = "here"
"""The selector of the running Python."""


class Api(StrEnum):
    """The package through which a person reaches Keras."""

    KERAS = "keras"
    TF_KERAS = "tf.keras"
    TF_KERAS_PACKAGE = "tf_keras"
    KERAS_MXNET = "keras-mxnet"
    PLAIDML_KERAS = "plaidml-keras"


class StubLibrary(StrEnum):
    """A system library that a base links to and a package registry does not hold."""

    MPI = "mpi"


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """A target whose environment the harness builds: a heavy base, and a thin overlay before it.

    `python` and `requires` make the base, with everything that the requirements need. `overlay` are
    requirements laid before the base on the import path, without what they need, so that many Keras
    versions share one base. `stub_libraries` are made by the harness and lie in the base. What the
    requirements need is resolved as on the day `as_of` (ISO 8601); empty: as of now.
    """

    python: str
    requires: tuple[str, ...]
    overlay: tuple[str, ...] = ()
    stub_libraries: tuple[StubLibrary, ...] = ()
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class HostPython:
    """The Python that runs the command, with what is installed in it."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder that holds the `keras` package, laid before a built environment."""

    directory: Path
    base: BuiltEnvironment


@dataclass(frozen=True, slots=True)
class Command:
    """Any program that speaks the worker protocol on its standard input and output."""

    argv: tuple[str, ...]


Realisation: TypeAlias = BuiltEnvironment | HostPython | Checkout | Command


@dataclass(frozen=True, slots=True)
class Target:
    """One Keras version x backend x Python.

    `version` counts as the API does (TensorFlow's version for `tf.keras`, PlaidML's for
    `plaidml-keras`) and is empty where only the running target can tell (`here`, a checkout, a
    command). `family` names the line of versions that it belongs to. `lineage` names the
    implementation that really computes. `variables` are environment variables of the target's process,
    in which `{home}` stands for its private folder; `variant` names the flags that set it apart from
    the target as listed.
    """

    name: str
    api: Api
    version: str
    backend: str
    lineage: str
    realisation: Realisation
    variables: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    variant: str = ""

    @property
    def selector(self) -> str:
        """What a person writes to get the target again, but for its flags."""
        match self.realisation:
            case BuiltEnvironment():
                return self.name.removesuffix(f"+{self.variant}")
            case HostPython():
                return HERE
            case Checkout(directory=directory):
                return f"{PATH_PREFIX}{directory} backend={self.backend}"
            case Command(argv=argv):
                return EXEC_PREFIX + shlex.join(argv)
            case _:
                assert_never(self.realisation)

    @property
    def built(self) -> BuiltEnvironment | None:
        """The environment that the harness builds for it; None where it builds none."""
        match self.realisation:
            case BuiltEnvironment() as built:
                return built
            case Checkout(base=built):
                return built
            case HostPython() | Command():
                return None
            case _:
                assert_never(self.realisation)


@dataclass(frozen=True, slots=True)
class WorkerCommand:
    """How to start a target's worker: a command and its whole environment."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


Fingerprint: TypeAlias = Mapping[str, str]
"""What a worker measured about itself: versions, device, flags."""
