"""The adapter for Keras 2, with stand-ins for it: by graphs, and eager."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.data.case_data import make_case_data
from harness.records import Case, DataFormat, Layer, Mode, derive_arguments
from harness.worker.adapters.differentiating import compute_cotangent
from harness.worker.adapters.generation import Unsupported
from harness.worker.adapters.graphs import make_placeholder
from harness.worker.adapters.keras2 import Keras2
from tests.judge.made import PLAIN, expected
from tests.worker import backends, standin2
from tests.worker.asking import observe_case, observe_cases

FIRST = replace(PLAIN, data_format=DataFormat.CHANNELS_FIRST)
MODEL = replace(PLAIN, mode=Mode.SEQUENTIAL)
DOUBLE = replace(PLAIN, dtype="float64")


MODELLED = [Mode.INFERRED, Mode.COMPILED, Mode.DYNAMIC, Mode.RELOADED]


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> backends.Heard:
    """TensorFlow 2, as far as the adapter uses it."""
    return backends.install(monkeypatch)


def make_eager(**more: Any) -> Any:
    return standin2.make_keras2(backend_name="tensorflow", is_eager=True, keeps_dtype=True, **more)


def make_keras_for_graphs() -> Any:
    """Return Keras 2.3 on TensorFlow 2: eager is TensorFlow, not its layers."""
    return standin2.make_keras2(backend_name="tensorflow", keeps_dtype=True)


KERASES: dict[str, Callable[[], Any]] = {
    "theano": standin2.make_keras2,
    "mxnet": lambda: standin2.make_keras2(backend_name="mxnet"),
    "tensorflow-by-graphs": make_keras_for_graphs,
    "tensorflow-eager": make_eager,
    "tensorflow-eager-with-groups": lambda: make_eager(knows_groups=True),
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
        *(replace(PLAIN, mode=mode) for mode in MODELLED),
        *(replace(FIRST, mode=mode) for mode in MODELLED),
    ],
    ids=lambda case: case.id,
)
@pytest.mark.parametrize("made", KERASES)
def test_the_layer_computes_with_the_weights_of_the_case(made: str, case: Case) -> None:
    fields = observe_case(Keras2(KERASES[made](), "2.99"), case)
    expectation = expected(case)
    assert expectation.values is not None
    assert np.array_equal(fields["output"], expectation.values)
    assert fields["output"].dtype == case.dtype
    said = {name: fields[name] for name in ("inferred_shape", "symbolic_shape") if name in fields}
    assert said
    assert said == {name: list(getattr(expectation, name)) for name in said}


@pytest.mark.parametrize("mode", [Mode.EAGER, Mode.SEQUENTIAL, *MODELLED])
@pytest.mark.parametrize("made", KERASES)
def test_the_shapes_of_the_weights_are_said_in_the_usual_axes(made: str, mode: Mode) -> None:
    for case in (PLAIN, FIRST, replace(FIRST, bias=False)):
        fields = observe_case(Keras2(KERASES[made](), "2.99"), replace(case, mode=mode))
        assert fields["weight_shapes"] == [[2, 3, 2, 3], [3]][: 1 + case.bias]


@pytest.mark.parametrize("mode", [Mode.EAGER, Mode.SEQUENTIAL, Mode.RELOADED])
@pytest.mark.parametrize("made", KERASES)
def test_a_kernel_of_another_shape_is_said_and_not_filled(
    made: str, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = KERASES[made]()
    whole = keras.layers.Conv2D.__init__

    def turned(self: Any, *, kernel_size: tuple[int, int], **more: Any) -> None:
        whole(self, kernel_size=kernel_size[::-1], **more)

    monkeypatch.setattr(keras.layers.Conv2D, "__init__", turned)
    fields = observe_case(Keras2(keras, "2.99"), replace(PLAIN, mode=mode))
    assert fields["weight_shapes"] == [[3, 2, 2, 3], [3]]
    assert np.array_equal(fields["output"], np.broadcast_to(make_case_data(PLAIN).weights[1], (2, 3, 6, 3)))


def test_groups_are_left_out_where_there_are_none() -> None:
    keras = standin2.make_keras2()
    observe_case(Keras2(keras, "2.99"), PLAIN)
    assert keras.asked.layers == [("Conv2D", {"dtype": "float32"})]


@pytest.mark.parametrize("groups", [-1, 0, 2])
def test_groups_that_cannot_be_said_are_unsupported(groups: int) -> None:
    stages: list[str] = []
    with pytest.raises(Unsupported, match=r"^Conv2D of Keras 2\.99 has no argument groups$"):
        observe_case(Keras2(standin2.make_keras2(), "2.99"), replace(PLAIN, groups=groups), stages)
    assert stages == ["build"]


def test_groups_are_said_where_there_are_some() -> None:
    keras = make_eager(knows_groups=True)
    observe_case(Keras2(keras, "2.99"), replace(PLAIN, groups=-1))
    assert keras.asked.layers[0][1]["groups"] == -1


@pytest.mark.parametrize("made", KERASES)
def test_the_float_type_is_what_it_was_afterwards(made: str) -> None:
    keras = KERASES[made]()
    for case in (DOUBLE, replace(DOUBLE, padding="valid"), PLAIN):
        assert observe_case(Keras2(keras, "2.99"), case)["output"].dtype == case.dtype
        assert keras.backend.floatx() == "float32"
    with pytest.raises(ValueError, match="padding"):
        observe_case(Keras2(keras, "2.99"), replace(DOUBLE, padding="bogus"))
    assert keras.backend.floatx() == "float32"


def test_the_float_type_is_left_alone_where_layers_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = make_eager()
    set_to: list[str] = []
    monkeypatch.setattr(keras.backend, "set_floatx", set_to.append)
    assert observe_case(Keras2(keras, "2.99"), DOUBLE)["output"].dtype == "float64"
    assert set(set_to) <= {"float32"}
    assert keras.asked.layers[-1][1]["dtype"] == "float64"


def test_weights_that_do_not_fit_are_made_by_keras() -> None:
    assert observe_case(Keras2(standin2.make_keras2(), "2.99"), replace(PLAIN, filters=0))[
        "output"
    ].shape == (
        2,
        3,
        6,
        0,
    )
    with pytest.raises(ValueError, match=r"Keras makes no kernel of \(2, 3, 2, -1\)"):
        observe_case(Keras2(standin2.make_keras2(), "2.99"), replace(PLAIN, filters=-1))


def test_weights_without_elements_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = standin2.make_keras2(backend_name="mxnet")
    monkeypatch.setattr(
        keras.backend, "int_shape", lambda weight: tuple(length or None for length in weight.shape)
    )
    case = replace(PLAIN, filters=0)
    assert observe_case(Keras2(keras, "2.99"), case)["output"].shape == (2, 3, 6, 0)


@pytest.mark.parametrize("error", [KeyError("bfloat16"), ValueError("data type is not supported")])
def test_a_dtype_that_no_layer_can_be_built_with_is_no_float_type(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = standin2.make_keras2(keeps_dtype=True)

    def build(*_: object) -> None:
        raise error

    monkeypatch.setattr(keras.layers.Conv2D, "build", build)
    with pytest.raises(Unsupported, match="no float type bfloat16"):
        observe_case(Keras2(keras, "2.99"), replace(PLAIN, dtype="bfloat16"))


def test_whether_layers_heed_their_dtype_is_asked_without_random_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("RandomDistribution: data type must be one of float, double.")

    monkeypatch.setattr(standin2, "halves", refuse)
    keras = standin2.make_keras2(keeps_dtype=True)
    assert observe_case(Keras2(keras, "2.99"), replace(DOUBLE))["output"].dtype == "float64"


def test_a_place_in_a_graph_is_of_bfloat16_where_the_layer_is() -> None:
    keras = standin2.make_keras2()
    for dtype, given in ((None, "float32"), ("float64", "float32"), ("bfloat16", "bfloat16")):
        layer = SimpleNamespace(dtype=dtype)
        assert make_placeholder(keras, layer, np.zeros((2, 3), np.float32)).dtype == given


def test_a_summary_that_is_handed_over_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    fields = observe_case(Keras2(standin2.make_keras2(), "2.99"), MODEL)
    assert fields["summary"] == "conv2d_1 (Conv2D)  (None, 3, 6, 3)  39\nTotal params: 39"
    assert capsys.readouterr().out == "this is printed besides\n"


def test_a_summary_that_is_printed_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    fields = observe_case(Keras2(standin2.make_keras2(prints_summary=True), "2.99"), MODEL)
    assert fields["summary"] == "conv2d_1 (Conv2D)  (None, 3, 6, 3)  39\nTotal params: 39\n"
    assert capsys.readouterr().out == ""


def test_a_model_predicts_in_one_batch() -> None:
    keras = standin2.make_keras2()
    observe_case(Keras2(keras, "2.99"), replace(MODEL, batch=3))
    assert keras.asked.predicted == [3]


def test_a_layer_that_infers_no_shape_says_none() -> None:
    keras = standin2.make_keras2(infers=False)
    assert "inferred_shape" not in observe_case(Keras2(keras, "2.99"), PLAIN)
    assert observe_case(Keras2(keras, "2.99"), MODEL)["inferred_shape"] == [None, 3, 6, 3]


def test_stages_are_entered_in_one_order_whether_or_not_the_layer_is_kept() -> None:
    stages: list[str] = []
    observe_cases(Keras2(standin2.make_keras2(), "2.99"), [PLAIN, replace(PLAIN, input=(7, 9))], stages)
    assert stages == ["build", "infer", "build", "call", "reply", "infer", "call", "reply"]


def test_graphs_are_new_for_another_layer_only() -> None:
    keras = standin2.make_keras2()
    generation = Keras2(keras, "2.99")
    observe_cases(generation, [PLAIN])
    one = keras.backend.num_graphs
    observe_cases(generation, [PLAIN, replace(PLAIN, input=(7, 9))])
    two = keras.backend.num_graphs
    observe_cases(generation, [PLAIN, FIRST])
    assert two - one == one - 1
    assert keras.backend.num_graphs - two == two - one + 1


def test_eager_layers_need_no_graph() -> None:
    keras = make_eager()
    observe_cases(Keras2(keras, "2.99"), [PLAIN, FIRST, MODEL])
    assert keras.backend.num_graphs == 1


@pytest.mark.parametrize("made", KERASES)
def test_a_file_gives_the_weights_of_a_reloaded_model(made: str) -> None:
    keras = KERASES[made]()
    observe_case(Keras2(keras, "2.99"), replace(PLAIN, mode=Mode.RELOADED))
    (path,) = keras.asked.saved
    assert not path.parent.exists()


def test_a_model_that_was_not_compiled_is_saved_without_an_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras in TensorFlow 1.8 would save the configuration of an optimizer, which the model lacks."""
    keras = standin2.make_keras2()
    save = keras.models.Model.save

    def save_too(self: Any, path: str, *, include_optimizer: bool = True) -> None:
        assert not include_optimizer, "'NoneType' object has no attribute 'get_config'"
        save(self, path)

    monkeypatch.setattr(keras.models.Model, "save", save_too)
    observe_case(Keras2(keras, "2.99"), replace(PLAIN, mode=Mode.RELOADED))
    assert len(keras.asked.saved) == 1


def test_lengths_are_unknown_to_a_model_that_is_called_without_them(heard: backends.Heard) -> None:
    case = replace(FIRST, mode=Mode.DYNAMIC)
    for keras, signatures in ((standin2.make_keras2(), []), (make_eager(), [(None, 2, None, None)])):
        observe_case(Keras2(keras, "2.99"), case)
        assert keras.asked.inputs == [(None, 2, None, None)]
        assert heard.signatures == signatures


def test_weights_that_initializers_gave_are_not_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """MXNet cannot set weights in double precision."""
    keras = standin2.make_keras2(backend_name="mxnet")
    build = keras.layers.Conv2D.build

    def build_and_close(self: Any, shape: tuple[Any, ...]) -> None:
        build(self, shape)
        self.set_weights = None

    monkeypatch.setattr(keras.layers.Conv2D, "build", build_and_close)
    for case in (DOUBLE, replace(DOUBLE, mode=Mode.SEQUENTIAL)):
        values = expected(case).values
        assert values is not None
        assert np.array_equal(observe_case(Keras2(keras, "2.99"), case)["output"], values)


def test_a_weight_that_a_layer_forgets_the_initializer_of_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = standin2.make_keras2()
    whole = keras.layers.Conv2D.__init__

    def without_bias_initializer(self: Any, *arguments: Any, **more: Any) -> None:
        more["bias_initializer"] = None
        whole(self, *arguments, **more)

    monkeypatch.setattr(keras.layers.Conv2D, "__init__", without_bias_initializer)
    values = expected(PLAIN).values
    assert values is not None
    assert np.array_equal(observe_case(Keras2(keras, "2.99"), PLAIN)["output"], values)


@pytest.mark.parametrize(("made", "version"), [("theano", "2.9"), ("tensorflow-eager", "2.7.0")])
def test_a_predict_that_heeds_no_compiler_is_unsupported(made: str, version: str) -> None:
    with pytest.raises(Unsupported, match=f"^predict of Keras {version} heeds no jit_compile$"):
        observe_case(Keras2(KERASES[made](), version), replace(PLAIN, mode=Mode.JIT))


def test_a_model_is_compiled_with_the_compiler_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = make_eager()
    plain = keras.models.Model.compile

    def compile_too(self: Any, optimizer: str, loss: str, jit_compile: bool | None = None) -> None:  # noqa: FBT001
        plain(self, optimizer, loss)
        keras.asked.compiled.append(("jit", jit_compile))

    monkeypatch.setattr(keras.models.Model, "compile", compile_too)
    for mode in (Mode.COMPILED, Mode.JIT):
        observe_case(Keras2(keras, "2.8.0"), replace(PLAIN, mode=mode))
    assert keras.asked.compiled[1::2] == [("jit", False), ("jit", True)]


def test_gradients_of_a_graph_are_those_of_what_was_weighted() -> None:
    keras = standin2.make_keras2()
    case = replace(PLAIN, mode=Mode.GRADIENT)
    fields = observe_case(Keras2(keras, "2.99"), case)
    signals = make_case_data(case)
    for found, given in zip(fields["gradients"], (2 * signals.inputs, *signals.weights), strict=True):
        assert np.array_equal(found, given)


def test_gradients_of_eager_layers_are_those_of_a_tape() -> None:
    case = replace(PLAIN, mode=Mode.GRADIENT)
    fields = observe_case(Keras2(make_eager(), "2.99"), case)
    weighting = compute_cotangent(fields["output"].shape, "float32").sum()
    assert [gradient.shape for gradient in fields["gradients"]] == [(2, 5, 6, 2), (2, 3, 2, 3), (3,)]
    assert all((gradient == weighting).all() for gradient in fields["gradients"])


@pytest.mark.parametrize("backend", ["cntk", "mxnet"])
def test_a_backend_without_gradients_is_told(backend: str) -> None:
    with pytest.raises(Unsupported, match=f"^backend {backend} has no gradients$"):
        observe_case(
            Keras2(standin2.make_keras2(backend_name=backend), "2.99"), replace(PLAIN, mode=Mode.GRADIENT)
        )


def test_a_float_type_that_is_none_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no float type bfloat16"):
        observe_case(Keras2(standin2.make_keras2(), "2.99"), replace(PLAIN, dtype="bfloat16"))


@pytest.mark.parametrize("layer", [Layer.OPS_CONV, Layer.DEPTHWISE_CONV2D])
def test_a_layer_that_does_not_exist_is_unsupported(layer: Layer) -> None:
    with pytest.raises(Unsupported, match=rf"^Keras 2\.99 has no {layer}$"):
        observe_case(Keras2(standin2.make_keras2(), "2.99"), derive_arguments(replace(PLAIN, layer=layer)))


class Halves:
    """A bfloat16 tensor of TensorFlow 2.0, which NumPy cannot convert to an array."""

    def numpy(self) -> Any:
        return np.ones((2, 3), "float16")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise AttributeError("Tensor.name is meaningless when eager execution is enabled.")


def test_a_tensor_makes_its_own_array() -> None:
    keras = Keras2(make_eager(), "2.99")
    assert keras.convert_to_numpy(Halves()).shape == (2, 3)
    assert keras.convert_to_numpy(np.ones(4)).shape == (4,)


class OfTensorFlow:
    """A layer of tf.keras 1.13, which asks a shape for its dimensions."""

    __module__ = "tensorflow.python.keras.layers.convolutional"
    built: Any = None

    def build(self, shape: Any) -> None:
        self.built = shape.dims


def test_a_layer_of_tensorflow_is_built_with_its_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorflow = SimpleNamespace(TensorShape=lambda shape: SimpleNamespace(dims=list(shape)))
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    layer = OfTensorFlow()
    Keras2(make_eager(), "2.99").build(layer, (2, 5, 6, 2))
    assert layer.built == [2, 5, 6, 2]
