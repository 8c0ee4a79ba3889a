from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.judge.documented_limits import DocumentedLimit, find_limit_on_error, load_limits, select_limits
from harness.records import parse_case_id
from harness.resources import find_cases_folder

LIMIT = """
[[limit]]
backend = "made"
error = "no such layer"
reason = "there is no such layer"
link = "https://example.org"
"""


def test_the_shipped_limits_have_reasons_and_links() -> None:
    limits = load_limits(find_cases_folder() / "limits.toml")
    assert limits
    for limit in limits:
        assert limit.reason
        assert limit.link.startswith("https://")


SEPARABLE = "separableconv1d-eager-i7-k1-s3-d1-valid-last-b1-c4-m2-f3-bias-float32"
CAUSAL = "conv1d-eager-i7-k4-s1-d2-causal-last-b1-c3-f5-g1-bias-float32"
HALF = "depthwiseconv2d-eager-i5x6-k2x1-s1x2-d1x1-valid-first-b2-c2-m1-bias-float16"
MXNET = {"backend": "mxnet", "keras": "2.2.4"}
THEANO = {"backend": "theano", "keras": "2.3.1"}
OPENVINO = {"backend": "openvino", "keras": "3.10.0"}
TRANSPOSED = "conv1dtranspose-eager-i7-k2-s1-d1-same-first-b1-c1-f3-nobias-float32"


@pytest.mark.parametrize(
    ("fingerprint", "case_id", "error"),
    [
        (MXNET, SEPARABLE, "NotImplementedError: MXNet Backend: Separable Conv1D not supported yet!"),
        (MXNET, SEPARABLE, "ValueError: MXNet Backend: Does not support depth multiplier not equal to 1"),
        (
            MXNET,
            SEPARABLE,
            "NotImplementedError: MXNet Backend: separable_conv2d operator is not supported yet.",
        ),
        (MXNET, SEPARABLE, "NotImplementedError: MXNet Backend: Conv3D Transpose is only supported on GPU"),
        (MXNET, CAUSAL, "ValueError: MXNet Backend: `padding` should be either `same` or `valid`."),
        (MXNET, HALF, "MXNetError: linalg_impl.h:166: FP16 gemm on cpu not implemented! Stack trace:"),
        (THEANO, SEPARABLE, "NotImplementedError: "),
        (OPENVINO, SEPARABLE, "NotImplementedError: `separable_conv` is not supported with openvino backend"),
        (OPENVINO, HALF, "AssertionError: `depthwise_conv` is supported only for channels_last data_format"),
        (
            {"backend": "torch", "keras": "3.12.4"},
            TRANSPOSED,
            "ValueError: The padding arguments (padding=same) and output_padding=1) lead to a Torch"
            " output_padding (1) that is greater than strides (1). This is not supported.",
        ),
    ],
)
def test_what_an_old_backend_says_that_it_lacks_is_a_limit(
    fingerprint: dict[str, str], case_id: str, error: str
) -> None:
    limits = select_limits(load_limits(find_cases_folder() / "limits.toml"), fingerprint)
    assert find_limit_on_error(limits, parse_case_id(case_id), error) is not None


@pytest.mark.parametrize(
    ("fingerprint", "case_id", "error"),
    [
        (THEANO, SEPARABLE, "NotImplementedError: padding must be smaller than strides"),
        (MXNET, SEPARABLE, "ValueError: MXNet Backend: `padding` should be either `same` or `valid`."),
        (MXNET, SEPARABLE, "AttributeError: module 'keras.backend' has no attribute 'separable_conv1d'"),
        ({"backend": "tensorflow", "keras": "2.3.1"}, SEPARABLE, "NotImplementedError: "),
    ],
)
def test_an_error_that_says_nothing_of_the_kind_is_none(
    fingerprint: dict[str, str], case_id: str, error: str
) -> None:
    limits = select_limits(load_limits(find_cases_folder() / "limits.toml"), fingerprint)
    assert find_limit_on_error(limits, parse_case_id(case_id), error) is None


def test_a_target_has_the_limits_of_its_backend(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(LIMIT + LIMIT.replace("made", "other"), encoding="utf-8")
    limits = load_limits(path)
    assert [limit.backend for limit in select_limits(limits, {"backend": "other"})] == ["other"]
    assert select_limits(limits, {}) == ()


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
    limit = DocumentedLimit(backend="made", keras="<2", error="x", reason="x", link="x")
    assert bool(select_limits([limit], fingerprint)) is has_it


def test_a_limit_may_be_of_targets_under_a_flag() -> None:
    capped = DocumentedLimit(
        "capped", "https://example.org", backend="made", error="no", flags={"ISA": "AVX2"}
    )
    assert select_limits([capped], {"backend": "made", "ISA": "AVX2"}) == (capped,)
    assert select_limits([capped], {"backend": "made", "ISA": ""}) == ()
    assert select_limits([capped], {"backend": "made"}) == ()


def test_a_limit_of_versions_is_of_every_backend() -> None:
    limit = DocumentedLimit(keras="<2", error="x", reason="x", link="x")
    assert select_limits([limit], {"backend": "theano", "keras": "1.0.8"}) == (limit,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            LIMIT.replace("reason", "raeson"),
            r"limit\[0\]: unknown key `raeson`; did you mean `reason`\?.*; see cases/README.md",
        ),
        (LIMIT.replace('link = "https://example.org"\n', ""), "missing required field `link`"),
        (
            LIMIT.replace("no such layer", "(", 1),
            "`error` is no regular expression: (missing \\)|unterminated subpattern)",
        ),
        (LIMIT + 'data_format = "NHWC"', "unknown word 'NHWC'; Known: channels_last, channels_first; see"),
        (LIMIT + 'returns = "float16"', "a limit shows in one way"),
        (LIMIT.replace('error = "no such layer"', ""), "a limit shows in one way"),
        (LIMIT.replace('error = "no such layer"', "computes = true"), "names the `padding`"),
        (LIMIT.replace('backend = "made"', ""), "of a `backend`, of versions of `keras`, or both"),
        (LIMIT + 'keras = "two"', "no version specifier such as '<2'"),
        ("[[limit", "malformed TOML: .*at end of document"),
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
