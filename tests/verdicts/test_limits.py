from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.shipped import cases_folder
from harness.verdicts.limits import limits_of, load_limits

LIMIT = """
[[limit]]
backend = "made"
error = "no such layer"
reason = "there is no such layer"
link = "https://example.org"
"""


def test_the_shipped_limits_have_reasons_and_links() -> None:
    limits = load_limits(cases_folder() / "limits.toml")
    assert limits
    for limit in limits:
        assert limit.reason
        assert limit.link.startswith("https://")


def test_a_target_has_the_limits_of_its_backend(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(LIMIT + LIMIT.replace("made", "other"), encoding="utf-8")
    limits = load_limits(path)
    assert [limit.backend for limit in limits_of(limits, {"backend": "other"})] == ["other"]
    assert limits_of(limits, {}) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LIMIT.replace("reason", "raeson"), "unknown field `raeson`"),
        (LIMIT.replace('link = "https://example.org"\n', ""), "missing required field `link`"),
        (LIMIT.replace("no such layer", "(", 1), "unterminated subpattern|missing \\)"),
        (LIMIT + 'data_format = "NHWC"', "Invalid enum value 'NHWC'"),
        ("[[limit", "at end of document"),
    ],
)
def test_a_bad_limit_names_the_file(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError, match=message) as raised:
        load_limits(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_missing_limits_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read"):
        load_limits(tmp_path / "limits.toml")
