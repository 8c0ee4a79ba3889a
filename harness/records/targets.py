"""Targets: what realises them, and how their workers start."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias, assert_never

EXEC_PREFIX: Final = "exec:"
"""The prefix of a selector of a command."""

PATH_PREFIX: Final = "path:"
"""The prefix of a selector of a checkout."""

HOME_PLACEHOLDER: Final = "{home}"
"""The placeholder for the target's private folder in the values of its variables."""

HERE: Final = "here"
"""The selector of the running Python."""


class Api(StrEnum):
    """The package through which a user imports Keras."""

    KERAS = "keras"
    TF_KERAS = "tf.keras"
    TF_KERAS_PACKAGE = "tf_keras"
    KERAS_MXNET = "keras-mxnet"
    PLAIDML_KERAS = "plaidml-keras"


class StubLibrary(StrEnum):
    """A system library that a base environment links to and no package registry provides."""

    MPI = "mpi"


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """A target whose environment the harness builds: a heavy base, and a thin overlay before it.

    `python` and `requires` define the base, including all dependencies. `overlay` are requirements installed
    before the base on the import path, without their dependencies, so that many Keras versions share one
    base. `stub_libraries` are made by the harness and placed in the base. Dependencies are resolved as of the
    day `as_of` (ISO 8601), or as of now if it is empty.
    """

    python: str
    requires: tuple[str, ...]
    overlay: tuple[str, ...] = ()
    stub_libraries: tuple[StubLibrary, ...] = ()
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class HostPython:
    """The Python that runs the command, with the packages installed in it."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder that holds the `keras` package, placed before a built environment on the import path."""

    directory: Path
    base: BuiltEnvironment


@dataclass(frozen=True, slots=True)
class Command:
    """Any program that speaks the worker protocol on its standard input and output."""

    argv: tuple[str, ...]


Realisation: TypeAlias = BuiltEnvironment | HostPython | Checkout | Command


@dataclass(frozen=True, slots=True)
class Target:
    """One combination of Keras version, backend and Python.

    `version` is that of the API (TensorFlow's for `tf.keras`, PlaidML's for `plaidml-keras`), empty where
    only the running target can tell (`here`, a checkout, a command). `family` names the line of versions that
    it belongs to, `lineage` the implementation that actually computes. `variables` are environment variables
    of the target's process, in which `{home}` stands for its private folder; `variant` names the flags that
    distinguish it from the listed target.
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
        """The selector with which a user selects the target again, without its flags."""
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
        """The environment that the harness builds for the target, None where it builds none."""
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
    """How to start a target's worker: a command and its complete environment variables."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


Fingerprint: TypeAlias = Mapping[str, str]
"""What a worker measured about its environment: versions, device, flags."""
