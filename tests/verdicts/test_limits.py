from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.shipped import cases_folder
from harness.verdicts.limits import Limit, limits_of, load_limits

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
    ("fingerprint", "has_it"),
    [
        ({"backend": "made", "keras": "1.2.2"}, True),
        ({"backend": "made", "keras": "2.0.0"}, False),
        ({"backend": "made", "keras": "1.2.2-tf"}, True),
        ({"backend": "other", "keras": "1.2.2"}, False),
        ({"backend": "made"}, False),
    ],
)
def test_a_limit_may_be_of_some_versions_of_keras(fingerprint: dict[str, str], *, has_it: bool) -> None:
    limit = Limit(backend="made", keras="<2", error="x", reason="x", link="x")
    assert bool(limits_of([limit], fingerprint)) is has_it


def test_a_limit_of_versions_is_of_every_backend() -> None:
    limit = Limit(keras="<2", error="x", reason="x", link="x")
    assert limits_of([limit], {"backend": "theano", "keras": "1.0.8"}) == (limit,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LIMIT.replace("reason", "raeson"), "unknown field `raeson`"),
        (LIMIT.replace('link = "https://example.org"\n', ""), "missing required field `link`"),
        (LIMIT.replace("no such layer", "(", 1), "unterminated subpattern|missing \\)"),
        (LIMIT + 'data_format = "NHWC"', "Invalid enum value 'NHWC'"),
        (LIMIT + 'returns = "float16"', "a limit shows in one way"),
        (LIMIT.replace('error = "no such layer"', ""), "a limit shows in one way"),
        (LIMIT.replace('error = "no such layer"', "computes = true"), "names the `padding`"),
        (LIMIT.replace('backend = "made"', ""), "of a `backend`, of versions of `keras`, or both"),
        (LIMIT + 'keras = "two"', "no version specifier such as '<2'"),
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
