"""The targets: the list of them, selecting from it, building their environments, starting their workers.

`read_catalog` and `select` name targets; `prepare` builds an environment with uv; `launch` says how
to start a target's worker.
"""

from harness.targets.building import PreparedEnvironment, prepare
from harness.targets.catalog import Catalog, read_catalog
from harness.targets.environments import Progress, State, cache_directory, disk_use, is_built, remove
from harness.targets.launching import launch
from harness.targets.selection import NEWEST, select

__all__ = [
    "NEWEST",
    "Catalog",
    "PreparedEnvironment",
    "Progress",
    "State",
    "cache_directory",
    "disk_use",
    "is_built",
    "launch",
    "prepare",
    "read_catalog",
    "remove",
    "select",
]
