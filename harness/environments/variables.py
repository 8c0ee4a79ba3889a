"""The whole environment of a target's process: an allow-list of the host's variables, and our own.

Pure: mappings and paths in, a mapping out. Nothing of the host's Python reaches a target through
variables, and every target has a home and compile caches of its own, since `~/.keras/keras.json` of
one Keras breaks another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.records import HOME_PLACEHOLDER

PASSED: Final = frozenset(
    {
        "PATH",
        "LANG",
        "LANGUAGE",
        "TMPDIR",
        "TEMP",
        "TMP",
        # Without these no Windows process finds its system libraries or starts a child.
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "NUMBER_OF_PROCESSORS",
        "PROCESSOR_ARCHITECTURE",
    }
)
"""The host's variables that are passed to every target."""

PASSED_PREFIX: Final = "LC_"
"""The prefix of locale variables, which are passed too."""

PASSED_TO_HOST_PYTHON: Final = frozenset({"PYTHONPATH", "LD_LIBRARY_PATH"})
"""The variables that `here` gets besides: the host's Python is the target."""

PASSED_TO_COMMANDS: Final = frozenset({"HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "LD_LIBRARY_PATH"})
"""The variables that a user's own command gets besides, since it may keep files at home."""

REPRODUCIBLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        # One thread: sums have one order, and parallel workers do not fight for cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        # TensorFlow's wheels switch oneDNN on by themselves only on some processors; respected since 2.5.
        "TF_ENABLE_ONEDNN_OPTS": "1",
        # Allocators fill new memory with a pattern (glibc with the bytes 0x7F, macOS with 0xAA), so
        # that an output cell that was never written looks the same every time, and like no sum.
        "MALLOC_PERTURB_": "128",
        "MallocPreScribble": "1",
    }
)
"""The variables set for every target; the target's own variables may override them."""


def isolate_variables(
    environ: Mapping[str, str],
    home: Path | None,
    variables: Mapping[str, str],
    kept: Collection[str] = (),
    import_path: Path | None = None,
    libraries: Path | None = None,
) -> dict[str, str]:
    """Return the environment of a target's process; later parts override earlier ones.

    `home` is the target's private folder, None for a process that keeps the user's own. `kept`
    names further variables of the host to pass. `import_path` precedes the target's own packages, and
    `libraries` is searched for system libraries first.
    """
    return {
        **{
            name: value
            for name, value in environ.items()
            if name in PASSED or name.startswith(PASSED_PREFIX) or name in kept
        },
        **(_make_private_variables(home) if home is not None else {}),
        **REPRODUCIBLE,
        **({"PYTHONPATH": str(import_path)} if import_path is not None else {}),
        **({"LD_LIBRARY_PATH": str(libraries)} if libraries is not None else {}),
        **{name: _expand_home(value, home) for name, value in variables.items()},
    }


def _expand_home(value: str, home: Path | None) -> str:
    return value if home is None else value.replace(HOME_PLACEHOLDER, str(home))


def _make_private_variables(home: Path) -> dict[str, str]:
    """Return the variables that say where Keras, its backends and Python keep a user's files."""
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home / "appdata"),
        "LOCALAPPDATA": str(home / "appdata"),
        "KERAS_HOME": str(home / ".keras"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "TORCHINDUCTOR_CACHE_DIR": str(home / ".cache" / "torchinductor"),
        # Kerases on one JAX compile the same programs, and share them; the worker adds the processor.
        "JAX_COMPILATION_CACHE_DIR": str(home.parent / "jax-programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
