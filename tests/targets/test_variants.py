from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import HarnessError
from harness.records import Api, BuiltEnvironment, Target
from harness.targets.variants import Variant, apply_settings, apply_variant, find_variant

TARGET = Target(
    name="keras3.15.1-torch",
    api=Api.KERAS,
    version="3.15.1",
    backend="torch",
    lineage="torch",
    realisation=BuiltEnvironment("3.11", ("torch==2.13.0",), ("keras==3.15.1",)),
    variables={"KERAS_BACKEND": "torch"},
)
OLD = Variant("isa=avx2", "a cap", ("torch",), {"OLD_CAP": "1"}, needs=("torch<2",))
NEW = Variant("isa=avx2", "a cap", ("torch",), {"NEW_CAP": "1"}, needs=("torch>=2",))


def test_a_variant_applies_where_no_pin_contradicts_what_it_needs() -> None:
    assert find_variant(TARGET, "isa=avx2", (OLD, NEW)) is NEW
    assert find_variant(replace(TARGET, backend="jax"), "isa=avx2", (OLD, NEW)) is None


def test_a_variant_adds_its_variables_and_its_name() -> None:
    varied = apply_variant(TARGET, NEW)
    assert varied.name == "keras3.15.1-torch+isa=avx2"
    assert varied.variant == "isa=avx2"
    assert varied.variables == {"KERAS_BACKEND": "torch", "NEW_CAP": "1"}


def test_settings_that_are_those_of_a_variant_get_its_name() -> None:
    (varied,) = apply_settings((TARGET,), ("NEW_CAP=1",), (OLD, NEW))
    assert varied.variant == "isa=avx2"


def test_other_settings_are_named_by_themselves() -> None:
    (varied,) = apply_settings((TARGET,), ("B=x y", "A=1"), (OLD, NEW))
    assert varied.name == "keras3.15.1-torch+A=1+B=x_y"


@pytest.mark.parametrize(
    ("settings", "told"), [(("A",), "write NAME=VALUE"), (("A=1", "A=2"), "A is set twice; give it once")]
)
def test_a_setting_that_is_none_is_told(settings: tuple[str, ...], told: str) -> None:
    with pytest.raises(HarnessError, match=told):
        apply_settings((TARGET,), settings, ())
