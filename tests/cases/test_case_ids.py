from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.records import (
    DTYPE_TRAITS,
    ArgumentStyle,
    Case,
    DataFormat,
    DataKind,
    Layer,
    Mode,
    derive_arguments,
    parse_case_id,
)
from tests.test_facets import PLAIN


@st.composite
def cases(draw: st.DrawFn) -> Case:
    layer = draw(st.sampled_from(Layer))
    ndim = draw(st.sampled_from(layer.ndims))

    def lengths(least: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(least, 10**6), min_size=ndim, max_size=ndim)))

    return derive_arguments(
        Case(
            layer=layer,
            mode=draw(st.sampled_from(Mode)),
            input=lengths(0),
            kernel=lengths(-3),
            strides=lengths(-3),
            dilation=lengths(-3),
            padding=draw(st.from_regex(r"[A-Za-z_]+", fullmatch=True)),
            data_format=draw(st.sampled_from(DataFormat)),
            batch=draw(st.integers(0, 10**6)),
            channels=draw(st.integers(0, 10**6)),
            filters=draw(st.integers(-3, 10**6)),
            groups=draw(st.integers(-3, 10**6)),
            bias=draw(st.booleans()),
            dtype=draw(st.sampled_from([*DTYPE_TRAITS, "int8", "unheard64"])),
            multiplier=draw(st.integers(-3, 10**6)),
            output_padding=draw(st.none() | st.just(lengths(-3))),
            form=draw(st.sampled_from(ArgumentStyle)),
            data=draw(st.sampled_from(DataKind)),
        )
    )


@settings(derandomize=True, deadline=None, max_examples=500)
@given(cases())
def test_the_id_gives_the_case_back(case: Case) -> None:
    assert parse_case_id(case.id) == case


def test_the_id_reads_as_the_call() -> None:
    assert PLAIN.id == "conv2d-eager-i5x5-k3x3-s1x1-d1x1-same-last-b1-c4-f6-g1-bias-float32"


GARBAGE = [
    "",
    "conv2d",
    PLAIN.id + "-",
    PLAIN.id + "\n",
    " " + PLAIN.id,
    PLAIN.id.upper(),
    PLAIN.id.replace("conv2d", "conv9d"),
    PLAIN.id.replace("eager", "lazy"),
    PLAIN.id.replace("i5x5", "ix5"),
    PLAIN.id.replace("i5x5", "i5xx5"),
    PLAIN.id.replace("i5x5", "i5-5"),
    PLAIN.id.replace("k3x3", "k3x--3"),
    PLAIN.id.replace("same", "sa-me"),
    PLAIN.id.replace("last", "middle"),
    PLAIN.id.replace("bias", "maybe"),
    PLAIN.id.replace("-g1", ""),
    PLAIN.id + "-exact",
    PLAIN.id + "-tuple",
    PLAIN.id + "-real-list",
]


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_is_no_case_id(text: str) -> None:
    with pytest.raises(HarnessError, match=r"is not a case id.*; `keras-harness cases` lists them"):
        parse_case_id(text)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.id.replace("i5x5", "i05x5"),
        PLAIN.id.replace("k3x3", "k3x-0"),
        PLAIN.id.replace("k3x3", "k3"),
        PLAIN.id.replace("s1x1", "s1x1x1"),
        PLAIN.id.replace("b1", "b\N{ARABIC-INDIC DIGIT ONE}"),
        PLAIN.id.replace("-f6", "-m1-f6"),
        PLAIN.id.replace("same", "same-o0x0"),
        PLAIN.id.replace("conv2d", "conv1d"),
    ],
)
def test_a_case_has_one_id_only(text: str) -> None:
    with pytest.raises(HarnessError, match="is not a case id"):
        parse_case_id(text)
