"""The backends of the running Python, for the target `here`. Knows Keras's names of backends."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Final

from harness.errors import HarnessError

DEFAULT_BACKEND: Final = "tensorflow"
"""Keras's own default, where `KERAS_BACKEND` names none."""

_BACKENDS: Final = ("tensorflow", "jax", "torch", "openvino", "numpy")


def is_installed(package: str) -> bool:
    """Return whether the running Python can import the package, without importing it."""
    return importlib.util.find_spec(package) is not None


def describe_backend_choice(environ: Mapping[str, str], is_there: Callable[[str], bool]) -> str:
    """Return a hint for a user who chose no backend; "" where `KERAS_BACKEND` does.

    Raises:
        HarnessError: there is no Keras, or the backend is not installed; the message lists those that are,
            and how to choose one.
    """
    if not is_there("keras"):
        raise HarnessError(
            f"target 'here': {sys.executable} has no Keras; install one into it, or name a listed target: "
            "`keras-harness targets` lists them"
        )
    installed = [name for name in _BACKENDS if is_there(name)]
    others = [name for name in installed if name != DEFAULT_BACKEND]
    backend = environ.get("KERAS_BACKEND", DEFAULT_BACKEND)
    has = f"{sys.executable} has {', '.join(installed) or 'none of ' + ', '.join(_BACKENDS)}"
    how = f"KERAS_BACKEND={others[0]} keras-harness ... -t here" if others else "install one"
    if backend in _BACKENDS and backend not in installed:
        is_set = "KERAS_BACKEND" in environ
        why = "KERAS_BACKEND is" if is_set else "KERAS_BACKEND is not set, and Keras's default is"
        raise HarnessError(f"target 'here': {why} {backend}, which is not installed; {has}; choose: {how}")
    if "KERAS_BACKEND" in environ:
        return ""
    return f"here: KERAS_BACKEND is not set, so Keras computes on {backend}; {has}; to choose another: {how}"
