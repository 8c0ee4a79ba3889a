from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import expect
from harness.oracle.expectation import compute_output_shape, count_parameters
from harness.records import Case, DataFormat, Layer, LayerKind, Mode, Refusal, Shape, derive_arguments
from tests.oracle.cases import CASE, LAYERS, signals, unequal_cases

DOCUMENT = replace(
    CASE,
    layer=Layer.CONV2D,
    mode=Mode.SEQUENTIAL,
    input=(5, 5),
    kernel=(2, 2),
    strides=(2, 2),
    dilation=(1, 1),
    padding="Same",
    channels=1,
    filters=24,
)


@pytest.mark.parametrize(
    ("length", "padding", "out"), [(5, "Same", 3), (5, "Valid", 2), (6, "Valid", 3), (6, "Same", 3)]
)
def test_the_documents_models_give_its_shapes_and_120_parameters(length: int, padding: str, out: int) -> None:
    case = replace(DOCUMENT, input=(length, length), padding=padding)
    expectation = expect(case, signals(case))
    assert expectation.inferred_shape == (None, out, out, 24)
    assert expectation.shape == (2, out, out, 24)
    assert expectation.num_parameters == 120
    assert expectation.refusal is Refusal.WRONG


@pytest.mark.parametrize(
    ("mode", "inferred", "symbolic"),
    [
        (Mode.EAGER, (2, 3, 4, 24), None),
        (Mode.GRADIENT, (2, 3, 4, 24), None),
        (Mode.SEQUENTIAL, (None, 3, 4, 24), None),
        (Mode.INFERRED, (2, 3, 4, 24), (2, 3, 4, 24)),
        (Mode.SYMBOLIC, (2, 3, 4, 24), (2, 3, 4, 24)),
        (Mode.COMPILED, (None, 3, 4, 24), (None, 3, 4, 24)),
        (Mode.JIT, (None, 3, 4, 24), (None, 3, 4, 24)),
        (Mode.RELOADED, (None, 3, 4, 24), (None, 3, 4, 24)),
        (Mode.DYNAMIC, (None, None, None, 24), (None, None, None, 24)),
    ],
)
def test_a_mode_knows_before_the_call_what_its_model_is_told(
    mode: Mode, inferred: Shape, symbolic: Shape | None
) -> None:
    case = replace(DOCUMENT, mode=mode, input=(5, 7))
    expectation = expect(case, signals(case))
    assert (expectation.inferred_shape, expectation.symbolic_shape) == (inferred, symbolic)
    first = replace(case, data_format=DataFormat.CHANNELS_FIRST)
    moved = expect(first, signals(first))
    assert moved.inferred_shape == (inferred[0], inferred[-1], *inferred[1:-1])


def test_every_mode_is_told_apart() -> None:
    for mode in Mode:
        case = replace(DOCUMENT, mode=mode)
        assert expect(case, signals(case)).inferred_shape is not None


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.sampled_from(list(LAYERS)).flatmap(lambda pair: unequal_cases(*pair)))
def test_the_shape_is_known_without_the_values(case: Case) -> None:
    values = expect(case, signals(case)).values
    assert values is not None
    assert compute_output_shape(case) == values.shape


@pytest.mark.parametrize("changes", [{"padding": "bogus"}, {"kernel": (0, 2)}])
def test_a_case_that_must_be_refused_has_no_shape(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="has no output: "):
        compute_output_shape(replace(DOCUMENT, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (Layer.CONV2D, ((2, 3, 4, 6), (6,))),
        (Layer.DEPTHWISE_CONV2D, ((2, 3, 4, 5), (20,))),
        (Layer.SEPARABLE_CONV2D, ((2, 3, 4, 5), (1, 1, 20, 6), (6,))),
        (Layer.CONV2D_TRANSPOSE, ((2, 3, 6, 4), (6,))),
        (Layer.MAX_POOLING2D, ()),
    ],
)
def test_weights_have_the_shapes_that_keras_documents(
    layer: Layer, shapes: tuple[tuple[int, ...], ...]
) -> None:
    whole = replace(DOCUMENT, layer=layer, kernel=(2, 3), channels=4, filters=6, multiplier=5)
    for data_format in DataFormat:
        case = derive_arguments(replace(whole, data_format=data_format))
        assert expect(case, signals(case)).weight_shapes == shapes
    refused = replace(derive_arguments(whole), padding="bogus")
    assert expect(refused, signals(refused)).weight_shapes is None


@pytest.mark.parametrize(
    ("layer", "changes", "count"),
    [
        (Layer.CONV2D, {}, 2 * 3 * 4 * 6 + 6),
        (Layer.CONV2D, {"bias": False}, 2 * 3 * 4 * 6),
        (Layer.CONV2D, {"groups": 2}, 2 * 3 * 2 * 6 + 6),
        (Layer.DEPTHWISE_CONV2D, {}, 2 * 3 * 4 * 5 + 4 * 5),
        (Layer.DEPTHWISE_CONV2D, {"bias": False}, 2 * 3 * 4 * 5),
        (Layer.SEPARABLE_CONV2D, {}, 2 * 3 * 4 * 5 + 4 * 5 * 6 + 6),
        (Layer.CONV2D_TRANSPOSE, {}, 2 * 3 * 6 * 4 + 6),
        (Layer.CONV2D_TRANSPOSE, {"bias": False}, 2 * 3 * 6 * 4),
        (Layer.MAX_POOLING2D, {}, 0),
        (Layer.AVERAGE_POOLING2D, {}, 0),
        (Layer.OPS_CONV, {}, 2 * 3 * 4 * 6),
    ],
)
def test_parameters_are_the_kernels_and_a_bias_a_filter(
    layer: Layer, changes: dict[str, object], count: int
) -> None:
    whole = replace(DOCUMENT, layer=layer, kernel=(2, 3), channels=4, filters=6, multiplier=5)
    case = derive_arguments(replace(whole, **changes))  # type: ignore[arg-type]
    assert count_parameters(case) == expect(case, signals(case)).num_parameters == count
    assert count == sum(weight.size for weight in signals(case).weights)


@pytest.mark.parametrize("kind", LayerKind)
def test_values_are_float64_and_the_dtype_is_the_cases(kind: LayerKind) -> None:
    case = derive_arguments(replace(CASE, layer=LAYERS[kind, 1], dtype="float32"))
    expectation = expect(case, signals(case))
    assert expectation.dtype == "float32"
    assert expectation.values is not None
    assert expectation.values.dtype == np.float64
