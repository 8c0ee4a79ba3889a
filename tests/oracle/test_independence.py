from __future__ import annotations

import subprocess
import sys

_PROBE = """
import pkgutil, sys
before = set(sys.modules)
import harness.oracle
for module in pkgutil.iter_modules(harness.oracle.__path__):
    __import__(f"harness.oracle.{module.name}")
print(*(set(sys.modules) - before))
"""


def loaded() -> set[str]:
    """Return every module that the oracle loads into a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_oracle_loads_numpy_with_its_dtypes_the_standard_library_and_nothing_else() -> None:
    modules = loaded()
    assert "harness.oracle.values" in modules
    tops = {module.partition(".")[0] for module in modules}
    assert tops - sys.stdlib_module_names == {"harness", "ml_dtypes", "numpy"}


def test_the_oracle_loads_no_other_room() -> None:
    rooms = {module.split(".")[1] for module in loaded() if module.startswith("harness.")}
    assert rooms == {"oracle", "records", "errors"}
