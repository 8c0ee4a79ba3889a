from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records import DataFormat
from tests.test_facets import PLAIN


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("data_format", DataFormat)
def test_the_axes_of_a_case_are_those_of_its_shapes(ndim: int, data_format: DataFormat) -> None:
    lengths = tuple(range(10, 10 + ndim))
    case = replace(PLAIN, input=lengths, data_format=data_format)
    shape = case.arrange_shape(2, lengths, 7)
    assert shape[0] == 2
    assert shape[case.channel_axis] == 7
    assert tuple(shape[axis] for axis in case.spatial_axes) == lengths
    assert len(shape) == ndim + 2
    assert (case.channel_axis == 1) == (data_format is DataFormat.CHANNELS_FIRST)
