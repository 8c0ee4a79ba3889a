"""Stand-alone scripts: what they hold, and that what they compare with is the formula to the last bit."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.errors import HarnessError
from harness.generator.signals import signals_of
from harness.records import Case, Data, DataFormat, Form, Layer, Mode, TargetRun
from harness.report.calls import is_operation
from harness.report.repro import script, why_no_script
from harness.report.script_calls import Part
from harness.report.script_graphs import KERAS_1 as KERAS_1_PARTS
from harness.report.script_parts import Generation, parts_of, with_needs

from .judged import SAME, UNKNOWN, expectation_of, of_family

Compare = Callable[..., tuple[str, str]]
KERAS_3 = ("tensorflow", "jax", "torch", "numpy", "openvino")


def target(
    version: str = "3.15.1", backend: str = "torch", api: str = "keras", backend_version: str = ""
) -> TargetRun:
    return TargetRun(
        name=f"{api}{version}-{backend}",
        api=api,
        version=version,
        backend=backend,
        family=backend,
        variant="",
        lineage=backend,
        python="3.11",
        requires=(),
        overlay=(),
        fingerprint={"keras": version, "backend_version": backend_version},
        observed=1,
        not_run=0,
        failure="",
        seconds=1.0,
        start_seconds=1.0,
        workers=1,
    )


TF_KERAS = target("2.21.0", "tensorflow", "tf_keras", "2.21.0")
IN_A_GRAPH = target("2.3.1", "theano")
KERAS_1 = target("1.2.2", "theano")


def of(case: Case, run: TargetRun | None = None) -> str:
    """The script of one case."""
    return script(run or target(), [(case, expectation_of(case))])


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
        (of_family(Layer.CONV1D, mode=Mode.RELOADED), {"layer_model", "reloaded"}),
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
        if is_operation(layer) and (mode in {Mode.SEQUENTIAL, Mode.RELOADED} or run is TF_KERAS):
            continue
        if mode is Mode.SYMBOLIC and not is_operation(layer):
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


GRAPHS = (IN_A_GRAPH, target("2.3.1", "cntk"), target("2.2.4", "mxnet", "keras-mxnet"), KERAS_1)
NO_GRADIENTS = {"cntk", "mxnet"}


@pytest.mark.parametrize("run", GRAPHS, ids=lambda run: run.name)
@pytest.mark.parametrize("mode", Mode)
def test_every_layer_of_a_graph_has_a_script_or_a_reason(run: TargetRun, mode: Mode) -> None:
    for layer in Layer:
        case = of_family(layer, mode=mode)
        reason = why_no_script(run, case)
        if is_operation(layer):
            assert reason == "Keras has operations since Keras 3 only"
        elif run is KERAS_1 and any(word in layer for word in ("Depthwise", "Separable", "Transpose")):
            assert reason == f"Keras 1 has no {layer}"
        elif mode is Mode.SYMBOLIC:
            assert reason == "only operations are handed their weights as inputs"
        elif mode is Mode.JIT:
            assert reason == "its predictions heed no jit_compile"
        elif mode is Mode.GRADIENT and run.backend in NO_GRADIENTS:
            assert reason == f"its backend {run.backend} has no gradients"
        else:
            assert reason == ""
        if reason:
            with pytest.raises(HarnessError, match=f"{run.name}: {reason}"):
                of(case, run)
            continue
        tree = ast.parse(of(case, run), feature_version=(3, 6))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        called = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert called - defined - set(dir(builtins)) <= {"how", "run", "ask", "make", "layer"}


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


def test_other_layers_of_keras_2_are_called_in_a_graph_without_what_is_newer() -> None:
    text = of(of_family(Layer.CONV2D_TRANSPOSE), IN_A_GRAPH)
    assert "dict(layer='Conv2DTranspose', filters=3" in text
    assert not any(word in text.split("check(")[-1] for word in ("output_padding", "dilation_rate"))
    strided = of(of_family(Layer.CONV2D_TRANSPOSE, strides=(2, 2), output_padding=(1, 1)), IN_A_GRAPH)
    assert "output_padding=(1, 1)" in strided
    assert "data_format" not in of(of_family(Layer.CONV1D), IN_A_GRAPH).split("check(")[-1]


class Recorded:
    """A layer that keeps what it was made with."""

    def __init__(self, name: str, *positional: object, **keywords: Any) -> None:
        self.call = (name, *positional)
        self.keywords = keywords
        self.dim_ordering = keywords.get("dim_ordering", "tf")


def made(case: Case, run: TargetRun) -> tuple[Recorded, list[tuple[int, ...]]]:
    """The layer that a script makes of a case, and the shapes of the weights that it will set."""
    text = of(case, run)
    layers = {
        name: functools.partial(Recorded, name)
        for stem in ("Conv", "Convolution", "AtrousConvolution", "MaxPooling", "AveragePooling")
        for name in (f"{stem}{n}D" for n in (1, 2, 3))
    }
    layers |= {str(layer): functools.partial(Recorded, str(layer)) for layer in Layer}
    backend = SimpleNamespace(backend=lambda: run.backend, set_floatx=lambda _: None)
    version = run.fingerprint["keras"]
    space: dict[str, Any] = {
        "keras": SimpleNamespace(layers=SimpleNamespace(**layers), backend=backend, __version__=version),
        "np": np,
    }
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    exec(compile(tree, "script", "exec"), space)
    arguments = eval(_what(text), space)
    given = [] if expectation_of(case).output is None else list(signals_of(case).weights)
    layer, weights = space["made"](arguments, signals_of(case).inputs, given)
    return layer, [one.shape for one in weights]


def _what(text: str) -> str:
    """What is called, as the script writes it."""
    (check,) = [node.value for node in ast.parse(text).body if isinstance(node, ast.Expr)][-1:]
    assert isinstance(check, ast.Call)
    return ast.unparse(check.args[2])


@pytest.mark.parametrize(
    ("version", "case", "call", "keywords", "kernel"),
    [
        (
            "1.0.8",
            of_family(Layer.CONV1D),
            ("Convolution1D", 3, 2),
            {"border_mode": "same", "bias": True, "subsample_length": 1},
            (3, 2, 2, 1),
        ),
        (
            "1.2.2",
            of_family(Layer.CONV1D, dilation=(2,)),
            ("AtrousConvolution1D", 3, 2),
            {"border_mode": "same", "bias": True, "subsample_length": 1, "atrous_rate": 2},
            (2, 1, 2, 3),
        ),
        (
            "1.2.2",
            of_family(Layer.CONV2D, dilation=(2, 1), data_format=DataFormat.CHANNELS_FIRST),
            ("AtrousConvolution2D", 3, 2, 3),
            {
                "border_mode": "same",
                "bias": True,
                "subsample": (1, 1),
                "dim_ordering": "th",
                "atrous_rate": (2, 1),
            },
            (3, 2, 2, 3),
        ),
        (
            "1.2.2",
            of_family(Layer.CONV3D, form=Form.LIST),
            ("Convolution3D", 3, 2, 3, 2),
            {"border_mode": "same", "bias": True, "subsample": [1, 1, 1], "dim_ordering": "tf"},
            (2, 3, 2, 2, 3),
        ),
        (
            "1.2.2",
            of_family(Layer.CONV2D, form=Form.DEFAULTS),
            ("Convolution2D", 3, 2, 3),
            {"border_mode": "same"},
            (2, 3, 2, 3),
        ),
        (
            "1.2.2",
            of_family(Layer.MAX_POOLING1D),
            ("MaxPooling1D",),
            {"pool_length": 2, "stride": 1, "border_mode": "same"},
            None,
        ),
        (
            "1.2.2",
            of_family(Layer.AVERAGE_POOLING2D),
            ("AveragePooling2D",),
            {"pool_size": (2, 3), "strides": (1, 1), "border_mode": "same", "dim_ordering": "tf"},
            None,
        ),
    ],
)
def test_keras_1_is_called_by_its_own_names_and_given_weights_in_its_layout(
    version: str,
    case: Case,
    call: tuple[object, ...],
    keywords: dict[str, object],
    kernel: tuple[int, ...] | None,
) -> None:
    layer, weights = made(case, target(version, "theano"))
    assert layer.call == call
    assert layer.keywords == keywords
    assert weights[:1] == ([] if kernel is None else [kernel])


def test_keras_1_gives_gradients_back_in_the_layout_of_later_ones() -> None:
    space: dict[str, Any] = {"np": np}
    exec(KERAS_1_PARTS["kept"].text + KERAS_1_PARTS["back"].text, space)
    for version in ("1.0.8", "1.2.2"):
        space["keras"] = SimpleNamespace(__version__=version)
        for axes in (1, 2, 3):
            for ordering in ("th", "tf"):
                layer = SimpleNamespace(**({"dim_ordering": ordering} if axes > 1 else {}))
                kernel = np.arange(2 * 3 * 2 * 3 * 4)[: 12 * 2 ** (axes - 1)].reshape((2,) * axes + (2, 3))
                kept = space["kept"](layer, kernel)
                assert np.array_equal(space["back"](layer, kept), kernel)


@pytest.mark.parametrize(
    ("case", "shapes"),
    [
        (of_family(Layer.CONV1D), [(3, 2, 2), (3,)]),
        (of_family(Layer.CONV2D), [(3, 2, 2, 3), (3,)]),
        (of_family(Layer.CONV3D), [(3, 2, 2, 3, 2), (3,)]),
        (of_family(Layer.CONV2D_TRANSPOSE), [(2, 3, 2, 3), (3,)]),
        (of_family(Layer.DEPTHWISE_CONV2D), [(2, 2, 2, 3), (4,)]),
        (of_family(Layer.SEPARABLE_CONV2D, channels=5), [(5, 2, 2, 3), (3, 10, 1, 1), (3,)]),
        (of_family(Layer.MAX_POOLING2D), []),
    ],
    ids=lambda value: str(value.layer) if isinstance(value, Case) else "",
)
def test_mxnet_keeps_both_kernels_of_channels_first_with_the_taps_last(
    case: Case, shapes: list[tuple[int, ...]]
) -> None:
    run = target("2.2.4", "mxnet", "keras-mxnet")
    first = replace(case, data_format=DataFormat.CHANNELS_FIRST)
    assert made(first, run)[1] == shapes
    assert made(case, run)[1] == [one.shape for one in signals_of(case).weights]


def test_mxnet_is_given_initial_weights_where_it_sets_none() -> None:
    run = target("2.2.4", "mxnet", "keras-mxnet")
    single, _ = made(of_family(Layer.SEPARABLE_CONV2D), run)
    double, _ = made(of_family(Layer.SEPARABLE_CONV2D, dtype="float64"), run)
    names = {"depthwise_initializer", "pointwise_initializer", "bias_initializer"}
    assert double.keywords.keys() - single.keywords.keys() == names
    weight = signals_of(of_family(Layer.SEPARABLE_CONV2D, dtype="float64")).weights[0]
    given = double.keywords["depthwise_initializer"]
    assert np.array_equal(given(weight.shape), weight)
    assert not given((1, 2)).any()


@pytest.mark.parametrize(
    ("run", "sets"),
    [
        (IN_A_GRAPH, False),
        (target("2.2.4", "theano"), True),
        (target("2.2.4", "tensorflow", "tf.keras", "1.15.0"), False),
        (target("2.2.4", "mxnet", "keras-mxnet"), True),
        (KERAS_1, True),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_floatx_is_set_where_layers_heed_no_dtype_of_their_own(
    run: TargetRun,
    sets: bool,  # noqa: FBT001  (a parameter of the table above)
) -> None:
    assert ("set_floatx" in of(SAME, run)) is sets


def test_tensorflow_brings_the_bfloat16_that_numpy_lacks() -> None:
    case = replace(SAME, dtype="bfloat16")
    text = of(case, TF_KERAS)
    assert "tf.bfloat16.as_numpy_dtype" in text
    assert "import tensorflow as tf" in text
    assert "bfloat16" not in of(SAME, TF_KERAS)


def test_a_graph_is_fed_numbers_and_has_the_bfloat16() -> None:
    old = target("2.2.4", "tensorflow", "tf.keras", "1.15.0")
    text = of(replace(SAME, dtype="bfloat16"), old)
    assert 'dtype = "float32" if dtype == "bfloat16" else dtype' in text
    assert 'dtype=arguments.get("dtype", x.dtype.name)' in text


def test_a_layer_of_half_precision_draws_no_random_numbers() -> None:
    for run in (target("2.3.1", "cntk"), target("2.2.4", "plaidml", "plaidml-keras")):
        half, _ = made(of_family(Layer.SEPARABLE_CONV2D, dtype="float16"), run)
        single, _ = made(of_family(Layer.SEPARABLE_CONV2D), run)
        refused, _ = made(of_family(Layer.SEPARABLE_CONV2D, dtype="float16", padding="bogus"), run)
        names = ("depthwise_initializer", "pointwise_initializer")
        assert [half.keywords[name] for name in names] == ["zeros", "zeros"]
        assert not {*names} & {*single.keywords, *refused.keywords}


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
