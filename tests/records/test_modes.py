from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records import DataFormat, Execution, Known, Mode, Shape
from tests.test_facets import PLAIN


def test_every_mode_has_traits() -> None:
    assert all(mode.traits for mode in Mode)


def test_only_mode_gradient_differentiates() -> None:
    assert [mode for mode in Mode if mode.traits.differentiates] == [Mode.GRADIENT]


def test_a_functional_model_is_built_wherever_an_operation_is_wrapped_in_a_layer() -> None:
    wrapped = {mode for mode in Mode if mode.traits.wraps_operations}
    assert wrapped == {Mode.COMPILED, Mode.JIT, Mode.DYNAMIC}
    assert wrapped < {mode for mode in Mode if mode.traits.is_functional}


def test_what_a_graph_computes_is_told_less_than_the_whole_shape() -> None:
    for mode in Mode:
        assert (mode.traits.execution is Execution.EAGER) == (mode.traits.known is Known.ALL), mode


@pytest.mark.parametrize(
    ("mode", "data_format", "known"),
    [
        (Mode.EAGER, DataFormat.CHANNELS_LAST, (2, 9, 8, 3)),
        (Mode.SEQUENTIAL, DataFormat.CHANNELS_LAST, (None, 9, 8, 3)),
        (Mode.DYNAMIC, DataFormat.CHANNELS_LAST, (None, None, None, 3)),
        (Mode.DYNAMIC, DataFormat.CHANNELS_FIRST, (None, 9, None, None)),
    ],
)
def test_a_mode_knows_a_shape_as_far_as_its_model_is_told(
    mode: Mode, data_format: DataFormat, known: Shape
) -> None:
    case = replace(PLAIN, mode=mode, data_format=data_format)
    assert case.mask_unknown((2, 9, 8, 3)) == known
