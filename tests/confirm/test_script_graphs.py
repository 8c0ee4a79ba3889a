"""Scripts that use graphs: how they call Keras 1 and 2, in which layouts and dtypes."""

from __future__ import annotations

import ast
import functools
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.confirm.script_calls import explain_no_script
from harness.confirm.snippet_files import find_names
from harness.data.case_data import make_case_data
from harness.errors import HarnessError
from harness.records import ArgumentStyle, Case, DataFormat, Layer, Mode, TargetRun
from tests.confirm.scripts import (
    IN_A_GRAPH,
    KERAS_1,
    TF_KERAS,
    find_check,
    list_undefined,
    load_snippets,
    make_target,
    write_one,
)
from tests.report.judged import SAME, expectation_of, of_family

GRAPHS = (IN_A_GRAPH, make_target("2.3.1", "cntk"), make_target("2.2.4", "mxnet", "keras-mxnet"), KERAS_1)
NO_GRADIENTS = {"cntk", "mxnet"}


@pytest.mark.parametrize("run", GRAPHS, ids=lambda run: run.name)
@pytest.mark.parametrize("mode", Mode)
def test_every_layer_of_a_graph_has_a_script_or_a_reason(run: TargetRun, mode: Mode) -> None:
    for layer in Layer:
        case = of_family(layer, mode=mode)
        reason = explain_no_script(run, case)
        if layer.is_operation:
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
                write_one(case, run)
            continue
        text = write_one(case, run)
        ast.parse(text, feature_version=(3, 6))
        assert list_undefined(text) == set()


def test_other_layers_of_keras_2_are_called_in_a_graph_without_what_is_newer() -> None:
    text = write_one(of_family(Layer.CONV2D_TRANSPOSE), IN_A_GRAPH)
    assert "dict(layer='Conv2DTranspose', filters=3" in text
    assert not any(word in text.split("check(")[-1] for word in ("output_padding", "dilation_rate"))
    strided = write_one(of_family(Layer.CONV2D_TRANSPOSE, strides=(2, 2), output_padding=(1, 1)), IN_A_GRAPH)
    assert "output_padding=(1, 1)" in strided
    assert "data_format" not in write_one(of_family(Layer.CONV1D), IN_A_GRAPH).split("check(")[-1]


class Recorded:
    """A layer that records the arguments it was made with."""

    def __init__(self, name: str, *positional: object, **keywords: Any) -> None:
        self.call = (name, *positional)
        self.keywords = keywords
        self.dim_ordering = keywords.get("dim_ordering", "tf")


def make_layer(case: Case, run: TargetRun) -> tuple[Recorded, list[tuple[int, ...]]]:
    """Return the layer that a script makes of a case, and the shapes of the weights that it will set."""
    layers = {
        name: functools.partial(Recorded, name)
        for stem in ("Conv", "Convolution", "AtrousConvolution", "MaxPooling", "AveragePooling")
        for name in (f"{stem}{n}D" for n in (1, 2, 3))
    }
    layers |= {str(layer): functools.partial(Recorded, str(layer)) for layer in Layer}
    keras = SimpleNamespace(
        layers=SimpleNamespace(**layers),
        backend=SimpleNamespace(set_floatx=lambda _: None),
        __version__=run.fingerprint["keras"],
    )
    _, call, arguments = find_check(write_one(case, run)).args
    (maker,) = [name for name in find_names(call) if name.startswith("make_in_")]
    make = load_snippets(maker, modules={"keras": keras})[maker]
    given = [] if expectation_of(case).output is None else list(make_case_data(case).weights)
    layer, weights = make(eval(ast.unparse(arguments)), make_case_data(case).inputs, given)
    return layer, [one.shape for one in weights]


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
            of_family(Layer.CONV3D, form=ArgumentStyle.LIST),
            ("Convolution3D", 3, 2, 3, 2),
            {"border_mode": "same", "bias": True, "subsample": [1, 1, 1], "dim_ordering": "tf"},
            (2, 3, 2, 2, 3),
        ),
        (
            "1.2.2",
            of_family(Layer.CONV2D, form=ArgumentStyle.DEFAULTS),
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
    layer, weights = make_layer(case, make_target(version, "theano"))
    assert layer.call == call
    assert layer.keywords == keywords
    assert weights[:1] == ([] if kernel is None else [kernel])


def test_keras_1_gives_gradients_back_in_the_layout_of_later_ones() -> None:
    for version in ("1.0.8", "1.2.2"):
        modules = {"keras": SimpleNamespace(__version__=version)}
        snippets = load_snippets("keep_kernel", "restore_kernel", modules=modules)
        for axes in (1, 2, 3):
            for ordering in ("th", "tf"):
                layer = SimpleNamespace(**({"dim_ordering": ordering} if axes > 1 else {}))
                kernel = np.arange(2 * 3 * 2 * 3 * 4)[: 12 * 2 ** (axes - 1)].reshape((2,) * axes + (2, 3))
                kept = snippets["keep_kernel"](layer, kernel)
                assert np.array_equal(snippets["restore_kernel"](layer, kept), kernel)


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
    run = make_target("2.2.4", "mxnet", "keras-mxnet")
    first = replace(case, data_format=DataFormat.CHANNELS_FIRST)
    assert make_layer(first, run)[1] == shapes
    assert make_layer(case, run)[1] == [one.shape for one in make_case_data(case).weights]


def test_mxnet_is_given_initial_weights_where_it_sets_none() -> None:
    run = make_target("2.2.4", "mxnet", "keras-mxnet")
    single, _ = make_layer(of_family(Layer.SEPARABLE_CONV2D), run)
    double, _ = make_layer(of_family(Layer.SEPARABLE_CONV2D, dtype="float64"), run)
    names = {"depthwise_initializer", "pointwise_initializer", "bias_initializer"}
    assert double.keywords.keys() - single.keywords.keys() == names
    weight = make_case_data(of_family(Layer.SEPARABLE_CONV2D, dtype="float64")).weights[0]
    given = double.keywords["depthwise_initializer"]
    assert np.array_equal(given(weight.shape), weight)
    assert not given((1, 2)).any()


@pytest.mark.parametrize(
    ("run", "sets"),
    [
        (IN_A_GRAPH, False),
        (make_target("2.2.4", "theano"), True),
        (make_target("2.2.4", "tensorflow", "tf.keras", "1.15.0"), False),
        (make_target("2.2.4", "mxnet", "keras-mxnet"), True),
        (KERAS_1, True),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_floatx_is_set_where_layers_heed_no_dtype_of_their_own(
    run: TargetRun,
    sets: bool,  # noqa: FBT001  (a parameter of the table above)
) -> None:
    assert ("set_floatx" in write_one(SAME, run)) is sets


def test_tensorflow_brings_the_bfloat16_that_numpy_lacks() -> None:
    case = replace(SAME, dtype="bfloat16")
    text = write_one(case, TF_KERAS)
    assert "tf.bfloat16.as_numpy_dtype" in text
    assert "import tensorflow as tf" in text
    assert "bfloat16" not in write_one(SAME, TF_KERAS)


def test_a_graph_is_fed_numbers_and_has_the_bfloat16() -> None:
    old = make_target("2.2.4", "tensorflow", "tf.keras", "1.15.0")
    text = write_one(replace(SAME, dtype="bfloat16"), old)
    assert "x=read_bfloat16_as_float32(" in text
    assert 'dtype=arguments.get("dtype", x.dtype.name)' in text


def test_a_layer_of_half_precision_draws_no_random_numbers() -> None:
    for run in (make_target("2.3.1", "cntk"), make_target("2.2.4", "plaidml", "plaidml-keras")):
        half, _ = make_layer(of_family(Layer.SEPARABLE_CONV2D, dtype="float16"), run)
        single, _ = make_layer(of_family(Layer.SEPARABLE_CONV2D), run)
        refused, _ = make_layer(of_family(Layer.SEPARABLE_CONV2D, dtype="float16", padding="bogus"), run)
        names = ("depthwise_initializer", "pointwise_initializer")
        assert [half.keywords[name] for name in names] == ["zeros", "zeros"]
        assert not {*names} & {*single.keywords, *refused.keywords}


@pytest.mark.parametrize(("version", "keeps"), [("2.2.4", False), ("2.2.5", True), ("2.3.1", True)])
def test_keras_computes_in_the_dtype_of_a_layer_since_2_2_5(version: str, *, keeps: bool) -> None:
    text = write_one(replace(SAME, dtype="float64"), make_target(version, "cntk"))
    assert ("set_floatx" in text) is not keeps
