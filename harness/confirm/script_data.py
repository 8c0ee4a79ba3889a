"""Write the parts of a case as code of a script: the layer, arrays, expected arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final, assert_never

import numpy as np

from harness.confirm.script_generations import BY_GRAPHS, ScriptGeneration
from harness.explain.call_code import format_arguments
from harness.records import Array, Case, DataFormat, DataKind, ExpectedArray, LayerKind, Mode, make_arguments

_EARLIER_VALUES: Final = {"groups": 1, "output_padding": None, "dilation_rate": 1}
"""Arguments that later versions of Keras added, with the values that mean what earlier ones do."""


def write_layer(case: Case, generation: ScriptGeneration) -> str:
    """Write what makes the layer, or the operation itself; for a graph, the layer's arguments."""
    arguments = dict(make_arguments(case))
    if generation is not ScriptGeneration.KERAS_3:  # Older layers do not know these arguments.
        arguments = {
            name: value for name, value in arguments.items() if not _is_newer(name, value, case.ndim)
        }
    if generation in BY_GRAPHS:
        return f"dict(layer={case.layer.value!r}, {format_arguments(arguments, case.form)})"
    if not case.layer.is_operation:
        if case.dtype == "bfloat16" and case.mode is not Mode.RELOADED:
            # Before 3.14, Keras on OpenVINO cannot draw bfloat16 weights, nor those of a layer that it loads.
            arguments |= dict.fromkeys(_name_initializers(case.kind), "zeros")
        return f"lambda: keras.layers.{case.layer}({format_arguments(arguments, case.form)})"
    names = ", ".join(("x", *(kernel.argument for kernel in case.kind.traits.kernels)))
    return f"lambda {names}: keras.{case.layer}({names}, {format_arguments(arguments, case.form)})"


def write_input(values: Array, generation: ScriptGeneration) -> str:
    """Write an array that is passed to Keras; one of bfloat16 is read as this Keras has it."""
    if values.dtype.name != "bfloat16":
        return write_array(values)
    return f"{_find_bfloat16_reader(generation)}({values.shape}, {_write_numbers(values)})"


def write_array(values: Array) -> str:
    """Write an array of a dtype that NumPy has."""
    return f"read_array({values.dtype.name!r}, {values.shape}, {_write_numbers(values)})"


def write_expected(array: ExpectedArray, data: DataKind) -> str:
    """Write the function that says where an array is right, the expected array, and its bound if any."""
    values = write_array(array.values)
    if array.bound is None:
        return f"(is_near, {values})"
    is_right = "is_within_or_alike" if data is DataKind.NONFINITE else "is_within"
    return f"({is_right}, {values}, {write_array(array.bound)})"


def write_list(items: Iterable[str]) -> str:
    """Write a list, with an item per line where there are several."""
    texts = list(items)
    if len(texts) < 2:
        return f"[{', '.join(texts)}]"
    return "[\n        " + ",\n        ".join(texts) + ",\n    ]"


def _name_initializers(kind: LayerKind) -> tuple[str, ...]:
    """Return the names of the arguments that initialise the kernels of a layer."""
    names = (kernel.name for kernel in kind.traits.kernels)
    return tuple(f"{name.removesuffix('_kernel')}_initializer" for name in names)


def _is_newer(name: str, value: Any, ndim: int) -> bool:
    """Return whether a later Keras added an argument, and its value means what earlier ones do."""
    if name == "data_format" and ndim == 1:
        return bool(value == DataFormat.CHANNELS_LAST)
    values = set(value) if isinstance(value, tuple) else {value}
    return name in _EARLIER_VALUES and values == {_EARLIER_VALUES[name]}


def _find_bfloat16_reader(generation: ScriptGeneration) -> str:
    match generation:
        case ScriptGeneration.KERAS_3:
            return "read_bfloat16"
        case ScriptGeneration.KERAS_2:
            return "read_bfloat16_of_tensorflow"
        case ScriptGeneration.KERAS_2_BY_GRAPHS | ScriptGeneration.KERAS_1:
            return "read_bfloat16_as_float32"
        case _:
            assert_never(generation)


def _write_numbers(values: Array) -> str:
    """Write the numbers of an array as a string literal from which the same float64 are read."""
    return repr(" ".join(map(_write_number, values.astype(np.float64).ravel().tolist())))


def _write_number(value: float) -> str:
    """Write an integer as such, any other number as the shortest text of the same float64."""
    is_negative_zero = value == 0 and math.copysign(1, value) < 0
    return str(int(value)) if value.is_integer() and not is_negative_zero else repr(value)
