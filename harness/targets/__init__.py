"""The targets: the list of them, selecting from it, building their environments, starting their workers.

`read_catalog` and `select` name targets; `prepare` builds what one needs with uv, `prepare_all` does so for
many; `launch` says how to start a target's worker.
"""

from harness.targets.ahead import Failure, prepare_all
from harness.targets.building import PreparedEnvironment, prepare
from harness.targets.catalog import Catalog, read_catalog
from harness.targets.environments import (
    CacheUse,
    cache_directory,
    cache_use,
    disk_use,
    is_built,
    remove,
    remove_stale,
    stale,
)
from harness.targets.launching import launch
from harness.targets.layers import Progress
from harness.targets.selection import NEWEST, select
from harness.targets.variants import Variant

__all__ = [
    "NEWEST",
    "CacheUse",
    "Catalog",
    "Failure",
    "PreparedEnvironment",
    "Progress",
    "Variant",
    "cache_directory",
    "cache_use",
    "disk_use",
    "is_built",
    "launch",
    "prepare",
    "prepare_all",
    "read_catalog",
    "remove",
    "remove_stale",
    "select",
    "stale",
]
