"""The worker's half of the wire against the harness's, and the formula of the cotangent."""

from __future__ import annotations

import io
from typing import cast

import ml_dtypes
import msgspec
import numpy as np
import pytest

from harness import encoding
from harness.worker import loop, wire
from harness.worker.adapters.differentiating import compute_cotangent
from harness.worker.adapters.generation import Unsupported
from harness.worker.adapters.observing import Observer


@pytest.mark.parametrize("dtype", ["bool", "float16", "float32", "float64", "int8", "uint64"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_an_array_is_the_same_on_both_sides(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.arange(6).reshape(2, 3)[: shape[0] if shape else 1].astype(dtype).reshape(-1)
    array = np.resize(values, shape).astype(dtype)
    there = wire.decode_array(msgspec.to_builtins(encoding.encode_array(array)))
    assert (there.dtype, there.shape) == (array.dtype, shape)
    back = encoding.decode_array(msgspec.convert(wire.encode_array(there), encoding.EncodedArray))
    assert np.array_equal(back, array)
    assert there.flags.writeable


def test_a_bfloat16_is_read_as_the_same_numbers() -> None:
    array = np.array([1.5, -2, 3e38, np.inf], ml_dtypes.bfloat16).reshape(2, 2)
    there = wire.decode_array(msgspec.to_builtins(encoding.encode_array(array)))
    assert there.dtype == np.float32
    assert np.array_equal(there, array.astype(np.float32))


def test_a_bfloat16_of_a_library_is_written_as_one() -> None:
    array = np.array([[1.5, -2, 0.75]], ml_dtypes.bfloat16)
    encoded = wire.encode_array(array)
    assert encoded["dtype"] == "bfloat16"
    back = encoding.decode_array(msgspec.convert(encoded, encoding.EncodedArray))
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_the_cotangent_is_the_formula() -> None:
    values = compute_cotangent((2, 3, 50), "float16")
    assert (values.shape, values.dtype) == ((2, 3, 50), np.float16)
    for index, value in enumerate(values.ravel()):
        h = (31 * index * index + 17 * index + 5) % 251 % 6
        assert value == (h - 3 if h < 3 else h - 2)
    assert set(values.ravel()) == {-3, -2, -1, 1, 2, 3}
    assert compute_cotangent((0, 2), "float32").shape == (0, 2)


class Gradient:
    """An observer that answers with gradients."""

    def observe(self, *_: object) -> wire.Message:
        return {"output": np.ones(2, "float32"), "gradients": [np.zeros(1, "float16")], "inferred_shape": [2]}


def observe(observer: object) -> wire.Message:
    """Return the reply to a case that the observer answers."""
    return loop.observe(cast(Observer, observer), {"seq": 0}, wire.Writer(io.BytesIO()))


class Refusing:
    """An observer that records what is known before the call and then raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def observe(self, _case: wire.Message, _enter: object, said: wire.Message) -> wire.Message:
        said.update(inferred_shape=[2], weight_shapes=[[1, 2], [2]], summary="a model")
        raise self.error


@pytest.mark.parametrize(
    ("error", "outcome"), [(RuntimeError("no kernel"), "raised"), (Unsupported("no compiler"), "unsupported")]
)
def test_what_was_said_before_a_call_is_replied_where_nothing_came_of_it(
    error: Exception, outcome: str
) -> None:
    fields = observe(Refusing(error))
    assert fields["outcome"] == outcome
    assert fields["inferred_shape"] == [2]
    assert fields["weight_shapes"] == [[1, 2], [2]]
    assert fields["summary"] == "a model"
    assert "output" not in fields


def test_gradients_are_arrays_of_a_reply() -> None:
    fields = observe(Gradient())
    assert fields["outcome"] == "returned"
    assert fields["gradients"] == [{"dtype": "float16", "shape": [1], "data": "AAA="}]
