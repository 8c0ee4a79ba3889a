from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.frames import load
from harness.report.csv_files import open_findings_files
from harness.report.rows import COLUMNS
from tests.report.judged import mixed


def test_findings_load_with_their_columns_and_types(tmp_path: Path) -> None:
    findings = [one.finding for one in mixed()]
    with open_findings_files(tmp_path) as write:
        for one in mixed():
            write(one)
    table = load(tmp_path)
    assert tuple(table.columns) == COLUMNS
    assert table["silent"].tolist() == [finding.is_silent for finding in findings]
    assert table["max_abs_error"].dtype == float
    assert table["case"].tolist() == [finding.case.id for finding in findings]


def test_a_folder_without_findings_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="keras-harness judge"):
        load(tmp_path)
