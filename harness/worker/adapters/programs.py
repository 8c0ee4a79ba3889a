"""Where backends keep the programs that they compile.

JAX's folder is shared by all workers of a processor: what JAX cannot read there it compiles again. PyTorch
fails where a compiler was killed while it wrote, as it is with its worker, so that each worker has a folder
of its own.
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
    """Make the folders that the variables name those of this processor, or of this process."""
    if JAX in environ:
        environ[JAX] = choose_processor_folder(environ[JAX])
    if TORCH in environ:
        environ[TORCH] = make_process_folder(environ[TORCH])


def choose_processor_folder(folder: str) -> str:
    """The folder in it for this processor: JAX does not ask for which one a program was compiled."""
    words = "".join(sorted(describe_processor().values()))
    return os.path.join(folder, hashlib.sha256(words.encode("utf-8")).hexdigest()[:12])


def make_process_folder(folder: str) -> str:
    """A new folder in it, deleted when the process ends; what killed ones left is deleted, too."""
    own = os.path.join(folder, _PREFIX + str(os.getpid()))
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(_PREFIX) and not _is_alive(name[len(_PREFIX) :]):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    shutil.rmtree(own, ignore_errors=True)
    os.makedirs(own)
    atexit.register(_delete_unless_forked, own, os.getpid())
    return own


def _delete_unless_forked(folder: str, pid: int) -> None:
    """A child by fork ends with the same registered functions, and must leave its parent's folder alone."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    """Whether there is such a process, as far as the system tells; to ask would end it on Windows."""
    if os.name != "posix" or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
