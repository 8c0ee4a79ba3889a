"""Stand-alone scripts: their contents, and that they compare with the formula to the last bit."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from harness.confirm.script import write_script
from harness.data.case_data import make_case_data
from harness.errors import HarnessError
from harness.records import ArgumentStyle, Case, DataKind, Layer, Mode, TargetRun
from tests.confirm.scripts import (
    TF_KERAS,
    find_check,
    list_definitions,
    list_undefined,
    load_snippets,
    make_target,
    write_one,
)
from tests.report.judged import SAME, UNKNOWN, expectation_of, of_family

KERAS_3 = ("tensorflow", "jax", "torch", "numpy", "openvino")


def argument(text: str, name: str) -> ast.expr:
    """Return an argument of the only call of `check`, by name."""
    (value,) = [keyword.value for keyword in find_check(text).keywords if keyword.arg == name]
    return value


def read_arrays(text: str, name: str) -> list[npt.NDArray[Any]]:
    """Return every array in an argument, as the script's own functions read it."""
    calls = [node for node in ast.walk(argument(text, name)) if isinstance(node, ast.Call)]
    space = load_snippets("read_array", "read_bfloat16", modules={"ml_dtypes": ml_dtypes})
    return [eval(ast.unparse(call), space) for call in calls]


BUILDING = {"ask", "build_layer"}
ASKING = {"ask", "infer_operation"}


def test_a_script_of_symbolic_weights_hands_them_to_the_model() -> None:
    text = write_one(of_family(Layer.OPS_SEPARABLE_CONV, mode=Mode.SYMBOLIC))
    assert "call_symbolic_model" in list_definitions(text)
    assert "model([x, *weights])" in text


COMPARING = {"is_near", "find_difference", "find_wrong_claim", "compare", "check"}
ALWAYS = {"read_array", "WrongWeights", "to_numpy", *COMPARING}
SETTING = {"demand_shapes", "set_weights"}


def test_a_plain_call_holds_nothing_else_and_is_short() -> None:
    text = write_one(SAME)
    assert list_definitions(text) == {"call_layer", *BUILDING, *SETTING, *ALWAYS}
    assert len(text.splitlines()) < 160


@pytest.mark.parametrize(
    ("case", "has"),
    [
        (of_family(Layer.CONV1D, mode=Mode.COMPILED), {"run_layer_model", "predict_batch", *SETTING}),
        (
            of_family(Layer.CONV1D, mode=Mode.JIT),
            {"run_layer_model", "predict_batch_by_jit_of_torch", *SETTING},
        ),
        (of_family(Layer.CONV1D, mode=Mode.DYNAMIC), {"run_layer_model", "call_model", *SETTING}),
        (of_family(Layer.CONV1D, mode=Mode.INFERRED), {"run_layer_model", "call_model", *SETTING}),
        (
            of_family(Layer.CONV1D, mode=Mode.RELOADED),
            {"run_layer_model", "call_model", "reload_model", *SETTING},
        ),
        (of_family(Layer.CONV1D, mode=Mode.SEQUENTIAL), {"predict_sequential", "predict_model", *SETTING}),
        (
            of_family(Layer.CONV1D, mode=Mode.GRADIENT),
            {"differentiate_by_torch", "make_cotangent", *BUILDING, *SETTING},
        ),
        (of_family(Layer.OPS_CONV), {"call_operation", *ASKING}),
        (
            of_family(Layer.OPS_CONV, mode=Mode.JIT),
            {"run_operation_layer_model", "infer_operation", "predict_batch_by_jit_of_torch", *SETTING},
        ),
        (of_family(Layer.OPS_CONV, mode=Mode.INFERRED), {"run_operation_model", "call_model"}),
        (
            of_family(Layer.OPS_CONV, mode=Mode.GRADIENT),
            {"differentiate_operation_by_torch", "make_cotangent", *ASKING},
        ),
    ],
)
def test_a_script_holds_what_its_mode_needs(case: Case, has: set[str]) -> None:
    assert list_definitions(write_one(case)) - ALWAYS == has


@pytest.mark.parametrize(
    "run", [*(make_target(backend=name) for name in KERAS_3), TF_KERAS], ids=lambda run: run.name
)
@pytest.mark.parametrize("mode", Mode)
def test_every_layer_has_a_script_that_old_pythons_parse_too(run: TargetRun, mode: Mode) -> None:
    is_known = mode is not Mode.GRADIENT or run.backend in {"tensorflow", "jax", "torch"}
    for layer in Layer:
        if layer.is_operation and (mode in {Mode.SEQUENTIAL, Mode.RELOADED} or run is TF_KERAS):
            continue
        if mode is Mode.SYMBOLIC and not layer.is_operation:
            continue
        case = of_family(layer, mode=mode)
        if not is_known:
            with pytest.raises(HarnessError, match="has no gradients"):
                write_one(case, run)
            continue
        text = write_one(case, run)
        ast.parse(text, feature_version=(3, 6))
        assert list_undefined(text) == set()


def test_a_script_reads_from_top_to_bottom() -> None:
    text = write_one(SAME)
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert names[-1] == "check"
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            called = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & {*names}
            assert all(names.index(name) < names.index(node.name) for name in called)


def test_imports_stand_in_the_order_that_keras_needs() -> None:
    plaidml = write_one(SAME, make_target("2.2.4", "plaidml", "plaidml-keras"))
    jit = write_one(of_family(Layer.CONV1D, mode=Mode.JIT))
    bfloat16 = write_one(of_family(Layer.CONV1D, mode=Mode.RELOADED, dtype="bfloat16"))
    dynamic = write_one(of_family(Layer.CONV1D, mode=Mode.DYNAMIC), TF_KERAS)
    assert [list_imports(text) for text in (plaidml, jit, bfloat16, dynamic)] == [
        [
            "from functools import partial",
            "import numpy as np",
            "import plaidml.keras",
            "plaidml.keras.install_backend()",
            "import keras",
        ],
        ["from functools import partial", "import numpy as np", "import torch._dynamo", "import keras"],
        [
            *("from functools import partial", "import os", "import tempfile"),
            *("import ml_dtypes", "import numpy as np", "import keras"),
        ],
        [
            *("from functools import partial", "import numpy as np", "import tensorflow as tf"),
            "import tf_keras as keras",
        ],
    ]


def list_imports(text: str) -> list[str]:
    """Return the lines between the docstring of a script and its first definition."""
    return text.split('"""\n\n')[1].split("\n\n\n", maxsplit=1)[0].splitlines()


def test_a_script_tells_the_environment_that_it_was_seen_in() -> None:
    run = replace(
        make_target("3.99", "loops"),
        requires=("numpy==2.4.6", "loops<2"),
        overlay=("keras==3.99",),
        variables={"KERAS_BACKEND": "loops", "FLAGS": "dir={home}/x,a b"},
    )
    text = write_script(run, ())
    assert "uv venv --python 3.11 env" in text
    assert "uv pip install --python env numpy==2.4.6 'loops<2'" in text
    assert "uv pip install --python env --no-deps keras==3.99" in text
    assert "env KERAS_BACKEND=loops FLAGS='dir=./x,a b' env/bin/python SCRIPT" in text


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("data", DataKind)
def test_what_goes_in_and_what_is_right_are_written_to_the_last_bit(dtype: str, data: DataKind) -> None:
    layer = Layer.MAX_POOLING1D if data.is_pooling_only else Layer.SEPARABLE_CONV1D
    case = of_family(layer, dtype=dtype, data=data)
    text, case_data, expectation = write_one(case), make_case_data(case), expectation_of(case)
    (x,) = read_arrays(text, "x")
    assert x.dtype == case_data.inputs.dtype
    assert x.tobytes() == case_data.inputs.tobytes()
    assert [weight.tobytes() for weight in read_arrays(text, "weights")] == [
        one.tobytes() for one in case_data.weights
    ]
    assert expectation.output is not None
    values, *bounds = read_arrays(text, "expected")
    assert values.tobytes() == expectation.output.values.tobytes()
    wanted = [] if expectation.output.bound is None else [expectation.output.bound]
    assert [bound.tobytes() for bound in bounds] == [bound.tobytes() for bound in wanted]
    assert ("import ml_dtypes" in text) is (dtype == "bfloat16")


@pytest.mark.parametrize(
    ("layer", "drawn"),
    [
        (Layer.CONV1D_TRANSPOSE, ["kernel_initializer='zeros'"]),
        (Layer.DEPTHWISE_CONV2D, ["depthwise_initializer='zeros'"]),
        (Layer.SEPARABLE_CONV1D, ["depthwise_initializer='zeros'", "pointwise_initializer='zeros'"]),
        (Layer.MAX_POOLING2D, []),
    ],
)
def test_no_weights_of_bfloat16_are_drawn(layer: Layer, drawn: list[str]) -> None:
    text = write_one(of_family(layer, dtype="bfloat16"))
    assert re.findall(r"\w+_initializer='zeros'", text) == drawn
    assert "initializer" not in write_one(of_family(layer))
    assert "initializer" not in write_one(of_family(layer, dtype="bfloat16", mode=Mode.RELOADED))


def test_gradients_are_compared_in_their_order() -> None:
    case = of_family(Layer.CONV2D, mode=Mode.GRADIENT)
    wanted = [expectation_of(case).values, *(one.values for one in expectation_of(case).gradients)]
    found = read_arrays(write_one(case), "expected")
    assert [array.shape for array in found] == [(2, 5, 4, 3), (2, 5, 4, 2), (2, 3, 2, 3), (3,)]
    assert all(
        np.array_equal(one, right) for one, right in zip(found, wanted, strict=True) if right is not None
    )


def test_an_exact_case_beside_bounded_ones_keeps_the_nearest_integer() -> None:
    cases = [of_family(Layer.CONV1D), of_family(Layer.CONV1D, data=DataKind.REAL)]
    text = write_script(make_target(), [(case, expectation_of(case)) for case in cases])
    found = re.findall(r"expected=\[\((\w+), read_array", text)
    assert found == ["is_near", "is_within"]


@pytest.mark.parametrize(
    ("mode", "shape", "claims"),
    [
        (Mode.EAGER, "(2, 5, 2)", "[(2, 5, 3), None]"),
        (Mode.SEQUENTIAL, "(None, 5, 2)", "[(None, 5, 3), (None, 5, 3), 15]"),
        (Mode.INFERRED, "(2, 5, 2)", "[(2, 5, 3), (2, 5, 3)]"),
        (Mode.COMPILED, "(None, 5, 2)", "[(None, 5, 3), (None, 5, 3)]"),
        (Mode.DYNAMIC, "(None, None, 2)", "[(None, None, 3), (None, None, 3)]"),
    ],
)
def test_a_script_asks_for_the_shapes_that_its_mode_knows(mode: Mode, shape: str, claims: str) -> None:
    text = write_one(of_family(Layer.CONV1D, mode=mode))
    assert ast.unparse(argument(text, "shape")) == shape
    assert ast.unparse(argument(text, "expected_claims")) == claims


def test_what_must_be_refused_is_given_no_weights_but_an_operation_is() -> None:
    assert ast.unparse(argument(write_one(UNKNOWN), "weights")) == "[]"
    assert ast.unparse(argument(write_one(UNKNOWN), "expected")) == "None"
    assert len(read_arrays(write_one(of_family(Layer.OPS_CONV, padding="bogus")), "weights")) == 1


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (
            ArgumentStyle.TUPLE,
            "kernel_size=(2, 2), strides=(2, 2), padding='same', data_format='channels_last'",
        ),
        (
            ArgumentStyle.LIST,
            "kernel_size=[2, 2], strides=[2, 2], padding='same', data_format='channels_last'",
        ),
        (ArgumentStyle.INT, "kernel_size=2, strides=2, padding='same', data_format='channels_last'"),
        (ArgumentStyle.DEFAULTS, "Conv2D(filters=3, kernel_size=(2, 2), strides=(2, 2), padding='same')"),
    ],
)
def test_arguments_are_written_in_the_form_of_the_case(form: ArgumentStyle, written: str) -> None:
    assert written in write_one(replace(SAME, form=form))
