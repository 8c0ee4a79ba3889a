from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import itables.options

from harness.report.html import find_bundle


def test_the_bundle_is_the_one_that_itables_names() -> None:
    assert find_bundle() == Path(itables.options.dt_bundle)
    assert find_bundle().is_file()


def test_reports_load_no_pandas() -> None:
    code = "import sys, harness.report.write; print('pandas' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
