"""The adapter for Keras 3 and every mode, with a stand-in for it and for its backends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.data.case_data import make_case_data
from harness.records import ArgumentStyle, Case, Layer, Mode, derive_arguments
from harness.worker.adapters.differentiating import Unconnected, compute_cotangent
from harness.worker.adapters.generation import Unsupported
from harness.worker.adapters.keras3 import Keras3
from harness.worker.adapters.observing import Observer
from tests.judge.made import PLAIN, expected
from tests.worker import backends
from tests.worker.asking import encode_message, observe_case, observe_cases
from tests.worker.standin3 import make_keras3

OPERATION = derive_arguments(replace(PLAIN, layer=Layer.OPS_CONV))
MODES = [Mode.EAGER, Mode.INFERRED, Mode.COMPILED, Mode.JIT, Mode.DYNAMIC, Mode.RELOADED, Mode.GRADIENT]


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> backends.Heard:
    return backends.install(monkeypatch)


@pytest.mark.parametrize(
    "case",
    [
        *(replace(PLAIN, mode=mode) for mode in MODES),
        *(replace(PLAIN, mode=mode, bias=False, dtype="float64") for mode in MODES),
        *(replace(OPERATION, mode=mode) for mode in MODES if mode is not Mode.RELOADED),
    ],
    ids=lambda case: case.id,
)
def test_every_mode_computes_with_the_weights_of_the_case(case: Case) -> None:
    fields = observe_case(Keras3(make_keras3(), "3.99"), case)
    expectation = expected(case)
    assert expectation.values is not None
    assert np.array_equal(fields["output"], expectation.values)
    assert fields["output"].dtype == case.dtype
    for said in ("inferred_shape", "symbolic_shape"):
        if said in fields:
            assert fields[said] == list(getattr(expectation, said)), said


@pytest.mark.parametrize("case", [PLAIN, OPERATION], ids=lambda case: case.id)
@pytest.mark.parametrize(
    ("mode", "said", "inputs"),
    [
        (Mode.EAGER, {"inferred_shape"}, []),
        (Mode.INFERRED, {"inferred_shape", "symbolic_shape"}, [(2, 5, 6, 2)]),
        (Mode.COMPILED, {"symbolic_shape"}, [(None, 5, 6, 2)]),
        (Mode.JIT, {"symbolic_shape"}, [(None, 5, 6, 2)]),
        (Mode.DYNAMIC, {"inferred_shape", "symbolic_shape"}, [(None, None, None, 2)]),
        (Mode.GRADIENT, {"inferred_shape"}, []),
    ],
)
def test_a_mode_says_shapes_for_what_it_knows(case: Case, mode: Mode, said: set[str], inputs: Any) -> None:
    keras = make_keras3()
    fields = observe_case(Keras3(keras, "3.99"), replace(case, mode=mode))
    assert {name for name in fields if name.endswith("_shape")} == said
    assert keras.asked.inputs == inputs


@pytest.mark.parametrize("mode", MODES)
def test_a_layer_says_the_shapes_of_its_weights(mode: Mode) -> None:
    fields = observe_case(Keras3(make_keras3(), "3.99"), replace(PLAIN, mode=mode))
    assert fields["weight_shapes"] == [[2, 3, 2, 3], [3]]


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode is not Mode.RELOADED])
def test_an_operation_has_no_weights_of_its_own(mode: Mode) -> None:
    assert "weight_shapes" not in observe_case(Keras3(make_keras3(), "3.99"), replace(OPERATION, mode=mode))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (Mode.EAGER, {"inferred_shape"}),
        (Mode.INFERRED, {"inferred_shape", "symbolic_shape"}),
        (Mode.COMPILED, {"symbolic_shape"}),
        (Mode.DYNAMIC, {"inferred_shape", "symbolic_shape"}),
        (Mode.RELOADED, {"symbolic_shape"}),
    ],
)
def test_a_call_that_cannot_be_made_still_has_its_shapes(
    mode: Mode, said: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = make_keras3("jax")

    def refuse(self: Any, inputs: Any) -> Any:
        raise NotImplementedError("no kernel for this layout")

    monkeypatch.setattr(keras.layers.Conv2D, "call", refuse)
    case = replace(PLAIN, mode=mode)
    stages: list[str] = []
    heard: dict[str, Any] = {}
    with pytest.raises(NotImplementedError, match="no kernel"):
        Observer(Keras3(keras, "3.99")).observe(encode_message(case), stages.append, heard)
    assert stages[-1] == "call"
    assert heard.keys() == said | {"weight_shapes"}
    assert all(heard[name] == list(getattr(expected(case), name)) for name in said)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_symbolic_weights_are_inputs_of_the_model(dtype: str) -> None:
    keras, case = make_keras3(), replace(OPERATION, mode=Mode.SYMBOLIC, dtype=dtype)
    fields, expectation = observe_case(Keras3(keras, "3.99"), case), expected(case)
    assert expectation.values is not None
    assert np.array_equal(fields["output"], expectation.values)
    assert fields["inferred_shape"] == fields["symbolic_shape"] == list(expectation.symbolic_shape or ())
    assert keras.asked.inputs == [(2, 5, 6, 2), (2, 3, 2, 3)]


@pytest.mark.parametrize("layer", [Layer.CONV2D, Layer.OPS_MAX_POOL])
def test_what_is_handed_no_weights_has_none_that_are_symbolic(layer: Layer) -> None:
    with pytest.raises(Unsupported, match="is handed no weights"):
        observe_case(
            Keras3(make_keras3(), "3.99"), derive_arguments(replace(PLAIN, layer=layer, mode=Mode.SYMBOLIC))
        )


@pytest.mark.parametrize(("mode", "jit"), [(Mode.COMPILED, False), (Mode.JIT, True)])
def test_a_model_is_compiled_as_the_mode_says_and_predicts_a_batch(mode: Mode, *, jit: bool) -> None:
    keras = make_keras3()
    observe_case(Keras3(keras, "3.99"), replace(PLAIN, mode=mode, batch=3))
    assert (keras.asked.jit, keras.asked.on_batch) == ([jit], [3])


def test_a_compiler_that_is_not_used_is_told() -> None:
    with pytest.raises(Unsupported, match="never compiled with jit_compile=True"):
        observe_case(Keras3(make_keras3(heeds_jit=False), "3.99"), replace(PLAIN, mode=Mode.JIT))


def test_what_jax_compiled_is_freed_once_a_batch(heard: backends.Heard) -> None:
    observe_cases(Keras3(make_keras3("jax"), "3.99"), [PLAIN, replace(PLAIN, padding="valid")])
    assert heard.num_clearings == 1


def test_the_compiler_of_torch_starts_anew_with_every_model(heard: backends.Heard) -> None:
    observe_cases(Keras3(make_keras3("torch"), "3.99"), [replace(PLAIN, mode=Mode.JIT)] * 2)
    assert heard.num_resets == 2


@pytest.mark.parametrize("backend", ["numpy", "openvino"])
@pytest.mark.parametrize(
    ("mode", "reason"), [(Mode.JIT, "compiles nothing"), (Mode.GRADIENT, "no gradients")]
)
def test_what_a_backend_cannot_do_is_unsupported_before_a_layer_is_made(
    backend: str, mode: Mode, reason: str
) -> None:
    stages: list[str] = []
    with pytest.raises(Unsupported, match=f"^backend {backend} (has )?{reason}$"):
        observe_case(Keras3(make_keras3(backend), "3.99"), replace(PLAIN, mode=mode), stages)
    assert stages == []


@pytest.mark.parametrize(("backend", "signatures"), [("tensorflow", [(None, None, None, 2)]), ("jax", [])])
def test_tensorflow_traces_without_the_lengths(heard: backends.Heard, backend: str, signatures: Any) -> None:
    observe_case(Keras3(make_keras3(backend), "3.99"), replace(PLAIN, mode=Mode.DYNAMIC))
    assert heard.signatures == signatures


@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
@pytest.mark.parametrize("case", [PLAIN, OPERATION], ids=lambda case: case.id)
def test_gradients_are_those_of_the_input_and_of_each_weight(backend: str, case: Case) -> None:
    fields = observe_case(Keras3(make_keras3(backend), "3.99"), replace(case, mode=Mode.GRADIENT))
    signals = make_case_data(replace(case, mode=Mode.GRADIENT))
    assert [gradient.shape for gradient in fields["gradients"]] == [
        array.shape for array in (signals.inputs, *signals.weights)
    ]
    weighting = compute_cotangent(fields["output"].shape, "float32").sum()
    assert all((gradient == weighting).all() for gradient in fields["gradients"])


@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
def test_a_gradient_that_is_missing_is_an_error(heard: backends.Heard, backend: str) -> None:
    heard.unconnected = True
    with pytest.raises(Unconnected, match="no gradient of the input, of weight 0, of weight 1"):
        observe_case(Keras3(make_keras3(backend), "3.99"), replace(PLAIN, mode=Mode.GRADIENT))


def test_a_reloaded_model_has_the_weights_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = make_keras3()
    load = keras.models.load_model

    def load_model(path: str) -> Any:
        with np.load(path) as weights:
            doubled = [weights[name] * 2 for name in weights.files]
        with open(path, "wb") as file:  # noqa: PTH123
            np.savez(file, *doubled)
        return load(path)

    monkeypatch.setattr(keras.models, "load_model", load_model)
    fields = observe_case(Keras3(keras, "3.99"), replace(PLAIN, mode=Mode.RELOADED))
    values = expected(PLAIN).values
    assert values is not None
    assert np.array_equal(fields["output"], 2 * values)
    (path,) = keras.asked.saved
    assert path.suffix == ".keras"
    assert not path.parent.exists()


def test_an_operation_is_called_on_tensors_after_symbolic_ones() -> None:
    keras = make_keras3()
    observe_case(Keras3(keras, "3.99"), OPERATION)
    assert [kind for kind, _ in keras.asked.operations] == ["KerasTensor", "Tensor"]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (Mode.RELOADED, "an operation is not saved"),
        (Mode.SEQUENTIAL, "an operation is no layer of a Sequential"),
    ],
)
def test_an_operation_is_not_everything_that_a_layer_is(mode: Mode, reason: str) -> None:
    with pytest.raises(Unsupported, match=f"^{reason}$"):
        observe_case(Keras3(make_keras3(), "3.99"), replace(OPERATION, mode=mode))


def test_an_operation_or_layer_that_does_not_exist_is_unsupported() -> None:
    with pytest.raises(Unsupported, match=r"^Keras 3\.99 has no ops\.max_pool$"):
        observe_case(
            Keras3(make_keras3(), "3.99"), derive_arguments(replace(PLAIN, layer=Layer.OPS_MAX_POOL))
        )
    with pytest.raises(Unsupported, match=r"^Keras 3\.99 has no MaxPooling2D$"):
        observe_case(
            Keras3(make_keras3(), "3.99"), derive_arguments(replace(PLAIN, layer=Layer.MAX_POOLING2D))
        )


SQUARE = replace(PLAIN, kernel=(3, 3), strides=(1, 1), padding="valid")


@pytest.mark.parametrize(
    ("form", "given"),
    [
        (ArgumentStyle.TUPLE, {"kernel_size": (3, 3), "strides": (1, 1)}),
        (ArgumentStyle.LIST, {"kernel_size": [3, 3], "strides": [1, 1]}),
        (ArgumentStyle.INT, {"kernel_size": 3, "strides": 1}),
    ],
)
def test_lengths_are_passed_on_in_the_form_of_the_case(form: ArgumentStyle, given: dict[str, Any]) -> None:
    keras = make_keras3()
    observe_case(Keras3(keras, "3.99"), replace(SQUARE, form=form))
    assert keras.asked.layers == [{**given, "dtype": "float32"}]


def test_what_a_case_leaves_out_is_not_passed_on() -> None:
    keras = make_keras3()
    fields = observe_case(Keras3(keras, "3.99"), replace(SQUARE, form=ArgumentStyle.DEFAULTS))
    # The strides are the stand-in's own default, the bias comes although nothing asks for it.
    assert keras.asked.layers == [{"kernel_size": (3, 3), "strides": 1}]
    values = expected(SQUARE).values
    assert values is not None
    assert np.array_equal(fields["output"], values)


def test_an_equal_layer_in_another_form_is_another_layer() -> None:
    keras = make_keras3()
    observe_cases(
        Keras3(keras, "3.99"),
        [SQUARE, replace(SQUARE, form=ArgumentStyle.LIST), replace(SQUARE, input=(8, 8))],
    )
    assert len(keras.asked.layers) == 3
    observe_cases(Keras3(keras, "3.99"), [SQUARE, replace(SQUARE, input=(8, 8))])
    assert len(keras.asked.layers) == 4


def test_a_layer_is_kept_for_its_gradients_too() -> None:
    keras = make_keras3()
    case = replace(SQUARE, mode=Mode.GRADIENT)
    observe_cases(Keras3(keras, "3.99"), [case, replace(case, batch=1)])
    assert len(keras.asked.layers) == 1


def test_what_refuses_to_infer_is_built_afresh_and_called(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = make_keras3()
    made: list[Any] = []
    layer = keras.layers.Conv2D
    build = layer.build

    def refuse(self: Any, shape: Any) -> Any:
        if shape[1] < 5:
            raise ValueError("no window fits")
        return shape

    def noted(self: Any, shape: Any) -> None:
        made.append(self)
        build(self, shape)

    monkeypatch.setattr(layer, "compute_output_shape", refuse)
    monkeypatch.setattr(layer, "build", noted)
    short = replace(PLAIN, input=(4, 6))
    fields = observe_cases(Keras3(keras, "3.99"), [PLAIN, short, PLAIN])
    assert [made.index(one) for one in made] == [0, 1, 2]
    assert "inference_error" not in fields[0]
    assert fields[1]["inference_error"] == {"type": "ValueError", "message": "no window fits"}
    assert "inferred_shape" not in fields[1]
    assert fields[1]["output"].shape == expected(short).shape
