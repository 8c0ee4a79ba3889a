"""The adapter for Keras 2, with stand-ins for it: by way of graphs, and eager."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.records import Case, DataFormat, Mode
from harness.worker.adapters.generation import Unsupported
from harness.worker.adapters.keras2 import Keras2
from tests.verdicts.made import PLAIN, expected
from tests.worker import standin2
from tests.worker.asking import observed, observed_all

FIRST = replace(PLAIN, data_format=DataFormat.CHANNELS_FIRST)
MODEL = replace(PLAIN, mode=Mode.SEQUENTIAL)
DOUBLE = replace(PLAIN, dtype="float64")


@pytest.fixture(autouse=True)
def tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow 2, as far as the adapter asks it."""
    module = SimpleNamespace(executing_eagerly=lambda: True, Module=standin2.Module)
    monkeypatch.setitem(sys.modules, "tensorflow", module)


def eager(**more: Any) -> Any:
    return standin2.keras2(backend_name="tensorflow", is_eager=True, keeps_dtype=True, **more)


def written_for_graphs() -> Any:
    """Keras 2.3 on TensorFlow 2: eager is TensorFlow, not its layers."""
    return standin2.keras2(backend_name="tensorflow", keeps_dtype=True)


KERASES: dict[str, Callable[[], Any]] = {
    "theano": standin2.keras2,
    "mxnet": lambda: standin2.keras2(backend_name="mxnet"),
    "tensorflow-by-graphs": written_for_graphs,
    "tensorflow-eager": eager,
    "tensorflow-eager-with-groups": lambda: eager(knows_groups=True),
}


@pytest.mark.parametrize(
    "case",
    [
        PLAIN,
        FIRST,
        MODEL,
        DOUBLE,
        replace(FIRST, mode=Mode.SEQUENTIAL),
        replace(FIRST, bias=False, padding="Valid"),
        replace(PLAIN, strides=(1, 1), dilation=(2, 3)),
        # Equal lengths: a transposed kernel would have the same shape.
        replace(FIRST, kernel=(3, 3), channels=3, filters=3),
    ],
    ids=lambda case: case.id,
)
@pytest.mark.parametrize("made", KERASES)
def test_the_layer_computes_with_the_weights_of_the_case(made: str, case: Case) -> None:
    fields = observed(Keras2(KERASES[made](), "2.99"), case)
    expectation = expected(case)
    assert expectation.values is not None
    assert np.array_equal(fields["output"], expectation.values)
    assert fields["output"].dtype == case.dtype
    assert expectation.inferred_shape is not None
    assert fields["inferred_shape"] == list(expectation.inferred_shape)


def test_groups_are_left_out_where_there_are_none() -> None:
    keras = standin2.keras2()
    observed(Keras2(keras, "2.99"), PLAIN)
    assert keras.asked.layers == [("Conv2D", {"dtype": "float32"})]


@pytest.mark.parametrize("groups", [-1, 0, 2])
def test_groups_that_cannot_be_said_are_unsupported(groups: int) -> None:
    stages: list[str] = []
    with pytest.raises(Unsupported, match=r"^Conv2D of Keras 2\.99 has no argument groups$"):
        observed(Keras2(standin2.keras2(), "2.99"), replace(PLAIN, groups=groups), stages)
    assert stages == ["build"]


def test_groups_are_said_where_there_are_some() -> None:
    keras = eager(knows_groups=True)
    observed(Keras2(keras, "2.99"), replace(PLAIN, groups=-1))
    assert keras.asked.layers[0][1]["groups"] == -1


@pytest.mark.parametrize("made", KERASES)
def test_the_float_type_is_what_it_was_afterwards(made: str) -> None:
    keras = KERASES[made]()
    for case in (DOUBLE, replace(DOUBLE, padding="valid"), PLAIN):
        assert observed(Keras2(keras, "2.99"), case)["output"].dtype == case.dtype
        assert keras.backend.floatx() == "float32"
    with pytest.raises(ValueError, match="padding"):
        observed(Keras2(keras, "2.99"), replace(DOUBLE, padding="bogus"))
    assert keras.backend.floatx() == "float32"


def test_the_float_type_is_left_alone_where_layers_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = eager()
    set_to: list[str] = []
    monkeypatch.setattr(keras.backend, "set_floatx", set_to.append)
    assert observed(Keras2(keras, "2.99"), DOUBLE)["output"].dtype == "float64"
    assert set(set_to) <= {"float32"}
    assert keras.asked.layers[-1][1]["dtype"] == "float64"


def test_weights_that_do_not_fit_are_made_by_keras() -> None:
    assert observed(Keras2(standin2.keras2(), "2.99"), replace(PLAIN, filters=0))["output"].shape == (
        2,
        3,
        6,
        0,
    )
    with pytest.raises(ValueError, match=r"Keras makes no kernel of \(2, 3, 2, -1\)"):
        observed(Keras2(standin2.keras2(), "2.99"), replace(PLAIN, filters=-1))


def test_a_summary_that_is_handed_over_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    fields = observed(Keras2(standin2.keras2(), "2.99"), MODEL)
    assert fields["summary"] == "conv2d_1 (Conv2D)  (None, 3, 6, 3)  39\nTotal params: 39"
    assert capsys.readouterr().out == "this is printed besides\n"


def test_a_summary_that_is_printed_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    fields = observed(Keras2(standin2.keras2(prints_summary=True), "2.99"), MODEL)
    assert fields["summary"] == "conv2d_1 (Conv2D)  (None, 3, 6, 3)  39\nTotal params: 39\n"
    assert capsys.readouterr().out == ""


def test_a_model_predicts_in_one_batch() -> None:
    keras = standin2.keras2()
    observed(Keras2(keras, "2.99"), replace(MODEL, batch=3))
    assert keras.asked.predicted == [3]


def test_a_layer_that_infers_no_shape_says_none() -> None:
    keras = standin2.keras2(infers=False)
    assert "inferred_shape" not in observed(Keras2(keras, "2.99"), PLAIN)
    assert observed(Keras2(keras, "2.99"), MODEL)["inferred_shape"] == [None, 3, 6, 3]


def test_stages_are_entered_in_one_order_whether_or_not_the_layer_is_kept() -> None:
    stages: list[str] = []
    observed_all(Keras2(standin2.keras2(), "2.99"), [PLAIN, replace(PLAIN, input=(7, 9))], stages)
    assert stages == ["build", "infer", "build", "call", "reply", "infer", "call", "reply"]


def test_graphs_are_new_for_another_layer_only() -> None:
    keras = standin2.keras2()
    generation = Keras2(keras, "2.99")
    observed_all(generation, [PLAIN])
    one = keras.backend.num_graphs
    observed_all(generation, [PLAIN, replace(PLAIN, input=(7, 9))])
    two = keras.backend.num_graphs
    observed_all(generation, [PLAIN, FIRST])
    assert two - one == one - 1
    assert keras.backend.num_graphs - two == two - one + 1


def test_eager_layers_need_no_graph() -> None:
    keras = eager()
    observed_all(Keras2(keras, "2.99"), [PLAIN, FIRST, MODEL])
    assert keras.backend.num_graphs == 1
