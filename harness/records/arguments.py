"""The arguments of a case under their Keras names, as a user writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.records.cases import Case
from harness.records.layers import Argument
from harness.records.words import ArgumentStyle, DataFormat


def make_arguments(case: Case) -> Mapping[str, Any]:
    """Return what is passed to the layer or operation besides its input and its weights.

    Lengths are tuples of integers, or single integers in form `int`. Form `defaults` omits each argument that
    equals Keras's default, among them `strides` equal to the `pool_size`.

    Raises:
        ValueError: form `int` with lengths that differ between axes.
    """
    accepted = case.layer.arguments
    values = {name: value for name, value in _make_argument_values(case).items() if name in accepted}
    if case.form is ArgumentStyle.DEFAULTS:
        defaults = _make_default_values(case)
        values = {
            name: value for name, value in values.items() if name not in defaults or value != defaults[name]
        }
    return {name.value: _apply_argument_style(name, value, case.form) for name, value in values.items()}


def _make_argument_values(case: Case) -> Mapping[Argument, Any]:
    return {
        Argument.FILTERS: case.filters,
        Argument.KERNEL_SIZE: case.kernel,
        Argument.POOL_SIZE: case.kernel,
        Argument.STRIDES: case.strides,
        Argument.PADDING: case.padding,
        Argument.OUTPUT_PADDING: case.output_padding,
        Argument.DATA_FORMAT: case.data_format.value,
        Argument.DILATION_RATE: case.dilation,
        Argument.GROUPS: case.groups,
        Argument.DEPTH_MULTIPLIER: case.multiplier,
        Argument.USE_BIAS: case.bias,
        Argument.DTYPE: case.dtype,
    }


def _make_default_values(case: Case) -> Mapping[Argument, Any]:
    """Return Keras's defaults for the arguments whose default is the same in every version.

    The data format is the default of `keras.config.image_data_format()`.
    """
    ones = (1,) * case.ndim
    return {
        Argument.STRIDES: case.kernel if case.kind.traits.is_pooling else ones,
        Argument.PADDING: "valid",
        Argument.OUTPUT_PADDING: None,
        Argument.DATA_FORMAT: DataFormat.CHANNELS_LAST.value,
        Argument.DILATION_RATE: ones,
        Argument.GROUPS: 1,
        Argument.DEPTH_MULTIPLIER: 1,
        Argument.USE_BIAS: True,
        Argument.DTYPE: "float32",
    }


def _apply_argument_style(name: Argument, value: Any, form: ArgumentStyle) -> Any:
    if form is not ArgumentStyle.INT or not isinstance(value, tuple):
        return value
    if len(set(value)) != 1:
        raise ValueError(f"{name.value} {value} is not one integer for all axes")
    return value[0]


def list_gradient_names(case: Case) -> tuple[str, ...]:
    """Return what each gradient of a case is taken of: the input, then each weight in Keras's order."""
    kernels = (kernel.name.replace("_", " ") for kernel in case.kind.traits.kernels)
    return ("input", *kernels, *(("bias",) if case.bias else ()))
