"""Stand-alone scripts: what they hold, and that what they compare with is the formula to the last bit."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.confirm.script import script, why_no_script
from harness.confirm.script_calls import Part
from harness.confirm.script_parts import Generation, parts_of, with_needs
from harness.data.case_data import signals_of
from harness.errors import HarnessError
from harness.records import Case, Data, Form, Layer, Mode, TargetRun
from tests.confirm.scripts import IN_A_GRAPH, TF_KERAS, of, target
from tests.report.judged import SAME, UNKNOWN, expectation_of, of_family

Compare = Callable[..., tuple[str, str]]
KERAS_3 = ("tensorflow", "jax", "torch", "numpy", "openvino")


def functions(text: str) -> set[str]:
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def argument(text: str, name: str) -> ast.expr:
    """What the only call of `check` is given under a name."""
    (check,) = [node.value for node in ast.parse(text).body if isinstance(node, ast.Expr)][-1:]
    assert isinstance(check, ast.Call)
    (value,) = [keyword.value for keyword in check.keywords if keyword.arg == name]
    return value


def arrays(text: str, name: str) -> list[npt.NDArray[Any]]:
    """Every array under an argument, as the script's own function makes it."""
    space: dict[str, Any] = {"np": np}
    exec(_parts()["array"].text, space)
    calls = [node for node in ast.walk(argument(text, name)) if isinstance(node, ast.Call)]
    return [eval(ast.unparse(call), space) for call in calls]


def _parts(*, has_bounds: bool = False, has_nonfinite: bool = False) -> Mapping[str, Part]:
    return parts_of(
        Generation.KERAS_3, "torch", knows_jit=True, has_bounds=has_bounds, has_nonfinite=has_nonfinite
    )


def checked(*, has_bounds: bool = False, has_nonfinite: bool = False) -> dict[str, Any]:
    """The functions that compare, as a script holds them."""
    parts = _parts(has_bounds=has_bounds, has_nonfinite=has_nonfinite)
    space: dict[str, Any] = {"np": np}
    exec("\n".join(part.text for part in with_needs(parts, ["array", "check"])), space)
    return space


def printed(
    returned: tuple[list[Any], list[Any]],
    *,
    has_bounds: bool = False,
    has_nonfinite: bool = False,
    **changes: object,
) -> str:
    """The word that `check` prints of what a call returned, and of what was told before it."""
    ones = np.ones((2, 2))
    arrays, before = returned

    def how(*arguments: Any) -> list[Any]:
        *_, told = arguments
        told += before
        return arrays

    given = {
        "name": "CASE",
        "how": how,
        "what": None,
        "shape": (2, 2),
        "x": None,
        "weights": [],
        "dtype": "float32",
        "expected": [ones, ones],
        "said": [(2, 2), (None, 2), 7],
    } | changes
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        checked(has_bounds=has_bounds, has_nonfinite=has_nonfinite)["check"](**given)
    begun, answered = filter(None, out.getvalue().split("\n"))
    mark, what, *_ = answered.split("\t")
    assert (begun, mark) == ("@ CASE", "@ CASE")
    return what


ONES = np.ones((2, 2), np.float32)
OFF = ONES + np.float32(0.5) * np.eye(2, dtype=np.float32)


def test_what_is_right_is_the_same() -> None:
    assert printed(([ONES, ONES + np.float32(0.2)], [(2, 2), (None, 2), 7])) == "same"
    assert printed(([ONES, ONES], [None, None])) == "same"


@pytest.mark.parametrize(
    ("returned", "what"),
    [
        (([OFF, ONES], []), "value"),
        (([ONES[:1], ONES], []), "shape"),
        (([ONES.astype("float64"), ONES], []), "dtype"),
        (([ONES * np.float32(np.nan), ONES], []), "nonfinite"),
        (([ONES, OFF], []), "gradient"),
        (([ONES, ONES[:1]], []), "gradient"),
        (([ONES, ONES.astype("float16")], []), "gradient"),
        (([ONES, ONES], [(2, 3), (None, 2)]), "inferred-shape"),
        (([ONES, ONES], [(2, 2), (2, 2)]), "inferred-shape"),
        (([ONES, ONES], [(2, 2), (None, 2), 8]), "parameters"),
        (([OFF, ONES], [(2, 3), (None, 2), 8]), "value"),
    ],
)
def test_what_is_wrong_has_a_word_and_the_output_comes_first(
    returned: tuple[list[Any], list[Any]], what: str
) -> None:
    assert printed(returned) == what


def test_where_shapes_are_inferred_no_error_counts_if_the_output_is_empty() -> None:
    refused = ValueError("negative output size")
    assert printed(([ONES, ONES], [refused, (None, 2)])) == "raised"
    empty = ONES[:0]
    assert printed(([empty, ONES], [refused]), expected=[empty, ONES], said=[(0, 2)]) == "same"


def test_what_must_be_refused_and_returns_is_told() -> None:
    assert printed(([ONES], []), expected=None) == "returned"


def test_a_bound_decides_cell_by_cell_and_zero_means_exactly() -> None:
    bound = np.array([[0.5, 0.5], [0.0, 0.5]])
    right = [(np.ones((2, 2)), bound)]
    off = np.float32(0.4) * np.array([[1, 1], [0, 1]], np.float32)
    assert printed(([ONES + off], []), has_bounds=True, expected=right) == "same"
    assert printed(([ONES + np.float32(1e-6) + off], []), has_bounds=True, expected=right) == "value"


def test_infinities_and_nan_are_compared_where_they_are_expected() -> None:
    def word(*cells: float) -> str:
        array = np.array([cells], np.float32)
        return printed(([array], []), has_bounds=True, has_nonfinite=True, expected=[right], said=[])

    right = np.array([[np.inf, np.nan, -np.inf, 1.0, np.nan]]), np.array([[0.0, 0.0, 0.0, 0.1, np.inf]])
    with np.errstate(invalid="ignore"):
        assert word(np.inf, np.nan, -np.inf, 1, np.nan) == word(np.inf, np.nan, -np.inf, 1, 7) == "same"
        assert word(np.inf, 3, -np.inf, 1, 7) == word(np.inf, np.nan, -3e38, 1, 7) == "nonfinite"
        assert word(-np.inf, np.nan, -np.inf, 1, 7) == word(np.inf, np.nan, -np.inf, 2, 7) == "nonfinite"


def test_a_script_of_symbolic_weights_hands_them_to_the_model() -> None:
    text = of(of_family(Layer.OPS_SEPARABLE_CONV, mode=Mode.SYMBOLIC))
    assert "symbolic_op" in functions(text)
    assert "model([x] + weights)" in text
    assert why_no_script(target(), of_family(Layer.CONV2D, mode=Mode.SYMBOLIC))


def test_a_plain_call_holds_nothing_else_and_is_short() -> None:
    text = of(SAME)
    asking = {"asked", "fresh"}
    comparing = {"difference", "compare", "told_wrong", "check"}
    assert functions(text) - asking == {"array", "give", "numbers", "eager", *comparing}
    assert functions(text) >= asking
    assert "bound" not in text
    assert len(text.splitlines()) < 120


@pytest.mark.parametrize(
    ("case", "has"),
    [
        (of_family(Layer.CONV1D, mode=Mode.COMPILED), {"layer_model", "compiled"}),
        (of_family(Layer.CONV1D, mode=Mode.JIT), {"layer_model", "jit"}),
        (of_family(Layer.CONV1D, mode=Mode.DYNAMIC), {"layer_model", "dynamic"}),
        (of_family(Layer.CONV1D, mode=Mode.INFERRED), {"layer_model", "inferred"}),
        (of_family(Layer.CONV1D, mode=Mode.RELOADED), {"layer_model", "inferred", "reloaded"}),
        (of_family(Layer.CONV1D, mode=Mode.SEQUENTIAL), {"sequential"}),
        (of_family(Layer.CONV1D, mode=Mode.GRADIENT), {"gradient", "cotangent", "asked", "fresh"}),
        (of_family(Layer.OPS_CONV), {"eager_op", "asked", "infer_op"}),
        (of_family(Layer.OPS_CONV, mode=Mode.JIT), {"op_layer_model", "infer_op", "jit"}),
        (of_family(Layer.OPS_CONV, mode=Mode.INFERRED), {"op_model", "inferred"}),
        (of_family(Layer.OPS_CONV, mode=Mode.GRADIENT), {"gradient_op", "asked", "infer_op", "cotangent"}),
    ],
)
def test_a_script_holds_what_its_mode_needs(case: Case, has: set[str]) -> None:
    always = {"array", "give", "numbers", "difference", "compare", "told_wrong", "check"}
    assert functions(of(case)) - always == has


@pytest.mark.parametrize(
    "run", [*(target(backend=name) for name in KERAS_3), TF_KERAS], ids=lambda run: run.name
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
                of(case, run)
            continue
        text = of(case, run)
        ast.parse(text, feature_version=(3, 6))
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert not {
            "gradient",
            "gradient_op",
            "eager_op",
            "symbolic_op",
            "op_model",
            "op_layer_model",
            "layer_model",
        } & names - functions(text)


@pytest.mark.parametrize(
    ("run", "case", "reason"),
    [
        (
            target(),
            of_family(Layer.OPS_CONV, mode=Mode.SEQUENTIAL),
            "an operation is no layer of a Sequential",
        ),
        (target(), of_family(Layer.OPS_CONV, mode=Mode.RELOADED), "is not saved"),
        (TF_KERAS, of_family(Layer.OPS_CONV), "Keras has operations since Keras 3 only"),
        (IN_A_GRAPH, replace(SAME, dtype="bfloat16"), "there is no bfloat16 with backend theano"),
        (replace(target(), selector="exec:node worker.js"), SAME, "no Keras that a script could import"),
    ],
)
def test_what_no_script_can_call_has_a_reason(run: TargetRun, case: Case, reason: str) -> None:
    assert reason in why_no_script(run, case)
    with pytest.raises(HarnessError, match=reason):
        of(case, run)


def test_a_target_that_never_said_what_it_is_has_no_script() -> None:
    with pytest.raises(HarnessError, match="never said which Keras it is; run it again"):
        of(SAME, replace(target(), version="", fingerprint={}))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("data", Data)
def test_what_goes_in_and_what_is_right_are_written_to_the_last_bit(dtype: str, data: Data) -> None:
    layer = Layer.MAX_POOLING1D if data.is_of_pooling else Layer.SEPARABLE_CONV1D
    case = of_family(layer, dtype=dtype, data=data)
    text, signals, expectation = of(case), signals_of(case), expectation_of(case)
    (x,) = arrays(text, "x")
    assert x.dtype == signals.inputs.dtype
    assert x.tobytes() == signals.inputs.tobytes()
    assert [weight.tobytes() for weight in arrays(text, "weights")] == [
        one.tobytes() for one in signals.weights
    ]
    assert expectation.output is not None
    values, *bounds = arrays(text, "expected")
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
    text = of(of_family(layer, dtype="bfloat16"))
    assert re.findall(r"\w+_initializer='zeros'", text) == drawn
    assert "initializer" not in of(of_family(layer))
    assert "initializer" not in of(of_family(layer, dtype="bfloat16", mode=Mode.RELOADED))


def test_gradients_are_compared_in_their_order() -> None:
    case = of_family(Layer.CONV2D, mode=Mode.GRADIENT)
    wanted = [expectation_of(case).values, *(one.values for one in expectation_of(case).gradients)]
    found = arrays(of(case), "expected")
    assert [array.shape for array in found] == [(2, 5, 4, 3), (2, 5, 4, 2), (2, 3, 2, 3), (3,)]
    assert all(
        np.array_equal(one, right) for one, right in zip(found, wanted, strict=True) if right is not None
    )


def test_an_exact_array_beside_bounded_ones_keeps_the_nearest_integer() -> None:
    cases = [of_family(Layer.CONV1D), of_family(Layer.CONV1D, data=Data.REAL)]
    text = script(target(), [(case, expectation_of(case)) for case in cases])
    assert re.search(r"expected=\[\(array\(.*\), 0\.25\)\]", text)


@pytest.mark.parametrize(
    ("mode", "shape", "said"),
    [
        (Mode.EAGER, "(2, 5, 2)", "[(2, 5, 3), None]"),
        (Mode.SEQUENTIAL, "(None, 5, 2)", "[(None, 5, 3), (None, 5, 3), 15]"),
        (Mode.INFERRED, "(2, 5, 2)", "[(2, 5, 3), (2, 5, 3)]"),
        (Mode.COMPILED, "(None, 5, 2)", "[(None, 5, 3), (None, 5, 3)]"),
        (Mode.DYNAMIC, "(None, None, 2)", "[(None, None, 3), (None, None, 3)]"),
    ],
)
def test_a_script_asks_for_the_shapes_that_its_mode_knows(mode: Mode, shape: str, said: str) -> None:
    text = of(of_family(Layer.CONV1D, mode=mode))
    assert ast.unparse(argument(text, "shape")) == shape
    assert ast.unparse(argument(text, "said")) == said


def test_what_must_be_refused_is_given_no_weights_but_an_operation_is() -> None:
    assert ast.unparse(argument(of(UNKNOWN), "weights")) == "[]"
    assert ast.unparse(argument(of(UNKNOWN), "expected")) == "None"
    assert len(arrays(of(of_family(Layer.OPS_CONV, padding="bogus")), "weights")) == 1


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (Form.TUPLE, "kernel_size=(2, 2), strides=(2, 2), padding='same', data_format='channels_last'"),
        (Form.LIST, "kernel_size=[2, 2], strides=[2, 2], padding='same', data_format='channels_last'"),
        (Form.INT, "kernel_size=2, strides=2, padding='same', data_format='channels_last'"),
        (Form.DEFAULTS, "Conv2D(filters=3, kernel_size=(2, 2), strides=(2, 2), padding='same')"),
    ],
)
def test_arguments_are_written_in_the_form_of_the_case(form: Form, written: str) -> None:
    assert written in of(replace(SAME, form=form))


def test_the_cotangent_has_the_small_integers_but_zero() -> None:
    space: dict[str, Any] = {"np": np}
    exec(_parts()["cotangent"].text, space)
    found = space["cotangent"](np.zeros((100, 3)))
    assert found.shape == (100, 3)
    assert set(found.ravel().tolist()) == {-3, -2, -1, 1, 2, 3}
    wanted = [(31 * i * i + 17 * i + 5) % 251 % 6 for i in range(300)]
    assert found.ravel().tolist() == [h - 3 if h < 3 else h - 2 for h in wanted]


def test_an_old_keras_2_is_not_asked_for_what_its_compile_does_not_take() -> None:
    case = of_family(Layer.CONV1D, mode=Mode.COMPILED)
    assert 'model.compile("sgd", "mse")' in of(case, target("2.6.0", "tensorflow", "tf.keras", "2.6.5"))
    assert 'model.compile("sgd", "mse", jit_compile=False)' in of(case, TF_KERAS)
    old, new = (target(version, "tensorflow", "tf.keras", version) for version in ("2.7.4", "2.8.4"))
    jit = of_family(Layer.CONV1D, mode=Mode.JIT)
    assert why_no_script(old, jit) == "its predictions heed no jit_compile"
    assert why_no_script(new, jit) == ""
