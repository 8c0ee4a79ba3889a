"""The adapter for Keras 1, with a stand-in for it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.data.case_data import make_case_data
from harness.records import ArgumentStyle, Case, DataFormat, Mode
from harness.worker.adapters.generation import Unsupported
from harness.worker.adapters.keras1 import Keras1
from harness.worker.adapters.older_names import translate_layer
from tests.judge.made import PLAIN, expected
from tests.worker import standin1
from tests.worker.asking import encode_message, observe_case, observe_cases

FIRST = replace(PLAIN, data_format=DataFormat.CHANNELS_FIRST)
DILATED = replace(PLAIN, strides=(1, 1), dilation=(2, 3))
MODEL = replace(PLAIN, mode=Mode.SEQUENTIAL)


@pytest.fixture
def keras() -> Any:
    return standin1.make_keras1()


def test_arguments_get_their_older_names(keras: Any) -> None:
    Keras1(keras, "1.2.2").make_layer(encode_message(replace(FIRST, bias=False)))
    assert keras.asked.layers == [
        (
            "Convolution2D",
            {
                "border_mode": "same",
                "subsample": (2, 1),
                "dim_ordering": "th",
                "bias": False,
            },
        )
    ]


def test_a_format_that_is_left_to_another_default_is_unsupported(keras: Any) -> None:
    case = replace(PLAIN, strides=(1, 1), padding="valid", form=ArgumentStyle.DEFAULTS)
    keras.backend.ordering = "th"
    with pytest.raises(Unsupported, match=r"data_format is not channels_last by default in Keras 1\.0\.8"):
        observe_case(Keras1(keras, "1.0.8"), case)


def test_the_kernel_is_given_by_rows_and_columns(keras: Any) -> None:
    layer = Keras1(keras, "1.2.2").make_layer(encode_message(PLAIN))
    assert (layer.filters, layer.size) == (3, (2, 3))


def test_a_dilated_case_asks_for_the_dilated_layer(keras: Any) -> None:
    Keras1(keras, "1.2.2").make_layer(encode_message(DILATED))
    ((name, arguments),) = keras.asked.layers
    assert (name, arguments["atrous_rate"]) == ("AtrousConvolution2D", (2, 3))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (DILATED, "Keras 1.0.0 has no AtrousConvolution2D"),
        (replace(PLAIN, groups=0), "Conv2D of Keras 1.0.0 has no argument groups"),
    ],
)
def test_what_has_no_argument_is_unsupported(case: Case, reason: str) -> None:
    with pytest.raises(Unsupported, match=f"^{reason}$"):
        observe_case(Keras1(standin1.make_keras1(atrous=False), "1.0.0"), case)


@pytest.mark.parametrize(
    "case",
    [
        PLAIN,
        FIRST,
        DILATED,
        MODEL,
        replace(FIRST, mode=Mode.SEQUENTIAL),
        replace(PLAIN, bias=False),
        # Equal lengths: a transposed kernel would have the same shape.
        replace(FIRST, kernel=(3, 3), channels=3, filters=3),
        replace(PLAIN, kernel=(3, 3), channels=3, filters=3, dtype="float64"),
        *(replace(FIRST, mode=mode) for mode in (Mode.INFERRED, Mode.COMPILED, Mode.DYNAMIC, Mode.RELOADED)),
    ],
    ids=lambda case: case.id,
)
def test_the_layer_computes_with_the_weights_of_the_case(keras: Any, case: Case) -> None:
    fields = observe_case(Keras1(keras, "1.2.2"), case)
    expectation = expected(case)
    assert expectation.values is not None
    assert np.array_equal(fields["output"], expectation.values)
    assert fields["output"].dtype == case.dtype
    said = {name: fields[name] for name in ("inferred_shape", "symbolic_shape") if name in fields}
    assert said
    assert said == {name: list(getattr(expectation, name)) for name in said}


@pytest.mark.parametrize("mode", [Mode.EAGER, Mode.SEQUENTIAL, Mode.COMPILED, Mode.RELOADED])
@pytest.mark.parametrize("case", [PLAIN, FIRST, replace(FIRST, bias=False)], ids=lambda case: case.id)
def test_the_shapes_of_the_weights_are_said_in_the_usual_axes(keras: Any, case: Case, mode: Mode) -> None:
    fields = observe_case(Keras1(keras, "1.2.2"), replace(case, mode=mode))
    assert fields["weight_shapes"] == [[2, 3, 2, 3], [3]][: 1 + case.bias]


def test_a_kernel_of_another_shape_is_said_and_not_filled(
    keras: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = keras.layers.Convolution2D.__init__
    monkeypatch.setattr(
        keras.layers.Convolution2D,
        "__init__",
        lambda self, filters, rows, columns, **more: whole(self, filters, columns, rows, **more),
    )
    fields = observe_case(Keras1(keras, "1.2.2"), PLAIN)
    assert fields["weight_shapes"] == [[3, 2, 2, 3], [3]]
    assert np.array_equal(fields["output"], np.broadcast_to(make_case_data(PLAIN).weights[1], (2, 3, 6, 3)))


def test_a_refusal_is_in_the_words_of_keras(keras: Any) -> None:
    stages: list[str] = []
    with pytest.raises(Exception, match=r"Invalid border mode for Convolution2D:.*bogus"):
        observe_case(Keras1(keras, "1.2.2"), replace(PLAIN, padding="bogus"), stages)
    assert stages == ["build"]


def test_weights_that_do_not_fit_are_not_what_refuses(keras: Any) -> None:
    with pytest.raises(ValueError, match="negative filters, says Keras"):
        observe_case(Keras1(keras, "1.2.2"), replace(PLAIN, filters=-1))
    assert observe_case(Keras1(keras, "1.2.2"), replace(PLAIN, filters=0))["output"].shape == (2, 3, 6, 0)


def test_the_float_type_is_the_case_s_and_then_what_it_was(keras: Any) -> None:
    double = replace(PLAIN, dtype="float64")
    assert observe_case(Keras1(keras, "1.2.2"), double)["output"].dtype == "float64"
    assert keras.backend.floatx() == "float32"
    with pytest.raises(Exception, match="Invalid border mode"):
        observe_case(Keras1(keras, "1.2.2"), replace(double, padding="bogus"))
    assert keras.backend.floatx() == "float32"


def test_the_printed_summary_is_handed_over(keras: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fields = observe_case(Keras1(keras, "1.2.2"), MODEL)
    assert fields["summary"] == "convolution2d_1 (Convolution2D)  (None, 3, 6, 3)  39\nTotal params: 39\n"
    assert capsys.readouterr().out == ""


def test_a_model_is_compiled_and_predicts_in_one_batch(keras: Any) -> None:
    observe_case(Keras1(keras, "1.2.2"), replace(MODEL, batch=3))
    assert (keras.asked.compiled, keras.asked.predicted) == ([("sgd", "mse")], [3])


def test_an_equal_layer_is_kept_and_another_gets_a_new_graph(keras: Any) -> None:
    longer = replace(PLAIN, input=(7, 9))
    observe_cases(Keras1(keras, "1.2.2"), [PLAIN, longer])
    assert len(keras.asked.layers) == 1
    before = keras.backend.num_graphs
    observe_cases(Keras1(keras, "1.2.2"), [PLAIN, DILATED])
    assert len(keras.asked.layers) == 3
    assert keras.backend.num_graphs >= before + 2


def test_gradients_come_in_the_layout_of_later_kerases(keras: Any) -> None:
    case = replace(FIRST, mode=Mode.GRADIENT)
    fields = observe_case(Keras1(keras, "1.2.2"), case)
    signals = make_case_data(case)
    for found, given in zip(fields["gradients"], (2 * signals.inputs, *signals.weights), strict=True):
        assert np.array_equal(found, given)


def test_nothing_is_compiled_by_a_backend(keras: Any) -> None:
    with pytest.raises(Unsupported, match=r"^predict of Keras 1\.2\.2 heeds no jit_compile$"):
        observe_case(Keras1(keras, "1.2.2"), replace(PLAIN, mode=Mode.JIT))


LENGTHS = {"kernel_size": (3,), "strides": (2,)}


@pytest.mark.parametrize(
    ("layer", "given", "called"),
    [
        (
            "Conv1D",
            {**LENGTHS, "filters": 4, "padding": "same", "dilation_rate": (1,), "use_bias": False},
            ("Convolution1D", [4, 3], {"subsample_length": 2, "border_mode": "same", "bias": False}),
        ),
        (
            "Conv1D",
            {"kernel_size": 3, "filters": 4, "dilation_rate": 2, "data_format": "channels_last"},
            ("AtrousConvolution1D", [4, 3], {"atrous_rate": 2}),
        ),
        (
            "Conv3D",
            {"kernel_size": [1, 2, 3], "filters": 4, "strides": [3, 2, 1], "groups": 1},
            ("Convolution3D", [4, 1, 2, 3], {"subsample": [3, 2, 1]}),
        ),
        (
            "AveragePooling1D",
            {"pool_size": (3,), "strides": (2,), "dtype": "float32"},
            ("AveragePooling1D", [], {"pool_length": 3, "stride": 2}),
        ),
        (
            "MaxPooling2D",
            {"pool_size": (3, 2), "strides": (2, 1), "data_format": "channels_first"},
            ("MaxPooling2D", [], {"pool_size": (3, 2), "strides": (2, 1), "dim_ordering": "th"}),
        ),
    ],
)
def test_layers_and_arguments_have_older_names(layer: str, given: dict[str, Any], called: Any) -> None:
    assert translate_layer(layer, "1.2.2", given) == called


@pytest.mark.parametrize(
    ("layer", "given", "reason"),
    [
        ("SeparableConv2D", {}, "Keras 1.2.2 has no SeparableConv2D"),
        ("Conv2DTranspose", {}, "Keras 1.2.2 has no Conv2DTranspose"),
        ("ops.conv", {}, "Keras 1.2.2 has no ops.conv"),
        ("Conv1D", {"data_format": "channels_first"}, "Conv1D of Keras 1.2.2 has no argument data_format"),
        (
            "MaxPooling2D",
            {"pool_size": 2},
            "MaxPooling2D of Keras 1.2.2 takes no single integer as pool_size",
        ),
    ],
)
def test_what_has_no_older_name_is_unsupported(layer: str, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsupported, match=f"^{re.escape(reason)}$"):
        translate_layer(layer, "1.2.2", given)
