"""Start a worker by path: `python .../harness/worker/__main__.py [API]`.

API says which Keras to import; `adapters/apis.py` lists the names. The default is `keras`.

The protocol moves to private descriptors before anything else is imported, since frameworks print
to stdout. The package is loaded from its own folder under a name of its own, so that no folder
of the host is on the target's import path.
"""

import importlib.util
import os
import sys
from typing import IO, Tuple


def open_private_streams() -> Tuple[IO[bytes], IO[bytes]]:
    """Move the protocol from stdin and stdout to private descriptors.

    Returns a reader and a writer of bytes. Afterwards stdin is empty and stdout is stderr, for this
    process and for whatever it loads or starts.
    """
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reader, writer


def load_package() -> str:
    """Load this folder as the package `keras_harness_worker`, not by way of `sys.path`; return its name."""
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.curdir) != folder]
    name = "keras_harness_worker"
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError("no package at " + folder)
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return name


if __name__ == "__main__":
    api_name = " ".join(sys.argv[1:]) or "keras"
    streams = open_private_streams()
    importlib.import_module(load_package() + ".loop").serve(*streams, api_name)
