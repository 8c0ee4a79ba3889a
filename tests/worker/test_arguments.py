"""Which arguments a layer accepts, and what becomes of the others."""

from __future__ import annotations

from typing import Any

import pytest

from harness.worker.adapters.arguments import build_arguments, select_arguments
from harness.worker.adapters.generation import Generation, Unsupported
from harness.worker.adapters.making import construct_layer

CASE = {"form": "list", "arguments": {"strides": [2, 1], "output_padding": None, "padding": "same"}}

# ruff: noqa: ARG002
# What counts of these classes are their signatures.


class Base:
    def __init__(self, kernel_size: Any, dilation_rate: Any = 1, groups: int = 1, **more: Any) -> None:
        self.given = {"dilation_rate": dilation_rate, "groups": groups, **more}


class Settling(Base):
    """A layer that names some arguments, passes the rest on, and sets `groups` itself."""

    def __init__(self, kernel_size: Any, strides: Any, output_padding: Any = None, **more: Any) -> None:
        super().__init__(kernel_size, groups=1, **more)


class Closed(Base):
    def __init__(self, kernel_size: Any) -> None:
        super().__init__(kernel_size)


def test_nothing_but_lists_is_written_in_a_form() -> None:
    assert build_arguments(CASE) == {"strides": [2, 1], "output_padding": None, "padding": "same"}
    assert build_arguments({**CASE, "form": "defaults"})["strides"] == (2, 1)


def test_a_form_that_is_none_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="form words"):
        build_arguments({**CASE, "form": "words"})


def test_what_is_done_anyway_is_left_out_where_there_is_no_argument() -> None:
    usual = {"groups": 1, "dilation_rate": [1, 1], "use_bias": True, "data_format": "channels_last"}
    assert select_arguments(Settling, "it", {**usual, "kernel_size": 3, "strides": 1}) == {
        "kernel_size": 3,
        "strides": 1,
    }


def test_an_argument_that_is_named_is_passed_on_whatever_it_says() -> None:
    given = {"kernel_size": 3, "strides": 1, "output_padding": None}
    assert select_arguments(Settling, "it", given) == given


@pytest.mark.parametrize("value", [2, [1, 2], (2, 2)])
def test_an_argument_of_a_base_is_passed_on(value: Any) -> None:
    assert select_arguments(Settling, "it", {"dilation_rate": value, "strides": 1})["dilation_rate"] == value


@pytest.mark.parametrize(
    ("called", "name", "value"),
    [(Settling, "depth_multiplier", 2), (Closed, "dilation_rate", 2), (Settling, "use_bias", False)],
)
def test_an_argument_that_nobody_names_is_unsupported(called: Any, name: str, value: Any) -> None:
    with pytest.raises(Unsupported, match=f"^it has no argument {name}$"):
        select_arguments(called, "it", {name: value, "strides": 1})


def test_a_default_that_is_missing_is_unsupported() -> None:
    with pytest.raises(Unsupported, match=r"^it has no default of strides$"):
        select_arguments(Settling, "it", {"kernel_size": 3})


class Layers:
    Conv2D = Settling


class Keras:
    layers = Layers


def make_case(**arguments: Any) -> Any:
    return {"layer": "Conv2D", "form": "tuple", "arguments": {"kernel_size": 3, "strides": 1, **arguments}}


def test_an_argument_that_a_class_settles_is_unsupported() -> None:
    generation = Generation(Keras, "2.0")
    assert construct_layer(generation, make_case(dilation_rate=2), []).given["dilation_rate"] == 2
    with pytest.raises(Unsupported, match=r"^Conv2D of Keras 2\.0 has no argument groups$"):
        construct_layer(generation, make_case(groups=2), [])


class Failing(Base):
    def __init__(self, kernel_size: Any, strides: Any, **more: Any) -> None:
        raise TypeError("multiple values of kernel_size are no tuple")


def test_another_type_error_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layers, "Conv2D", Failing)
    with pytest.raises(TypeError, match="no tuple"):
        construct_layer(Generation(Keras, "2.0"), make_case(groups=2), [])
