"""A case as the Python that a user would write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.explain.call_code import find_known_input_shape, format_call
from harness.records import ArgumentStyle, Case, DataFormat, Layer, Mode
from tests.report.judged import SAME, of_family


def test_the_call_states_what_is_not_default() -> None:
    case = replace(
        SAME,
        mode=Mode.SEQUENTIAL,
        data_format=DataFormat.CHANNELS_FIRST,
        dilation=(1, 2),
        channels=4,
        groups=2,
        bias=False,
        dtype="float16",
    )
    assert format_call(case) == (
        "Sequential([Input((4, 5, 5)), Conv2D(filters=3, kernel_size=(2, 2), strides=(2, 2), padding='same', "
        "data_format='channels_first', dilation_rate=(1, 2), groups=2, use_bias=False, dtype='float16')])"
        ".predict(x)  # x: float16 (2, 4, 5, 5)"
    )


@pytest.mark.parametrize(
    ("mode", "lines"),
    [
        (Mode.EAGER, ["LAYER(x)  # x: float32 (2, 5, 2)"]),
        (Mode.SEQUENTIAL, ["Sequential([Input((5, 2)), LAYER]).predict(x)  # x: float32 (2, 5, 2)"]),
        (
            Mode.INFERRED,
            ["given = Input(batch_shape=(2, 5, 2))", "model = Model(given, LAYER(given))", "model(x)"],
        ),
        (
            Mode.COMPILED,
            [
                *("given = Input(batch_shape=(None, 5, 2))", "model = Model(given, LAYER(given))"),
                *("model.compile(jit_compile=False)", "model.predict_on_batch(x)"),
            ],
        ),
        (
            Mode.JIT,
            [
                *("given = Input(batch_shape=(None, 5, 2))", "model = Model(given, LAYER(given))"),
                *("model.compile(jit_compile=True)", "model.predict_on_batch(x)"),
            ],
        ),
        (
            Mode.DYNAMIC,
            ["given = Input(batch_shape=(None, None, 2))", "model = Model(given, LAYER(given))", "model(x)"],
        ),
        (
            Mode.RELOADED,
            [
                *("given = Input(batch_shape=(None, 5, 2))", "model = Model(given, LAYER(given))"),
                *('model.save("model.keras")', 'load_model("model.keras")(x)'),
            ],
        ),
        (
            Mode.GRADIENT,
            [
                "y = LAYER(x)  # x: float32 (2, 5, 2)",
                "# gradients of sum(y * cotangent) by input, kernel and bias",
            ],
        ),
    ],
)
def test_every_mode_is_the_code_that_a_person_writes(mode: Mode, lines: list[str]) -> None:
    layer = "Conv1D(filters=3, kernel_size=(2,), strides=(1,), padding='same')"
    wanted = [line.replace("LAYER", layer) for line in lines]
    found = format_call(of_family(Layer.CONV1D, mode=mode)).splitlines()
    assert [line.removesuffix("  # x: float32 (2, 5, 2)") for line in found] == [
        line.removesuffix("  # x: float32 (2, 5, 2)") for line in wanted
    ]
    assert sum("# x: float32 (2, 5, 2)" in line for line in found) == 1


@pytest.mark.parametrize(
    ("case", "call"),
    [
        (
            of_family(Layer.OPS_SEPARABLE_CONV),
            "ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding='same')"
            "  # x: float32 (2, 5, 4, 2), depthwise_kernel (2, 3, 2, 2), pointwise_kernel (1, 1, 4, 3)",
        ),
        (
            of_family(Layer.OPS_CONV, mode=Mode.SYMBOLIC, channels=4, filters=6, groups=2),
            "given = [Input(batch_shape=(2, 5, 4, 3, 4)), Input(batch_shape=(2, 3, 2, 2, 6))]\n"
            "model = Model(given, ops.conv(*given, strides=(1, 1, 1), padding='same'))\n"
            "model([x, kernel])  # x: float32 (2, 5, 4, 3, 4), kernel (2, 3, 2, 2, 6)",
        ),
        (
            of_family(Layer.OPS_MAX_POOL),
            "ops.max_pool(x, pool_size=(2, 3, 2), strides=(1, 1, 1), padding='same')"
            "  # x: float32 (2, 5, 4, 3, 2)",
        ),
        (
            of_family(Layer.OPS_CONV_TRANSPOSE, strides=(2, 2, 2), output_padding=(1, 1, 1)),
            "ops.conv_transpose(x, kernel, strides=(2, 2, 2), padding='same', output_padding=(1, 1, 1))"
            "  # x: float32 (2, 5, 4, 3, 2), kernel (2, 3, 2, 3, 2)",
        ),
        (
            of_family(Layer.DEPTHWISE_CONV1D),
            "DepthwiseConv1D(kernel_size=(2,), strides=(1,), padding='same', depth_multiplier=2)(x)"
            "  # x: float32 (2, 5, 2)",
        ),
        (
            of_family(Layer.AVERAGE_POOLING1D, form=ArgumentStyle.INT),
            "AveragePooling1D(pool_size=2, strides=1, padding='same')(x)  # x: float32 (2, 5, 2)",
        ),
        (
            of_family(Layer.CONV2D, form=ArgumentStyle.LIST),
            "Conv2D(filters=3, kernel_size=[2, 3], strides=[1, 1], padding='same')(x)"
            "  # x: float32 (2, 5, 4, 2)",
        ),
        (
            of_family(Layer.MAX_POOLING1D, form=ArgumentStyle.DEFAULTS, padding="valid", strides=(2,)),
            "MaxPooling1D(pool_size=(2,))(x)  # x: float32 (2, 5, 2)",
        ),
    ],
    ids=lambda value: value.id if isinstance(value, Case) else "",
)
def test_every_layer_is_the_code_that_a_person_writes(case: Case, call: str) -> None:
    assert format_call(case) == call


def test_an_operation_is_compiled_in_a_layer_that_calls_it() -> None:
    assert format_call(of_family(Layer.OPS_DEPTHWISE_CONV, mode=Mode.JIT)).splitlines()[:6] == [
        "class Calls(Layer):",
        "    def call(self, x):",
        "        return ops.depthwise_conv(x, self.kernel, strides=(1, 1), padding='same')",
        "",
        "given = Input(batch_shape=(None, 5, 4, 2))",
        "model = Model(given, Calls()(given))",
    ]
    inferred = format_call(of_family(Layer.OPS_MAX_POOL, mode=Mode.INFERRED))
    assert "model = Model(given, ops.max_pool(given, pool_size=(2, 3, 2)" in inferred


@pytest.mark.parametrize("layer", Layer)
@pytest.mark.parametrize("mode", Mode)
def test_every_call_is_python(layer: Layer, mode: Mode) -> None:
    compile(format_call(of_family(layer, mode=mode)), "call", "exec")


def test_what_is_told_before_the_call_is_the_modes_own() -> None:
    first = of_family(Layer.CONV2D, data_format=DataFormat.CHANNELS_FIRST)
    told = {mode: find_known_input_shape(replace(first, mode=mode)) for mode in Mode}
    assert told[Mode.EAGER] == told[Mode.INFERRED] == told[Mode.GRADIENT] == (2, 2, 5, 4)
    assert told[Mode.DYNAMIC] == (None, 2, None, None)
    assert {told[mode] for mode in (Mode.SEQUENTIAL, Mode.COMPILED, Mode.JIT, Mode.RELOADED)} == {
        (None, 2, 5, 4)
    }
