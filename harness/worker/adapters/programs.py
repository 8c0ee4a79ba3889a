"""The folders in which backends cache compiled programs.

JAX's folder is shared by all workers on a processor: what JAX cannot read there it compiles again. PyTorch
fails on what a killed compiler left half-written, so each worker has a folder of its own.
"""

import atexit
import hashlib
import os
import shutil
from typing import MutableMapping

from .processor import describe_processor

JAX = "JAX_COMPILATION_CACHE_DIR"
TORCH = "TORCHINDUCTOR_CACHE_DIR"

_PREFIX = "worker-"


def choose_folders(environ: MutableMapping[str, str]) -> None:
    """Point the variables that are set to folders for this processor, or for this process."""
    if JAX in environ:
        environ[JAX] = choose_processor_folder(environ[JAX])
    if TORCH in environ:
        environ[TORCH] = make_process_folder(environ[TORCH])


def choose_processor_folder(folder: str) -> str:
    """Return the subfolder for this processor: JAX does not check which one a program was compiled for."""
    words = "".join(sorted(describe_processor().values()))
    return os.path.join(folder, hashlib.sha256(words.encode("utf-8")).hexdigest()[:12])


def make_process_folder(folder: str) -> str:
    """Make a subfolder that is deleted when the process ends; delete those that killed processes left."""
    own_folder = os.path.join(folder, _PREFIX + str(os.getpid()))
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(_PREFIX) and not _is_alive(name[len(_PREFIX) :]):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    shutil.rmtree(own_folder, ignore_errors=True)
    os.makedirs(own_folder)
    atexit.register(_delete_unless_forked, own_folder, os.getpid())
    return own_folder


def _delete_unless_forked(folder: str, pid: int) -> None:
    """Delete the folder, unless a forked child runs this exit function: the folder is its parent's."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    """Return whether the process exists, as far as the system tells; on Windows `os.kill` would end it."""
    if os.name != "posix" or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
